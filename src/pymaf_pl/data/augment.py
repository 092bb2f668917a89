"""Augmentation: what is drawn at random, and how each label follows the picture."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from pymaf_pl.body.joints import FLIP_24, FLIP_49, FLIP_SKELETON
from pymaf_pl.data.backdrops import Backdrops
from pymaf_pl.data.photometric import PixelEffects

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AugmentationDraw:
    """One draw; the default leaves a sample as it is."""

    flip: bool = False
    channel_gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    rotation_deg: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    """Of the box's centre, in sides of the box."""
    truncate_colours: bool = False


@dataclass(frozen=True)
class Augmentation:
    """Random flip, colour, rotation and scale, as SPIN and PyMAF train with.

    Args:
        flip_probability: left-right flip.
        channel_noise: each colour channel is multiplied by a factor within 1 +- this.
        rotation_deg: standard deviation; clipped at twice that.
        no_rotation_probability: leave the picture upright.
        scale: standard deviation of the box scale about 1; clipped at that.
        shift: the box's centre moves by up to this share of its side, both ways; 0 as published.
        truncate_colours: cut multiplied colours off to whole levels, as the published code does, instead of rounding.
        pixels: what happens to the crop besides, see :class:`pymaf_pl.data.photometric.PixelEffects`.
        backdrops: what people are pasted before, see :class:`pymaf_pl.data.backdrops.Backdrops`.
    """

    flip_probability: float = 0.5
    channel_noise: float = 0.4
    rotation_deg: float = 30.0
    no_rotation_probability: float = 0.6
    scale: float = 0.25
    shift: float = 0.0
    truncate_colours: bool = False
    pixels: PixelEffects | None = None
    backdrops: Backdrops | None = None

    def draw(self, rng: np.random.Generator) -> AugmentationDraw:
        """Draw in SPIN's order: flip, channels, rotation, scale, whether to rotate at all; then the shift."""
        flip = bool(rng.random() < self.flip_probability)
        r, g, b = rng.uniform(1 - self.channel_noise, 1 + self.channel_noise, 3)
        limit = 2 * self.rotation_deg
        rotation = min(max(float(rng.normal()) * self.rotation_deg, -limit), limit)
        scale = min(max(1 + self.scale * float(rng.normal()), 1 - self.scale), 1 + self.scale)
        if rng.random() < self.no_rotation_probability:
            rotation = 0.0
        x, y = rng.uniform(-self.shift, self.shift, 2)
        colours = (float(r), float(g), float(b))
        return AugmentationDraw(flip, colours, rotation, scale, (float(x), float(y)), self.truncate_colours)


def augment_pose(pose: npt.ArrayLike, draw: AugmentationDraw) -> FloatArray:
    """Turn the root with the picture, then mirror: (24, 3) axis-angle, root in the camera frame."""
    pose = np.array(pose, dtype=np.float64).reshape(24, 3)
    if draw.rotation_deg:
        turn = Rotation.from_rotvec([0.0, 0.0, -np.radians(draw.rotation_deg)])
        pose[0] = (turn * Rotation.from_rotvec(pose[0])).as_rotvec()
    return pose[FLIP_SKELETON] * [1.0, -1.0, -1.0] if draw.flip else pose


def augment_joints_3d(joints: npt.ArrayLike, draw: AugmentationDraw) -> FloatArray:
    """Turn (24, 4) joints about the viewing axis, then mirror; the confidence column stays."""
    joints = np.array(joints, dtype=np.float64)
    angle = np.radians(-draw.rotation_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    joints[:, :2] = joints[:, :2] @ np.array([[cos, sin], [-sin, cos]])
    return joints[FLIP_24] * [-1.0, 1.0, 1.0, 1.0] if draw.flip else joints


def reorder_keypoints(keypoints: FloatArray, draw: AugmentationDraw) -> FloatArray:
    """Swap left and right among (49, 3) keypoints of a flipped picture; their positions follow the affine map."""
    return keypoints[FLIP_49] if draw.flip else keypoints


def apply_channel_gain(
    image: npt.NDArray[np.uint8], gain: tuple[float, float, float], truncate: bool = False
) -> npt.NDArray[np.uint8]:
    """Multiply the colour channels and clip to 0..255, to the nearest level or to the next one below."""
    if gain == (1.0, 1.0, 1.0):
        return image
    levels = np.arange(256)[:, None] * np.array(gain)
    table = np.clip(np.floor(levels) if truncate else np.rint(levels), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), np.uint8)
