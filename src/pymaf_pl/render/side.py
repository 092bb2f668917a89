"""People from the side, where depth shows: numpy in, numpy picture out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pymaf_pl.render.overlay import Colour, overlay_meshes

_PAPER = 244  # grey level of the background
_MARGIN = 0.06


def side_view(
    vertices: Sequence[ArrayLike],
    faces: ArrayLike,
    height: int = 480,
    colours: Sequence[Colour | ArrayLike] | None = None,
) -> NDArray[np.uint8]:
    """Draw people as somebody sees them who stands to the right of the camera's view, 90 degrees round.

    The projection is parallel, so that nobody is small for being far from the viewer; the camera is to the left.

    Args:
        vertices: of each person, (V, 3) metres in camera axes, where they stand before the camera.
        faces: (F, 3), shared by all.
        height: of the picture, px; its width, at most three times that, is what the people need.
        colours: of each person, as for :func:`overlay_meshes`.

    Returns:
        (height, W, 3) uint8.
    """
    if not vertices:
        return np.full((height, height, 3), _PAPER, np.uint8)
    # depth to the right, down stays down, and away from the new viewer is the photo's left
    turned = [np.asarray(v, np.float64) @ np.array([[0, 0, -1], [0, 1, 0], [1, 0, 0]], np.float64) for v in vertices]
    every = np.concatenate(turned)
    low, high = every.min(axis=0), every.max(axis=0)
    inner = height * (1 - 2 * _MARGIN)
    scale = min(inner / (high - low)[1], (3 * height - 2 * _MARGIN * height) / (high - low)[0])
    width = round(scale * (high - low)[0] + 2 * _MARGIN * height)
    corner = (low + high)[:2] / 2 - np.array([width, height]) / (2 * scale)
    screens = [np.concatenate([(v[:, :2] - corner) * scale, v[:, 2:]], axis=1) for v in turned]
    paper = np.full((height, width, 3), _PAPER, np.uint8)
    return overlay_meshes(paper, screens, turned, faces, colours, opacity=1.0)
