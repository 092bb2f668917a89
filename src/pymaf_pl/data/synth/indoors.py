"""Rooms nobody has seen before: random walls, floor, pictures, windows and furniture round a camera and a person.

Frames:  world axes, metres, floor at y = 0; raster px.
"""

from dataclasses import replace

import cv2
import numpy as np

from pymaf_pl.data.synth.camera import Array, Camera, Image, Window
from pymaf_pl.data.synth.lighting import SceneLight
from pymaf_pl.data.synth.room import Box, Room
from pymaf_pl.data.synth.textures import Material, hsv, muted_colour
from pymaf_pl.data.synth.wallpaper import Wallpaper

_FLOORS: tuple[Material, ...] = ("planks", "tiles", "carpet", "fractal")


def render_indoors(
    camera: Camera, window: Window, light: SceneLight, target: Array, rng: np.random.Generator
) -> tuple[Image, Image, Image]:
    """Draw a random room that holds the camera and a person at ``target``.

    Returns:
        The picture (S, S, 3), and where each pixel's ray meets the bare floor, x and z (S, S), nan where it does not.
    """
    distance = float(np.linalg.norm((target - camera.position)[[0, 2]]))
    half_x, half_z = rng.uniform(2.2, 4.5) + distance / 2, rng.uniform(2.2, 4.5) + distance / 2
    height = max(rng.uniform(2.5, 3.6), camera.position[1] + 0.5)
    # The room's middle lies about halfway between the two; person and camera keep a metre from the walls.
    middle = (camera.position + target) / 2 * (1, 0, 1) + rng.uniform(-0.8, 0.8, 3) * (1, 0, 1)
    room = _draw_room(half_x, half_z, height, rng)
    boxes = _draw_furniture(room, camera.position - middle, target - middle, rng)
    moved = Camera(camera.rotation, camera.position - middle)
    picture, x, z = replace(room, boxes=boxes).render(moved, window, light.on_ground)
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.choice([0.4, 0.6, 1.0, 1.6])), np.float32)
    return picture, x + np.float32(middle[0]), z + np.float32(middle[2])


def _draw_room(half_x: float, half_z: float, height: float, rng: np.random.Generator) -> Room:
    wall = muted_colour(rng, (0.5, 0.9))
    accent = muted_colour(rng, (0.3, 0.8)) if rng.uniform() < 0.4 else wall
    walls = Wallpaper(half_x, half_z, height, 24, [wall, accent, wall * np.float32(0.97), wall])
    if rng.uniform() < 0.25:
        walls.band(0, rng.uniform(0.8, 1.2), wall * np.float32(rng.uniform(0.6, 0.85)))
    walls.band(0, 0.1, muted_colour(rng, (0.2, 0.9)))
    material: Material = "bricks" if rng.uniform() < 0.12 else "cloud"
    walls.material(material, 0.35 if material == "bricks" else 0.08, 2.0)
    sky = hsv(0.58, rng.uniform(0.05, 0.3), rng.uniform(0.8, 1.0))
    lengths = (2 * half_x, 2 * half_z, 2 * half_x, 2 * half_z)
    for start, length in zip(walls.starts, lengths, strict=True):
        place = start + rng.uniform(0.2, 1.0)
        while place < start + length - 2.0:
            kind = rng.choice(["nothing", "picture", "window", "door"], p=[0.4, 0.35, 0.17, 0.08])
            if kind == "picture":
                walls.picture(place, rng.uniform(1.1, 1.6), rng.uniform(0.4, 1.2), rng.uniform(0.4, 1.0), rng)
            elif kind == "window":
                walls.window(place, rng.uniform(0.9, 1.8), rng.uniform(0.5, 1.0), rng.uniform(1.9, 2.3), sky)
            elif kind == "door":
                walls.door(place, muted_colour(rng, (0.3, 0.9)))
            place += rng.uniform(1.3, 2.4)
    floor = muted_colour(rng, (0.35, 0.85))
    return Room(
        half_x, half_z, height, walls.paper, _FLOORS[rng.integers(len(_FLOORS))],
        floor * np.float32(rng.uniform(0.45, 0.75)), floor, np.full(3, rng.uniform(0.75, 0.95), np.float32),
        tile_m=rng.uniform(1.2, 2.6),
    )  # fmt: skip


def _draw_furniture(room: Room, eye: Array, person: Array, rng: np.random.Generator) -> tuple[Box, ...]:
    """Stand a few boxes along the walls, clear of the camera, the person and the space between them."""
    boxes: list[Box] = []
    for _ in range(rng.integers(0, 6)):
        size = np.array([rng.uniform(0.4, 2.0), rng.choice([0.45, 0.75, 1.2, 1.9]) * rng.uniform(0.8, 1.2), 0.5])
        along_z = rng.uniform() < 0.5
        if along_z:
            size = size[[2, 1, 0]]
        side = rng.choice([-1.0, 1.0])
        x = side * (room.half_x - size[0] / 2) if along_z else rng.uniform(-1, 1) * (room.half_x - size[0])
        z = rng.uniform(-1, 1) * (room.half_z - size[2]) if along_z else side * (room.half_z - size[2] / 2)
        centre = np.array([x, size[1] / 2, z])
        # Only what is farther than the person: something in front would have to be drawn over them.
        ahead = (person - eye) * (1, 0, 1)
        if (centre - person) @ ahead / np.linalg.norm(ahead) < 0.9:
            continue
        colour = muted_colour(rng, (0.2, 0.85)) if rng.uniform() < 0.7 else hsv(rng.uniform(), 0.5, 0.6)
        boxes.append(Box(tuple(centre), tuple(size), colour))
        if size[1] < 0.6 and rng.uniform() < 0.6:  # a back to the seat
            away = np.array([side, 0, 0]) if along_z else np.array([0, 0, side])
            back = size * (1 - 0.7 * np.abs(away)) * (1, 0.9, 1)
            shift = 0.35 * size * away + (0, 0.9 * size[1], 0)
            boxes.append(Box(tuple(centre + shift), tuple(back), colour * np.float32(0.9)))
    return tuple(boxes)
