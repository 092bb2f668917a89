"""Somebody else in the picture: a person of an earlier row, who walks through the background or cuts into the front.

Labels know nothing of bystanders: the person in the middle is the one that a row is about.

Frames:  figures are (S, S, 4) RGBA in [0, 1], colours premultiplied by alpha; raster px.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from torch import Tensor

from pymaf_pl.data.synth.camera import Array, Image

_IN_FRONT = 0.15
"""Share of the bystanders that stand between the camera and the person."""


@dataclass(frozen=True)
class Bystander:
    """A figure at its place in somebody else's picture."""

    figure: Image
    in_front: bool


def as_figure(rgb: Tensor, alpha: Tensor) -> Image:
    """Bring a rendered person, (3, S, S) premultiplied and (1, S, S), into one (S, S, 4) array."""
    return np.concatenate([rgb.numpy(), alpha.numpy()]).transpose(1, 2, 0)


def touches_edge(figure: Image) -> bool:
    """Whether the picture's edge cuts the person, who would look cut anywhere else."""
    cover = figure[..., 3]
    return bool(cover[[0, -1]].any() or cover[:, [0, -1]].any())


def lay_over(picture: Image, figure: Image) -> Image:
    """Lay a figure over a picture (S, S, 3)."""
    return figure[..., :3] + picture * (1 - figure[..., 3:])


def draw_bystander(figure: Image, joints: Array, rng: np.random.Generator) -> Bystander:
    """Place a figure beside a person.

    Behind, heads are about level, as they are for a camera at eye level; in front, the figure is larger and farther to
    the side, so that it hides a limb and never the whole.

    Args:
        figure: somebody, where another picture had them.
        joints: (J, 2) raster px of the person that the picture is about.
        rng: source of randomness.
    """
    size = len(figure)
    low, high = joints.min(0), joints.max(0)
    in_front = bool(rng.uniform() < _IN_FRONT)
    zoom = rng.uniform(1.0, 1.4) if in_front else rng.uniform(0.3, 1.0)
    aside = rng.choice([-1.0, 1.0]) * rng.uniform(*((0.4, 0.6) if in_front else (0.15, 0.6))) * size
    covered = np.flatnonzero(figure[..., 3].any(axis=1))
    top = float(covered[0]) if len(covered) else 0.0
    mirror = rng.choice([-1.0, 1.0])
    head = low[1] - 0.06 * (high[1] - low[1]) + rng.normal(0, 0.05 * size)
    middle = (low[0] + high[0]) / 2 + aside
    placed = np.array(
        [[mirror * zoom, 0, middle - mirror * zoom * size / 2], [0, zoom, head - zoom * top]], dtype=np.float64
    )
    moved = cv2.warpAffine(np.ascontiguousarray(figure, np.float32), placed, (size, size), flags=cv2.INTER_AREA)
    return Bystander(np.asarray(moved, np.float32), in_front)
