"""Where an iteration reads its evidence: points in the crop, given the current body."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pymaf_pl.body import BodyModel
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.rotation import rotmat_from_6d
from pymaf_pl.types import BodyState


class PointSource(nn.Module):
    """Something that says where to read, ``body -> (B, num_points, 2)`` in crop NDC."""

    num_points: int


class GridPoints(PointSource):
    """A fixed square grid over the whole crop, for when there is no mesh worth trusting yet.

    Args:
        side: points along each axis. Point k is ``(axis[k // side], axis[k % side])``; the order is part of the
            checkpoint format.
    """

    points: Tensor

    def __init__(self, side: int = 21) -> None:
        super().__init__()
        axis = torch.linspace(-1, 1, side)
        grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1)
        self.register_buffer("points", grid.reshape(1, side * side, 2), persistent=False)
        self.num_points = side * side

    def forward(self, body: BodyState) -> Tensor:
        """Return the (B, side * side, 2) grid in crop NDC, whatever the body."""
        return self.points.expand(len(body), -1, -1)


class MeshPoints(PointSource):
    """Points of the current mesh's surface, projected by its own camera. No gradient flows through the positions.

    Args:
        body: the body model.
        vertices: which vertices; the body's 431 evenly spread ones by default.
    """

    def __init__(self, body: BodyModel, vertices: Sequence[int] | None = None) -> None:
        super().__init__()
        vertices = list(body.mesh_points if vertices is None else vertices)
        self.surface = body.points(vertices)
        self.num_points = len(vertices)

    @torch.no_grad()
    def forward(self, body: BodyState) -> Tensor:
        """Return (B, P, 2) points in crop NDC."""
        points = self.surface(rotmat_from_6d(body.pose_6d.float()), body.betas).points
        return project(points, body.weak_cam.float())


def grid_then_mesh(body: BodyModel, num_iterations: int, grid_side: int = 21) -> list[PointSource]:
    """Read on the grid first and mesh-aligned from then on: PyMAF."""
    mesh = MeshPoints(body)
    return [GridPoints(grid_side)] + [mesh] * (num_iterations - 1)


def mesh_only(body: BodyModel, num_iterations: int) -> list[PointSource]:
    """Read mesh-aligned from the start, on the mean body at first."""
    return [MeshPoints(body)] * num_iterations


def grid_only(body: BodyModel, num_iterations: int, grid_side: int = 21) -> list[PointSource]:
    """Read on the grid always: feedback without alignment."""
    return [GridPoints(grid_side)] * num_iterations
