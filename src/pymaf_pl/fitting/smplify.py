"""SMPLify (Bogo et al., ECCV 2016) as SPIN runs it: many people at once, from an initial estimate.

Two stages of Adam: first the camera and the root on the torso's keypoints, then pose, shape and root on all of them
under priors. The numbers are those of SPIN's smplify/smplify.py and losses.py.

Shapes:  B people.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pymaf_pl.body import BodyModel
from pymaf_pl.body.joints import JOINTS_49, SKELETON_24, select
from pymaf_pl.body.pose_prior import PosePrior
from pymaf_pl.geometry.camera import (
    CROP_SIZE,
    estimate_translation,
    project,
    translation_to_weak_cam,
    weak_cam_to_translation,
)
from pymaf_pl.geometry.rotation import rotmat_from_6d, rotmat_from_axis_angle, rotmat_to_6d, rotmat_to_axis_angle
from pymaf_pl.types import BodyState

_TORSO = select(
    ("op_right_shoulder", "op_left_shoulder", "op_right_hip", "op_left_hip",
     "right_shoulder", "left_shoulder", "right_hip", "left_hip"),
    JOINTS_49,
)  # fmt: skip
# their definition differs between annotators too much to be followed
_IGNORED = select(("op_neck", "op_right_hip", "op_left_hip", "right_hip", "left_hip"), JOINTS_49)
# joint, axis of its axis-angle, sign of bending the wrong way
_BENDS = [
    (SKELETON_24.index("left_elbow"), 1, 1.0),
    (SKELETON_24.index("right_elbow"), 1, -1.0),
    (SKELETON_24.index("left_knee"), 0, -1.0),
    (SKELETON_24.index("right_knee"), 0, -1.0),
]
_POSE_PRIOR, _ANGLE_PRIOR, _SHAPE_PRIOR, _DEPTH = 4.78**2, 15.2**2, 5.0**2, 100.0**2
_SIGMA = 100.0  # px of a 224 px crop


class FitResult(NamedTuple):
    """A fitted body, and how far its keypoints are off: mean robust error (B,) in squared px of a 224 px crop."""

    state: BodyState
    reprojection: Tensor


class SMPLify(nn.Module):
    """Fit bodies to 2D keypoints.

    Args:
        body: the body model.
        prior: which poses are likely.
        steps: of each stage.
        learning_rate: of Adam.
    """

    def __init__(self, body: BodyModel, prior: PosePrior, steps: int = 100, learning_rate: float = 1e-2) -> None:
        super().__init__()
        self.body, self.prior, self.steps, self.learning_rate = body, prior, steps, learning_rate

    @torch.enable_grad()
    def forward(self, keypoints_2d: Tensor, initial: BodyState) -> FitResult:
        """Return the fit.

        Args:
            keypoints_2d: (B, 49, 3) x, y in crop NDC and confidence.
            initial: where to start, such as a network's estimate.
        """
        pose = rotmat_to_axis_angle(rotmat_from_6d(initial.pose_6d.detach())).clone()
        root, pose = pose[:, :1].clone().requires_grad_(), pose[:, 1:].clone().requires_grad_()
        betas = initial.betas.detach().clone().requires_grad_()
        translation = self._camera(keypoints_2d, root, pose, betas, initial)
        start_depth = translation[:, 2].clone()
        translation.requires_grad_()

        def camera_energy() -> Tensor:
            error = self._reprojection(keypoints_2d, root, pose, betas, translation, robust=False)[:, _TORSO]
            return error.sum() + _DEPTH * (translation[:, 2] - start_depth).square().sum()

        def body_energy() -> Tensor:
            error = self._reprojection(keypoints_2d, root, pose, betas, translation, robust=True)
            full = torch.cat([root, pose], dim=1)
            bend = torch.stack([torch.exp(sign * full[:, joint, axis]) for joint, axis, sign in _BENDS], dim=1)
            return (
                error.sum()
                + _POSE_PRIOR * self.prior.negative_log_likelihood(full).sum()
                + _ANGLE_PRIOR * bend.square().sum()
                + _SHAPE_PRIOR * betas.square().sum()
            )

        self._minimise([translation, root], camera_energy)
        translation.requires_grad_(False)
        self._minimise([pose, betas, root], body_energy)
        with torch.no_grad():
            error = self._reprojection(keypoints_2d, root, pose, betas, translation, robust=True)
            weak_cam = translation_to_weak_cam(translation)
            pose_6d = rotmat_to_6d(rotmat_from_axis_angle(torch.cat([root, pose], dim=1)))
        return FitResult(BodyState(pose_6d, betas.detach(), weak_cam), error.mean(dim=1))

    def _minimise(self, variables: list[Tensor], energy: Callable[[], Tensor]) -> None:
        optimizer = torch.optim.Adam(variables, lr=self.learning_rate)
        for _ in range(self.steps):
            optimizer.zero_grad()
            energy().backward()
            optimizer.step()

    @torch.no_grad()
    def _camera(self, keypoints: Tensor, root: Tensor, pose: Tensor, betas: Tensor, initial: BodyState) -> Tensor:
        joints = self.body.joints_49(rotmat_from_axis_angle(torch.cat([root, pose], dim=1)), betas)
        found, valid = estimate_translation(joints, keypoints[..., :2], keypoints[..., 2])
        return torch.where(valid[:, None], found, weak_cam_to_translation(initial.weak_cam.detach()))

    def _reprojection(
        self, keypoints: Tensor, root: Tensor, pose: Tensor, betas: Tensor, translation: Tensor, robust: bool
    ) -> Tensor:
        """Squared error per joint in px of a 224 px crop, weighted by squared confidence; (B, 49)."""
        joints = self.body.joints_49(rotmat_from_axis_angle(torch.cat([root, pose], dim=1)), betas)
        projected = project(joints, translation_to_weak_cam(translation))
        squared = ((projected - keypoints[..., :2]) * (CROP_SIZE / 2)).square()
        if robust:  # Geman-McClure: an outlier counts at most sigma^2
            squared = _SIGMA**2 * squared / (_SIGMA**2 + squared)
        confidence = keypoints[..., 2].square().clone()
        if robust:
            confidence[:, _IGNORED] = 0
        return confidence * squared.sum(dim=-1)
