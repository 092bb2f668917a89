"""From a posed and framed person to the columns of SPIN's table, and to silhouettes and part pictures.

Frames:  camera axes: x right, y down, z forward, metres. Raster px have pixel i's centre at i + 0.5; stored labels have
         it at i, as annotators and SPIN's tables do, so half a pixel is taken off here and nowhere else.
Shapes:  B rows of one render call, S picture side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pymaf_pl.body import BodyModel
from pymaf_pl.body.joints import JOINTS_24
from pymaf_pl.data.synth.anatomy import shipped_anatomy
from pymaf_pl.data.synth.camera import Array, Window
from pymaf_pl.data.synth.recipe import Recipe
from pymaf_pl.data.synth.stage import Stage
from pymaf_pl.render import render_labels

ROOT = JOINTS_24.index("pelvis")
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Shot:
    """One person on stage, posed and framed."""

    stage: Stage
    window: Window
    pose: Array
    transl: Array
    joints: Array
    """(49, 3) in camera axes, from the camera."""
    surface: NDArray[np.float32]
    """(V, 3) the clothed surface, likewise."""


@cache
def _limbs() -> torch.Tensor:
    return torch.from_numpy(shipped_anatomy()[0].surface.limb.astype(np.int64))


def to_screen(surface: torch.Tensor, windows: list[Window]) -> torch.Tensor:
    """Project (B, V, 3) camera-frame points to raster px, with -1 / depth as z, which is linear on the screen."""
    focal = torch.tensor([window.focal for window in windows])[:, None, None]
    centre = torch.tensor([(window.centre_x, window.centre_y) for window in windows])[:, None]
    depth = surface[..., 2:]
    return torch.cat([surface[..., :2] / depth * focal + centre, -1 / depth], dim=-1)


def label(recipe: Recipe, rows: list[int], shots: list[Shot]) -> Columns:
    """Return the SPIN columns of a batch, and the camera that took each picture."""
    labelled = np.array([shot.stage.labelled for shot in shots])
    joints = np.stack([shot.joints for shot in shots])
    transl = np.stack([shot.transl for shot in shots])
    pixels = np.stack([shot.window.project(shot.joints) for shot in shots]) - 0.5
    inside = np.all((pixels >= -0.5) & (pixels < recipe.size - 0.5), axis=-1, keepdims=True)
    keypoints = np.concatenate([pixels, inside], -1)
    rooted = np.concatenate([joints[:, 25:] - transl[:, None], np.ones((len(rows), 24, 1))], -1)
    windows = [shot.window for shot in shots]
    centre, scale = _spin_boxes(keypoints[:, 25:])
    keep = labelled[:, None]
    columns: Columns = {
        "imgname": np.array([f"{recipe.folder}/{row:06d}.jpg" for row in rows]),
        "center": centre.astype(np.float32),
        "scale": scale.astype(np.float32),
        "part": keypoints[:, 25:].astype(np.float32),
        "openpose": keypoints[:, :25].astype(np.float32),
        "S": np.where(keep[..., None], rooted, 0).astype(np.float32),
        "pose": np.where(keep, np.stack([shot.pose.reshape(-1) for shot in shots]), 0).astype(np.float32),
        "shape": np.where(keep, np.stack([shot.stage.betas for shot in shots]), 0).astype(np.float32),
        "has_smpl": labelled.astype(np.uint8),
        "has_3d": labelled.astype(np.uint8),
        "cam_intrinsics": np.array(
            [(w.focal, w.focal, w.centre_x - 0.5, w.centre_y - 0.5) for w in windows], np.float32
        ),
        "transl": np.where(keep, transl, 0).astype(np.float32),
    }
    return columns


def _spin_boxes(keypoints: Array) -> tuple[Array, Array]:
    """Centre and size / 200 of boxes of 1.2 times the larger side of the labelled joints (SPIN preprocessing)."""
    seen = keypoints[..., 2:] > 0
    low = np.where(seen, keypoints[..., :2], np.inf).min(1)
    high = np.where(seen, keypoints[..., :2], -np.inf).max(1)
    return (low + high) / 2, 1.2 * (high - low).max(1) / 200


def write_masks(recipe: Recipe, rows: list[int], shots: list[Shot], body: BodyModel, out: Path) -> Columns:
    """Write silhouettes (0, 255) and parts (0 to 6) of the bare body, whatever stands in front of it."""
    rotmat = torch.from_numpy(
        Rotation.from_rotvec(np.concatenate([shot.pose for shot in shots])).as_matrix()
    ).float().view(-1, 24, 3, 3)  # fmt: skip
    betas = torch.from_numpy(np.stack([shot.stage.betas for shot in shots])).float()
    root = body.joints_49(rotmat, betas)[:, 25 + ROOT]
    transl = torch.from_numpy(np.stack([shot.transl for shot in shots])).float()
    vertices = body(rotmat, betas).vertices + (transl - root)[:, None]
    screen = to_screen(vertices, [shot.window for shot in shots])
    labels = render_labels(screen, body.faces, _limbs(), recipe.size, recipe.size).numpy().astype(np.uint8)
    names: dict[str, list[str]] = {"maskname": [], "partname": []}
    for row, label in zip(rows, labels, strict=True):
        names["maskname"].append(silhouette_name(recipe, row))
        names["partname"].append(f"{recipe.folder}/{row:06d}_part.png")
        write_picture(out / names["maskname"][-1], (label > 0) * np.uint8(255))
        write_picture(out / names["partname"][-1], label)
    return {key: np.array(values) for key, values in names.items()}


def silhouette_name(recipe: Recipe, row: int) -> str:
    """Name a row's silhouette, relative to the folder of the table."""
    return f"{recipe.folder}/{row:06d}_mask.png"


def write_picture(path: Path, picture: NDArray[np.uint8], options: Sequence[int] = ()) -> None:
    """Write a picture in OpenCV's order of channels."""
    if not cv2.imwrite(str(path), picture, list(options)):
        raise OSError(f"could not write {path}")
