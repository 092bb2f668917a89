"""Look at a data set: its pictures in a grid, with the labelled skeleton and the labelled body over them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from pymaf_pl.body.joints import JOINTS_24, select
from pymaf_pl.data.synth.anatomy import shipped_anatomy
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.rotation import rotmat_from_axis_angle
from pymaf_pl.render import rasterize

_BONES = (
    ("right_ankle", "right_knee"), ("right_knee", "right_hip"), ("right_hip", "pelvis"), ("right_wrist", "right_elbow"),
    ("right_elbow", "right_shoulder"), ("right_shoulder", "neck"), ("left_ankle", "left_knee"),
    ("left_knee", "left_hip"), ("left_hip", "pelvis"), ("left_wrist", "left_elbow"), ("left_elbow", "left_shoulder"),
    ("left_shoulder", "neck"), ("pelvis", "spine"), ("spine", "thorax"), ("thorax", "neck"), ("neck", "jaw"),
    ("jaw", "head"), ("head", "head_top"), ("nose", "left_eye"), ("nose", "right_eye"), ("left_eye", "left_ear"),
    ("right_eye", "right_ear"),
)  # fmt: skip
_RIGHT, _LEFT, _MIDDLE, _GUESSED = (240, 80, 60), (60, 130, 255), (250, 220, 60), (150, 150, 150)

Picture = NDArray[np.uint8]


def contact_sheet(
    table_path: Path | str,
    out_png: Path | str,
    rows: Sequence[int] | int = 24,
    *,
    columns: int = 8,
    zoom: int = 1,
    joints: bool = True,
    mesh: bool = False,
) -> Path:
    """Draw rows of a table as a grid.

    Right limbs are red, left limbs blue, joints without confidence grey; the outline of the labelled body is green.

    Args:
        table_path: an ``.npz`` made by ``generate_world``; pictures lie beside it.
        out_png: where to write.
        rows: which rows, or how many from the first.
        columns: pictures in a line.
        zoom: enlarge pictures by a whole factor.
        joints: draw the 2D joints.
        mesh: draw the outline of the body decoded from pose, shape, transl and camera, where the row has them.

    Returns:
        ``out_png``.
    """
    table_path, out_png = Path(table_path), Path(out_png)
    with np.load(table_path) as opened:
        table = dict(opened)
    chosen = list(range(min(rows, len(table["imgname"])))) if isinstance(rows, int) else list(rows)
    tiles = [_tile(table, row, table_path.parent, zoom, joints, mesh) for row in chosen]
    if not tiles:
        raise InputError(f"no rows chosen from {table_path}")
    blank = np.full_like(tiles[0], 255)
    tiles += [blank] * (-len(tiles) % columns)
    lines = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    out_png.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(out_png), np.vstack(lines)[..., ::-1])
    return out_png


def _tile(table: dict[str, NDArray[Any]], row: int, root: Path, zoom: int, joints: bool, mesh: bool) -> Picture:
    name = str(table["imgname"][row])
    stored = cv2.imread(str(root / name), cv2.IMREAD_COLOR_RGB)
    if stored is None:
        raise InputError(f"picture {root / name} is missing or broken")
    picture = cv2.resize(stored, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)
    if mesh and table["has_smpl"][row]:
        _outline(picture, table, row, zoom)
    if joints:
        _skeleton(picture, np.asarray(table["part"][row], np.float64), zoom)
    picture[:, -1] = picture[-1] = 255
    return picture.astype(np.uint8)


def _skeleton(picture: NDArray[Any], part: NDArray[np.float64], zoom: int) -> None:
    at = np.round(((part[:, :2] + 0.5) * zoom - 0.5) * 16).astype(np.int32)
    for first, second in _BONES:
        a, b = select((first, second), JOINTS_24)
        colour = _RIGHT if "right" in first else _LEFT if "left" in first + second else _MIDDLE
        if min(part[a, 2], part[b, 2]) <= 0:
            colour = _GUESSED
        cv2.line(picture, at[a].tolist(), at[b].tolist(), colour, 1, cv2.LINE_AA, 4)


def _outline(picture: NDArray[Any], table: dict[str, NDArray[Any]], row: int, zoom: int) -> None:
    body = shipped_anatomy()[0]
    pose = torch.from_numpy(np.asarray(table["pose"][row], np.float32)).view(1, 24, 3)
    betas = torch.from_numpy(np.asarray(table["shape"][row], np.float32))[None]
    transl = torch.from_numpy(np.asarray(table["transl"][row], np.float32))
    with torch.no_grad():
        rotmat = rotmat_from_axis_angle(pose)
        root = body.joints_49(rotmat, betas)[0, 25 + JOINTS_24.index("pelvis")]
        vertices = body(rotmat, betas).vertices[0] - root + transl
    fx, fy, cx, cy = (float(v) for v in table["cam_intrinsics"][row])
    depth = vertices[:, 2]
    x, y = vertices[:, 0] / depth * fx + cx + 0.5, vertices[:, 1] / depth * fy + cy + 0.5
    screen = torch.stack([x * zoom, y * zoom, -1 / depth], -1)[None]
    height, width = picture.shape[:2]
    inside = (rasterize(screen, body.faces, height, width)[0] >= 0).numpy().astype(np.uint8)
    contours, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, (60, 255, 90), 1)
