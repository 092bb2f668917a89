"""Tables of 4D-Humans (hmr2/datasets/image_dataset.py): other names, boxes in px, 25 + 19 joints."""

from typing import Any

import numpy as np

from pymaf_pl.data.convert.reading import array
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import Rows
from pymaf_pl.data.npz import NpzFile
from pymaf_pl.errors import InputError

EXTRA = 19  # the first 19 of the 24; 4D-Humans leaves out the face points at the end


def convert(request: Request) -> Rows:
    """Convert the file ``root``. Its 25 OpenPose joints in 3D have no place in SPIN's table; the 19 others do."""
    path = request.root
    with NpzFile(path) as file:
        content = {key: file.read(key, mapped=False) for key in _KEYS if key in file}
    for key in ("imgname", "center", "scale"):
        if key not in content:
            raise InputError(f"{path}: no key '{key}'; expected a table of 4D-Humans")
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in content["imgname"].ravel()]
    count = len(names)

    def numbers(key: str, *shape: int) -> np.ndarray:
        return array(content[key], (count, *shape), path, key)

    sides = array(content["scale"].reshape(count, -1).max(axis=1), (count,), path, "scale")
    columns: dict[str, Any] = {"center": numbers("center", 2), "scale": sides / 200}
    if "body_keypoints_2d" in content:
        columns["openpose"] = numbers("body_keypoints_2d", 25, 3)
    if "extra_keypoints_2d" in content:
        columns["part"] = np.zeros((count, 24, 3))
        columns["part"][:, :EXTRA] = numbers("extra_keypoints_2d", EXTRA, 3)
    if "extra_keypoints_3d" in content:
        joints = np.zeros((count, 24, 4))
        joints[:, :EXTRA] = numbers("extra_keypoints_3d", EXTRA, 4)
        columns |= {"S": joints, "has_3d": (joints[..., 3] > 0).any(axis=1)}
    if "body_pose" in content and "betas" in content:
        valid = np.ones(count, bool)
        for key in ("has_body_pose", "has_betas"):
            if key in content:
                valid &= array(content[key].reshape(count, -1)[:, 0], (count,), path, key) != 0
        columns |= {"pose": numbers("body_pose", 72), "shape": numbers("betas", 10), "has_smpl": valid}
    rows = Rows()
    if "body_keypoints_3d" in content:
        rows.notes.append("its 25 OpenPose joints in 3D were left out: the table has no column for them")
    rows.add(names, **columns)
    return rows


_KEYS = (
    "imgname", "center", "scale", "body_keypoints_2d", "extra_keypoints_2d", "body_keypoints_3d", "extra_keypoints_3d",
    "body_pose", "has_body_pose", "betas", "has_betas",
)  # fmt: skip
