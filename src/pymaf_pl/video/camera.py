"""Frames of a camera, as they come."""

import time
from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np

from pymaf_pl.errors import InputError
from pymaf_pl.video.frames import Frame, ImageArray, Timing

PREFIX = "webcam:"
_TICKS = 90_000  # a second, as usual in video
_DEFAULT_RATE = 30


class Webcam:
    """A camera that OpenCV can open; ends when the camera does.

    Args:
        number: 0 for the first.
        num_frames: stop after as many; None to go on until stopped.

    Attributes:
        picture: (H, W, 3) what it saw when it was opened, for its size.

    Raises:
        InputError: there is no such camera.
    """

    def __init__(self, number: int = 0, num_frames: int | None = None) -> None:
        self._capture = cv2.VideoCapture(number)
        if not self._capture.isOpened():
            raise InputError(f"{PREFIX}{number}: no such camera, or another program uses it")
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        rate = rate if 1 <= rate <= 1000 else _DEFAULT_RATE
        self.timing = Timing(Fraction(rate).limit_denominator(1001), Fraction(1, _TICKS))
        self.num_frames = num_frames
        self._stopped = False
        done, picture = self._capture.read()
        if not done:
            raise InputError(f"{PREFIX}{number}: the camera gives no picture")
        self.picture: ImageArray = np.asarray(picture, dtype=np.uint8)

    def stop(self) -> None:
        """End after the frame in hand."""
        self._stopped = True

    def frames(self, after: Frame | None = None) -> Iterator[Frame]:
        """Give what the camera sees from now on; the clock starts with the first frame."""
        index = 0 if after is None else after.index + 1
        begun, last = time.monotonic(), -1 if after is None else after.pts
        offset = last + 1
        try:
            while not self._stopped and (self.num_frames is None or index < self.num_frames):
                done, picture = self._capture.read()
                if not done:
                    return
                last = max(last + 1, offset + round((time.monotonic() - begun) * _TICKS))
                yield Frame(index, last, np.ascontiguousarray(picture[..., ::-1]))
                index += 1
        finally:
            self._capture.release()
