"""What travels between the rooms: the body that the loop refines, and what a network returns.

Shapes:  B people in the batch, T feedback iterations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

import torch
from torch import Tensor

POSE_DIM, SHAPE_DIM, CAMERA_DIM = 24 * 6, 10, 3


@dataclass(frozen=True)
class BodyState:
    """One estimate of a body: the only thing a feedback iteration reads and writes.

    Everything else (rotation matrices, vertices, keypoints) is decoded from it by the body model.

    Attributes:
        pose_6d: (B, 24, 6) raw 6D rotations, two interleaved columns each; never re-orthonormalised between iterations.
        betas: (B, 10) shape coefficients in standard deviations.
        weak_cam: (B, 3) weak-perspective camera ``[s, tx, ty]`` in crop NDC.
    """

    pose_6d: Tensor
    betas: Tensor
    weak_cam: Tensor

    @classmethod
    def from_vector(cls, vector: Tensor) -> "BodyState":
        """Split a (B, 157) vector ``[pose 144 | betas 10 | camera 3]``, the order of HMR, SPIN and PyMAF."""
        pose, betas, weak_cam = vector.split([POSE_DIM, SHAPE_DIM, CAMERA_DIM], dim=-1)
        return cls(pose.unflatten(-1, (24, 6)), betas, weak_cam)

    def vector(self) -> Tensor:
        """Return the (B, 157) vector of :meth:`from_vector`."""
        return torch.cat([self.pose_6d.flatten(-2), self.betas, self.weak_cam], dim=-1)

    def detach(self) -> "BodyState":
        """Return the same estimate, cut off from the gradient."""
        return BodyState(self.pose_6d.detach(), self.betas.detach(), self.weak_cam.detach())

    def __len__(self) -> int:
        return self.betas.shape[0]

    def __getitem__(self, rows: Tensor | slice) -> "BodyState":
        return BodyState(self.pose_6d[rows], self.betas[rows], self.weak_cam[rows])

    @classmethod
    def cat(cls, states: Sequence["BodyState"]) -> "BodyState":
        """Concatenate along the batch, so that many estimates are decoded in one call."""
        return cls(
            torch.cat([s.pose_6d for s in states]),
            torch.cat([s.betas for s in states]),
            torch.cat([s.weak_cam for s in states]),
        )


class DenseLogits(NamedTuple):
    """Dense-correspondence predictions on the finest feature map (DensePose's part numbering).

    Attributes:
        u: (B, 25, S, S) u coordinate per part, background first.
        v: (B, 25, S, S) v coordinate per part.
        part: (B, 25, S, S) logits of background and 24 parts.
        coarse: (B, 15, S, S) logits of background and 14 coarse parts.
    """

    u: Tensor
    v: Tensor
    part: Tensor
    coarse: Tensor


@dataclass(frozen=True)
class NetworkOutput:
    """What every network here returns.

    Attributes:
        iterations: ``body[0..T]``; index 0 is the mean body.
        dense: predictions of the dense head, in training only.
    """

    iterations: tuple[BodyState, ...]
    dense: DenseLogits | None = None

    @property
    def final(self) -> BodyState:
        """The last estimate, ``body[T]``."""
        return self.iterations[-1]


class Batch(TypedDict):
    """What the data loader hands to a training step.

    Rows may lack labels; the masks say which. Masked labels hold zeros.

    Attributes:
        image: (B, 3, S, S) uint8 RGB crops.
        pose: (B, 24, 3) axis-angle, root in the camera frame.
        betas: (B, 10).
        keypoints_2d: (B, 49, 3) x, y in crop NDC and confidence.
        keypoints_3d: (B, 24, 4) x, y, z in metres, camera axes, up to a translation, and confidence.
        has_pose: (B,) bool, ``pose`` is valid.
        has_betas: (B,) bool, ``betas`` are valid and belong to the body model in use.
        has_keypoints_3d: (B,) bool.
        crop_affine: (B, 2, 3) map from image px to crop px.
        index: (B,) row of the sample in its table.
    """

    image: Tensor
    pose: Tensor
    betas: Tensor
    keypoints_2d: Tensor
    keypoints_3d: Tensor
    has_pose: Tensor
    has_betas: Tensor
    has_keypoints_3d: Tensor
    crop_affine: Tensor
    index: Tensor
