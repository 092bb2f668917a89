"""The studio: a few known people in one furnished room, watched by four fixed cameras.

It plays the part of Human3.6M. Room, cameras, light and people are the same in every data set ever made, so a network
can learn the room by heart, which is what indoor data sets are like; only place, heading and pose change.
"""

from functools import cache

import cv2
import numpy as np

from pymaf_pl.data.synth.anatomy import shipped_anatomy
from pymaf_pl.data.synth.camera import Array, Camera, Image, Window, look_at
from pymaf_pl.data.synth.lighting import SceneLight
from pymaf_pl.data.synth.people import Appearance, draw_appearance
from pymaf_pl.data.synth.room import Box, Room
from pymaf_pl.data.synth.textures import hsv
from pymaf_pl.data.synth.wallpaper import Wallpaper

TRAIN_SUBJECTS = (1, 4, 6, 9, 12)
HELD_OUT_SUBJECTS = (7, 14)
REACH = 1.1  # m: how far from the middle people stand

_HALF, _HEIGHT = 4.3, 3.0
_FOCAL, _FULL = 640.0, 820  # the cameras' own picture, px

_CAMERAS = tuple(
    look_at(np.array([x, y, z]), np.array([0.0, 0.85, 0.0]), yaw_deg=yaw)
    for x, y, z, yaw in ((3.6, 1.6, 3.5, 1.0), (-3.5, 1.75, 3.6, -1.5), (3.55, 1.7, -3.6, 2.0), (-3.6, 1.5, -3.5, 0.0))
)


def cameras() -> tuple[Camera, ...]:
    """Return the four cameras."""
    return _CAMERAS


@cache
def light() -> SceneLight:
    """Return the studio's light: a soft lamp high on one side."""
    direction = np.array([0.45, 0.82, 0.35])
    return SceneLight(
        direction=direction / np.linalg.norm(direction),
        key=np.array([0.60, 0.58, 0.54], np.float32),
        sky=np.array([0.56, 0.57, 0.60], np.float32),
        ground=np.array([0.34, 0.31, 0.28], np.float32),
        softness=3.0,
    )


@cache
def subject(number: int, *, patterns: bool = True, thickness: bool = True) -> tuple[Array, Appearance]:
    """Return a subject's betas (10,) and looks, always the same for the same number."""
    rng = np.random.default_rng([1960, number])
    betas = np.clip(rng.normal(size=10), -2, 2)
    return betas, draw_appearance(shipped_anatomy()[1], rng, patterns=patterns, thickness=thickness)


@cache
def room() -> Room:
    """Build the room."""
    rng = np.random.default_rng(36)
    wall, accent = np.array([0.80, 0.78, 0.74], np.float32), np.array([0.36, 0.49, 0.53], np.float32)
    walls = Wallpaper(_HALF, _HALF, _HEIGHT, 70, [wall, accent, wall, wall * (0.97, 0.95, 0.90)])
    walls.material("cloud", 0.06, 3.0)
    walls.band(0, 0.11, np.full(3, 0.90, np.float32))
    walls.band(_HEIGHT - 0.06, _HEIGHT, np.full(3, 0.93, np.float32))
    start = walls.starts
    walls.window(start[0] + 1.2, 2.2, 0.95, 2.35, np.array([0.80, 0.90, 1.0], np.float32))
    walls.window(start[0] + 5.2, 2.2, 0.95, 2.35, np.array([0.80, 0.90, 1.0], np.float32))
    walls.door(start[1] + 6.6, hsv(0.07, 0.45, 0.48))
    for left, low, width, height in ((0.9, 1.2, 0.8, 1.1), (2.1, 1.35, 1.3, 0.9), (4.0, 1.3, 0.7, 0.95)):
        walls.picture(start[1] + left, low, width, height, rng)
    walls.rectangle(start[2] + 2.6, 1.0, start[2] + 5.0, 2.2, np.full(3, 0.45, np.float32))
    walls.rectangle(start[2] + 2.66, 1.06, start[2] + 4.94, 2.14, np.full(3, 0.93, np.float32))
    walls.picture(start[2] + 0.8, 1.2, 0.9, 1.2, rng)
    walls.picture(start[2] + 6.4, 1.25, 1.0, 0.8, rng)
    for left, low, width, height in ((0.9, 1.3, 1.1, 0.8), (6.3, 1.2, 0.8, 1.1)):
        walls.picture(start[3] + left, low, width, height, rng)
    return Room(
        half_x=_HALF, half_z=_HALF, height=_HEIGHT, paper=walls.paper,
        floor_material="planks", floor_dark=hsv(0.075, 0.55, 0.30), floor_light=hsv(0.085, 0.42, 0.68),
        ceiling=np.full(3, 0.88, np.float32), tile_m=1.6, boxes=_furniture(rng),
    )  # fmt: skip


