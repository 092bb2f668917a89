"""Dense supervision: where on the body each pixel lies, rendered from the labels while training.

The target body is placed in front of SPIN's camera so that its joints project onto the 2D labels, and rasterised at the
size of the finest feature map; nothing is stored on disk.
"""

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pymaf_pl.body import BodyModel
from pymaf_pl.body.joints import OPENPOSE_25
from pymaf_pl.body.parts import PART_TO_COARSE
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.camera import estimate_translation, project, translation_to_weak_cam
from pymaf_pl.losses.terms import Targets
from pymaf_pl.render import ndc_to_screen, render_iuv
from pymaf_pl.types import DenseLogits

_NUM_OPENPOSE = len(OPENPOSE_25)
People = Literal["labelled", "batch"]


class DenseTargets(NamedTuple):
    """Labels per pixel: part (B, S, S) 0..24, u and v (B, S, S) in [0, 1], valid (B,) rows that have them."""

    part: Tensor
    u: Tensor
    v: Tensor
    valid: Tensor


class DenseTargetRenderer(nn.Module):
    """Render dense targets from pose, shape and 2D labels, on whatever device they are.

    Args:
        body: the body model; its surface labels are used.
        without_betas: also render rows whose shape is unknown, with the mean shape.
        flat_uv: one u and v for each face, the mean of its corners', instead of their interpolation.
    """

    face_part: Tensor
    face_uv: Tensor

    def __init__(self, body: BodyModel, without_betas: bool = False, flat_uv: bool = False) -> None:
        super().__init__()
        self.body = body
        self.without_betas = without_betas
        self.register_buffer("face_part", torch.from_numpy(body.surface.part).long(), persistent=False)
        uv = torch.from_numpy(body.surface.uv)  # (F, 3, 2)
        if flat_uv:
            uv = uv.mean(dim=1, keepdim=True).expand(-1, 3, -1)
        self.register_buffer("face_uv", uv, persistent=False)

    @torch.no_grad()
    def forward(self, target: Targets, size: int) -> DenseTargets:
        """Return targets of ``size`` x ``size`` pixels; rows without labels are all background and not valid."""
        betas = torch.where(target.has_betas[:, None], target.betas, torch.zeros_like(target.betas))
        labelled = target.has_pose & (target.has_betas | self.without_betas)
        batch = len(betas)
        part = torch.zeros(batch, size, size, dtype=torch.long, device=betas.device)
        uv = betas.new_zeros(batch, 2, size, size)
        joints = self.body.joints_49(target.rotmat, betas)
        truth = target.keypoints_2d[:, _NUM_OPENPOSE:]
        translation, solved = estimate_translation(joints[:, _NUM_OPENPOSE:], truth[..., :2], truth[..., 2])
        valid = labelled & solved
        rows = valid.nonzero().squeeze(1)
        if len(rows):
            vertices = self.body(target.rotmat[rows], betas[rows]).vertices
            ndc = project(vertices, translation_to_weak_cam(translation[rows]))
            screen = ndc_to_screen(torch.cat([ndc, vertices[..., 2:]], dim=-1), size, size)
            iuv = render_iuv(screen, self.body.faces, self.face_part, self.face_uv, size)
            part[rows], uv[rows] = iuv[:, 0].round().long(), iuv[:, 1:]
        return DenseTargets(part, uv[:, 0], uv[:, 1], valid)


class DenseLoss(nn.Module):
    """Part, coarse part, u and v of every pixel (PyMAF's auxiliary supervision).

    u and v are supervised in the channel of the pixel's own part, background included; their smooth L1 is summed over
    pixels and averaged over people, so it grows with the map: 0.5 is meant for 56 x 56.

    Args:
        body: the body model.
        uv_weight: on u and on v; 0.5 as published.
        part_weight: on the 25-way cross entropy; 1 as published.
        coarse_weight: on the 15-way cross entropy; 1 as published.
        without_betas: see :class:`DenseTargetRenderer`.
        uv_people: whom u and v are averaged over: those with dense labels, as all other dense terms, or the whole
            ``batch``, as published, where the two weigh less against the others the fewer people are labelled.
        flat_uv: see :class:`DenseTargetRenderer`; published.
    """

    to_coarse: Tensor

    def __init__(
        self,
        body: BodyModel,
        uv_weight: float = 0.5,
        part_weight: float = 1.0,
        coarse_weight: float = 1.0,
        without_betas: bool = False,
        uv_people: People = "labelled",
        flat_uv: bool = False,
    ) -> None:
        super().__init__()
        if uv_people not in get_args(People):
            raise InputError(f"losses.dense.uv_people={uv_people}: there are {' and '.join(get_args(People))}")
        self.uv_people = uv_people
        self.targets = DenseTargetRenderer(body, without_betas, flat_uv)
        self.uv_weight, self.part_weight, self.coarse_weight = uv_weight, part_weight, coarse_weight
        self.register_buffer("to_coarse", torch.as_tensor(PART_TO_COARSE, dtype=torch.long), persistent=False)

    def forward(self, logits: DenseLogits, target: Targets) -> dict[str, Tensor]:
        """Return the weighted terms ``dense_u``, ``dense_v``, ``dense_part``, ``dense_coarse``."""
        batch, _, size, _ = logits.part.shape
        dense = self.targets(target, size)
        rows = dense.valid.nonzero().squeeze(1)
        part = dense.part[rows]
        coarse = self.to_coarse[part]
        pixels = max(1, part.numel())
        people = batch if self.uv_people == "batch" else max(1, len(rows))

        def coordinate(predicted: Tensor, wanted: Tensor) -> Tensor:
            own = predicted[rows].float().gather(1, part.unsqueeze(1)).squeeze(1)
            return self.uv_weight * F.smooth_l1_loss(own, wanted[rows], reduction="sum") / people

        def classes(predicted: Tensor, wanted: Tensor, weight: float) -> Tensor:
            return weight * F.cross_entropy(predicted[rows].float(), wanted, reduction="sum") / pixels

        return {
            "dense_u": coordinate(logits.u, dense.u),
            "dense_v": coordinate(logits.v, dense.v),
            "dense_part": classes(logits.part, part, self.part_weight),
            "dense_coarse": classes(logits.coarse, coarse, self.coarse_weight),
        }
