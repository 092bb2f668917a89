"""MPI-INF-3DHP: eight studio subjects before chroma walls for training, six test sequences.

Layout and rules as in SPIN's datasets/preprocess/mpi_inf_3dhp.py.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.progress import track

from pymaf_pl.data.convert.boxes import boxes_of_joints
from pymaf_pl.data.convert.frames import extract_frames
from pymaf_pl.data.convert.joint_maps import (
    MPI_INF_OF_17,
    MPI_INF_OF_28,
    MPI_INF_PELVIS,
    FloatArray,
    place,
    with_confidence,
)
from pymaf_pl.data.convert.reading import array, complaining, hdf5_array, need, open_hdf5, read_mat
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import Rows
from pymaf_pl.data.images import read_image
from pymaf_pl.errors import InputError

SUBJECTS, SEQUENCES = range(1, 9), (1, 2)
VIDEOS = (0, 1, 2, 4, 5, 6, 7, 8)  # 3 is a camera that sees too little; 9 and above look from the ceiling
SIDE = 2048
KEEP_EVERY = 10
TEST_SET = "mpi_inf_3dhp_test_set"
_TEST_SIZES = {5: (1920, 1080), 6: (1920, 1080)}  # the two outdoor sequences; the others are 2048 square


def convert(request: Request) -> Rows:
    """Convert ``train`` (every tenth frame that shows all 17 joints) or ``test`` (all valid frames that do)."""
    return _train(request) if request.split == "train" else _test(request)


def _train(request: Request) -> Rows:
    rows, root = Rows(), request.root
    folders = [root / f"S{subject}" / f"Seq{sequence}" for subject in SUBJECTS for sequence in SEQUENCES]
    if not any(folder.is_dir() for folder in folders):
        need(folders[0], "MPI-INF-3DHP's folders S1/Seq1 to S8/Seq2")
    absent = [str(folder.relative_to(root)) for folder in folders if not folder.is_dir()]
    if absent:
        rows.notes.append(f"sequences {' '.join(absent)} are not there")
    counter = missing = 0
    first = ""
    for folder in track([f for f in folders if f.is_dir()], description="sequences", transient=True):
        annotations = folder / "annot.mat"
        points_2d = read_mat(annotations, "annot2", "MPI-INF-3DHP's 2D joints")
        points_3d = read_mat(annotations, "annot3", "MPI-INF-3DHP's 3D joints")
        intrinsics = _calibration(folder / "camera.calibration")
        for video in VIDEOS:
            pixels = _video(points_2d, video, 56, annotations).reshape(-1, 28, 2)[:, MPI_INF_OF_28]
            raw = _video(points_3d, video, 84, annotations).reshape(-1, 28, 3) / 1000
            images = folder / "imageFrames" / f"video_{video}"
            kept: list[tuple[Path, int]] = []
            for name, frame in _frames(images, min(len(pixels), len(raw)), request.spin):
                inside = ((pixels[frame] >= 0) & (pixels[frame] < SIDE)).all()
                counter += int(inside)
                if inside and counter % KEEP_EVERY == 1:
                    kept.append((images / name, frame))
            if request.extract:
                extract_frames(folder / "imageSequence" / f"video_{video}.avi", {frame: file for file, frame in kept})
            there = [(file, frame) for file, frame in kept if file.is_file()]
            missing += len(kept) - len(there)
            first = first or next((str(file.relative_to(root)) for file, _ in kept if not file.is_file()), "")
            at = [frame for _, frame in there]
            if not at:
                continue
            center, scale = boxes_of_joints(pixels[at])
            pelvis = raw[at, MPI_INF_PELVIS]
            columns = {
                "part": place(with_confidence(pixels[at]), "h36m"),
                "S": place(with_confidence(raw[at][:, MPI_INF_OF_28] - pelvis[:, None]), "h36m"),
                "has_3d": np.ones(len(at)),
                "transl": pelvis,
            }
            if video in intrinsics:
                columns["cam_intrinsics"] = np.tile(intrinsics[video], (len(at), 1))
            names = [file.relative_to(root).as_posix() for file, _ in there]
            rows.add(names, center=center, scale=scale, **columns)
    if missing:
        more = "" if request.extract else "; --extract takes frames from imageSequence/"
        rows.notes.append(f"{missing} frames that belong to the table are not there (first: {first}){more}")
    return rows


def _frames(folder: Path, count: int, spin: bool) -> Iterator[tuple[str, int]]:
    """Yield file names and the row of the labels that each belongs to.

    Files are named by their frame, from 1. SPIN numbers them in the order in which the folder lists them, which is any.
    """
    if spin:
        names = [name for name in os.listdir(folder) if name.endswith(".jpg")] if folder.is_dir() else []
        yield from ((name, index) for index, name in enumerate(names[:count]))
    else:
        yield from ((f"frame_{frame + 1:06d}.jpg", frame) for frame in range(count))


def _video(cells: np.ndarray, video: int, width: int, path: Path) -> FloatArray:
    if cells.ndim != 2 or len(cells) <= video:
        raise InputError(f"{path}: expected one cell of labels per video, found the shape {cells.shape}")
    return array(cells[video][0], (-1, width), path, f"the labels of video {video}")


def _calibration(path: Path) -> dict[int, FloatArray]:
    """Return fx, fy, cx, cy by video from ``camera.calibration``; 7 lines a camera, after one line of title."""
    if not path.is_file():
        return {}
    with complaining(path, "camera.calibration"):
        found = re.findall(r"^\s*intrinsic\s+(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        matrices = [np.array(line.split(), dtype=np.float64).reshape(4, 4) for line in found]
    return {video: np.array([m[0, 0], m[1, 1], m[0, 2], m[1, 2]]) for video, m in enumerate(matrices)}


def _test(request: Request) -> Rows:
    rows = Rows()
    base = request.root / TEST_SET if (request.root / TEST_SET).is_dir() else request.root
    sequences = [(number, base / f"TS{number}") for number in range(1, 7)]
    if not any(folder.is_dir() for _, folder in sequences):
        need(sequences[0][1], "MPI-INF-3DHP's test folders TS1 to TS6")
    absent = [folder.name for _, folder in sequences if not folder.is_dir()]
    if absent:
        rows.notes.append(f"test sequences {' '.join(absent)} are not there")
    for number, folder in sequences:
        if not folder.is_dir():
            continue
        file = folder / "annot_data.mat"
        with open_hdf5(file, "MPI-INF-3DHP's test labels (MATLAB 7.3)") as content:
            pixels = array(hdf5_array(content["annot2"], file)[:, 0], (-1, 17, 2), file, "annot2")[:, MPI_INF_OF_17]
            raw = array(hdf5_array(content["univ_annot3"], file)[:, 0], (-1, 17, 3), file, "univ_annot3")[
                :, MPI_INF_OF_17
            ]
            valid = hdf5_array(content["valid_frame"], file).ravel() != 0
        if not len(pixels) == len(raw) == len(valid):
            raise InputError(
                f"{file}: annot2, univ_annot3, valid_frame have {len(pixels)}, {len(raw)}, {len(valid)} rows"
            )
        names = [f"{folder.name}/imageSequence/img_{frame + 1:06d}.jpg" for frame in range(len(valid))]
        width, height = _size(base, names, valid, number)
        inside = ((pixels >= 0) & (pixels < (width, height))).all(axis=(1, 2))
        at = np.flatnonzero(valid & inside)
        center, scale = boxes_of_joints(pixels[at])
        joints = raw[at] / 1000
        prefix = "" if base == request.root else f"{TEST_SET}/"
        rows.add(
            [prefix + names[frame] for frame in at],
            center=center,
            scale=scale,
            part=place(with_confidence(pixels[at]), "h36m"),
            S=place(with_confidence(joints - joints[:, :1]), "h36m"),
            has_3d=np.ones(len(at)),
        )
    return rows


def _size(base: Path, names: list[str], valid: np.ndarray, number: int) -> tuple[int, int]:
    """Return width and height of a sequence's pictures, from the first one that is there."""
    for frame in np.flatnonzero(valid)[:50]:
        if (base / names[frame]).is_file():
            height, width = read_image(base / names[frame]).shape[:2]
            return width, height
    return _TEST_SIZES.get(number, (SIDE, SIDE))