def _furniture(rng: np.random.Generator) -> tuple[Box, ...]:
    """A sofa, a sideboard, a table with a stool and a bookcase, all along the walls."""
    cloth, wood, white = hsv(0.58, 0.35, 0.45), hsv(0.07, 0.5, 0.45), np.full(3, 0.86, np.float32)
    boxes = [
        Box((0, 0.22, -3.75), (2.1, 0.44, 0.9), cloth),
        Box((0, 0.55, -4.1), (2.1, 0.7, 0.22), cloth * 0.9),
        Box((-1.1, 0.32, -3.75), (0.2, 0.62, 0.9), cloth * 1.05),
        Box((1.1, 0.32, -3.75), (0.2, 0.62, 0.9), cloth * 1.05),
        Box((-0.4, 0.6, -3.92), (0.45, 0.4, 0.14), hsv(0.1, 0.6, 0.8)),
        Box((-4.1, 0.45, 0.2), (0.4, 0.9, 1.9), white),
        Box((-4.1, 0.95, 0.7), (0.2, 0.12, 0.3), hsv(0.0, 0.5, 0.6)),
        Box((-4.1, 1.05, -0.2), (0.2, 0.32, 0.2), hsv(0.3, 0.4, 0.4)),
        Box((0.3, 0.72, 3.8), (1.5, 0.06, 0.75), wood),
        Box((-0.35, 0.35, 3.8), (0.07, 0.7, 0.6), wood * 0.8),
        Box((0.95, 0.35, 3.8), (0.07, 0.7, 0.6), wood * 0.8),
        Box((-0.9, 0.23, 3.7), (0.38, 0.46, 0.38), hsv(0.1, 0.7, 0.75)),
        Box((4.12, 0.95, 0.3), (0.34, 1.9, 1.5), wood * 0.75),
    ]
    for shelf in range(4):
        z = -0.38
        while z < 0.9:
            thick, tall = rng.uniform(0.04, 0.12), rng.uniform(0.2, 0.34)
            colour = hsv(rng.uniform(), rng.uniform(0.1, 0.6), rng.uniform(0.3, 0.8))
            boxes.append(Box((3.93, 0.2 + 0.45 * shelf + tall / 2, z + thick / 2), (0.06, tall, thick * 0.95), colour))
            z += thick + (0.15 if rng.uniform() < 0.12 else 0.0)
    return tuple(boxes)


@cache
def _empty_room(camera: int) -> tuple[Image, Image]:
    """The whole picture of one camera, and 1 where it shows bare floor."""
    fine = Window(2 * _FOCAL, float(_FULL), float(_FULL), 2 * _FULL)
    picture, floor_x, _ = room().render(_CAMERAS[camera], fine, light().on_ground * np.float32(0.92))
    small = cv2.resize(np.dstack([picture, np.isfinite(floor_x)]), (_FULL, _FULL), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small.astype(np.float32), (0, 0), 0.7)
    return np.ascontiguousarray(small[..., :3]), np.ascontiguousarray(small[..., 3])


def backdrop(camera: int, window: Window) -> tuple[Image, Image, Image, Image]:
    """Return what a camera sees in a window of its picture.

    Returns:
        The picture (S, S, 3); how much of each pixel is bare floor (S, S); and where the floor is there, x and z.
    """
    ratio = _FOCAL / window.focal
    shift_x = _FULL / 2 - ratio * window.centre_x + 0.5 * ratio - 0.5
    shift_y = _FULL / 2 - ratio * window.centre_y + 0.5 * ratio - 0.5
    affine = np.array([[ratio, 0, shift_x], [0, ratio, shift_y]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    side = (window.size, window.size)
    picture, floor = (
        np.asarray(cv2.warpAffine(p, affine, side, flags=how, borderMode=cv2.BORDER_REPLICATE), np.float32)
        for p in _empty_room(camera)
    )
    rays = window.rays(_CAMERAS[camera])
    position = _CAMERAS[camera].position.astype(np.float32)
    along = -position[1] / np.minimum(rays[1], np.float32(-1e-3))
    return picture, floor, position[0] + along * rays[0], position[2] + along * rays[2]
