"""How a regressor writes down a pose: which numbers it reads, and adds its correction to.

Everywhere else a pose is 6D; a code of its own is the regressor's private matter, so that nothing that reads a
:class:`BodyState` needs to know it.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from pymaf_pl.errors import InputError
from pymaf_pl.geometry.rotation import (
    rotmat_from_6d,
    rotmat_from_axis_angle,
    rotmat_to_6d,
    rotmat_to_axis_angle,
)
from pymaf_pl.types import POSE_DIM, BodyState

Rotation = Literal["6d", "axis_angle"]


class PoseCode(nn.Module):
    """A body's pose as ``size`` numbers, and back."""

    size: int

    def read(self, pose_6d: Tensor) -> Tensor:
        """Map (B, 24, 6) to (B, size)."""
        raise NotImplementedError

    def write(self, values: Tensor) -> Tensor:
        """Map (B, size) to (B, 24, 6)."""
        raise NotImplementedError


class SixD(PoseCode):
    """The raw 6D numbers as they are, never re-orthonormalised (SPIN, PyMAF)."""

    size = POSE_DIM

    def read(self, pose_6d: Tensor) -> Tensor:
        """Map (B, 24, 6) to (B, 144)."""
        return pose_6d.flatten(-2)

    def write(self, values: Tensor) -> Tensor:
        """Map (B, 144) to (B, 24, 6)."""
        return values.unflatten(-1, (24, 6))


class AxisAngle(PoseCode):
    """Axis-angle vectors, to which corrections are added (HMR, Kanazawa et al., CVPR 2018).

    A rotation has many such vectors, one turn apart along its axis. HMR carries them on from iteration to iteration;
    here the one nearest to the mean body's is read off the rotation, which is the same until a joint is half a turn
    away from its mean. It matters for the root, whose mean, half a turn about x, is where the shortest vectors jump.

    Args:
        mean: the mean body.
    """

    size = 24 * 3
    mean: Tensor

    def __init__(self, mean: BodyState) -> None:
        super().__init__()
        short = rotmat_to_axis_angle(rotmat_from_6d(mean.pose_6d))
        # of the two vectors of half a turn rounding would choose; HMR's root is +pi about x
        negative = (short.norm(dim=-1, keepdim=True) > torch.pi - 1e-3) & (short.sum(-1, keepdim=True) < 0)
        self.register_buffer("mean", torch.where(negative, _other_way_round(short), short), persistent=False)

    def read(self, pose_6d: Tensor) -> Tensor:
        """Map (B, 24, 6) to (B, 72), radians."""
        short = rotmat_to_axis_angle(rotmat_from_6d(pose_6d.float()))
        long = _other_way_round(short)
        nearer = _square(long - self.mean) < _square(short - self.mean)
        return torch.where(nearer, long, short).flatten(-2)

    def write(self, values: Tensor) -> Tensor:
        """Map (B, 72) to (B, 24, 6)."""
        return rotmat_to_6d(rotmat_from_axis_angle(values.unflatten(-1, (24, 3))))


def _other_way_round(axis_angle: Tensor) -> Tensor:
    """Turn the other way, to the same end; (..., 3)."""
    # bounded before the root, whose gradient at zero is infinite
    angle = _square(axis_angle).clamp_min(1e-12).sqrt()
    return axis_angle * (1 - 2 * torch.pi / angle)


def _square(vectors: Tensor) -> Tensor:
    return vectors.square().sum(-1, keepdim=True)


def pose_code(rotation: Rotation, mean: BodyState) -> PoseCode:
    """Return a code by its name.

    Raises:
        InputError: names those that there are.
    """
    if rotation == "6d":
        return SixD()
    if rotation == "axis_angle":
        return AxisAngle(mean)
    raise InputError(f"model.rotation={rotation}: the regressors know 6d and axis_angle")
