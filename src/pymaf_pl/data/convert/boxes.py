"""SPIN's square boxes: centre between the extremes, ``scale`` = factor * max(width, height) / 200."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

FACTOR = 1.2  # margin around joints and boxes (SPIN datasets/preprocess/*.py)
SILHOUETTE_FACTOR = 0.9  # Human3.6M's masks are loose (SPIN datasets/preprocess/h36m.py)


def boxes_of_joints(
    points: npt.ArrayLike, known: npt.ArrayLike | None = None, factor: float = FACTOR
) -> tuple[FloatArray, FloatArray]:
    """Return centres (N, 2) and scales (N,) of the boxes around (N, J, 2) points.

    Args:
        points: image px.
        known: (N, J) points that count; all if not given. A row without any gets a scale of zero.
        factor: margin.
    """
    values = np.asarray(points, dtype=np.float64)
    counts = np.ones(values.shape[:2], bool) if known is None else np.asarray(known) > 0
    low = np.where(counts[..., None], values, np.inf).min(axis=1)
    high = np.where(counts[..., None], values, -np.inf).max(axis=1)
    empty = ~counts.any(axis=1)
    low[empty] = high[empty] = 0.0
    return boxes_of_corners(low, high, factor)


def boxes_of_corners(low: npt.ArrayLike, high: npt.ArrayLike, factor: float = FACTOR) -> tuple[FloatArray, FloatArray]:
    """Return centres and scales of boxes given by (N, 2) upper left and lower right corners."""
    first, second = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    return (first + second) / 2, factor * (second - first).max(axis=-1) / 200
