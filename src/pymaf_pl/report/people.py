"""From what a network returns to what a page shows: the photo with the mesh of every iteration over it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.rotation import rotmat_from_6d
from pymaf_pl.render import ndc_to_screen, overlay_meshes
from pymaf_pl.report.views import PersonView
from pymaf_pl.types import BodyState

FloatArray = NDArray[np.floating[Any]]


@torch.no_grad()
def person_view(
    name: str,
    crop: NDArray[np.uint8],
    states: Sequence[BodyState],
    body: BodyModel,
    figures: Sequence[Mapping[str, float]] = (),
    target: tuple[Tensor, Tensor] | None = None,
    caption: str = "",
    group: str = "",
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
        group: heading under which the page shows this person together with others.
    """
    stacked = BodyState.cat(states)
    vertices = body(rotmat_from_6d(stacked.pose_6d.float()), stacked.betas).vertices.cpu().numpy()
    weak_cam, faces = stacked.weak_cam.float().cpu().numpy(), body.faces.cpu().numpy()
    view = view_of_arrays(name, crop, vertices, weak_cam, faces, figures, caption, group)
    return view if target is None else replace(view, target_vertices=body(*target).vertices[0].cpu().numpy())


def view_of_arrays(
    name: str,
    crop: NDArray[np.uint8],
    vertices: FloatArray,
    weak_cam: FloatArray,
    faces: NDArray[np.integer[Any]],
    figures: Sequence[Mapping[str, float]] = (),
    caption: str = "",
    group: str = "",
) -> PersonView:
    """Draw one person's body[0..T], as a prediction's arrays have it; see :func:`iteration_overlays`."""
    overlays = iteration_overlays(crop, vertices, weak_cam, faces)
    return PersonView(name, crop, overlays, vertices, None, list(figures), caption, group)


@torch.no_grad()
def iteration_overlays(
    crop: NDArray[np.uint8],
    vertices: FloatArray,
    weak_cam: FloatArray,
    faces: NDArray[np.integer[Any]],
    colours: FloatArray | None = None,
) -> list[NDArray[np.uint8]]:
    """Draw a mesh per iteration over the crop.

    Args:
        crop: (S, S, 3) uint8 RGB, of any size: the box that the network saw.
        vertices: (T+1, V, 3) metres.
        weak_cam: (T+1, 3).
        faces: (F, 3).
        colours: (T+1, V, 3) r g b in [0, 1]; one plain colour if not given.

    Returns:
        T+1 pictures like the crop.
    """
    points = torch.as_tensor(np.asarray(vertices, np.float32))
    ndc = project(points, torch.as_tensor(np.asarray(weak_cam, np.float32)))
    screen = ndc_to_screen(torch.cat([ndc, points[..., 2:]], dim=-1), crop.shape[0], crop.shape[1])
    paints = [None] * len(points) if colours is None else [[colour] for colour in colours]
    return [
        overlay_meshes(crop, [on_screen], [in_camera], faces, paint)
        for on_screen, in_camera, paint in zip(screen, points, paints, strict=True)
    ]
