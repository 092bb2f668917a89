"""mmhuman3d's HumanData: one dictionary per data set, 190 joints of which a mask tells the known ones.

Keys as in open-mmlab/mmhuman3d docs/human_data.md, joint order as in core/conventions/keypoints_mapping/human_data.py.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from pymaf_pl.body.joints import JOINTS_24
from pymaf_pl.data.convert.reading import array
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import Rows
from pymaf_pl.data.npz import NpzFile
from pymaf_pl.errors import InputError

JOINTS = 190
OPENPOSE = slice(153, 178)  # BODY_25 in its own order
# where the 24 stand among the 190; regressed hips, neck and so on are the "_extra" ones
_WHERE = (8, 5, 144, 145, 4, 7, 21, 19, 17, 16, 18, 20, 146, 147, 148, 149, 150, 151, 152, 55, 57, 56, 59, 58)
PLACES = dict(zip(JOINTS_24, _WHERE, strict=True))
# of Human3.6M and MPI-INF-3DHP it files the points that SPIN calls jaw and head under "head_extra" and "headtop"
_MOCAP, _MOCAP_PLACES = ("h36m", "mpi_inf_3dhp"), {"jaw": 152, "head": 147}
LONGEST = 8.0  # no person is this many times as long as wide
_KEYS = (
    "image_path", "bbox_xywh", "smpl", "meta", "config", "keypoints2d", "keypoints2d_mask", "keypoints3d",
    "keypoints3d_mask",
)  # fmt: skip


def convert(request: Request) -> Rows:
    """Convert the file ``root``. Its boxes have their margin already.

    Raises:
        InputError: names the row whose box is not that of a person; some published files hold x0 y0 x1 y1 under the
            name ``bbox_xywh``, for which there is ``--boxes xyxy``.
    """
    path = request.root
    with NpzFile(path) as file:
        content = {key: file.read(key, mapped=False) for key in _KEYS if key in file}
    for key in ("image_path", "bbox_xywh"):
        if key not in content:
            raise InputError(f"{path}: no key '{key}'; expected mmhuman3d's HumanData")
    names = [str(name) for name in content["image_path"].ravel()]
    count = len(names)
    if content["bbox_xywh"].shape not in ((count, 4), (count, 5)):
        raise InputError(f"{path}: bbox_xywh has the shape {content['bbox_xywh'].shape}, expected ({count}, 5)")
    boxes = array(content["bbox_xywh"][:, :4], (count, 4), path, "bbox_xywh")
    low = boxes[:, :2]
    size = boxes[:, 2:] if request.boxes == "xywh" else boxes[:, 2:] - low
    columns: dict[str, Any] = {"center": low + size / 2, "scale": size.max(axis=1) / 200}
    if not request.skip_bad:
        _refuse_odd_boxes(request, names, boxes, size)
    else:
        columns["scale"] = np.where(_is_person(size), columns["scale"], 0.0)  # left out when the table is written
    config = str(content["config"]) if "config" in content else ""
    columns |= _joints(content, count, config, path)
    columns |= _bodies(content, count, path)
    rows = Rows()
    rows.add(names, **columns)
    return rows


def _is_person(size: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return (size > 0).all(axis=1) & (size.max(axis=1) <= LONGEST * size.min(axis=1))


def _refuse_odd_boxes(request: Request, names: list[str], boxes: np.ndarray, size: np.ndarray) -> None:
    bad = np.flatnonzero(~_is_person(size))
    if not len(bad):
        return
    row, numbers = int(bad[0]), " ".join(f"{value:g}" for value in boxes[bad[0]])
    width, height = size[row]
    other = "xyxy" if request.boxes == "xywh" else "xywh"
    raise InputError(
        f"{request.root}: row {row} ({names[row]}): bbox_xywh is {numbers}, read as {request.boxes} "
        f"{width:g} x {height:g} px, which is no person's; {len(bad)} such rows; "
        f"try --boxes {other}, or leave them out with --skip-bad"
    )


def _joints(content: dict[str, Any], count: int, config: str, path: Any) -> dict[str, Any]:
    places = PLACES | (_MOCAP_PLACES if config.startswith(_MOCAP) else {})
    columns: dict[str, Any] = {}
    if "keypoints2d" in content:
        points = _whole(content, "keypoints2d", count, 3, path)
        columns["openpose"] = points[:, OPENPOSE]
        columns["part"] = points[:, [places[name] for name in JOINTS_24]]
        if config.startswith(_MOCAP):
            columns["part"][:, JOINTS_24.index("head_top")] = 0
    if "keypoints3d" in content:
        points = _whole(content, "keypoints3d", count, 4, path)[:, [places[name] for name in JOINTS_24]]
        if config.startswith(_MOCAP):
            points[:, JOINTS_24.index("head_top")] = 0
        columns |= {"S": points, "has_3d": (points[..., 3] > 0).any(axis=1)}
    return columns


def _whole(content: dict[str, Any], key: str, count: int, width: int, path: Any) -> np.ndarray:
    """Return all 190 joints; files are often stored without those that the mask rules out."""
    values = content[key]
    mask = np.ravel(content.get(f"{key}_mask", np.ones(JOINTS))).astype(bool)
    if len(mask) != JOINTS:
        raise InputError(
            f"{path}: {key}_mask is about {len(mask)} joints, expected {JOINTS}; convert it with mmhuman3d 0.10"
        )
    if values.ndim == 3 and values.shape[1] != JOINTS:
        known = array(values, (count, int(mask.sum()), width), path, key)
        values = np.zeros((count, JOINTS, width))
        values[:, mask] = known
    whole = array(values, (count, JOINTS, width), path, key).copy()
    whole[:, ~mask] = 0
    return whole


def _bodies(content: dict[str, Any], count: int, path: Any) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if "smpl" in content:
        body = content["smpl"].item() if content["smpl"].shape == () else None
        if not isinstance(body, dict):
            raise InputError(f"{path}: 'smpl' is not a dictionary")
        for key in ("global_orient", "body_pose", "betas"):
            if key not in body:
                raise InputError(f"{path}: 'smpl' has no '{key}'")
        root = array(_plain(body["global_orient"], count), (count, 3), path, "smpl global_orient")
        limbs = array(_plain(body["body_pose"], count), (count, 69), path, "smpl body_pose")
        columns["pose"] = np.concatenate([root, limbs], axis=1)
        columns["shape"] = array(_plain(body["betas"], count)[:, :10], (count, 10), path, "smpl betas")
        columns["has_smpl"] = np.ones(count)
    if "meta" in content:
        meta = content["meta"].item() if content["meta"].shape == () else {}
        gender = np.ravel(meta.get("gender", [])) if isinstance(meta, dict) else np.array([])
        if len(gender) == count:
            columns["gender"] = [str(one)[:1].lower() for one in gender]
    return columns


def _plain(values: Any, count: int) -> np.ndarray:
    return np.asarray(np.asarray(values).reshape(count, -1).tolist(), dtype=np.float64)
