"""Meshes drawn over a photograph, for reports: numpy picture in, numpy picture out.

All people go through one z-buffer, so who stands in front is decided pixel by pixel. Only a window around them is
drawn, in bands: the cost follows the people and not the photograph, and memory stays small.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pymaf_pl.render.picture import composite, render_picture, render_picture_fast
from pymaf_pl.render.shading import face_incidence, studio_light

Colour = tuple[float, float, float]

PALETTE: tuple[Colour, ...] = (
    (0.62, 0.73, 0.87),  # steel blue
    (0.93, 0.70, 0.56),  # apricot
    (0.63, 0.82, 0.65),  # sage
    (0.80, 0.68, 0.86),  # lilac
    (0.93, 0.84, 0.55),  # straw
    (0.55, 0.81, 0.82),  # lagoon
)
"""Colours of people, in turn: light enough for shading to show, and apart from each other and from skin."""

_SUPERSAMPLING = 3
_LARGE, _SUPERSAMPLING_OF_LARGE = 2**20, 2  # px; in so large a picture a pixel's edge is small
_PIXELS_PER_BAND = 2**17


def overlay_mesh(
    image: NDArray[np.uint8],
    screen_vertices: ArrayLike | Tensor,
    camera_vertices: ArrayLike | Tensor,
    faces: ArrayLike | Tensor,
    colour: Colour = PALETTE[0],
    *,
    opacity: float = 0.9,
) -> NDArray[np.uint8]:
    """Draw one mesh over a photograph; see ``overlay_meshes``."""
    return overlay_meshes(image, [screen_vertices], [camera_vertices], faces, [colour], opacity=opacity)


@torch.no_grad()
def overlay_meshes(
    image: NDArray[np.uint8],
    screen_vertices: Sequence[ArrayLike | Tensor],
    camera_vertices: Sequence[ArrayLike | Tensor],
    faces: ArrayLike | Tensor,
    colours: Sequence[Colour | ArrayLike] | None = None,
    *,
    opacity: float = 0.9,
    quick: bool = False,
) -> NDArray[np.uint8]:
    """Draw people over a photograph in studio light; pixels outside them come back untouched.

    Args:
        image: (H, W, 3) uint8.
        screen_vertices: of each person, (V, 3) x and y in px of the image (raster px) and z, larger is farther. For who
            is in front to be right, z must be common to all: the depth from one camera.
        camera_vertices: of each person, (V, 3) in camera axes, any origin; only for the light.
        faces: (F, 3) integers, shared by all.
        colours: of each person, r g b in [0, 1], or (V, 3) one for every vertex; ``PALETTE`` in turn if not given.
        opacity: of the meshes, 0 to 1.
        quick: smooth outlines only, each pixel shaded once, for the frames of a video.

    Returns:
        (H, W, 3) uint8, a new array.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"image must be (H, W, 3) uint8, got {image.shape} {image.dtype}")
    if colours is None:
        colours = [PALETTE[person % len(PALETTE)] for person in range(len(screen_vertices))]
    if not len(screen_vertices) == len(camera_vertices) == len(colours):
        raise ValueError(
            "as many screen_vertices, camera_vertices and colours are needed as people, got "
            f"{len(screen_vertices)}, {len(camera_vertices)} and {len(colours)}"
        )
    paints = [torch.as_tensor(np.asarray(colour), dtype=torch.float32) for colour in colours]
    if any(not bool(((paint >= 0) & (paint <= 1)).all()) for paint in paints):
        raise ValueError(f"colours are r g b in [0, 1], got {list(colours)}")
    overlaid = image.copy()
    if not screen_vertices:
        return overlaid

    screen = torch.stack([_tensor(vertices, torch.float32) for vertices in screen_vertices])
    camera = torch.stack([_tensor(vertices, torch.float32) for vertices in camera_vertices])
    num_people, num_vertices = screen.shape[:2]
    one_face_list = _tensor(faces, torch.int64)
    all_faces = torch.cat([one_face_list + person * num_vertices for person in range(num_people)])
    albedo = torch.cat([paint.expand(num_vertices, 3) for paint in paints])
    incidence = face_incidence(all_faces, num_people * num_vertices)
    screen, camera = screen.view(1, -1, 3), camera.view(1, -1, 3)

    left, top, right, bottom = _window(screen, image.shape[0], image.shape[1])
    if left >= right or top >= bottom:
        return overlaid
    light = studio_light(1)
    large = (right - left) * (bottom - top) > _LARGE
    draw = partial(
        render_picture_fast if quick else render_picture,
        supersampling=_SUPERSAMPLING_OF_LARGE if quick or large else _SUPERSAMPLING,
        cull=quick,
        incidence=incidence,
    )
    band_height = max(1, _PIXELS_PER_BAND // (right - left))
    for first in range(top, bottom, band_height):
        last = min(first + band_height, bottom)
        band = screen - screen.new_tensor([left, first, 0])
        picture = draw(band, camera, all_faces, albedo, light, last - first, right - left)
        photograph = torch.from_numpy(overlaid[first:last, left:right]).permute(2, 0, 1)
        blended = composite(255 * opacity * picture.rgb, opacity * picture.alpha, photograph)[0]
        overlaid[first:last, left:right] = blended.round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    return overlaid


def _tensor(values: ArrayLike | Tensor, dtype: torch.dtype) -> Tensor:
    if isinstance(values, Tensor):
        return values.detach().to("cpu", dtype)
    return torch.as_tensor(np.asarray(values)).to(dtype)


def _window(screen_vertices: Tensor, height: int, width: int) -> tuple[int, int, int, int]:
    """Return the left, top, right and bottom of the pixels that the vertices can reach."""
    corners = screen_vertices[..., :2].reshape(-1, 2)
    corners = corners[corners.isfinite().all(-1)]
    if corners.shape[0] == 0:
        return 0, 0, 0, 0
    limit = corners.new_tensor([width, height])
    left, top = torch.minimum(corners.amin(0).floor().clamp_min(0), limit).int().tolist()
    right, bottom = torch.minimum(corners.amax(0).ceil().clamp_min(0), limit).int().tolist()
    return left, top, right, bottom
