"""Named evaluation protocols: which figures, on which joints, aligned how.

Shapes:  N people.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.body.joints import H36M_TO_14, LSP_14, OPENPOSE_25, TRUTH_24, select
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.rotation import rotmat_from_6d, rotmat_from_axis_angle
from pymaf_pl.metrics import functional
from pymaf_pl.types import Batch, BodyState

_LSP_IN_49 = [len(OPENPOSE_25) + j for j in select(LSP_14, tuple(TRUTH_24))]


class Protocol(ABC):
    """What is measured for one estimate of a batch of people.

    Attributes:
        name: how the numbers are quoted and logged.
        figures: names of what :meth:`evaluate` returns.
        monitor: the figure that selects checkpoints; lower is better if ``monitor_mode`` is ``min``.
    """

    name: ClassVar[str]
    figures: ClassVar[tuple[str, ...]]
    monitor: ClassVar[str]
    monitor_mode: ClassVar[str] = "min"

    @abstractmethod
    def prepare(self, body: BodyModel, batch: Batch) -> dict[str, Tensor]:
        """Decode the labels once per batch."""

    @abstractmethod
    def evaluate(self, body: BodyModel, state: BodyState, truth: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return each figure for each person, (N,); NaN where a label is missing."""


class FullBody(Protocol):
    """Joints and surface against full labels, on one body model for both sides (``synthetic_val``).

    MPJPE over the 14 LSP-order joints of J_regressor_h36m, pelvis (its row 0) aligned; PA-MPJPE over the same joints;
    PVE over all vertices, aligned by that pelvis too; ``rotation_deg`` the mean geodesic angle of all 24 rotations,
    root included; ``pck_2d`` the share of the 14 LSP keypoints within 0.2 of the crop's width.
    """

    name = "synthetic_val"
    figures = ("mpjpe", "pa_mpjpe", "pve", "rotation_deg", "pck_2d")
    monitor = "mpjpe"

    def prepare(self, body: BodyModel, batch: Batch) -> dict[str, Tensor]:
        """Decode the target body."""
        rotmat = rotmat_from_axis_angle(batch["pose"])
        truth = self._centred(body, rotmat, batch["betas"])
        missing = ~(batch["has_pose"] & batch["has_betas"])
        truth["vertices"][missing] = torch.nan
        truth["joints"][missing] = torch.nan
        return truth | {"rotmat": rotmat, "keypoints_2d": batch["keypoints_2d"][:, _LSP_IN_49]}

    def evaluate(self, body: BodyModel, state: BodyState, truth: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return mpjpe, pa_mpjpe, pve in mm, rotation_deg, pck_2d."""
        rotmat = rotmat_from_6d(state.pose_6d.float())
        ours = self._centred(body, rotmat, state.betas)
        known = ~truth["joints"].isnan().any(dim=(1, 2))
        aligned = torch.full_like(known, torch.nan, dtype=ours["joints"].dtype)
        aligned[known] = functional.pa_mpjpe(ours["joints"][known], truth["joints"][known])
        angle = functional.joint_angle_error(rotmat, truth["rotmat"])
        return {
            "mpjpe": functional.mpjpe(ours["joints"], truth["joints"]),
            "pa_mpjpe": aligned,
            "pve": functional.pve(ours["vertices"], truth["vertices"]),
            "rotation_deg": torch.where(known, angle, torch.full_like(angle, torch.nan)),
            "pck_2d": keypoint_share(body, rotmat, state, truth["keypoints_2d"]),
        }

    @staticmethod
    def _centred(body: BodyModel, rotmat: Tensor, betas: Tensor) -> dict[str, Tensor]:
        joints = body.joints_h36m(rotmat, betas)
        pelvis = joints[:, :1]
        return {"joints": joints[:, H36M_TO_14] - pelvis, "vertices": body(rotmat, betas).vertices - pelvis}


class PoseAndKeypoints(Protocol):
    """Rotations and 2D keypoints, for photographs whose shape labels belong to another body (``lspet``).

    ``rotation_deg`` and ``pck_2d`` as in :class:`FullBody`; ``body_rotation_deg`` leaves the root out. The 2D threshold
    is 0.2 of the crop's width, which is 0.2 of the box that SPIN puts around the person.
    """

    name = "lspet"
    figures = ("rotation_deg", "body_rotation_deg", "pck_2d")
    monitor = "rotation_deg"

    def prepare(self, body: BodyModel, batch: Batch) -> dict[str, Tensor]:
        """Keep the labels."""
        return {
            "rotmat": rotmat_from_axis_angle(batch["pose"]),
            "has_pose": batch["has_pose"],
            "keypoints_2d": batch["keypoints_2d"][:, _LSP_IN_49],
        }

    def evaluate(self, body: BodyModel, state: BodyState, truth: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return rotation_deg, body_rotation_deg, pck_2d."""
        rotmat = rotmat_from_6d(state.pose_6d.float())
        angles = {
            "rotation_deg": functional.joint_angle_error(rotmat, truth["rotmat"]),
            "body_rotation_deg": functional.joint_angle_error(rotmat[:, 1:], truth["rotmat"][:, 1:]),
        }
        missing = ~truth["has_pose"]
        return {
            **{name: angle.masked_fill(missing, torch.nan) for name, angle in angles.items()},
            "pck_2d": keypoint_share(body, rotmat, state, truth["keypoints_2d"]),
        }


def keypoint_share(body: BodyModel, rotmat: Tensor, state: BodyState, target: Tensor, threshold: float = 0.2) -> Tensor:
    """Return the share of the 14 LSP keypoints that project within ``threshold`` of the crop's width; (N,)."""
    projected = project(body.joints_49(rotmat, state.betas), state.weak_cam.float())[:, _LSP_IN_49]
    return functional.pck_2d(projected, target[..., :2], target[..., 2], threshold=2 * threshold)
