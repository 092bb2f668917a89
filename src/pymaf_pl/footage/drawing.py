"""Bodies drawn over the frames of a video."""

from collections.abc import Sequence

import numpy as np
import torch

from pymaf_pl.body import BodyModel
from pymaf_pl.data.images import ImageArray
from pymaf_pl.footage.following import Body
from pymaf_pl.geometry.camera import project_pinhole
from pymaf_pl.render import PALETTE, overlay_meshes


@torch.inference_mode()
def draw_bodies(
    images: Sequence[ImageArray], bodies: Sequence[Sequence[Body]], body: BodyModel, focal_length: float
) -> list[ImageArray]:
    """Draw everybody where they stand, each in a colour of their own, nearest in front.

    Args:
        images: (H, W, 3) uint8, all of one size.
        bodies: of each image.
        body: decodes them.
        focal_length: px.
    """
    everybody = [somebody.estimate for here in bodies for somebody in here]
    if not everybody:
        return list(images)
    device = body.faces.device
    rotmat, betas, transl = (
        torch.from_numpy(np.stack(column)).float().to(device) for column in zip(*everybody, strict=True)
    )
    vertices = body(rotmat, betas).vertices + transl[:, None]
    height, width = images[0].shape[:2]
    points = project_pinhole(vertices, vertices.new_tensor(focal_length), vertices.new_tensor([width / 2, height / 2]))
    screens = torch.cat([points, vertices[..., 2:]], dim=-1).cpu()
    vertices = vertices.cpu()
    drawn, begin = [], 0
    for image, here in zip(images, bodies, strict=True):
        own = slice(begin, begin + len(here))
        colours = [PALETTE[somebody.person % len(PALETTE)] for somebody in here]
        drawn.append(overlay_meshes(image, list(screens[own]), list(vertices[own]), body.faces, colours, quick=True))
        begin = own.stop
    return drawn
