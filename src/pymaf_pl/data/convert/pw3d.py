"""3D Poses in the Wild: gendered SMPL, turned into the moving camera's frame."""

from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track
from scipy.spatial.transform import Rotation

from pymaf_pl.data.convert.boxes import boxes_of_joints
from pymaf_pl.data.convert.joint_maps import place, with_confidence
from pymaf_pl.data.convert.reading import array, listing, need, read_pickle
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import Rows
from pymaf_pl.errors import InputError

_KEYS = ("poses", "betas", "poses2d", "cam_poses", "genders", "campose_valid", "sequence")


def convert(request: Request) -> Rows:
    """Convert a split's frames with a valid camera; boxes around the detected joints, as SPIN's pw3d.py makes them.

    The detected joints (OpenPose's 18) go to the ``openpose`` column. Frames without any are left out.
    """
    folder = need(request.root / "sequenceFiles" / request.split, "3DPW's sequenceFiles")
    files = listing(folder, "*.pkl")
    if not files:
        raise InputError(f"{folder}: no .pkl files of 3DPW")
    rows, without = Rows(), 0
    for file in track(files, description="sequences", transient=True):
        sequence = read_pickle(file, "a 3DPW sequence")
        for key in _KEYS:
            if key not in sequence:
                raise InputError(f"{file}: no key '{key}'; expected {', '.join(_KEYS)}")
        people = len(sequence["poses"])
        for key in ("betas", "poses2d", "genders", "campose_valid"):
            if len(sequence[key]) != people:
                raise InputError(f"{file}: '{key}' is about {len(sequence[key])} people, 'poses' about {people}")
        for person in range(people):
            without += _add_person(rows, sequence, person, file)
    if without:
        rows.notes.append(f"{without} frames without a detected joint were left out")
    return rows


def _add_person(rows: Rows, sequence: dict[str, Any], person: int, file: Path) -> int:
    """Append the frames of one person; return how many had no box."""
    who = f"of person {person}"
    pose = array(sequence["poses"][person], (-1, 72), file, f"poses {who}")
    points = array(sequence["poses2d"][person], (-1, 3, 18), file, f"poses2d {who}").transpose(0, 2, 1)
    cameras = array(sequence["cam_poses"], (-1, 4, 4), file, "cam_poses")
    betas = array(np.ravel(sequence["betas"][person])[:10], (10,), file, f"betas {who}")
    valid = np.asarray(sequence["campose_valid"][person]).ravel().astype(bool)
    gender = str(sequence["genders"][person])
    if gender not in ("m", "f"):
        raise InputError(f"{file}: the gender {who} is {gender!r}, expected m or f")
    if not len(pose) == len(points) == len(valid) <= len(cameras):
        raise InputError(f"{file}: poses, poses2d, campose_valid {who} and cam_poses differ in length")
    boxed = valid & (points[..., 2] > 0).any(axis=1)
    at = np.flatnonzero(boxed)
    if not len(at):
        return int(valid.sum())
    pose = pose[at].copy()
    pose[:, :3] = (Rotation.from_matrix(cameras[at, :3, :3]) * Rotation.from_rotvec(pose[:, :3])).as_rotvec()
    center, scale = boxes_of_joints(points[at][..., :2], points[at][..., 2])
    rows.add(
        [f"imageFiles/{sequence['sequence']}/image_{frame:05d}.jpg" for frame in at],
        center=center,
        scale=scale,
        openpose=place(with_confidence(points[at][..., :2], points[at][..., 2]), "openpose18"),
        pose=pose,
        shape=np.tile(betas, (len(at), 1)),
        has_smpl=np.ones(len(at)),
        gender=[gender] * len(at),
    )
    return int(valid.sum() - len(at))
