"""The light of one scene, in world axes, and how a body and the ground receive it.

One sun or lamp with a shadow, and a sky that is brighter above than below. The same numbers light the person (as
spherical harmonics, in camera axes) and the ground (as one colour with a shadow in it), so the two belong together.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from pymaf_pl.data.synth.camera import Array, Camera, Image
from pymaf_pl.data.synth.textures import Colour
from pymaf_pl.render import Light, directional_sh

_CELLS, _CELL = 112, 0.035  # the shadow map: about 4 m square


@dataclass(frozen=True)
class SceneLight:
    """Light of one scene. Colours are irradiances: 1 shows the albedo as it is."""

    direction: Array
    """Unit vector towards the lamp, world axes."""
    key: Colour
    sky: Colour
    """Ambient light on a surface that looks up."""
    ground: Colour
    """Ambient light on a surface that looks down."""
    softness: float = 1.5
    """Blur of the shadow, in cells of 3.5 cm."""

    @property
    def on_ground(self) -> Colour:
        """Irradiance of level ground outside the shadow."""
        return self.sky + self.key * np.float32(max(self.direction[1], 0.0))

    def harmonics(self, camera: Camera) -> Tensor:
        """Return the (9, 3) irradiance coefficients in camera axes."""
        towards = torch.from_numpy(camera.rotation @ self.direction).float()
        coefficients = directional_sh(towards, torch.from_numpy(self.key))
        middle, slope = (self.sky + self.ground) / 2, (self.sky - self.ground) / 2
        coefficients[0] += torch.from_numpy(middle)
        x, y, z = camera.up
        coefficients[1:4] += torch.from_numpy(np.outer((y, z, x), slope)).float()
        return coefficients


def batch_light(lights: list[SceneLight], cameras: list[Camera]) -> Light:
    """Bring the lights of a batch into the renderer's form."""
    key = np.stack([camera.rotation @ light.direction for light, camera in zip(lights, cameras, strict=True)])
    harmonics = [light.harmonics(camera) for light, camera in zip(lights, cameras, strict=True)]
    return Light(torch.stack(harmonics), torch.from_numpy(key).float(), specular=0.06, shininess=14.0)


def plain_daylight() -> SceneLight:
    """Return a soft light from above, with neither tint nor direction to speak of."""
    direction = np.array([0.3, 0.85, 0.43])
    return SceneLight(direction / np.linalg.norm(direction), _grey(0.45), _grey(0.62), _grey(0.42), softness=4.0)


def _grey(value: float) -> Colour:
    return np.full(3, value, np.float32)


def ground_shadow(surface: Image, light: SceneLight, ground_x: Image, ground_z: Image) -> Image:
    """Return the light that reaches points of the ground, as a factor (..., 3).

    Vertices are dropped onto the ground along the lamp's direction (the shadow) and straight down (where feet keep the
    sky out), counted in a small map of the ground, blurred, and looked up.

    Args:
        surface: (V, 3) vertices in world axes.
        light: of the scene.
        ground_x: position of each looked-up point, metres.
        ground_z: likewise.
    """
    x, height, z = np.ascontiguousarray(surface[::2].T, np.float32)  # every other vertex is dense enough
    origin_x, origin_z = x.mean(), z.mean()
    slant_x, _, slant_z = (light.direction / max(light.direction[1], 0.25)).astype(np.float32)
    cast = _cover(x - origin_x - height * slant_x, z - origin_z - height * slant_z, None, light.softness)
    contact = _cover(x - origin_x, z - origin_z, np.exp(-height / np.float32(0.12)), 2.0)
    shift = np.float32(_CELLS / 2 - 0.5)
    cell_x = (ground_x - origin_x) * np.float32(1 / _CELL) + shift
    cell_z = (ground_z - origin_z) * np.float32(1 / _CELL) + shift
    both = cv2.remap(np.dstack([cast, contact]), cell_x, cell_z, cv2.INTER_LINEAR, borderValue=(0, 0))
    lamp = light.key * np.float32(max(light.direction[1], 0.0))
    lost = np.stack([lamp, np.float32(0.6) * light.sky], 1) / (light.on_ground[:, None] + 1e-6)
    return np.asarray(cv2.transform(both, np.concatenate([-lost, np.ones((3, 1))], 1)), np.float32)


def _cover(x: Image, z: Image, weight: Image | None, blur: float) -> Image:
    """Count points (V,) in cells round the origin and turn counts into cover in [0, 1]."""
    column, row = ((values * np.float32(1 / _CELL) + _CELLS / 2).astype(np.int64) for values in (x, z))
    cell = np.clip(row, 0, _CELLS - 1) * _CELLS + np.clip(column, 0, _CELLS - 1)
    count = np.bincount(cell, weight, _CELLS**2).reshape(_CELLS, _CELLS).astype(np.float32)
    count[[0, -1]] = count[:, [0, -1]] = 0  # what fell off the map
    smooth = np.asarray(cv2.GaussianBlur(count, (0, 0), blur), np.float32)
    cover: Image = 1 - np.exp(np.float32(-1.8) * smooth)
    return cover
