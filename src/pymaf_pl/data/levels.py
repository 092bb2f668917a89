"""What is kept of a picture around a person so that no augmented crop of that person lacks anything.

A crop shows a box of ``scale`` sides, turned and shifted, in ``size`` px. So it needs ``size / scale`` px to a side of
the box, of a region that grows with ``scale`` and with the turn: large crops need coarse pixels, small ones need few,
upright ones no corners. Hence several pictures of a person rather than one that is both large and fine, for decoding
them is what training waits for: ``near`` serves scales of up to 1 and ``far`` those above, each of them upright or
turned. A picture is never enlarged; where the original is no finer than ``far`` has to be, ``far`` serves all scales.
"""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np

from pymaf_pl.data.annotations import Annotations
from pymaf_pl.data.augment import Augmentation
from pymaf_pl.data.images import ImageArray
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.crop import FloatArray

LEVELS = ("near", "far", "near_turned", "far_turned")
_CENTRE = 0.5  # of the first pixel, where tables count from


@dataclass(frozen=True)
class Margins:
    """What crops may ask for.

    Args:
        size: side of the largest crops in px.
        scale: boxes are between 1 - this and 1 + this times their side.
        shift: and off their centre by up to this share of it, both ways.
        rotation_deg: and turned by up to this, both ways.
        quality: of the JPEGs, 1 to 100.
    """

    size: int = 224
    scale: float = 0.25
    shift: float = 0.0
    rotation_deg: float = 180.0
    quality: int = 90

    def __post_init__(self) -> None:
        for name, good in (
            ("size", self.size >= 1), ("scale", 0 <= self.scale < 1), ("shift", self.shift >= 0),
            ("rotation_deg", self.rotation_deg >= 0), ("quality", 1 <= self.quality <= 100),
        ):  # fmt: skip
            if not good:
                raise InputError(f"{name}={getattr(self, name)}: shards cannot be made for that")

    def check(self, augmentation: Augmentation | None, size: int) -> None:
        """Make sure that crops stay within.

        Raises:
            InputError: names the key that asks for more, and what there is.
        """
        asked: dict[str, tuple[float, float]] = {"image_size": (size, self.size)}
        if augmentation is not None:
            asked |= {
                "augmentation.scale": (augmentation.scale, self.scale),
                "augmentation.shift": (augmentation.shift, self.shift),
            }
            if augmentation.no_rotation_probability < 1:  # clipped at twice the deviation
                asked["augmentation.rotation_deg"] = (augmentation.rotation_deg, self.rotation_deg / 2)
        for key, (wanted, there) in asked.items():
            # a square that has been turned by 45 degrees has room for every turn
            if wanted > there and not (key.endswith("rotation_deg") and self.rotation_deg >= 45):
                raise InputError(f"{key}={wanted}: the shards were made for at most {there:g}; pack again with more")

    def level(self, scale: float, side: float, turned: bool) -> str:
        """Return which picture serves a crop.

        Args:
            scale: sides of the box that it shows.
            side: of the box in px of the original.
            turned: whether it is.
        """
        near = scale <= 1 and side > self.density("far")
        return ("near" if near else "far") + ("_turned" if turned else "")

    def levels(self, side: float) -> tuple[str, ...]:
        """Return the pictures that are kept of a person whose box has such a side in px."""
        near = side > self.density("far")
        return tuple(
            name
            for name in LEVELS
            if (near or not name.startswith("near")) and (self.rotation_deg > 0 or not name.endswith("_turned"))
        )

    def extent(self, level: str) -> float:
        """Return the side of the square that a level's crops stay within, in sides of the box."""
        angle = np.radians(min(45.0, self.rotation_deg)) if level.endswith("_turned") else 0.0
        largest = 1.0 if level.startswith("near") else 1.0 + self.scale
        return float(largest * (np.cos(angle) + np.sin(angle)) + 2 * self.shift)

    def density(self, level: str) -> float:
        """Return how many px to the side of a box are enough."""
        return self.size / (1.0 - self.scale) if level.startswith("near") else float(self.size)


def cut_level(
    image: ImageArray, center: FloatArray, side: float, extent: float, density: float
) -> tuple[ImageArray, FloatArray]:
    """Cut out what a level keeps; nothing is enlarged, and nothing beyond the picture is kept.

    Args:
        image: (H, W, 3).
        center: (2,) of the box, px as tables count them.
        side: of the box in px.
        extent: of the square around it, in sides.
        density: px to the side that are enough.

    Returns:
        the piece, and ``[sx, sy, tx, ty]``: its px are image px times s plus t.
    """
    bounds = np.array(image.shape[1::-1])
    middle, half = center + _CENTRE, extent * side / 2 + 1  # one px more, for interpolation at the rim
    low = np.clip(np.floor(middle - half), 0, bounds - 1).astype(int)
    high = np.clip(np.ceil(middle + half), low + 1, bounds).astype(int)
    piece = image[low[1] : high[1], low[0] : high[0]]
    factor = min(1.0, density / side)
    shape = np.maximum(1, np.rint((high - low) * factor)).astype(int)
    if factor < 1:
        piece = np.asarray(cv2.resize(piece, shape.tolist(), interpolation=cv2.INTER_AREA), np.uint8)
    scale = shape / (high - low)
    return np.ascontiguousarray(piece), np.concatenate([scale, -low * scale])


def fingerprint(table: Annotations) -> str:
    """Return the SHA-256 of what a table's pieces depend on: pictures' names and boxes, but no other label.

    So better fits can take the place of older ones without packing again.
    """
    digest = hashlib.sha256()
    digest.update("\0".join(table.imgname.tolist()).encode())
    for column in (table.center, table.scale):
        digest.update(np.ascontiguousarray(column, dtype="<f4").tobytes())
    return digest.hexdigest()


def record_of(table: Annotations, margins: Margins) -> dict[str, Any]:
    """Return what shards say about themselves."""
    return {"format": 1, "rows": len(table), "fingerprint": fingerprint(table), "margins": asdict(margins)}
