"""Out of doors: sky, ground with a path, and behind the person houses, trees, hedges and hills, all at true scale.

Things are upright boards that face the camera and stand on the ground plane; the ground and the horizon are cast per
pixel, so feet, shadow and horizon agree with the camera.

Frames:  world axes, metres, ground at y = 0; raster px.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pymaf_pl.data.synth.camera import Array, Camera, Image, Window
from pymaf_pl.data.synth.lighting import SceneLight
from pymaf_pl.data.synth.room import Box, draw_boxes
from pymaf_pl.data.synth.textures import Colour, Material, blend, hsv, leafy, muted_colour, read_tile

_FAR = 100.0  # m: where the ground ends in haze

# Hue, saturation and value of grass, sand, earth, asphalt, concrete and paving.
_GROUNDS = (
    (0.25, 0.5, 0.45), (0.11, 0.35, 0.8), (0.07, 0.4, 0.45), (0.6, 0.05, 0.4), (0.1, 0.06, 0.66), (0.07, 0.15, 0.6),
)  # fmt: skip


@dataclass
class Canvas:
    """What is being painted, and with whose eyes."""

    picture: Image
    covered: NDArray[np.uint8]
    camera: Camera
    window: Window
    right: Array
    """Unit vector to the right along the ground."""
    light: Colour

    def boards(self, foot: Array, width: float, low: Array, high: Array, shift: Array) -> NDArray[np.int32]:
        """Corners (N, 4, 2) of upright boards in sixteenths of a pixel, counted from pixel centres.

        All have one ``width``; they stand ``shift`` (N,) to the right of ``foot``, and reach from ``low`` to ``high``.
        """
        across = np.stack([shift - width / 2, shift + width / 2, shift + width / 2, shift - width / 2], -1)
        upwards = np.stack([low, low, high, high], -1)
        corners = foot + across[..., None] * self.right + upwards[..., None] * (0.0, 1.0, 0.0)
        pixels = self.window.project(self.camera.to_camera(corners)) - 0.5
        sixteenths: NDArray[np.int32] = np.round(pixels * 16).astype(np.int32)
        return sixteenths

    def board(self, foot: Array, width: float, low: float, high: float) -> NDArray[np.int32]:
        """Corners (4, 2) of one upright board."""
        (corners,) = self.boards(foot, width, np.array([low]), np.array([high]), np.zeros(1))
        return np.asarray(corners, np.int32)

    def fill(self, polygon: NDArray[np.int32], colour: Colour) -> None:
        """Paint a convex polygon in one colour."""
        cv2.fillConvexPoly(self.picture, polygon, [float(c) for c in colour * self.light], cv2.LINE_8, 4)
        cv2.fillConvexPoly(self.covered, polygon, 1, cv2.LINE_8, 4)

    def fill_textured(
        self, mask: NDArray[np.uint8], material: Material, texels: float, dark: Colour, light: Colour
    ) -> None:
        """Paint a mask with a material of so many texels per pixel."""
        x, y, w, h = cv2.boundingRect(mask)
        if w == 0 or h == 0:
            return
        rows, columns = np.indices((h, w), dtype=np.float32)
        grain = read_tile(material, (columns + 37 * x) * np.float32(texels), (rows + 91 * y) * np.float32(texels))
        region = mask[y : y + h, x : x + w].astype(bool)
        self.picture[y : y + h, x : x + w][region] = blend(grain[region], dark, light) * self.light
        self.covered[y : y + h, x : x + w][region] = 1


def render_landscape(
    camera: Camera, window: Window, light: SceneLight, target: Array, rng: np.random.Generator
) -> tuple[Image, Image, Image]:
    """Draw a landscape behind a person who stands at ``target`` on the ground.

    Returns:
        The picture (S, S, 3), and where each pixel's ray meets open ground, x and z (S, S), nan where it does not.
    """
    rays = window.rays(camera)
    eye = camera.position.astype(np.float32)
    down = rays[1] < -1e-3
    along = np.minimum(eye[1] / np.maximum(-rays[1], np.float32(1e-3)), np.float32(_FAR))
    x, z = eye[0] + along * rays[0], eye[2] + along * rays[2]
    picture = np.empty((*down.shape, 3), np.float32)
    picture[down] = _ground(x[down], z[down], along[down], light, rng)
    picture[~down] = _sky(rays[:, ~down], rng)
    to_person = (target - camera.position) * (1, 0, 1)
    distance = float(np.linalg.norm(to_person))
    ahead = to_person / distance
    right = np.cross(ahead, (0.0, 1.0, 0.0))
    canvas = Canvas(picture, np.zeros(down.shape, np.uint8), camera, window, right, light.on_ground)
    _stand_things(canvas, camera.position * (1, 0, 1), ahead, distance, rng)
    blur = cv2.GaussianBlur(canvas.picture, (0, 0), rng.choice([0.4, 0.6, 1.0, 1.8]))
    near = np.clip(1 - np.abs(along - distance) / 4, 0, 1) * (canvas.covered == 0)
    picture = blur + near[..., None] * (canvas.picture - blur)
    open_ground = down & (canvas.covered == 0)
    return picture, np.where(open_ground, x, np.float32(np.nan)), np.where(open_ground, z, np.float32(np.nan))


def _sky(rays: Image, rng: np.random.Generator) -> Image:
    """Colour rays (3, P) that go up."""
    x, y, z = rays
    height = np.clip(y / np.sqrt(x * x + y * y + z * z), 0, 1)
    overcast = rng.uniform() < 0.28
    top = (
        hsv(0.6, 0.08, rng.uniform(0.6, 0.85))
        if overcast
        else hsv(rng.uniform(0.56, 0.61), rng.uniform(0.3, 0.6), 0.85)
    )
    low = hsv(rng.uniform(0.05, 0.14), rng.uniform(0.02, 0.25), rng.uniform(0.85, 0.98))
    sky = low + np.clip(height * 2.2, 0, 1)[..., None] ** 0.6 * (top - low)
    spread = 90 / (height + 0.25)
    clouds = read_tile("cloud", x * spread + rng.uniform(0, 256), z * spread)
    cover = np.clip((clouds - rng.uniform(0.4, 0.9)) * 2.5, 0, 1)[..., None] * np.float32(0.8)
    sky += cover * (np.float32(0.95) - sky)
    return np.asarray(sky, np.float32)


def _ground(x: Image, z: Image, along: Image, light: SceneLight, rng: np.random.Generator) -> Image:
    """Colour points (P,) of the ground, at a distance ``along`` from the camera."""
    base = _surface(x, z, along, rng)
    if rng.uniform() < 0.45:
        angle, shift, width = rng.uniform(0, np.pi), rng.normal(0, 1.5), rng.uniform(0.8, 3)
        inside = np.abs(x * np.cos(angle) + z * np.sin(angle) - shift) < width
        base[inside] = _surface(x[inside], z[inside], along[inside], rng)
    haze = np.clip((along - 15) / 80, 0, 0.75)[..., None]
    return base * light.on_ground * (1 - haze) + haze * np.float32(0.75)


def _surface(x: Image, z: Image, along: Image, rng: np.random.Generator) -> Image:
    """Colour points (P,) as one kind of ground."""
    kind = int(rng.integers(len(_GROUNDS)))
    hue, saturation, value = _GROUNDS[kind]
    light = hsv(hue + rng.normal(0, 0.015), saturation * rng.uniform(0.7, 1.2), value * rng.uniform(0.8, 1.2))
    material: Material = "tiles" if kind == len(_GROUNDS) - 1 else "fractal"
    metres = rng.uniform(1.0, 2.5)
    scale = np.float32(256 / metres)
    fine = read_tile(material, x * scale, z * scale)
    fade = np.clip(1.3 - along * 0.09, 0.1, 1)
    coarse = read_tile("fractal", x * 23, z * 23)
    amount = 0.5 + (fine - 0.5) * fade + 0.4 * (coarse - 0.5)
    return blend(amount, light * np.float32(rng.uniform(0.55, 0.8)), light)


def _stand_things(canvas: Canvas, eye: Array, ahead: Array, distance: float, rng: np.random.Generator) -> None:
    """Put up what stands behind the person, far to near."""
    spread = 0.75 * canvas.window.size / canvas.window.focal

    def place(low: float, high: float) -> tuple[Array, float]:
        depth = distance + rng.uniform(low, high)
        return eye + ahead * depth + canvas.right * depth * spread * rng.uniform(-1, 1), depth

    if rng.uniform() < 0.5:
        _hills(canvas, eye + ahead * 150, rng)
    busy = rng.choice([0, 1, 2, 3], p=[0.15, 0.3, 0.35, 0.2])
    things = []
    for _ in range(busy):
        things.append((_house, *place(9, 35)))
    for _ in range(rng.integers(0, 2 * busy + 1)):
        things.append((_tree, *place(3, 22)))
    if rng.uniform() < 0.35:
        things.append((_hedge, *place(2.5, 9)))
    if rng.uniform() < 0.35:
        things.append((_boxes, *place(2.5, 8)))
    for draw, foot, depth in sorted(things, key=lambda thing: -thing[2]):
        draw(canvas, foot, rng)
        if depth > 12:
            haze = min((depth - 12) / 90, 0.5)
            canvas.light = canvas.light * np.float32(1 - 0.3 * haze)


def _hills(canvas: Canvas, foot: Array, rng: np.random.Generator) -> None:
    colour = hsv(rng.uniform(0.25, 0.6), rng.uniform(0.1, 0.35), rng.uniform(0.45, 0.7))
    for _ in range(rng.integers(1, 4)):
        left, right = np.sort(rng.uniform(-120, 120, 2))
        middle, up = rng.uniform(left, right), np.array([0.0, 1.0, 0.0]) * rng.uniform(6, 30)
        points = np.stack(
            [foot + canvas.right * (left - 60), foot + canvas.right * middle + up, foot + canvas.right * (right + 60)]
        )
        pixels = (canvas.window.project(canvas.camera.to_camera(points)) - 0.5) * 16
        canvas.fill(np.round(pixels).astype(np.int32), colour * np.float32(rng.uniform(0.9, 1.1)))


def _house(canvas: Canvas, foot: Array, rng: np.random.Generator) -> None:
    width, height = rng.uniform(4, 13), rng.uniform(3.5, 14)
    wall = muted_colour(rng, (0.4, 0.85))
    canvas.fill(canvas.board(foot, width, -0.1, height), wall)
    if rng.uniform() < 0.5:
        canvas.fill(canvas.board(foot, width * 1.04, height, height + rng.uniform(0.3, 2)), wall * np.float32(0.55))
    pane = wall * np.float32(0.35) if rng.uniform() < 0.7 else np.array([0.6, 0.7, 0.8], np.float32)
    storey, bay = rng.uniform(2.4, 3.2), rng.uniform(1.4, 2.6)
    across, level = np.meshgrid(
        np.arange(-width / 2 + bay / 2, width / 2 - 0.3, bay), np.arange(0.9, height - 1.2, storey)
    )
    low = level.ravel()
    for polygon in canvas.boards(foot, bay * 0.5, low, low + storey * 0.52, across.ravel()):
        canvas.fill(polygon, pane)


def _tree(canvas: Canvas, foot: Array, rng: np.random.Generator) -> None:
    height = rng.uniform(3, 8)
    canvas.fill(canvas.board(foot, rng.uniform(0.15, 0.4), 0, height * 0.6), hsv(0.07, 0.35, rng.uniform(0.2, 0.4)))
    mask = np.zeros(canvas.covered.shape, np.uint8)
    depth = float(canvas.camera.to_camera(foot)[2])
    per_metre = canvas.window.focal / depth
    for _ in range(12):
        up = rng.uniform(0.42, 0.95)
        spread = 0.24 * np.sin(np.pi * np.clip((up - 0.3) / 0.75, 0, 1))
        middle = foot + canvas.right * height * spread * rng.uniform(-1, 1) + (0, height * up, 0)
        at = canvas.window.project(canvas.camera.to_camera(middle))
        radius = height * rng.uniform(0.08, 0.16) * per_metre
        if np.abs(at).max() < 4000:
            cv2.circle(mask, (round(at[0]), round(at[1])), max(1, round(radius)), 1, -1)
    mask = leafy(mask, 0.12 * per_metre, 256 / (2.5 * per_metre), int(rng.integers(256)))
    leaf = hsv(
        rng.uniform(0.17, 0.36) if rng.uniform() < 0.85 else rng.uniform(0.04, 0.12),
        rng.uniform(0.3, 0.6),
        rng.uniform(0.35, 0.6),
    )
    canvas.fill_textured(mask, "foliage", 256 / (4 * per_metre), leaf * np.float32(0.3), leaf * np.float32(1.25))


def _hedge(canvas: Canvas, foot: Array, rng: np.random.Generator) -> None:
    mask = np.zeros(canvas.covered.shape, np.uint8)
    cv2.fillConvexPoly(mask, canvas.board(foot, rng.uniform(6, 30), -0.05, rng.uniform(0.7, 2.2)), 1, cv2.LINE_8, 4)
    depth = float(canvas.camera.to_camera(foot)[2])
    per_metre = 256 * depth / canvas.window.focal
    if rng.uniform() < 0.55:
        leaf = hsv(rng.uniform(0.2, 0.36), rng.uniform(0.3, 0.55), rng.uniform(0.3, 0.5))
        canvas.fill_textured(mask, "foliage", per_metre / 2, leaf * np.float32(0.4), leaf)
    else:
        stone = muted_colour(rng, (0.4, 0.75))
        material: Material = "bricks" if rng.uniform() < 0.5 else "planks"
        canvas.fill_textured(mask, material, per_metre / 1.3, stone * np.float32(0.5), stone)


def _boxes(canvas: Canvas, foot: Array, rng: np.random.Generator) -> None:
    """A bench, a crate, a parked car: two or three boxes."""
    colour = hsv(rng.uniform(), rng.uniform(0.1, 0.7), rng.uniform(0.25, 0.8))
    length, high = rng.uniform(0.8, 3.8), rng.uniform(0.4, 0.9)
    low = Box((foot[0], high / 2, foot[2]), (length, high, rng.uniform(0.5, 1.6)), colour)
    top = Box((foot[0], high * 1.35, foot[2]), (length * 0.55, high * 0.7, 0.5), colour * np.float32(0.7))
    boxes = (low, top) if rng.uniform() < 0.6 else (low,)
    canvas.covered |= draw_boxes(canvas.picture, boxes, canvas.camera, canvas.window, canvas.light).astype(np.uint8)
