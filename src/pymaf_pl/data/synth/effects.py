"""What happens between a scene and a stored photograph: things in the way, blur, sensor noise.

Frames:  pictures are (S, S, 3) RGB in [0, 1]; raster px.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pymaf_pl.data.synth.camera import Array, Image
from pymaf_pl.data.synth.textures import Colour, Material, hsv, leafy, muted_colour
from pymaf_pl.data.synth.wallpaper import grainy

_MATERIALS: tuple[Material, ...] = ("planks", "fractal", "bricks", "carpet", "plain", "foliage")


_GRAIN = 1 << 21


@cache
def _grain() -> Image:
    """Two million normal numbers: reading them anywhere is much cheaper than drawing them."""
    return np.random.default_rng(11).standard_normal(_GRAIN, np.float32)


def occlude(picture: Image, joints: Array, light: Colour, rng: np.random.Generator) -> Image:
    """Put something in front of the person: a ledge across the legs, a post, a box or a bush.

    Args:
        picture: (S, S, 4) what the camera sees without it, and how much of each pixel the person takes.
        joints: (J, 2) raster px of the person's joints.
        light: irradiance on it.
        rng: source of randomness.
    """
    size = len(picture)
    low, high = joints.min(0), joints.max(0)
    tall = float((high - low).max())
    mask = np.zeros((size, size), np.uint8)
    kind = rng.choice(["ledge", "post", "box", "bush"], p=[0.3, 0.2, 0.3, 0.2])
    at = joints[rng.integers(len(joints))]
    if kind == "ledge":
        top = int(high[1] - rng.uniform(0.08, 0.42) * (high[1] - low[1]))
        edge = 0 if rng.uniform() < 0.6 else int(rng.uniform(low[0], high[0]))
        corner = (edge, top) if rng.uniform() < 0.5 or edge == 0 else (0, top)
        cv2.rectangle(mask, corner, (size if corner[0] == edge else edge, size), 1, -1)
    elif kind == "post":
        half = max(1.0, tall * rng.uniform(0.015, 0.06))
        cv2.rectangle(mask, (int(at[0] - half), 0), (int(at[0] + half), size), 1, -1)
    elif kind == "box":
        sides = tall * rng.uniform(0.12, 0.4, 2)
        box = ((float(at[0]), float(at[1])), (float(sides[0]), float(sides[1])), float(rng.normal(0, 12)))
        cv2.fillConvexPoly(mask, np.round(cv2.boxPoints(box)).astype(np.int32), 1)
    else:
        # It grows from below the picture, up to some height of the body.
        top = high[1] - rng.uniform(0.15, 0.55) * (high[1] - low[1])
        for _ in range(24):
            y = rng.uniform(top, max(high[1], top) + 0.25 * tall)
            x = at[0] + rng.normal(0, 0.16 * tall)
            cv2.circle(mask, (int(x), int(y)), int(tall * rng.uniform(0.04, 0.09)) + 1, 1, -1)
        mask = leafy(mask, 0.03 * tall, 3.0, int(rng.integers(256)))
    colour = hsv(rng.uniform(0.18, 0.36), 0.5, 0.5) if kind == "bush" else muted_colour(rng, (0.25, 0.8))
    material: Material = "foliage" if kind == "bush" else _MATERIALS[rng.integers(len(_MATERIALS))]
    texture = grainy(material, colour * np.float32(0.55), colour, size) * light
    texture = np.concatenate([texture, np.zeros_like(texture[..., :1])], axis=2)  # nobody is seen through it
    alpha = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), rng.uniform(0.4, 1.0))[..., None]
    return picture + alpha * (texture - picture)


def blur(picture: Image, rng: np.random.Generator) -> Image:
    """Put the picture out of focus, or shake the camera, by up to a few pixels of a 144 px picture."""
    scale = len(picture) / 144
    if rng.uniform() < 0.6:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), scale * rng.uniform(0.5, 1.2)), np.float32)
    length, angle = scale * rng.uniform(2, 5), rng.uniform(0, np.pi)
    reach = int(length / 2) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for step in np.linspace(-length / 2, length / 2, 4 * reach + 1):
        kernel[round(reach + step * np.sin(angle)), round(reach + step * np.cos(angle))] += 1
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE), np.float32)


def develop(picture: Image, noise: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Turn a picture into bytes, with sensor noise of standard deviation up to ``noise`` grey levels."""
    levels = picture * np.float32(255)
    sigma = rng.uniform(0, noise) if noise > 0 else 0.0
    if sigma > 0.3:
        start = int(rng.integers(_GRAIN - levels.size))
        levels = levels + np.float32(sigma) * _grain()[start : start + levels.size].reshape(levels.shape)
    return np.asarray(np.clip(levels + 0.5, 0, 255).astype(np.uint8))
