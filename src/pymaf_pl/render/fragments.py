"""Where on its face does each covered pixel lie, and what does an attribute of the vertices read there?

A fragment is a covered pixel. Everything after visibility works on the (P,) fragments of a whole batch at once, not on
pictures: background costs nothing, and ``splat`` puts the result back into pictures at the end.

Barycentric coordinates are recomputed from the vertices, so whatever is interpolated is differentiable in the vertices
inside a face. Which face a pixel sees is not: silhouettes give no gradient.

Frame:   raster px, as in ``rasterize``.
Shapes:  B images, V vertices, F faces, H W picture, P fragments, C attribute channels.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from pymaf_pl.render.rasterize import edge_functions, rasterize


class Fragments(NamedTuple):
    """The covered pixels of a batch of pictures, in row-major order."""

    pixel: Tensor
    """(P,) index into the flattened (B, H, W)."""
    image: Tensor
    """(P,) index into the batch."""
    face: Tensor
    """(P,) the face seen."""
    corners: Tensor
    """(P, 3) indices of the face's vertices in the flattened (B, V)."""
    barycentric: Tensor
    """(P, 3) shares of the three corners, in the dtype of the vertices; they sum to 1."""
    shape: tuple[int, int, int]
    """(B, H, W)."""


def fragments(
    screen_vertices: Tensor, faces: Tensor, height: int, width: int, depth: Tensor | None = None, *, cull: bool = False
) -> Fragments:
    """Rasterise and locate every covered pixel centre on its face.

    Without ``depth`` attributes are linear on the screen, which is what weak perspective means. With it they are linear
    in space, and occlusion is decided by the depth too, in the form that is linear on the screen (-1 / depth); the z of
    ``screen_vertices`` is then not looked at. Faces that reach behind the camera are not clipped but left out.

    Args:
        screen_vertices: (B, V, 3) x and y in raster px and z, larger is farther.
        faces: (F, 3) int64.
        height: of the pictures, px.
        width: of the pictures, px.
        depth: (B, V) distance along the optical axis, any unit, for perspective cameras.
        cull: see ``rasterize``.
    """
    if depth is not None:
        screen_vertices = with_perspective_depth(screen_vertices, depth)
    face_ids = rasterize(screen_vertices, faces, height, width, cull=cull).view(-1)
    pixel = (face_ids >= 0).nonzero().squeeze(1)
    image = torch.div(pixel, height * width, rounding_mode="floor")
    points = (
        torch.stack([pixel % width, torch.div(pixel, width, rounding_mode="floor") % height], dim=-1).double() + 0.5
    )
    face = face_ids.index_select(0, pixel)
    shape = (screen_vertices.shape[0], height, width)
    return locate(screen_vertices, faces, pixel, image, face, points, shape, depth)


def locate(
    screen_vertices: Tensor,
    faces: Tensor,
    pixel: Tensor,
    image: Tensor,
    face: Tensor,
    points: Tensor,
    shape: tuple[int, int, int],
    depth: Tensor | None = None,
) -> Fragments:
    """Build fragments for known faces, from points (P, 2) in raster px that need not be pixel centres."""
    corners = faces.index_select(0, face) + (image * screen_vertices.shape[1]).unsqueeze(1)
    positions = screen_vertices[..., :2].reshape(-1, 2).index_select(0, corners.view(-1)).view(-1, 3, 2)
    # float64, and the rasteriser's own expression: a sliver it accepted has a non-zero area here as well.
    relative = positions.double() - points.unsqueeze(1)
    barycentric = torch.stack(edge_functions(relative[..., 0].unbind(1), relative[..., 1].unbind(1)), dim=-1)
    barycentric = barycentric / barycentric.sum(-1, keepdim=True)
    if depth is not None:
        barycentric = barycentric / depth.reshape(-1).index_select(0, corners.view(-1)).view(-1, 3)
        barycentric = barycentric / barycentric.sum(-1, keepdim=True)
    return Fragments(pixel, image, face, corners, barycentric.to(screen_vertices.dtype), shape)


def with_perspective_depth(screen_vertices: Tensor, depth: Tensor) -> Tensor:
    """Replace z by -1 / depth, which is linear on the screen, and by nan (a vertex not drawn) behind the camera."""
    if depth.shape != screen_vertices.shape[:2]:
        raise ValueError(f"depth must be (B, V) = {tuple(screen_vertices.shape[:2])}, got {tuple(depth.shape)}")
    z = torch.where(depth > 0, -1 / depth, torch.nan)
    return torch.cat([screen_vertices[..., :2], z.unsqueeze(-1).to(screen_vertices.dtype)], dim=-1)


def interpolate(fragments: Fragments, vertex_attributes: Tensor) -> Tensor:
    """Read attributes of the vertices, (B, V, C) or (V, C) shared by the batch, at the fragments: (P, C)."""
    corners = fragments.corners
    if vertex_attributes.dim() == 2:
        corners = corners - (fragments.image * vertex_attributes.shape[0]).unsqueeze(1)
    flat = vertex_attributes.reshape(-1, vertex_attributes.shape[-1])
    values = flat.index_select(0, corners[:, 0]) * fragments.barycentric[:, 0:1]
    for corner in (1, 2):
        values = values + flat.index_select(0, corners[:, corner]) * fragments.barycentric[:, corner : corner + 1]
    return values


def interpolate_corners(fragments: Fragments, corner_attributes: Tensor) -> Tensor:
    """Read attributes (F, 3, C) that each face keeps for its own corners, such as UVs with seams: (P, C)."""
    return (corner_attributes.index_select(0, fragments.face) * fragments.barycentric.unsqueeze(-1)).sum(1)


def splat(fragments: Fragments, values: Tensor, fill: float = 0.0) -> Tensor:
    """Put values (P, C) of the fragments back into pictures (B, C, H, W), with ``fill`` where nothing is drawn."""
    batch, height, width = fragments.shape
    flat = values.new_full((batch * height * width, values.shape[-1]), fill)
    flat = flat.index_copy(0, fragments.pixel, values)
    return flat.view(batch, height, width, -1).permute(0, 3, 1, 2)
