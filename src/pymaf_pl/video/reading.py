"""Frames of a video file, decoded one at a time."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from pymaf_pl.errors import InputError
from pymaf_pl.video.frames import Frame, Timing, pyav

SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".ts", ".gif")


class VideoFile:
    """A video on disk; only the frame in hand is in memory.

    Args:
        path: the file.

    Raises:
        InputError: no such file, or none with a picture that can be decoded.
    """

    def __init__(self, path: str | Path) -> None:
        self.path, self._av = Path(path), pyav()
        if not self.path.is_file():
            raise InputError(f"{self.path}: no such video")
        with self._open() as container:
            stream = _picture(container, self.path)
            rate = stream.average_rate or stream.guessed_rate or Fraction(25)
            self.timing = Timing(Fraction(rate), Fraction(stream.time_base))
            self.num_frames = stream.frames or self._estimate(container, stream) or None
        if next(self.frames(), None) is None:
            raise InputError(f"{self.path}: no frame of this video can be decoded")

    def frames(self, after: Frame | None = None) -> Iterator[Frame]:
        """Decode; a file that breaks off ends there.

        With ``after``, what comes before is decoded too, which costs little beside what a frame is wanted for: seeking
        lands elsewhere in files whose times are not in order.
        """
        first = 0 if after is None else after.index + 1
        with self._open() as container:
            stream = _picture(container, self.path)
            stream.thread_type = "AUTO"
            decoded, pts = container.decode(stream), None
            for index in count():
                try:
                    picture = next(decoded, None)
                except self._av.error.FFmpegError:
                    return
                if picture is None:
                    return
                pts = self._time(picture.pts, pts)
                if index >= first:
                    yield Frame(index, pts, _upright(picture))

    def _time(self, given: int | None, before: int | None) -> int:
        """Return when a frame is shown: as the file says, but always after the one before."""
        if before is None:
            return given or 0
        step = max(1, round(1 / (self.timing.rate * self.timing.time_base)))
        return before + step if given is None or given <= before else given

    def _open(self) -> Any:
        try:
            return self._av.open(str(self.path))
        except (self._av.error.FFmpegError, OSError) as error:
            raise InputError(f"{self.path}: not a video that can be decoded ({error.strerror or error})") from None

    def _estimate(self, container: Any, stream: Any) -> int:
        if stream.duration is not None:
            seconds = float(stream.duration * stream.time_base)
        else:
            seconds = (container.duration or 0) / 1e6  # AV_TIME_BASE
        return round(seconds * float(self.timing.rate))


def _picture(container: Any, path: Path) -> Any:
    if not container.streams.video:
        raise InputError(f"{path}: it has no picture, only {', '.join(s.type for s in container.streams) or 'nothing'}")
    return container.streams.video[0]


def _upright(picture: Any) -> np.ndarray:
    """Convert to RGB and turn as the file's display matrix says: telephones film lying down."""
    image = picture.to_ndarray(format="rgb24")
    quarter_turns = round(picture.rotation / 90) % 4  # counter-clockwise
    return np.ascontiguousarray(np.rot90(image, quarter_turns)) if quarter_turns else image
