"""Photographs whose people have 2D joints, and at best a recovered pose: where limbs lie in the picture.

Shapes:  N people.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import torch
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.body.joints import LSP_14, OPENPOSE_25, TRUTH_24, select
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.rotation import rotmat_from_6d, rotmat_from_axis_angle
from pymaf_pl.metrics import functional
from pymaf_pl.metrics.measuring import Protocol
from pymaf_pl.types import Batch, BodyState

LSP_IN_49: Final = [len(OPENPOSE_25) + j for j in select(LSP_14, tuple(TRUTH_24))]
_LIMBS: Final[dict[str, tuple[str, ...]]] = {
    "hips": ("hip",), "legs": ("knee", "ankle"), "shoulders": ("shoulder",), "elbows": ("elbow",), "wrists": ("wrist",),
}  # fmt: skip
_CLOSE = 0.1


def _keypoint_rules() -> dict[str, tuple[list[int], float]]:
    """Which of the 14 keypoints count for a figure, and within what share of the crop's width."""
    everything = list(range(len(LSP_14)))
    rules = {"pck_2d": (everything, 0.2), "pck_2d_close": (everything, _CLOSE)}
    for limb, joints in _LIMBS.items():
        names = tuple(f"{side}_{joint}" for joint in joints for side in ("right", "left"))
        rules[f"pck_2d_{limb}"] = (select(names, LSP_14), _CLOSE)
    return rules | {"pck_2d_head": (select(("neck", "head_top"), LSP_14), _CLOSE)}


class PoseAndKeypoints(Protocol):
    """Rotations and 2D keypoints, for photographs whose shape labels belong to another body (``lspet``).

    - ``rotation_deg`` as in :class:`FullBody`; ``body_rotation_deg`` leaves the root out.
    - ``pck_2d``: share of the 14 LSP keypoints within 0.2 of the crop's width, which is 0.2 of the box that SPIN puts
      around the person; ``pck_2d_close``: within 0.1.
    - ``pck_2d_hips``, ``_legs`` (knees and ankles), ``_shoulders``, ``_elbows``, ``_wrists``, ``_head`` (neck and its
      top): of these alone, within 0.1.
    """

    default_name = "lspet"
    default_figures = ("rotation_deg", "body_rotation_deg", "pck_2d")
    _rules: ClassVar = _keypoint_rules()
    known = frozenset({"rotation_deg", "body_rotation_deg", *_rules})

    def definition(self) -> dict[str, str]:
        """Say in words what the figures mean."""
        return {
            "rotations": "mean geodesic angle to the recovered pose, with the root and without",
            "keypoints": "14 of LSP, within 0.2 of the side of SPIN's box; close and limb by limb within 0.1",
        }

    def prepare(self, body: BodyModel, batch: Batch) -> dict[str, Any]:
        """Keep the labels."""
        return {
            "rotmat": rotmat_from_axis_angle(batch["pose"]),
            "has_pose": batch["has_pose"],
            "keypoints_2d": batch["keypoints_2d"][:, LSP_IN_49],
        }

    def evaluate(self, body: BodyModel, state: BodyState, truth: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return the figures that the protocol names."""
        rotmat = rotmat_from_6d(state.pose_6d.float())
        angles = {
            "rotation_deg": functional.joint_angle_error(rotmat, truth["rotmat"]),
            "body_rotation_deg": functional.joint_angle_error(rotmat[:, 1:], truth["rotmat"][:, 1:]),
        }
        values = {name: angle.masked_fill(~truth["has_pose"], torch.nan) for name, angle in angles.items()}
        for name in set(self.everything) - values.keys():
            joints, threshold = self._rules[name]
            values[name] = keypoint_share(body, rotmat, state, truth["keypoints_2d"], threshold, joints)
        return {name: values[name] for name in self.everything}


def keypoint_share(
    body: BodyModel,
    rotmat: Tensor,
    state: BodyState,
    target: Tensor,
    threshold: float = 0.2,
    joints: Sequence[int] | None = None,
) -> Tensor:
    """Return the share of the 14 LSP keypoints, or of some, that lie within ``threshold`` of the crop's width; (N,)."""
    projected = project(body.joints_49(rotmat, state.betas), state.weak_cam.float())[:, LSP_IN_49]
    if joints is not None:
        projected, target = projected[:, list(joints)], target[:, list(joints)]
    return functional.pck_2d(projected, target[..., :2], target[..., 2], threshold=2 * threshold)
