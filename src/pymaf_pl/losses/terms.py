"""The losses of one iteration, one small class per term (SPIN; PyMAF adds the vertices).

Every term sees all T supervised iterations at once and returns one value per iteration. A row without the label that a
term needs does not count; a batch without any gives zero. Default weights are the published ones.

Shapes:  T iterations, B people.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from pymaf_pl.body.joints import HIPS_24, OPENPOSE_25

_NUM_OPENPOSE = len(OPENPOSE_25)


class DecodedBodies(NamedTuple):
    """What the terms look at, decoded once.

    Attributes:
        rotmat: (T, B, 24, 3, 3).
        betas: (T, B, 10).
        weak_cam: (T, B, 3).
        joints_49: (T, B, 49, 3) metres, camera axes, before translation.
        keypoints_2d: (T, B, 49, 2) crop NDC.
        vertices: (T, B, V, 3), only when a term needs them.
    """

    rotmat: Tensor
    betas: Tensor
    weak_cam: Tensor
    joints_49: Tensor
    keypoints_2d: Tensor
    vertices: Tensor | None


class Targets(NamedTuple):
    """Labels in the form the terms compare with; masks as in :class:`pymaf_pl.types.Batch`.

    Attributes:
        rotmat: (B, 24, 3, 3).
        betas: (B, 10).
        keypoints_2d: (B, 49, 3).
        keypoints_3d: (B, 24, 4).
        has_pose, has_betas, has_keypoints_3d: (B,) bool.
        vertices: (B, V, 3), only when a term needs them.
    """

    rotmat: Tensor
    betas: Tensor
    keypoints_2d: Tensor
    keypoints_3d: Tensor
    has_pose: Tensor
    has_betas: Tensor
    has_keypoints_3d: Tensor
    vertices: Tensor | None


class Term(Protocol):
    """A weighted loss: ``needs_vertices`` asks for the full surface."""

    weight: float
    needs_vertices: bool

    def __call__(self, predicted: DecodedBodies, target: Targets) -> Tensor:
        """Return the unweighted loss of each iteration, (T,)."""
        ...


def where_labelled(values: Tensor, labelled: Tensor) -> Tensor:
    """Keep ``values`` where ``labelled`` (broadcast over the trailing dimensions), put zero elsewhere.

    To be used on differences, before they are squared: a label that is masked may be anything, and the gradient of a
    square is 0 * nan = nan.
    """
    return torch.where(labelled, values, torch.zeros_like(values))


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Average (T, B, ...) values, zero outside ``mask`` (B,), over the people in it and all that follows.

    (T,); zero if nobody is in.
    """
    return values.flatten(2).mean(dim=2).sum(dim=1) / mask.sum().clamp_min(1)


@dataclass
class Keypoints2D:
    """Squared error of the projected joints, weighted by confidence, averaged over all 49 joints and all people.

    Args:
        weight: 300 as published. The mean includes unlabelled joints, so a labelled one counts 300 / (49 * 2 * B).
        openpose_weight: factor on the 25 detected joints; 0 as published.
        truth_weight: factor on the 24 annotated joints.
    """

    weight: float = 300.0
    openpose_weight: float = 0.0
    truth_weight: float = 1.0
    needs_vertices: bool = False

    def __call__(self, predicted: DecodedBodies, target: Targets) -> Tensor:
        """Return (T,)."""
        weight = target.keypoints_2d[..., 2:] * self.truth_weight
        weight[:, :_NUM_OPENPOSE] = target.keypoints_2d[:, :_NUM_OPENPOSE, 2:] * self.openpose_weight
        error = where_labelled(predicted.keypoints_2d - target.keypoints_2d[..., :2], weight != 0)
        return (weight * error.square()).flatten(1).mean(dim=1)


@dataclass
class Keypoints3D:
    """Squared error in square metres of the 24 annotated joints, both sides centred between their hips."""

    weight: float = 300.0
    needs_vertices: bool = False

    def __call__(self, predicted: DecodedBodies, target: Targets) -> Tensor:
        """Return (T,)."""
        ours = predicted.joints_49[:, :, _NUM_OPENPOSE:]
        theirs = target.keypoints_3d[..., :3]
        ours = ours - ours[:, :, HIPS_24].mean(dim=2, keepdim=True)
        theirs = theirs - theirs[:, HIPS_24].mean(dim=1, keepdim=True)
        confidence = where_labelled(target.keypoints_3d[..., 3:], target.has_keypoints_3d[:, None, None])
        error = where_labelled(ours - theirs, confidence != 0)
        return masked_mean(confidence * error.square(), target.has_keypoints_3d)


@dataclass
class Pose:
    """Squared error of the entries of all 24 rotation matrices, root included."""

    weight: float = 60.0
    needs_vertices: bool = False

    def __call__(self, predicted: DecodedBodies, target: Targets) -> Tensor:
        """Return (T,)."""
        error = where_labelled(predicted.rotmat - target.rotmat, target.has_pose[:, None, None, None])
        return masked_mean(error.square(), target.has_pose)


@dataclass
class Shape:
    """Squared error of the shape coefficients."""

    weight: float = 0.06
    needs_vertices: bool = False

    def __call__(self, predicted: DecodedBodies, target: Targets) -> Tensor:
        """Return (T,)."""
        error = where_labelled(predicted.betas - target.betas, target.has_betas[:, None])
        return masked_mean(error.square(), target.has_betas)


@dataclass
class Camera:
    """Keeps the scale positive: ``exp(-10 s)^2``, negligible once s is above 0.5."""

    weight: float = 1.0
    needs_vertices: bool = False

    def __call__(self, predicted: DecodedBodies, target: Targets) -> Tensor:
        """Return (T,)."""
        return torch.exp(-10 * predicted.weak_cam[..., 0]).square().mean(dim=1)


@dataclass
class Vertices:
    """Absolute error in metres of the full surface, not aligned. Off in the published configuration."""

    weight: float = 0.0
    needs_vertices: bool = True

    def __call__(self, predicted: DecodedBodies, target: Targets) -> Tensor:
        """Return (T,)."""
        assert predicted.vertices is not None
        assert target.vertices is not None
        labelled = target.has_pose & target.has_betas
        error = where_labelled(predicted.vertices - target.vertices, labelled[:, None, None])
        return masked_mean(error.abs(), labelled)
