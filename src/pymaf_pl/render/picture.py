"""Shaded pictures of meshes with soft edges, as colour and coverage, to lay over any background.

Two ways to the same kind of picture: ``render_picture`` shades every sub-sample and is for looking at;
``render_picture_fast`` shades every pixel once and is for making training data. Colours are premultiplied by alpha, so
filtering is right at silhouettes and laying over a background is ``composite``.

Frames:  screen vertices in raster px, as in ``rasterize``; normals and light in camera axes.
Shapes:  B images, V vertices, F faces, H W picture, P fragments.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from pymaf_pl.render.fragments import Fragments, fragments, interpolate, locate, splat, with_perspective_depth
from pymaf_pl.render.rasterize import rasterize
from pymaf_pl.render.shading import Light, face_incidence, shade, vertex_normals


class Picture(NamedTuple):
    """A batch of pictures with coverage."""

    rgb: Tensor
    """(B, 3, H, W) in [0, 1], premultiplied by alpha."""
    alpha: Tensor
    """(B, 1, H, W) share of the pixel that is covered, in [0, 1]."""


def render_picture(
    screen_vertices: Tensor,
    camera_vertices: Tensor,
    faces: Tensor,
    albedo: Tensor,
    light: Light,
    height: int,
    width: int,
    *,
    supersampling: int = 3,
    depth: Tensor | None = None,
    cull: bool = False,
    incidence: Tensor | None = None,
) -> Picture:
    """Draw meshes with every edge smooth: shade ``supersampling`` squared points to a pixel and average.

    Args:
        screen_vertices: (B, V, 3) x and y in raster px and z, larger is farther.
        camera_vertices: (B, V, 3) the same vertices in camera axes, any origin and unit; only for the normals.
        faces: (F, 3) int64.
        albedo: (B, V, 3), or (V, 3) shared by the batch, in [0, 1].
        light: of each image.
        height: of the pictures, px.
        width: of the pictures, px.
        supersampling: points to a pixel, per axis.
        depth: (B, V) for perspective cameras, see ``fragments``.
        cull: see ``rasterize``.
        incidence: of ``face_incidence``, to save computing it when many pictures share a topology.
    """
    fine_vertices = _magnify(screen_vertices, supersampling)
    covered = fragments(fine_vertices, faces, height * supersampling, width * supersampling, depth, cull=cull)
    rgb = _shade_fragments(covered, camera_vertices, faces, albedo, light, incidence)
    rgba = F.avg_pool2d(splat(covered, torch.cat([rgb, torch.ones_like(rgb[:, :1])], dim=1)), supersampling)
    return Picture(rgba[:, :3], rgba[:, 3:])


def render_picture_fast(
    screen_vertices: Tensor,
    camera_vertices: Tensor,
    faces: Tensor,
    albedo: Tensor,
    light: Light,
    height: int,
    width: int,
    *,
    supersampling: int = 2,
    depth: Tensor | None = None,
    cull: bool = False,
    incidence: Tensor | None = None,
) -> Picture:
    """Draw meshes with smooth silhouettes only: coverage by sub-samples, but one colour to a pixel.

    The colour is that of the first covered sub-sample's face. Where one limb crosses another edges stay hard, which
    a camera's own blur hides in training data. Arguments as for ``render_picture``.
    """
    batch, sub = screen_vertices.shape[0], supersampling
    fine_vertices = _magnify(screen_vertices, sub)
    if depth is not None:
        fine_vertices = with_perspective_depth(fine_vertices, depth)
    face_ids = rasterize(fine_vertices, faces, height * sub, width * sub, cull=cull)
    face_ids = face_ids.view(batch, height, sub, width, sub).transpose(2, 3).reshape(-1, sub * sub)
    num_covered = (face_ids >= 0).sum(1)
    pixel = num_covered.nonzero().squeeze(1)
    face_ids, num_covered = face_ids.index_select(0, pixel), num_covered.index_select(0, pixel)
    sample = (face_ids >= 0).int().argmax(1)
    face = face_ids.gather(1, sample.unsqueeze(1)).squeeze(1)

    # Whole pixels are shaded at their centre, those of the silhouette at the sub-sample that is on the body.
    corner = torch.stack([pixel % width, torch.div(pixel, width, rounding_mode="floor") % height], dim=-1) * sub
    offset = torch.stack([sample % sub, torch.div(sample, sub, rounding_mode="floor")], dim=-1).double() + 0.5
    points = corner + torch.where((num_covered == sub * sub).unsqueeze(1), sub / 2, offset)
    image = torch.div(pixel, height * width, rounding_mode="floor")
    covered = locate(fine_vertices, faces, pixel, image, face, points, (batch, height, width), depth)
    # The centre may lie outside the sub-sample's face; on a thin one, extrapolating would reach anywhere.
    inside = covered.barycentric.clamp_min(0)
    covered = covered._replace(barycentric=inside / inside.sum(-1, keepdim=True))

    rgb = _shade_fragments(covered, camera_vertices, faces, albedo, light, incidence)
    alpha = (num_covered / sub**2).unsqueeze(1).to(rgb.dtype)
    rgba = splat(covered, torch.cat([rgb * alpha, alpha], dim=1))
    return Picture(rgba[:, :3], rgba[:, 3:])


def composite(rgb_premultiplied: Tensor, alpha: Tensor, background: Tensor) -> Tensor:
    """Lay a picture (B, 3, H, W) with coverage (B, 1, H, W) over a background that broadcasts to it."""
    return rgb_premultiplied + background * (1 - alpha)


def _magnify(screen_vertices: Tensor, factor: int) -> Tensor:
    return torch.cat([screen_vertices[..., :2] * factor, screen_vertices[..., 2:]], dim=-1)


def _shade_fragments(
    covered: Fragments, camera_vertices: Tensor, faces: Tensor, albedo: Tensor, light: Light, incidence: Tensor | None
) -> Tensor:
    if incidence is None:
        incidence = face_incidence(faces, camera_vertices.shape[1])
    normals = interpolate(covered, vertex_normals(camera_vertices, faces, incidence))
    return shade(normals, interpolate(covered, albedo), light, covered.image)
