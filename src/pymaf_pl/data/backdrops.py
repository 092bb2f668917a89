"""Cut people out of their pictures and paste them before something else (Dwibedi et al., ICCV 2017).

A network that has seen a synthetic person before one backdrop only takes some of it for the person. With silhouettes in
the table every pass shows people somewhere else: before another picture of the same source, whose person is then a
bystander, or before a collage.

Shapes:  S side of the crop.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from pymaf_pl.data.images import ImageArray
from pymaf_pl.data.synth.clutter import render_clutter
from pymaf_pl.errors import InputError

_COLLAGES, _COLLAGE_SIDE = 256, 160


@dataclass(frozen=True)
class Backdrops:
    """Random backdrops for people who have a silhouette; nobody else is touched.

    Args:
        share: of the crops that get another backdrop.
        collages: share of those that get a collage, instead of another picture of the same source.
        light: person and backdrop are made brighter or darker apart, each by up to ``2 ** +-light``.
        edge: chance that the new backdrop ends at one side, as a photo does beside whoever is near its edge: black.
    """

    share: float = 0.5
    collages: float = 0.5
    light: float = 1.0
    edge: float = 0.15

    def __post_init__(self) -> None:
        for name in ("share", "collages", "edge"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"augmentation.backdrops.{name}={getattr(self, name)}: a share lies between 0 and 1")
        if self.light < 0:
            raise InputError(f"augmentation.backdrops.light={self.light}: it must not be negative")

    def __call__(
        self, crop: ImageArray, seen: ImageArray, another: Callable[[], ImageArray], rng: np.random.Generator
    ) -> ImageArray:
        """Return the person of a crop before a new backdrop.

        Args:
            crop: (S, S, 3) RGB.
            seen: (S, S) how much of each pixel the person takes, 0 to 255.
            another: gives an (S, S, 3) piece of another picture.
            rng: source of randomness.
        """
        size = len(crop)
        backdrop = _collage(size, rng) if rng.random() < self.collages else another()
        behind = _relit(backdrop, self.light, rng)
        if rng.random() < self.edge:
            width = round(size * rng.uniform(0.05, 0.35))
            side = behind[:, :width] if rng.random() < 0.5 else behind[:, size - width :]
            side[:] = 0
        cover = seen.astype(np.float32)[..., None] / 255
        pasted = behind + cover * (_relit(crop, self.light, rng) - behind)
        return np.asarray(np.rint(pasted), np.uint8)


def _relit(picture: ImageArray, light: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    return np.clip(picture * np.float32(2 ** (light * rng.uniform(-1, 1))), 0, 255)


def _collage(size: int, rng: np.random.Generator) -> ImageArray:
    """Cut a piece out of one of the collages, mirrored or not, sharpened or not."""
    whole = _collages()[rng.integers(_COLLAGES)]
    side = int(_COLLAGE_SIDE * rng.uniform(0.5, 1))
    top, left = rng.integers(0, _COLLAGE_SIDE - side + 1, 2)
    piece = cv2.resize(whole[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    if rng.random() < 0.5:  # collages are a little out of focus
        piece = cv2.addWeighted(piece, 1.8, cv2.GaussianBlur(piece, (0, 0), size / 85), -0.8, 0)
    return np.ascontiguousarray(piece, np.uint8)


@cache
def _collages() -> list[ImageArray]:
    """Draw the collages, in a few seconds; always the same ones, so that samples do not depend on who makes them."""
    rng = np.random.default_rng(17)
    white = np.ones(3, np.float32)
    drawn = (render_clutter(_COLLAGE_SIDE, white * np.float32(rng.uniform(0.7, 1.3)), rng) for _ in range(_COLLAGES))
    return [np.clip(255 * picture, 0, 255).astype(np.uint8) for picture in drawn]
