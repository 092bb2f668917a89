"""Constants that the published PyMAF keeps as buffers."""

import torch
from torch import Tensor
from torch.nn import functional as F

from pymaf_pl.models.points import GridPoints
from pymaf_pl.official.layout import GRID_SIDE, NUM_VERTICES


def points_grid() -> Tensor:
    """Return the (1, 2, 441) grid, x first."""
    return GridPoints(GRID_SIDE).points.transpose(1, 2).contiguous()


def picked_vertices(dmap: Tensor) -> list[int] | None:
    """Return which vertices a (P, V) downsampling matrix picks; None if a row is anything but one 1 among zeros."""
    index = dmap.argmax(dim=1)
    return index.tolist() if dmap.equal(F.one_hot(index, dmap.shape[1]).to(dmap)) else None


def downsampling(vertices: list[int]) -> Tensor:
    """Return the (P, 6890) matrix that picks these vertices: the inverse of :func:`picked_vertices`."""
    return F.one_hot(torch.tensor(vertices), NUM_VERTICES).float()
