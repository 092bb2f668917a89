"""A room seen by a camera: four papered walls, a floor, a ceiling and box-shaped furniture, by exact ray casting.

Frames:  world axes, metres, the room centred on the origin with its floor at y = 0; raster px.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from pymaf_pl.data.synth.camera import Camera, Image, Window
from pymaf_pl.data.synth.textures import Colour, Material, blend, read_tile


@dataclass(frozen=True)
class Box:
    """An upright box of one colour: furniture is made of these."""

    centre: tuple[float, float, float]
    size: tuple[float, float, float]
    colour: Colour


@dataclass(frozen=True)
class Room:
    """A rectangular room.

    ``paper`` is the walls unrolled, (height, perimeter, 3): the wall at +z from -x to +x, then +x, -z and -x.
    """

    half_x: float
    half_z: float
    height: float
    paper: Image
    floor_material: Material
    floor_dark: Colour
    floor_light: Colour
    ceiling: Colour
    tile_m: float = 2.0
    """Side of one repetition of the floor's pattern."""
    boxes: tuple[Box, ...] = field(default=())

    def render(self, camera: Camera, window: Window, illumination: Colour) -> tuple[Image, Image, Image]:
        """Draw the empty room.

        Returns:
            The picture (S, S, 3) in [0, 1], and where each pixel's ray meets the floor, x and z (S, S) in metres, nan
            where it meets something else.
        """
        # a ray exactly along a wall would divide zero by zero; a millionth beside it meets the next wall far away
        rays = tuple(np.where(np.abs(ray) < 1e-6, np.float32(1e-6), ray) for ray in window.rays(camera))
        eye_x, eye_y, eye_z = (np.float32(p) for p in camera.position)
        hx, hz, height = np.float32(self.half_x), np.float32(self.half_z), np.float32(self.height)
        to_x = (np.copysign(hx, rays[0]) - eye_x) / rays[0]
        to_y = (np.where(rays[1] > 0, height, np.float32(0)) - eye_y) / rays[1]
        to_z = (np.copysign(hz, rays[2]) - eye_z) / rays[2]
        to_wall = np.minimum(to_x, to_z)
        distance = np.minimum(to_wall, to_y)
        x, y, z = (eye + ray * distance for eye, ray in zip((eye_x, eye_y, eye_z), rays, strict=True))
        level = to_y < to_wall
        is_floor = level & (rays[1] < 0)

        facing_z = np.where(rays[2] > 0, x + hx, 3 * hx + 2 * hz - x)
        facing_x = np.where(rays[0] > 0, 2 * hx + hz - z, 4 * hx + 3 * hz + z)
        picture = self._walls(np.where(to_z < to_x, facing_z, facing_x), y)
        scale = np.float32(256 / self.tile_m)
        floor_x, floor_z = x[is_floor], z[is_floor]
        grain = read_tile(self.floor_material, floor_x * scale, floor_z * scale)
        # Far floor, seen at a flat angle, loses its pattern instead of flickering.
        grain = 0.5 + (grain - 0.5) * np.clip(1.6 - 0.13 * distance[is_floor], 0.15, 1)
        picture[is_floor] = blend(grain, self.floor_dark, self.floor_light)
        picture[level & ~is_floor] = self.ceiling
        picture *= self._corner_shade(x, y, z)[..., None]
        picture *= illumination
        covered = draw_boxes(picture, self.boxes, camera, window, illumination)
        gone = ~is_floor | covered
        return picture, np.where(gone, np.float32(np.nan), x), np.where(gone, np.float32(np.nan), z)

    def _walls(self, along: Image, y: Image) -> NDArray[np.float32]:
        """Read the wallpaper at distances along the perimeter and heights, in metres."""
        rows, columns = self.paper.shape[:2]
        u = along * np.float32(columns / (4 * self.half_x + 4 * self.half_z)) - np.float32(0.5)
        v = np.float32(rows - 0.5) - y * np.float32(rows / self.height)
        seen = cv2.remap(self.paper, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(seen, np.float32)

    def _corner_shade(self, x: Image, y: Image, z: Image) -> Image:
        """Darken where two faces meet: little of the room lights a corner."""
        gap_x, gap_z = np.float32(self.half_x) - np.abs(x), np.float32(self.half_z) - np.abs(z)
        gap_y = np.minimum(y, np.float32(self.height) - y)
        second = np.maximum(np.minimum(gap_x, gap_z), np.minimum(np.maximum(gap_x, gap_z), gap_y))
        shade: Image = 1 - np.float32(0.3) * np.exp(second * np.float32(-1 / 0.45))
        return shade


_FACES = ((0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5))
_FACE_NORMALS = np.array([(-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1)], np.float64)
_FACE_SHADE = (0.78, 0.86, 0.5, 1.1, 0.7, 0.92)


def draw_boxes(
    picture: Image, boxes: tuple[Box, ...], camera: Camera, window: Window, illumination: Colour
) -> NDArray[np.bool_]:
    """Paint boxes far to near, in place; a box that reaches behind the camera is left out. Returns what they cover."""
    covered = np.zeros(picture.shape[:2], np.uint8)
    for box in sorted(boxes, key=lambda box: -float(np.linalg.norm(camera.position - np.array(box.centre)))):
        half = np.array(box.size) / 2
        signs = np.array([(i, j, k) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])
        corners = camera.to_camera(np.array(box.centre) + signs * half)
        if corners[:, 2].min() < 0.3:
            continue
        # fillConvexPoly counts from pixel centres and, with shift 4, in sixteenths.
        pixels = np.round((window.project(corners) - 0.5) * 16).astype(np.int64)
        if np.abs(pixels).max() > 2**19:
            continue
        towards = camera.position - np.array(box.centre)
        for ids, normal, shade in zip(_FACES, _FACE_NORMALS, _FACE_SHADE, strict=True):
            if (towards - normal * half) @ normal > 0:
                polygon = pixels[list(ids)].astype(np.int32)
                colour = [float(c) for c in box.colour * illumination * shade]
                cv2.fillConvexPoly(picture, polygon, colour, cv2.LINE_8, 4)
                cv2.fillConvexPoly(covered, polygon, 1, cv2.LINE_8, 4)
    return covered.astype(bool)
