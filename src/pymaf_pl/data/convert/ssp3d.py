"""SSP-3D: 311 photographs of sports people with tight silhouettes and gendered bodies."""

import numpy as np

from pymaf_pl.data.convert.boxes import FACTOR
from pymaf_pl.data.convert.joint_maps import place, with_confidence
from pymaf_pl.data.convert.reading import array, need
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import Rows
from pymaf_pl.data.npz import NpzFile
from pymaf_pl.errors import InputError

SIDE, FOCAL = 512, 5000.0
_KEYS = ("fnames", "shapes", "poses", "joints2D", "bbox_centres", "bbox_whs", "genders")


def convert(request: Request) -> Rows:
    """Convert all (``test``). The published centres are (row, column); ``center`` is (x, y)."""
    path = need(request.root / "labels.npz", "SSP-3D's labels")
    with NpzFile(path) as file:
        for key in _KEYS:
            if key not in file:
                raise InputError(f"{path}: no key '{key}'; expected {', '.join(_KEYS)}")
        content = {key: file.read(key, mapped=False) for key in _KEYS}
    names = [str(name) for name in content["fnames"].ravel()]
    count = len(names)
    keypoints = content["joints2D"]
    points = array(keypoints, (count, 17, keypoints.shape[-1] if keypoints.ndim == 3 else 3), path, "joints2D")
    if points.shape[-1] not in (2, 3):
        raise InputError(f"{path}: joints2D has the shape {points.shape}, expected (N, 17, 2 or 3)")
    confidence = np.clip(points[..., 2], 0, 1) if points.shape[-1] == 3 else np.ones(points.shape[:2])
    rows = Rows()
    rows.add(
        [f"images/{name}" for name in names],
        center=array(content["bbox_centres"], (count, 2), path, "bbox_centres")[:, ::-1],
        scale=FACTOR * array(content["bbox_whs"].reshape(count, -1).max(axis=1), (count,), path, "bbox_whs") / 200,
        part=place(with_confidence(points[..., :2], confidence), "coco"),
        pose=array(content["poses"], (count, 72), path, "poses"),
        shape=array(content["shapes"], (count, 10), path, "shapes"),
        has_smpl=np.ones(count),
        gender=[str(gender) for gender in content["genders"].ravel()],
        maskname=[f"silhouettes/{name}" for name in names],
        cam_intrinsics=np.tile([FOCAL, FOCAL, SIDE / 2, SIDE / 2], (count, 1)),
    )
    return rows
