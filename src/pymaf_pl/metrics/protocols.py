"""Protocols of joints and surfaces against labels; those that look at pictures are in ``masks`` and ``coco``.

Shapes:  N people.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.body.joints import (
    EVAL_14,
    H36M_TO_14,
    H36M_TO_17,
    HIPS_24,
    JOINTS_24,
    JOINTS_24_TO_14,
    JOINTS_24_TO_17,
    OPENPOSE_25,
)
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.rotation import rotmat_from_6d, rotmat_from_axis_angle
from pymaf_pl.metrics import functional
from pymaf_pl.metrics.genders import GenderedBodies, neutral_pose
from pymaf_pl.metrics.keypoints import LSP_IN_49, PoseAndKeypoints, keypoint_share
from pymaf_pl.metrics.measuring import Protocol, Table
from pymaf_pl.metrics.per_person import Measured
from pymaf_pl.metrics.tracks import tracks
from pymaf_pl.types import Batch, BodyState

__all__ = ["FullBody", "PoseAndKeypoints", "Protocol", "keypoint_share"]

_HEAD, _HEAD_TOP = EVAL_14.index("head"), JOINTS_24.index("head_top")


class Decoded(NamedTuple):
    """A body in metres: joints relative to the pelvis, vertices where the model puts them."""

    joints: Tensor
    vertices: Tensor
    pelvis: Tensor  # (N, 1, 3), row 0 of J_regressor_h36m

    @property
    def rooted(self) -> Tensor:
        """The vertices relative to the pelvis."""
        return self.vertices - self.pelvis


class _Pair(NamedTuple):
    """An estimate and the labels it is measured against."""

    body: BodyModel
    state: BodyState
    rotmat: Tensor
    ours: Decoded
    truth: Mapping[str, Any]


def _rotation(pair: _Pair) -> Tensor:
    angle = functional.joint_angle_error(pair.rotmat, pair.truth["rotmat"])
    return angle.masked_fill(~pair.truth["has_mesh"], torch.nan)


def _shape(pair: _Pair) -> Tensor:
    ours = neutral_pose(pair.body, pair.state.betas)
    return functional.pve_t_sc(ours, neutral_pose(pair.body, pair.truth["betas"])).masked_fill(
        ~pair.truth["has_mesh"], torch.nan
    )


_RULES: Final[dict[str, Callable[[_Pair], Tensor]]] = {
    "mpjpe": lambda p: functional.mpjpe(p.ours.joints, p.truth["joints"]),
    "pa_mpjpe": lambda p: functional.pa_mpjpe(p.ours.joints, p.truth["joints"]),
    "pck_3d": lambda p: functional.pck(p.ours.joints, p.truth["joints"]),
    "auc_3d": lambda p: functional.auc(p.ours.joints, p.truth["joints"]),
    "pve_root_aligned": lambda p: functional.pve(p.ours.rooted, p.truth["mesh"].rooted),
    "pve_unaligned": lambda p: functional.pve(p.ours.vertices, p.truth["mesh"].vertices),
    "pa_pve": lambda p: functional.pa_pve(p.ours.vertices, p.truth["mesh"].vertices),
    "pve_t_sc": _shape,
    "rotation_deg": _rotation,
    "pck_2d": lambda p: keypoint_share(p.body, p.rotmat, p.state, p.truth["keypoints_2d"]),
    "mpjpe_head_top": lambda p: functional.mpjpe(p.ours.joints, p.truth["joints_head_top"]),
    "pa_mpjpe_head_top": lambda p: functional.pa_mpjpe(p.ours.joints, p.truth["joints_head_top"]),
    "mpjpe_neutral_truth": lambda p: functional.mpjpe(p.ours.joints, p.truth["neutral"].joints),
    "pa_mpjpe_neutral_truth": lambda p: functional.pa_mpjpe(p.ours.joints, p.truth["neutral"].joints),
    "pve_neutral_truth": lambda p: functional.pve(p.ours.vertices, p.truth["neutral"].vertices),
}
_ALIGNED = {"pelvis": "pve_root_aligned", "none": "pve_unaligned"}


class FullBody(Protocol):
    """Joints and surface against full labels (``synthetic_val``, and by its options the 3D sets of the paper).

    The predicted joints are those of J_regressor_h36m, relative to its row 0, the pelvis.

    - ``mpjpe``, ``pa_mpjpe``: over the joint set, pelvis aligned and Procrustes aligned.
    - ``pve``: over all vertices, aligned by the pelvis or not at all (``pve_alignment``);
      ``pve_root_aligned`` and ``pve_unaligned`` are always the one and the other; ``pa_pve`` after Procrustes.
    - ``pck_3d``, ``auc_3d``: shares of joints within 150 mm, and within 0, 5, ... 150 mm, pelvis aligned.
    - ``rotation_deg``: mean geodesic angle of all 24 rotations, root included.
    - ``pck_2d``: share of the 14 LSP keypoints within 0.2 of the crop's width.
    - ``pve_t_sc``: shape alone, on the estimate's body (:func:`pymaf_pl.metrics.functional.pve_t_sc`).
    - ``accel_error``: mm per frame squared, along consecutive frames of one folder.
    - ``mpjpe_head_top``, ``pa_mpjpe_head_top``: with the stored top of the head for Human3.6M's head joint.
    - ``mpjpe_neutral_truth``, ``pa_mpjpe_neutral_truth``, ``pve_neutral_truth``: against the labels' pose and shape on
      the neutral body (PVE unaligned), where the protocol's are on the body of the person's gender.

    Args:
        name: see :class:`Protocol`, as the other arguments that are not here.
        joints: 14, LSP's order with Human3.6M's head, or 17, with pelvis, spine and jaw.
        truth: where the joints of the ground truth come from. ``mesh``: J_regressor_h36m on the true mesh. ``stored``:
            the table's, whose origin is taken for the pelvis. ``hips``: the 24 ground-truth joints on the neutral true
            mesh, relative to the middle of the hips, as PARE stores them for 3DOH50K.
        gendered: whether the true body is that of the person's gender; else the neutral one.
        pve_alignment: ``pelvis`` or ``none``.
    """

    default_name = "synthetic_val"
    default_figures = ("mpjpe", "pa_mpjpe", "pve", "rotation_deg", "pck_2d")
    pooled: ClassVar[frozenset[str]] = frozenset({"accel_error"})

    def __init__(
        self,
        name: str | None = None,
        figures: Sequence[str] | None = None,
        variants: Sequence[str] = (),
        expected: int | None = None,
        body: str | None = None,
        group: str | None = None,
        joints: int = 14,
        truth: Literal["mesh", "stored", "hips"] = "mesh",
        gendered: bool = False,
        pve_alignment: Literal["pelvis", "none"] = "pelvis",
    ) -> None:
        super().__init__(name, figures, variants, expected, body, group)
        for key, value, known in (
            ("joints", joints, (14, 17)), ("truth", truth, ("mesh", "stored", "hips")),
            ("pve_alignment", pve_alignment, tuple(_ALIGNED)),
        ):  # fmt: skip
            if value not in known:
                raise InputError(f"protocol {self.name}: {key}={value}; there are {', '.join(map(str, known))}")
        self.joints, self.truth, self.gendered, self.pve_alignment = joints, truth, gendered, pve_alignment
        self._in_h36m, self._in_24 = (H36M_TO_14, JOINTS_24_TO_14) if joints == 14 else (H36M_TO_17, JOINTS_24_TO_17)
        self._rules = _RULES | {"pve": _RULES[_ALIGNED[pve_alignment]]}
        self._bodies: GenderedBodies | None = None
        known_figures = self._rules.keys() | self.pooled
        if truth == "mesh":
            known_figures = known_figures - {"mpjpe_head_top", "pa_mpjpe_head_top"}
        self._refuse_unknown(known_figures)

    @property
    def pieces(self) -> dict[str, int]:
        """How far every joint is off, whose second difference over frames is the error of the acceleration."""
        return {"joint_offset": 3 * self.joints} if "accel_error" in self.everything else {}

    def inspect(self, table: Table, image_root: Path, body: BodyModel) -> None:
        """Load the bodies of both genders."""
        self._bodies = None
        if self.gendered:
            self._bodies, reservations = GenderedBodies.for_people(table, body)
            self.reservations += reservations

    def definition(self) -> dict[str, str]:
        """Say in words what the figures mean."""
        joints = {14: "LSP's 14 with Human3.6M's head", 17: "LSP's 14 with Human3.6M's head, and pelvis, spine, jaw"}
        truth = {
            "mesh": "J_regressor_h36m on the true mesh, relative to its row 0 (pelvis)",
            "stored": "the table's own 3D joints, whose origin is taken for the pelvis",
            "hips": "the 24 ground-truth joints on the neutral true mesh, relative to the middle of the hips",
        }
        return {
            "joints": joints[self.joints],
            "predicted joints": "J_regressor_h36m on the predicted mesh, relative to its row 0 (pelvis)",
            "true joints": truth[self.truth],
            "true body": "of the person's gender" if self.gendered else "neutral",
            "pve": {"pelvis": "all vertices, pelvis aligned", "none": "all vertices, not aligned"}[self.pve_alignment],
        }

    def prepare(self, body: BodyModel, batch: Batch) -> dict[str, Any]:
        """Decode the target body."""
        rotmat, betas = rotmat_from_axis_angle(batch["pose"]), batch["betas"]
        has_mesh = batch["has_pose"] & batch["has_betas"]
        neutral = mesh = self._decode(body, rotmat, betas)
        if self._bodies is not None:
            parts = [points.clone() for points in neutral]
            for gendered, who in self._bodies.split(batch["index"]):
                for whole, part in zip(parts, self._decode(gendered, rotmat[who], betas[who]), strict=True):
                    whole[who] = part
            mesh = Decoded(*parts)
        neutral, mesh = (
            Decoded(*(points.masked_fill(~has_mesh[:, None, None], torch.nan) for points in decoded))
            for decoded in (neutral, mesh)
        )
        truth = {
            "mesh": mesh,
            "neutral": neutral,
            "joints": mesh.joints,
            "rotmat": rotmat,
            "betas": betas,
            "has_mesh": has_mesh,
            "keypoints_2d": batch["keypoints_2d"][:, LSP_IN_49],
        }
        if self.truth == "stored":
            truth |= self._chosen(batch["keypoints_3d"], batch["has_keypoints_3d"])
        elif self.truth == "hips":
            joints = body.joints_49(rotmat, betas)[:, len(OPENPOSE_25) :]
            joints = joints - joints[:, HIPS_24].mean(dim=1, keepdim=True)
            truth |= self._chosen(torch.cat([joints, torch.ones_like(joints[..., :1])], dim=-1), has_mesh)
        return truth

    def _chosen(self, joints: Tensor, known: Tensor) -> dict[str, Tensor]:
        """Pick the joint set from (N, 24, 4) joints with confidence; all of it must be labelled."""

        def chosen(columns: Sequence[int]) -> Tensor:
            points = joints[:, list(columns)]
            labelled = known & (points[..., 3] > 0).all(dim=1)
            return points[..., :3].masked_fill(~labelled[:, None, None], torch.nan)

        with_top = list(self._in_24)
        with_top[_HEAD] = _HEAD_TOP
        return {"joints": chosen(self._in_24), "joints_head_top": chosen(with_top)}

    def _decode(self, body: BodyModel, rotmat: Tensor, betas: Tensor) -> Decoded:
        joints = body.joints_h36m(rotmat, betas)
        pelvis = joints[:, :1]
        return Decoded(joints[:, self._in_h36m] - pelvis, body(rotmat, betas).vertices, pelvis)

    def evaluate(self, body: BodyModel, state: BodyState, truth: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return the figures that the protocol names."""
        rotmat = rotmat_from_6d(state.pose_6d.float())
        pair = _Pair(body, state, rotmat, self._decode(body, rotmat, state.betas), truth)
        values = {name: self._rules[name](pair) for name in self.per_person}
        if self.pieces:
            values["joint_offset"] = (pair.ours.joints - truth["joints"]).flatten(1)
        return values

    def pool(self, measured: Measured) -> dict[str, npt.NDArray[np.floating[Any]]]:
        """Return the error of the acceleration: a frame's neighbours are known only at the end."""
        if not self.pieces:
            return {}
        offset = torch.from_numpy(measured.pieces["joint_offset"]).unflatten(-1, (self.joints, 3))
        track = torch.from_numpy(tracks(self.table.imgname[measured.row]))
        still = torch.zeros_like(offset[0])
        errors = [functional.accel_error(iteration, still, track) for iteration in offset]
        return {"accel_error": torch.stack(errors).numpy()}
