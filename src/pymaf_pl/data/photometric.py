"""What happens to a crop's pixels in training, and to none of its labels: tone, blur, noise, things in the way.

Cheap enough for every pass: one table look-up for the tone, and blur, noise and patches on a share of the crops.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pymaf_pl.errors import InputError

Pixels = npt.NDArray[np.uint8]

_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True)
class PixelEffects:
    """Random changes of a crop that leave its geometry alone; 0 switches an effect off.

    Args:
        brightness: levels are multiplied by up to ``2 ** +-brightness``.
        contrast: and stretched about the middle by up to ``2 ** +-contrast``.
        gamma: and bent by an exponent of up to ``2 ** +-gamma``.
        saturation: colours are pulled to grey, or away from it, by up to this share.
        grey: chance of a picture without colour.
        blur: chance of a Gaussian blur of up to 1 % of the crop's side.
        noise: largest standard deviation of pixel noise, in grey levels of 255.
        erase: chance that a rectangle of up to 40 % of each side is painted over.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 0.0
    saturation: float = 0.0
    grey: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    erase: float = 0.0

    def __post_init__(self) -> None:
        for name in ("grey", "blur", "erase"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"augmentation.pixels.{name}={getattr(self, name)}: a chance lies between 0 and 1")
        for name in ("brightness", "contrast", "gamma", "saturation", "noise"):
            if getattr(self, name) < 0:
                raise InputError(f"augmentation.pixels.{name}={getattr(self, name)}: it must not be negative")

    def __call__(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        """Return a changed copy of an (S, S, 3) RGB crop."""
        image = self._colour(self._tone(image, rng), rng)
        size = len(image)
        if rng.random() < self.blur:
            image = _levels(cv2.GaussianBlur(image, (0, 0), size * rng.uniform(0.002, 0.01)))
        if rng.random() < self.erase:
            image = _erase(image, rng)
        if self.noise > 0:
            noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(0, self.noise))
            image = _levels(image + noise)
        return image

    def _tone(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        gain, stretch, exponent = (
            2.0 ** (rng.uniform(-1, 1) * strength) for strength in (self.brightness, self.contrast, self.gamma)
        )
        levels = np.linspace(0, 1, 256) ** exponent * gain
        table = _levels(255 * ((levels - 0.5) * stretch + 0.5))
        return np.asarray(cv2.LUT(image, table), np.uint8)

    def _colour(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        amount = 1 + self.saturation * rng.uniform(-1, 1)
        if rng.random() < self.grey:
            amount = 0.0
        mix = np.eye(3, dtype=np.float32) * np.float32(amount) + np.float32(1 - amount) * _GREY
        return np.asarray(cv2.transform(image, mix), np.uint8)  # saturates


def _levels(values: npt.ArrayLike) -> Pixels:
    return np.clip(np.rint(np.asarray(values)), 0, 255).astype(np.uint8)


def _erase(image: Pixels, rng: np.random.Generator) -> Pixels:
    size = len(image)
    height, width = (size * rng.uniform(0.08, 0.4, 2)).astype(int)
    top, left = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
    erased = image.copy()
    patch: Pixels = rng.integers(0, 256, 3, np.uint8)
    if rng.random() < 0.5:  # another piece of the same picture looks less like a patch
        y, x = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
        patch = image[y : y + height, x : x + width]
    erased[top : top + height, left : left + width] = patch
    return erased
