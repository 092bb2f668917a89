"""What each iteration gets to see: the options of ``conf/feedback``.

A function here takes the body and, per iteration, which map it may read, and returns one evidence module per iteration.
Adding a kind of feedback: write such a function, and give it a file in ``conf/feedback``.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import nn

from pymaf_pl.body import BodyModel
from pymaf_pl.body.model import NUM_MESH_POINTS
from pymaf_pl.models.attention import AttentionEvidence
from pymaf_pl.models.evidence import GlobalEvidence, MeshAlignedSampler, PointEvidence
from pymaf_pl.models.points import GridAndMeshPoints, GridPoints, MeshPoints, PointSource, choose_vertices


class Reading(NamedTuple):
    """What one iteration may read.

    Attributes:
        level: index of its map in the pyramid, coarse to fine.
        channels: widths of the point MLP, from the map's channels to what is kept of a point.
        align_corners: see :class:`pymaf_pl.models.evidence.MeshAlignedSampler`.
    """

    level: int
    channels: tuple[int, ...]
    align_corners: bool = True


Feedback = Callable[[BodyModel, Sequence[Reading]], list[nn.Module]]


def grid_then_mesh(
    body: BodyModel,
    readings: Sequence[Reading],
    grid_side: int = 21,
    num_points: int = NUM_MESH_POINTS,
    seed: int | None = None,
    vertices: Sequence[int] | None = None,
) -> list[nn.Module]:
    """Read on a grid first and mesh-aligned from then on: PyMAF.

    Args:
        body: the body model.
        readings: one per iteration.
        grid_side: points along each axis of the grid.
        num_points: how many points of the mesh.
        seed: None to spread them evenly, a number for a random subset.
        vertices: these instead, as a published checkpoint names its own.
    """
    grid, mesh = GridPoints(grid_side), _mesh(body, num_points, seed, vertices)
    return [_at(reading, mesh if t else grid) for t, reading in enumerate(readings)]


def mesh_only(
    body: BodyModel,
    readings: Sequence[Reading],
    num_points: int = NUM_MESH_POINTS,
    seed: int | None = None,
    vertices: Sequence[int] | None = None,
) -> list[nn.Module]:
    """Read mesh-aligned from the start, on the mean body at first; arguments as of :func:`grid_then_mesh`."""
    mesh = _mesh(body, num_points, seed, vertices)
    return [_at(reading, mesh) for reading in readings]


def grid_only(body: BodyModel, readings: Sequence[Reading], grid_side: int = 21) -> list[nn.Module]:
    """Read on the grid always: feedback without alignment."""
    grid = GridPoints(grid_side)
    return [_at(reading, grid) for reading in readings]


def global_feature(body: BodyModel, readings: Sequence[Reading]) -> list[nn.Module]:
    """Read the mean of the whole map: the same pyramid and regressors, and nothing of where the body is."""
    return [GlobalEvidence(reading.channels[0], reading.level) for reading in readings]


def attention(
    body: BodyModel,
    readings: Sequence[Reading],
    grid_side: int = 21,
    num_points: int = NUM_MESH_POINTS,
    seed: int | None = None,
    vertices: Sequence[int] | None = None,
    heads: int = 1,
    out_features: int = 2048,
) -> list[nn.Module]:
    """Read on a grid first, then on grid and mesh together, related by self-attention: PyMAF-X.

    Args:
        body: the body model.
        readings: one per iteration.
        grid_side: points along each axis of the grid.
        num_points: how many points of the mesh.
        seed: None to spread them evenly, a number for a random subset.
        vertices: these instead.
        heads: of the attention.
        out_features: length of the evidence from the second iteration on.
    """
    grid = GridPoints(grid_side)
    both = GridAndMeshPoints(grid, _mesh(body, num_points, seed, vertices))
    return [
        AttentionEvidence(reading.level, both, reading.channels, heads, out_features, reading.align_corners)
        if t
        else _at(reading, grid)
        for t, reading in enumerate(readings)
    ]


def _mesh(body: BodyModel, num_points: int, seed: int | None, vertices: Sequence[int] | None) -> MeshPoints:
    return MeshPoints(body, choose_vertices(body, num_points, seed) if vertices is None else vertices)


def _at(reading: Reading, points: PointSource) -> nn.Module:
    return PointEvidence(reading.level, points, MeshAlignedSampler(reading.channels, reading.align_corners))
