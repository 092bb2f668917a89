"""Draw meshes, on CPU or CUDA, with nothing but torch: no OpenGL, no compiled extension.

Everything draws in *raster px*: x right, y down, pixel i has its centre at i + 0.5, and z grows away from the viewer.

Where do I find ...
    crop coordinates to raster px                 ``screen``      ndc_to_screen
    which face each pixel sees                    ``rasterize``   rasterize
    vertex attributes at the pixels, and back     ``fragments``   fragments, interpolate, interpolate_corners, splat
    training targets, pixel-exact                 ``targets``     render_iuv, render_labels, render_silhouette
    normals and light                             ``shading``     vertex_normals, studio_light, directional_sh, shade
    shaded pictures with soft edges               ``picture``     render_picture, render_picture_fast, composite
    meshes over a photograph, for reports         ``overlay``     overlay_mesh, overlay_meshes

The usual path from a body to a target::

    screen_vertices = ndc_to_screen(points_in_crop_ndc, 56, 56)
    iuv = render_iuv(screen_vertices, faces, face_part, face_uv, 56)

and, for a quantity that is not here yet, the long way round, differentiable in the vertices::

    covered = fragments(screen_vertices, faces, height, width)
    picture = splat(covered, my_function(interpolate(covered, vertex_attributes)))

Perspective cameras pass ``depth``; without it the projection is taken for parallel, as weak perspective is.
"""

from pymaf_pl.render.fragments import Fragments, fragments, interpolate, interpolate_corners, splat
from pymaf_pl.render.overlay import PALETTE, overlay_mesh, overlay_meshes
from pymaf_pl.render.picture import Picture, composite, render_picture, render_picture_fast
from pymaf_pl.render.rasterize import rasterize
from pymaf_pl.render.screen import ndc_to_screen
from pymaf_pl.render.shading import (
    Light,
    directional_sh,
    face_incidence,
    sh_basis,
    shade,
    studio_light,
    vertex_normals,
)
from pymaf_pl.render.targets import render_iuv, render_labels, render_silhouette

__all__ = [
    "PALETTE",
    "Fragments",
    "Light",
    "Picture",
    "composite",
    "directional_sh",
    "face_incidence",
    "fragments",
    "interpolate",
    "interpolate_corners",
    "ndc_to_screen",
    "overlay_mesh",
    "overlay_meshes",
    "rasterize",
    "render_iuv",
    "render_labels",
    "render_picture",
    "render_picture_fast",
    "render_silhouette",
    "sh_basis",
    "shade",
    "splat",
    "studio_light",
    "vertex_normals",
]
