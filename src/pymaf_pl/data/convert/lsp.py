"""Leeds Sports Pose: 2000 photographs, the first 1000 for training, the last 1000 for testing."""

from pathlib import Path

import numpy as np

from pymaf_pl.data.convert.boxes import boxes_of_joints
from pymaf_pl.data.convert.joint_maps import FloatArray, place, with_confidence
from pymaf_pl.data.convert.reading import need, read_mat
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import Rows
from pymaf_pl.errors import InputError

IMAGES, HALF = 2000, 1000
_SUFFIXES = ("_segmentation.png", "_part_segmentation.png")  # of UPi-S1h (classner/up, data/lsp)


def convert(request: Request) -> Rows:
    """Convert images 1 to 1000 (``train``) or 1001 to 2000 (``test``, with UPi-S1h's masks where they are).

    All 14 joints are annotated, also hidden ones; where ``joints.mat`` flags a joint as occluded it gets confidence 0,
    and still counts for the box. SPIN ignores the flag.
    """
    path = request.root / "joints.mat"
    joints = read_mat(path, "joints", "LSP's joints (2 or 3, 14, 2000)").astype(np.float64)
    if joints.ndim != 3 or joints.shape[0] not in (2, 3) or joints.shape[1] != 14:
        raise InputError(
            f"{path}: 'joints' has the shape {joints.shape}, expected (3, 14, 2000); is this LSP-Extended?"
        )
    chosen = np.arange(0, HALF) if request.split == "train" else np.arange(HALF, IMAGES)
    chosen = chosen[chosen < joints.shape[2]]
    names = [f"images/im{index + 1:04d}.jpg" for index in chosen]
    points = joints[:2, :, chosen].transpose(2, 1, 0)
    occluded = joints[2][:, chosen].T > 0 if len(joints) == 3 and not request.spin else np.zeros(points.shape[:2], bool)
    rows = Rows()
    there = np.array([(request.root / name).is_file() for name in names], dtype=bool)
    if not there.all():
        rows.notes.append(f"{(~there).sum()} of {len(names)} images are not there and were left out")
    center, scale = boxes_of_joints(points)
    columns: dict[str, FloatArray | list[str]] = {
        "center": center[there],
        "scale": scale[there],
        "part": place(with_confidence(points, ~occluded), "lsp")[there],
    }
    if request.split == "test":
        columns |= _masks(request, chosen[there], rows)
    rows.add([name for name, here in zip(names, there, strict=True) if here], **columns)
    return rows


def _masks(request: Request, chosen: np.ndarray, rows: Rows) -> dict[str, list[str]]:
    folder = _mask_folder(request)
    if folder is None:
        rows.notes.append("no UPi-S1h masks (--masks FOLDER): segmentation cannot be evaluated")
        return {}
    columns: dict[str, list[str]] = {}
    for key, suffix in zip(("maskname", "partname"), _SUFFIXES, strict=True):
        files = [folder / f"im{index + 1:04d}{suffix}" for index in chosen]
        missing = sum(not file.is_file() for file in files)
        if missing:
            rows.notes.append(f"{missing} of {len(files)} masks im....{suffix} are not in {folder}")
        try:
            columns[key] = [file.relative_to(request.root).as_posix() if file.is_file() else "" for file in files]
        except ValueError:
            raise InputError(
                f"{folder}: masks are named relative to the images; move or link them into {request.root}"
            ) from None
    return columns


def _mask_folder(request: Request) -> Path | None:
    if request.masks is not None:
        root = need(request.masks, "UPi-S1h's masks")
        candidates = [root / "data" / "lsp", root / "lsp", root]
    else:
        candidates = [request.root / "upi-s1h" / "data" / "lsp", request.root / "data" / "lsp"]
    return next((folder for folder in candidates if any(folder.glob(f"im*{_SUFFIXES[0]}"))), None)
