"""Human3.6M: mocap in camera coordinates, 50 frames a second thinned to 10, boxes from the silhouettes.

Facts and file layout as in SPIN's datasets/preprocess/h36m.py and mmhuman3d's data_converters/h36m.py.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rich.progress import track
from scipy.spatial.transform import Rotation

from pymaf_pl.data.convert.boxes import FACTOR, SILHOUETTE_FACTOR, boxes_of_corners, boxes_of_joints
from pymaf_pl.data.convert.cameras import Lens, read_cameras
from pymaf_pl.data.convert.frames import extract_frames
from pymaf_pl.data.convert.joint_maps import H36M_OF_32, FloatArray, place, with_confidence
from pymaf_pl.data.convert.reading import array, hdf5_array, listing, need, open_hdf5, read_cdf, read_pickle
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.resuming import remembered
from pymaf_pl.data.convert.rows import Rows
from pymaf_pl.errors import InputError

SUBJECTS = {"train": ("S1", "S5", "S6", "S7", "S8"), "valid": ("S9", "S11")}
CAMERAS = ("54138969", "55011271", "58860488", "60457274")
FRONTAL = "60457274"
STEP = 5  # 50 to 10 frames a second
_LAYOUTS = ("images/{name}", "{subject}/{sequence}/{name}", "{subject}/images/{sequence}/{name}")


def convert(request: Request) -> Rows:
    """Convert subjects 1 5 6 7 8 (``train``) or 9 11 (``valid``); protocol 2 keeps the frontal camera only."""
    rows = Rows()
    root, subjects = request.root, SUBJECTS[request.split]
    here = [subject for subject in subjects if (root / subject).is_dir()]
    if not here:
        need(root / subjects[0], f"Human3.6M's folders {' '.join(subjects)}")
    if len(here) < len(subjects):
        rows.notes.append(f"subjects {' '.join(s for s in subjects if s not in here)} are not there")
    metadata = root / "metadata.xml"
    lenses = read_cameras(metadata) if metadata.is_file() else {}
    if not lenses:
        rows.notes.append("metadata.xml is not there: no camera columns")
    files = [
        (subject, file)
        for subject in here
        for file in listing(need(root / subject / "MyPoseFeatures" / "D3_Positions_mono", "3D poses"), "*.cdf")
        if _wanted(file, request)
    ]
    lacking: dict[str, int] = {}
    for subject, file in track(files, description="sequences", transient=True):
        for what in _add_sequence(rows, request, subject, file, lenses):
            lacking[what] = lacking.get(what, 0) + 1
    rows.notes += [f"{count} of {len(files)} sequences have no {what}" for what, count in lacking.items()]
    return rows


def _wanted(file: Path, request: Request) -> bool:
    action, camera = _name(file)
    return not action.startswith("_ALL") and (request.protocol == 1 or camera == FRONTAL)


def _name(file: Path) -> tuple[str, str]:
    action, dot, camera = file.stem.rpartition(".")
    if not dot or camera not in CAMERAS:
        raise InputError(
            f"{file}: expected a name such as 'Directions 1.54138969.cdf' with one of the cameras {CAMERAS}"
        )
    return action, camera


def _add_sequence(rows: Rows, request: Request, subject: str, file: Path, lenses: Mapping[str, Lens]) -> list[str]:
    """Append one video's rows; return what it lacks."""
    lacking: list[str] = []
    action, camera = _name(file)
    sequence = f"{subject}_{action.replace(' ', '_')}.{camera}"
    poses = read_cdf(file, "Human3.6M 3D poses", 96)
    frames = np.arange(0, len(poses), STEP)
    if not len(frames):
        raise InputError(f"{file}: holds no frame")
    joints = poses[frames].reshape(-1, 32, 3)[:, H36M_OF_32] / 1000
    names, images = _images(request, subject, sequence, frames)
    part = _part(request.root / subject / "MyPoseFeatures" / "D2_Positions" / file.name, frames, len(poses))
    if part is None and camera in lenses:
        part = lenses[camera].project(joints)
    if part is None:
        lacking.append("2D positions")
    masks = request.root / subject / "MySegmentsMat" / "ground_truth_bb" / f"{file.stem}.mat"
    if masks.is_file():
        corners = remembered(request.parts, sequence, lambda: _extents(masks, frames))
        center, scale = boxes_of_corners(corners[:, :2], corners[:, 2:], SILHOUETTE_FACTOR)
    elif part is not None:
        lacking.append("silhouettes, so boxes are around the joints")
        center, scale = boxes_of_joints(part, factor=FACTOR)
    else:
        raise InputError(f"{masks}: not found, and no 2D positions or metadata.xml to make boxes from instead")
    columns = {
        "center": center,
        "scale": scale,
        "S": place(with_confidence(joints - joints[:, :1]), "h36m"),
        "has_3d": np.ones(len(frames)),
        "transl": joints[:, 0],
    }
    if part is not None:
        columns["part"] = place(with_confidence(part), "h36m")
    if camera in lenses:
        columns["cam_intrinsics"] = np.tile(lenses[camera].intrinsics, (len(frames), 1))
    if request.mosh is not None:
        fitted = _mosh(request.mosh / subject / f"{action}_cam{CAMERAS.index(camera)}_aligned.pkl", len(frames))
        if fitted is None:
            lacking.append("MoSh fit")
        else:
            columns |= fitted
    if request.extract:
        # SPIN reads one frame before its loop, so that every picture is one frame later than its labels
        shift = int(request.spin)
        wanted = {int(frame) + shift: path for frame, path in zip(frames, images, strict=True)}
        extract_frames(request.root / subject / "Videos" / f"{file.stem}.mp4", wanted)
    elif not images[0].is_file():
        lacking.append("images (--extract takes them from Videos/)")
    rows.add(names, **columns)
    return lacking


