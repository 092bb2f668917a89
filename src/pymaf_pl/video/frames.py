"""What a video is to the rest: frames with their times."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import ModuleType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pymaf_pl.errors import InputError

ImageArray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """One picture of a video.

    Attributes:
        index: counted from 0.
        pts: when it is shown, in ticks of the video's ``time_base``.
        image: (H, W, 3) uint8 RGB, upright.
    """

    index: int
    pts: int
    image: ImageArray


@dataclass(frozen=True)
class Timing:
    """A video's clock.

    Attributes:
        rate: frames per second, on average.
        time_base: seconds per tick.
    """

    rate: Fraction
    time_base: Fraction

    def seconds(self, ticks: int) -> float:
        """Return ticks as seconds."""
        return float(ticks * self.time_base)


class FrameSource(Protocol):
    """A file or a camera.

    Attributes:
        timing: its clock.
        num_frames: how many there are, if that is known; for showing progress only.
    """

    timing: Timing
    num_frames: int | None

    def frames(self, after: Frame | None = None) -> Iterator[Frame]:
        """Give the frames in their order, those behind ``after`` only (whose picture is not looked at)."""
        ...


def pyav() -> ModuleType:
    """Return PyAV.

    Raises:
        InputError: it is not installed.
    """
    try:
        import av
    except ImportError:
        raise InputError("videos need: pip install 'pymaf-pl[video]'") from None
    return av
