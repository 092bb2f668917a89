"""Tileable grey textures and quiet colours: what floors, walls, leaves and cloth are painted with.

The tiles are made once per process from a fixed seed; a picture gets its variety from where and how large it reads a
tile, and from the two colours it blends with it.
"""

import colorsys
from functools import cache
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Image = Floats
Colour = Floats
Material = Literal["fractal", "speckle", "cloud", "foliage", "planks", "tiles", "bricks", "carpet", "plain"]

TILE = 256


@cache
def tile(material: Material) -> NDArray[np.float32]:
    """Return a grey tile (256, 256) in [0, 1] that repeats without a seam."""
    rng = np.random.default_rng(7)
    if material == "plain":
        return np.full((TILE, TILE), 0.5, np.float32)
    if material in ("fractal", "cloud", "foliage", "speckle"):
        slope = {"fractal": 1.2, "cloud": 1.9, "foliage": 0.75, "speckle": 0.3}[material]
        return _noise(rng, slope)
    if material == "carpet":
        return np.clip(0.5 + 0.2 * (_noise(rng, 0.1) - 0.5) + 0.3 * (_noise(rng, 1.6) - 0.5), 0, 1).astype(np.float32)
    return _laid(rng, material)


def _noise(rng: np.random.Generator, slope: float) -> NDArray[np.float32]:
    """Noise with amplitude 1 / frequency**slope, stretched to [0, 1]."""
    fy, fx = np.meshgrid(np.fft.fftfreq(TILE), np.fft.rfftfreq(TILE), indexing="ij")
    radius = np.hypot(fx, fy)
    radius[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.normal(size=(TILE, TILE))) / radius**slope
    picture = np.fft.irfft2(spectrum, s=(TILE, TILE))
    low, high = np.percentile(picture, (1, 99))
    return np.asarray(np.clip((picture - low) / (high - low), 0, 1), np.float32)


def _laid(rng: np.random.Generator, material: Material) -> NDArray[np.float32]:
    """Planks, tiles or bricks: rows of pieces of slightly different brightness, with dark joints."""
    rows, columns, shift = {"planks": (8, 2, 0.37), "tiles": (4, 4, 0.0), "bricks": (16, 6, 0.5)}[material]
    y, x = np.mgrid[:TILE, :TILE] / TILE
    row = (y * rows).astype(int)
    along = (x * columns + row * shift) % columns
    piece = rng.uniform(0.45, 0.85, (rows, columns))[row, along.astype(int)]
    joint = np.minimum((y * rows) % 1 * columns / rows * 1.0, along % 1) < (0.03 if material == "tiles" else 0.025)
    grain = _noise(rng, 1.0)
    if material == "planks":
        grain = np.asarray(cv2.blur(np.tile(grain, (1, 3)), (25, 1))[:, TILE : 2 * TILE], np.float32)
    return np.asarray(np.clip(piece + 0.35 * (grain - 0.5) - 0.4 * joint, 0, 1), np.float32)


def read_tile(material: Material, u: Image, v: Image) -> Image:
    """Look a tile up at the texels that hold positions u, v, repeating it in both directions."""
    column, row = u.astype(np.int32) & (TILE - 1), v.astype(np.int32) & (TILE - 1)
    return tile(material).ravel().take((row * TILE) | column)


def leafy(mask: NDArray[np.uint8], ragged: float, texels: float, shift: int) -> NDArray[np.uint8]:
    """Fray the edges of a mask (0 or 1) as leaves do, by up to about ``ragged`` pixels, and open gaps near them."""
    left, top, width, height = cv2.boundingRect(mask)
    if width == 0 or height == 0:
        return mask
    rim = int(2 * ragged) + 1
    window = np.s_[max(top - rim, 0) : top + height + rim, max(left - rim, 0) : left + width + rim]
    rows, columns = np.indices(mask[window].shape, dtype=np.float32) * np.float32(texels)
    noise = read_tile("foliage", columns + shift, rows)
    soft = cv2.GaussianBlur(mask[window].astype(np.float32), (0, 0), max(ragged, 0.5))
    frayed = np.zeros_like(mask)
    frayed[window] = soft + np.float32(0.7) * (noise - np.float32(0.5)) > 0.5
    return frayed


def blend(amount: Image, dark: Colour, light: Colour) -> Image:
    """Paint a grey picture (...) with two colours; returns (..., 3)."""
    return dark + amount[..., None] * (light - dark)


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Return an RGB colour in [0, 1]."""
    return np.array(colorsys.hsv_to_rgb(hue % 1.0, saturation, value), np.float32)


def muted_colour(rng: np.random.Generator, value: tuple[float, float] = (0.25, 0.85)) -> Colour:
    """Draw a colour that walls and furniture have."""
    warm = rng.uniform() < 0.7
    hue = rng.uniform(0.02, 0.16) if warm else rng.uniform(0.3, 0.7)
    return hsv(hue, rng.uniform(0.03, 0.35), rng.uniform(*value))
