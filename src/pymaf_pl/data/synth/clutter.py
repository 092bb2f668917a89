"""Backdrops that look like nothing: shapes of all sizes over one another, in all colours.

Such "dead leaves" have the edges, the occlusions and the power spectrum of natural pictures (Lee, Mumford and Huang,
IJCV 2001). Long thin shapes in the colours of skin and cloth are among them, so that not every tube is a limb.

Frames:  pictures are (S, S, 3) RGB in [0, 1]; raster px.
"""

import cv2
import numpy as np

from pymaf_pl.data.synth.camera import Image
from pymaf_pl.data.synth.textures import Colour, Material, hsv, muted_colour
from pymaf_pl.data.synth.wallpaper import grainy
from pymaf_pl.data.synth.wardrobe import cloth_colour

_MATERIALS: tuple[Material, ...] = ("fractal", "speckle", "foliage", "planks", "bricks", "carpet", "tiles", "cloud")


def render_clutter(size: int, light: Colour, rng: np.random.Generator) -> Image:
    """Draw a collage, large shapes first."""
    ground = muted_colour(rng, (0.2, 0.95))
    picture = np.ascontiguousarray(grainy(_material(rng), ground * np.float32(0.6), ground, size), np.float32)
    extents = np.sort(size * 0.02 * (1 / rng.uniform(0.04, 1, int(rng.integers(15, 110)))))[::-1]
    for extent in extents:
        corners = np.round(_outline(float(extent), size, rng) * 16).astype(np.int32)
        colour = _colour(rng)
        if extent > 0.15 * size and rng.uniform() < 0.6:
            mask = np.zeros((size, size), np.uint8)
            cv2.fillPoly(mask, [corners], 1, cv2.LINE_8, 4)
            texture = grainy(_material(rng), colour * np.float32(rng.uniform(0.4, 0.8)), colour, size)
            picture[mask > 0] = texture[mask > 0]
        else:
            cv2.fillPoly(picture, [corners], [float(c) for c in colour], cv2.LINE_8, 4)
    blurred = cv2.GaussianBlur(picture, (0, 0), rng.choice([0.4, 0.7, 1.2, 2.0]) * size / 144)
    return np.asarray(blurred * light, np.float32)


def _outline(extent: float, size: int, rng: np.random.Generator) -> Image:
    """Corners (N, 2) of an ellipse, a rectangle, a stick or a star-shaped blob somewhere in the picture."""
    kind = rng.choice(["ellipse", "rectangle", "stick", "blob"], p=[0.25, 0.3, 0.2, 0.25])
    if kind == "rectangle":
        corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float64)
    else:
        angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        radius = rng.uniform(0.4, 1.0, 20) if kind == "blob" else np.ones(20)
        corners = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    stretch = rng.uniform(0.08, 0.2) if kind == "stick" else rng.uniform(0.3, 1.0)
    turn = 0.0 if kind == "rectangle" and rng.uniform() < 0.5 else rng.uniform(0, np.pi)
    cosine, sine = np.cos(turn), np.sin(turn)
    corners = corners * (extent, extent * stretch) @ np.array([[cosine, sine], [-sine, cosine]])
    placed: Image = corners + rng.uniform(0, size, 2)
    return placed


def _colour(rng: np.random.Generator) -> Colour:
    kind = rng.uniform()
    if kind < 0.5:
        return muted_colour(rng, (0.1, 1.0))
    if kind < 0.75:
        return cloth_colour(rng, 0.5)
    if kind < 0.85:  # skin
        return hsv(rng.uniform(0.03, 0.09), rng.uniform(0.2, 0.6), rng.uniform(0.25, 0.95))
    return hsv(rng.uniform(), rng.uniform(0, 1), rng.uniform(0.1, 1))


def _material(rng: np.random.Generator) -> Material:
    return _MATERIALS[rng.integers(len(_MATERIALS))]