def _images(request: Request, subject: str, sequence: str, frames: np.ndarray) -> tuple[list[str], list[Path]]:
    """Return names relative to the root, in the layout that is there, and the files."""
    layout = _LAYOUTS[0]
    for candidate in _LAYOUTS:
        name = candidate.format(subject=subject, sequence=sequence, name=f"{sequence}_{frames[0] + 1:06d}.jpg")
        if (request.root / name).is_file():
            layout = candidate
            break
    names = [
        layout.format(subject=subject, sequence=sequence, name=f"{sequence}_{frame + 1:06d}.jpg") for frame in frames
    ]
    return names, [request.root / name for name in names]


def _part(file: Path, frames: np.ndarray, count: int) -> FloatArray | None:
    if not file.is_file():
        return None
    poses = read_cdf(file, "Human3.6M 2D poses", 64)
    if len(poses) != count:
        raise InputError(f"{file}: {len(poses)} frames, the 3D poses have {count}")
    return poses[frames].reshape(-1, 32, 2)[:, H36M_OF_32]


def _extents(file: Path, frames: np.ndarray) -> FloatArray:
    """Return (N, 4) x0 y0 x1 y1 of the silhouettes; the far corner is one past the last pixel."""
    corners = np.zeros((len(frames), 4))
    with open_hdf5(file, "Human3.6M's silhouettes (MATLAB 7.3)") as content:
        references = content["Masks"]
        for row, frame in enumerate(frames.tolist()):
            if frame >= len(references):
                raise InputError(f"{file}: {len(references)} silhouettes, frame {frame} is labelled")
            mask = hdf5_array(content[references[frame, 0]], file).T == 1
            xs, ys = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
            if len(xs):
                corners[row] = xs[0], ys[0], xs[-1] + 1, ys[-1] + 1
    return corners


def _mosh(file: Path, count: int) -> dict[str, FloatArray] | None:
    """Return pose, shape and has_smpl of a MoSh fit at 10 frames a second; frames beyond its end have none."""
    if not file.is_file():
        return None
    fit = read_pickle(file, "a MoSh fit")
    for key in ("new_poses", "betas"):
        if key not in fit:
            raise InputError(f"{file}: no key '{key}', expected new_poses and betas")
    found = array(fit["new_poses"], (-1, 72), file, "new_poses")[:count]
    betas = array(np.ravel(fit["betas"])[:10], (10,), file, "betas")
    pose, has_smpl = np.zeros((count, 72)), np.zeros(count)
    pose[: len(found)], has_smpl[: len(found)] = found, 1
    # the fits stand on their head: half a turn about x, in the body's own axes (mmhuman3d data_converters/h36m.py)
    turned = Rotation.from_rotvec(found[:, :3]) * Rotation.from_rotvec([np.pi, 0, 0])
    pose[: len(found), :3] = turned.as_rotvec()
    return {"pose": pose, "shape": np.tile(betas, (count, 1)) * has_smpl[:, None], "has_smpl": has_smpl}
