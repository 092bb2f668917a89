"""A contact sheet of any annotation table: box crops with the labelled 2D joints over them."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pymaf_pl.atomic import replacing
from pymaf_pl.body.joints import JOINTS_24, OPENPOSE_25
from pymaf_pl.data.annotations import Annotations, load_annotations
from pymaf_pl.data.images import ImageArray, read_image, warp_crop
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.crop import crop_affine, transform_points

_BONES = (
    ("right_ankle", "right_knee"), ("right_knee", "right_hip"), ("right_wrist", "right_elbow"),
    ("right_elbow", "right_shoulder"), ("right_shoulder", "neck"), ("left_ankle", "left_knee"),
    ("left_knee", "left_hip"), ("left_wrist", "left_elbow"), ("left_elbow", "left_shoulder"),
    ("left_shoulder", "neck"), ("right_hip", "left_hip"), ("neck", "head_top"), ("neck", "nose"), ("neck", "pelvis"),
    ("nose", "left_eye"), ("nose", "right_eye"), ("left_eye", "left_ear"), ("right_eye", "right_ear"),
    ("left_ankle", "left_big_toe"), ("right_ankle", "right_big_toe"),
)  # fmt: skip
_RIGHT, _LEFT, _MIDDLE = (240, 80, 60), (60, 130, 255), (250, 220, 60)
_MARGIN = 1.2  # of the box, so that a limb that leaves it is seen to do so


def draw_sheet(table_path: Path, image_root: Path, out: Path, rows: int, columns: int, tile: int) -> Path:
    """Draw ``rows`` people, evenly spread over the table; right limbs red, left limbs blue, the box as a thin frame.

    Joints are the 24 annotated ones, and the 25 detected ones where a row has no other. Joints without confidence are
    left out.

    Raises:
        InputError: the table or an image is missing or broken, or the picture cannot be written.
    """
    table = load_annotations(table_path)
    chosen = np.unique(np.linspace(0, len(table) - 1, min(rows, len(table))).round().astype(int))
    return draw_rows(table, chosen.tolist(), image_root, out, columns, tile)


def draw_rows(table: Annotations, rows: Sequence[int], image_root: Path, out: Path, columns: int, tile: int) -> Path:
    """Draw some rows of a table, as :func:`draw_sheet` does."""
    tiles = [_tile(table, int(row), image_root, tile) for row in rows]
    columns = min(columns, len(tiles))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    lines = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    try:
        with replacing(out) as draft:
            if not cv2.imwrite(str(draft), np.ascontiguousarray(np.vstack(lines)[..., ::-1])):
                raise InputError(f"{out}: cannot be written")
    except (OSError, cv2.error) as error:
        raise InputError(f"{out}: cannot be written ({str(error).strip().splitlines()[-1]}); use a .png name") from None
    return out


def labelled_joints(table: Annotations, row: int) -> dict[str, npt.NDArray[np.float32]]:
    """Return name to x, y, confidence of the joints that a row labels in 2D."""
    names = tuple(JOINTS_24)
    joints = {name: xyc for name, xyc in zip(names, table.part[row], strict=True) if xyc[2] > 0}
    if joints:
        return joints
    return {name: xyc for name, xyc in zip(OPENPOSE_25.values(), table.openpose[row], strict=True) if xyc[2] > 0}


def _tile(table: Annotations, row: int, root: Path, size: int) -> ImageArray:
    affine = crop_affine(table.center[row], 200.0 * table.scale[row] * _MARGIN, size)
    picture = np.ascontiguousarray(warp_crop(read_image(root / table.imgname[row]), affine, size))
    inset = round(size * (1 - 1 / _MARGIN) / 2)
    cv2.rectangle(picture, (inset, inset), (size - 1 - inset, size - 1 - inset), (200, 200, 200), 1)
    joints = labelled_joints(table, row)
    # 1/16 px steps: OpenCV's fixed-point drawing
    at = {name: np.round(transform_points(xyc[:2], affine) * 16).astype(int).tolist() for name, xyc in joints.items()}
    for first, second in _BONES:
        if first in at and second in at:
            cv2.line(picture, at[first], at[second], _colour(first + second), 1, cv2.LINE_AA, 4)
    for name, point in at.items():
        cv2.circle(picture, point, 2 * 16, _colour(name), -1, cv2.LINE_AA, 4)
    text = f"{row}" if joints else f"{row} no 2D joints"
    for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(picture, text, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, width, cv2.LINE_AA)
    picture[:, -1] = picture[-1] = 255
    return picture


def _colour(name: str) -> tuple[int, int, int]:
    # a bone between the sides is neither
    right, left = "right" in name, "left" in name
    return _MIDDLE if right == left else _RIGHT if right else _LEFT
