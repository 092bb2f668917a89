"""A person as a detector sees one, and what a detector is."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pymaf_pl.data.images import ImageArray
from pymaf_pl.inference import Box

_BOX_OF_HEIGHT = 1.1  # 1.2 times the extent of the joints, which is some 0.92 of the height


class Detection(NamedTuple):
    """A person as a detector sees one: corners in px of the image, and how sure it is, in [0, 1]."""

    left: float
    top: float
    right: float
    bottom: float
    score: float = 1.0
    given: Box | None = None

    @classmethod
    def around(cls, box: Box) -> "Detection":
        """Return the corners of a box that was given, which is sure and taken as it is."""
        (x, y), half = box.center, box.size / 2
        return cls(x - half, y - half, x + half, y + half, given=box)

    @property
    def box(self) -> Box:
        """The square box for the network, around somebody who is seen from head to foot."""
        if self.given is not None:
            return self.given
        width, height = self.right - self.left, self.bottom - self.top
        return Box((self.left + width / 2, self.top + height / 2), _BOX_OF_HEIGHT * max(width, height))


class Detector(Protocol):
    """Images in, (H, W, 3) uint8 RGB, the people of each one out, the surest first."""

    def __call__(self, images: Sequence[ImageArray]) -> list[list[Detection]]:
        """Look for people."""
        ...


class WholePicture:
    """One person, who fills the picture: no detector at all."""

    def __call__(self, images: Sequence[ImageArray]) -> list[list[Detection]]:
        """Return the square around each picture."""
        return [[Detection.around(Box.whole_image(image))] for image in images]
