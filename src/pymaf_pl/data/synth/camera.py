"""A pinhole camera in the world, and the square window of its picture that is kept.

Frames:  world axes: x and z along the ground, y up, metres; camera axes: x right, y down, z forward; raster px: pixel i
         has its centre at i + 0.5.
"""

from dataclasses import dataclass

import numpy as np

from pymaf_pl.data.synth.textures import Floats

Array = Floats
Image = Floats


@dataclass(frozen=True)
class Camera:
    """Where a camera stands and looks: ``x_camera = rotation @ (x_world - position)``."""

    rotation: Array
    position: Array

    @property
    def up(self) -> Array:
        """The world's vertical in camera axes."""
        return self.rotation[:, 1]

    def to_camera(self, points: Array) -> Array:
        """Bring world points (..., 3) into camera axes."""
        return (points - self.position) @ self.rotation.T


@dataclass(frozen=True)
class Window:
    """A square picture: focal length, principal point and side, in raster px of that picture."""

    focal: float
    centre_x: float
    centre_y: float
    size: int

    def project(self, points: Array) -> Array:
        """Project camera-frame points (..., 3) to raster px (..., 2)."""
        return self.focal * points[..., :2] / points[..., 2:] + (self.centre_x, self.centre_y)

    def rays(self, camera: Camera) -> Image:
        """Return the viewing direction of every pixel in world axes, (3, size, size), with unit depth."""
        across = (np.arange(self.size, dtype=np.float32) + 0.5 - np.float32(self.centre_x)) / np.float32(self.focal)
        down = (np.arange(self.size, dtype=np.float32) + 0.5 - np.float32(self.centre_y)) / np.float32(self.focal)
        right, below, ahead = camera.rotation.astype(np.float32)[..., None, None]
        rays: Image = (across * right + ahead) + down[:, None] * below
        return rays


def look_at(position: Array, target: Array, *, yaw_deg: float = 0, pitch_deg: float = 0, roll_deg: float = 0) -> Camera:
    """Aim a camera at a point, then turn it away by a little."""
    ahead = (target - position) / np.linalg.norm(target - position)
    right = np.array([-ahead[2], 0.0, ahead[0]]) / np.hypot(ahead[0], ahead[2])
    aimed = np.stack([right, np.cross(ahead, right), ahead])
    pitch, yaw, roll = (turn_about(axis, np.radians(deg)) for axis, deg in enumerate((pitch_deg, yaw_deg, roll_deg)))
    return Camera(roll @ pitch @ yaw @ aimed, position)


def turn_about(axis: int, angle: float) -> Array:
    """Return the (3, 3) rotation by ``angle`` radians about one of the axes."""
    cosine, sine = np.cos(angle), np.sin(angle)
    rotation = np.eye(3)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    rotation[first, first] = rotation[second, second] = cosine
    rotation[first, second], rotation[second, first] = -sine, sine
    return rotation


def heading_rotation(heading: float) -> Array:
    """Return the rotation about the vertical that turns somebody facing +z by ``heading`` radians, towards +x."""
    return turn_about(1, heading)


def frame(
    joints: Array,
    surface: Image,
    size: int,
    rng: np.random.Generator,
    *,
    margin: tuple[float, float],
    truncate: float,
) -> Window:
    """Choose the window round a person so that the labelled joints fill their box as in SPIN's tables.

    The box has 1.2 times the larger side of the joints' extent (SPIN preprocessing); the picture is ``margin`` times
    the box, all of the surface is inside, and the person is off its centre by as much as that allows.

    Args:
        joints: (J, 3) labelled joints in camera axes.
        surface: (V, 3) vertices in camera axes.
        size: of the picture, px.
        rng: source of randomness.
        margin: smallest and largest picture side over box side.
        truncate: chance that one edge of the picture cuts the person.
    """
    on_plane = joints[:, :2] / joints[:, 2:]
    low, high = on_plane.min(0), on_plane.max(0)
    x, y, z = surface.T
    across, down = x / z, y / z
    outline_low = np.array([across.min(), down.min()], np.float64)
    outline_high = np.array([across.max(), down.max()], np.float64)
    ratio = rng.uniform(*margin)
    cuts = rng.uniform() < truncate
    jitter = rng.uniform(-0.5, 0.5, 2)
    if cuts:
        return _cut(low, high, ratio, jitter, size, rng)
    side = max(1.2 * (high - low).max() * ratio, 1.06 * (outline_high - outline_low).max())
    centre = (low + high) / 2 + jitter * (side - 1.2 * (high - low).max())
    # Keep the whole surface inside.
    room = side * 0.49
    centre = np.clip(centre, outline_high - room, outline_low + room)
    return _window(centre - side / 2, side, size)


def _cut(low: Array, high: Array, ratio: float, jitter: Array, size: int, rng: np.random.Generator) -> Window:
    """Put one edge of the picture through the person, most often below the hips or the knees."""
    edge = rng.choice(4, p=[0.62, 0.1, 0.14, 0.14])  # bottom, top, left, right
    axis = 1 if edge < 2 else 0
    share = rng.uniform(0.12, 0.5) if edge == 0 else rng.uniform(0.08, 0.3)
    low, high = low.copy(), high.copy()
    extent = high - low
    if edge in (0, 3):
        high[axis] -= share * extent[axis]
    else:
        low[axis] += share * extent[axis]
    side = 1.2 * (high - low).max() * ratio
    corner = (low + high) / 2 - side / 2 + jitter * (ratio - 1) * side
    corner[axis] = high[axis] - side if edge in (0, 3) else low[axis]
    return _window(corner, side, size)


def _window(corner: Array, side: float, size: int) -> Window:
    focal = size / float(side)
    return Window(focal, float(-corner[0] * focal), float(-corner[1] * focal), size)
