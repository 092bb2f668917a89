"""Pixel-exact label pictures: IUV, part labels and silhouettes.

No anti-aliasing anywhere: a pixel has the label of the surface at its centre, nothing in between.

Frame:   raster px, as in ``rasterize``.
Shapes:  B images, V vertices, F faces, H W picture.
"""

import torch
from torch import Tensor

from pymaf_pl.render.fragments import fragments, interpolate_corners, splat
from pymaf_pl.render.rasterize import rasterize


def render_iuv(
    screen_vertices: Tensor,
    faces: Tensor,
    face_part: Tensor,
    face_uv: Tensor,
    size: int,
    *,
    depth: Tensor | None = None,
) -> Tensor:
    """Render the DensePose target: which part of the surface, and where on its chart.

    Args:
        screen_vertices: (B, V, 3) x and y in raster px and z, larger is farther.
        faces: (F, 3) int64.
        face_part: (F,) part of each face, 1 to 24.
        face_uv: (F, 3, 2) chart coordinates of each face's corners, in [0, 1]. They belong to faces and not to
            vertices, because a vertex on a seam has one in every chart it borders.
        size: of the square pictures, px.
        depth: (B, V) for perspective cameras, see ``fragments``.

    Returns:
        (B, 3, size, size): part (0 is background), u, v, in the dtype of the vertices.
    """
    covered = fragments(screen_vertices, faces, size, size, depth)
    uv = interpolate_corners(covered, face_uv.to(screen_vertices.dtype))
    part = face_part.index_select(0, covered.face).unsqueeze(1).to(uv.dtype)
    return splat(covered, torch.cat([part, uv], dim=1))


def render_labels(screen_vertices: Tensor, faces: Tensor, face_label: Tensor, height: int, width: int) -> Tensor:
    """Render the label (F,) of the nearest face: (B, height, width) int64, 0 where there is none."""
    face_ids = rasterize(screen_vertices, faces, height, width)
    # Face -1 reads the background's label, appended last.
    labels = torch.cat([face_label.long(), face_label.new_zeros(1, dtype=torch.int64)])
    return labels[face_ids]


def render_silhouette(screen_vertices: Tensor, faces: Tensor, height: int, width: int) -> Tensor:
    """Render where anything is seen: (B, height, width) bool."""
    return rasterize(screen_vertices, faces, height, width) >= 0
