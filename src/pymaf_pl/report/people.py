"""From what a network returns to what a page shows: the photo with the mesh of every iteration over it."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.rotation import rotmat_from_6d
from pymaf_pl.render import ndc_to_screen, overlay_mesh
from pymaf_pl.report.views import PersonView
from pymaf_pl.types import BodyState


@torch.no_grad()
def person_view(
    name: str,
    crop: NDArray[np.uint8],
    states: Sequence[BodyState],
    body: BodyModel,
    figures: Sequence[Mapping[str, float]] = (),
    target: tuple[Tensor, Tensor] | None = None,
    caption: str = "",
) -> PersonView:
    """Draw one person's body[0..T] over their crop.

    Args:
        name: heading of the card.
        crop: (S, S, 3) uint8 RGB.
        states: body[0..T], each of batch 1.
        body: decodes them.
        figures: errors per iteration, shown under each picture.
        target: (1, 24, 3, 3) rotations and (1, 10) betas of the label, for a mesh to compare with.
        caption: a line of text.
    """
    stacked = BodyState.cat(states)
    vertices = body(rotmat_from_6d(stacked.pose_6d.float()), stacked.betas).vertices
    ndc = project(vertices, stacked.weak_cam.float())
    screen = ndc_to_screen(torch.cat([ndc, vertices[..., 2:]], dim=-1), crop.shape[0], crop.shape[1])
    faces = body.faces.cpu().numpy()
    pairs = zip(screen.cpu().numpy(), vertices.cpu().numpy(), strict=True)
    overlays = [overlay_mesh(crop, on_screen, in_camera, faces) for on_screen, in_camera in pairs]
    return PersonView(
        name=name,
        photo=crop,
        overlays=overlays,
        vertices=vertices.cpu().numpy(),
        target_vertices=None if target is None else body(*target).vertices[0].cpu().numpy(),
        figures=list(figures),
        caption=caption,
    )
