"""Where an iteration reads its evidence: points in the crop, given the current body."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pymaf_pl.body import BodyModel
from pymaf_pl.body.model import NUM_MESH_POINTS
from pymaf_pl.body.subset import farthest_points
from pymaf_pl.errors import InputError
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
        if side < 2:
            raise InputError(f"model.feedback.grid_side={side}: a grid needs at least 2 points along each axis")
        axis = torch.linspace(-1, 1, side)
        grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1)
        self.register_buffer("points", grid.reshape(1, side * side, 2), persistent=False)
        self.num_points = side * side

    def forward(self, body: BodyState) -> Tensor:
        """Return the (B, side * side, 2) grid in crop NDC, whatever the body."""
        return self.points.expand(body.betas.shape[0], -1, -1)


class MeshPoints(PointSource):
    """Points of the current mesh's surface, projected by its own camera. No gradient flows through the positions.

    Args:
        body: the body model.
        vertices: which vertices; the body's 431 evenly spread ones by default.
    """

    def __init__(self, body: BodyModel, vertices: Sequence[int] | None = None) -> None:
        super().__init__()
        vertices = list(body.mesh_points if vertices is None else vertices)
        if not all(0 <= vertex < body.num_vertices for vertex in vertices):
            last = body.num_vertices - 1
            raise InputError(f"model.feedback.vertices: the '{body.name}' body has the vertices 0 to {last}")
        self.surface = body.points(vertices)
        self.num_points = len(vertices)

    @torch.no_grad()
    def forward(self, body: BodyState) -> Tensor:
        """Return (B, P, 2) points in crop NDC."""
        points = self.surface(rotmat_from_6d(body.pose_6d.float()), body.betas).points
        return project(points, body.weak_cam.float())


class GridAndMeshPoints(PointSource):
    """The points of a grid, and after them those of the mesh.

    Args:
        grid: over the whole crop.
        mesh: on the body.
    """

    def __init__(self, grid: GridPoints, mesh: MeshPoints) -> None:
        super().__init__()
        self.grid, self.mesh = grid, mesh
        self.num_points = grid.num_points + mesh.num_points

    def forward(self, body: BodyState) -> Tensor:
        """Return (B, num_points, 2) points in crop NDC."""
        return torch.cat([self.grid(body), self.mesh(body)], dim=1)


def choose_vertices(body: BodyModel, num_points: int = NUM_MESH_POINTS, seed: int | None = None) -> list[int]:
    """Choose vertices of a body to read at.

    Args:
        body: the body model.
        num_points: how many.
        seed: None to spread them evenly over the surface; a number for a random subset, the same for the same number.

    Raises:
        InputError: the body has fewer vertices.
    """
    if not 1 <= num_points <= body.num_vertices:
        raise InputError(
            f"model.feedback.num_points={num_points}: the '{body.name}' body has {body.num_vertices} vertices"
        )
    if seed is not None:
        # a checkpoint keeps the seed alone, and this is the one stream that numpy promises never to change (NEP 19)
        order = np.random.RandomState(seed).permutation(body.num_vertices)
        return sorted(order[:num_points].tolist())
    if num_points == NUM_MESH_POINTS:
        return body.mesh_points
    return farthest_points(body.arrays.v_template, num_points)
