"""What an iteration changed: how far every point of a body moved, and that as colour.

Shapes:  T feedback iterations, P points (vertices or joints).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]

RAMP = ((0.93, 0.91, 0.87), (0.95, 0.64, 0.36), (0.66, 0.10, 0.24))
"""Stops from still to far: pale, amber, dark red; their order survives in grey and for the colour-blind."""
_FULL = 99  # percentile of all moves at which the ramp ends: one fingertip must not bleach the rest


def moves(points: FloatArray) -> FloatArray:
    """Return how far each point moved since the iteration before.

    Where the body stands is no part of its shape or pose: every iteration's points are moved to their own mean first.

    Args:
        points: (T+1, P, 3) metres.

    Returns:
        (T+1, P) metres; the first row, which has none before it, is 0.
    """
    points = np.asarray(points, np.float64)
    local = points - points.mean(axis=1, keepdims=True)
    return np.linalg.norm(np.diff(local, axis=0, prepend=local[:1]), axis=-1)


def full_scales(moved: FloatArray) -> FloatArray:
    """Return (T+1,) the moves at which the ramp ends, metres: nearly the largest of each iteration; never 0.

    Each iteration has its own: the first turns the mean body round, the later ones move it by a tenth of that.
    """
    return np.maximum(np.percentile(moved, _FULL, axis=1), 1e-6)


def move_colours(moved: FloatArray) -> FloatArray:
    """Return (T+1, P, 3) r g b in [0, 1] of (T+1, P) moves, on each iteration's own scale."""
    share = np.clip(np.asarray(moved) / full_scales(moved)[:, None], 0, 1)
    stops = np.linspace(0, 1, len(RAMP))
    return np.stack([np.interp(share, stops, [colour[c] for colour in RAMP]) for c in range(3)], axis=-1)


def move_figures(vertices: FloatArray, pose_rotmat: FloatArray | None = None) -> list[Mapping[str, float]]:
    """Return the change of each iteration as figures of a page.

    Args:
        vertices: (T+1, V, 3) metres.
        pose_rotmat: (T+1, 24, 3, 3), if joints' turns are to be told too.

    Returns:
        T+1 rows: mean and largest move of a vertex in mm, mean turn of a joint in degrees; the first row is empty.
    """
    moved = 1000 * moves(vertices)
    rows = [{"moved mm": float(row.mean()), "at most mm": float(row.max())} for row in moved]
    if pose_rotmat is not None:
        before, after = np.asarray(pose_rotmat[:-1], np.float64), np.asarray(pose_rotmat[1:], np.float64)
        cosine = (np.einsum("tjab,tjab->tj", before, after) - 1) / 2
        turns = np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean(axis=1)
        for row, turn in zip(rows[1:], turns.tolist(), strict=True):
            row["joints turned °"] = turn
    return [{}, *rows[1:]]
