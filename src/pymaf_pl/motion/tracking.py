"""Who is who from frame to frame: boxes in, persons out.

The association is trackforge's (MIT, wheels without dependencies, ``pip install 'pymaf-pl[video]'``): ByteTrack (Zhang
et al., ECCV 2022), a Kalman filter for each box, matched by overlap in two rounds. Others were looked at: Roboflow's
``trackers`` brings ``opencv-python``, which overwrites the headless build that this project needs; ``norfair`` needs
``filterpy``, without a wheel and without a release since 2018; ``supervision`` no longer has a tracker.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from pymaf_pl.errors import InputError

NOBODY = -1
_TRACKED, _NEW = 0.5, 0.6  # scores from which a box keeps a track alive in the first round, and begins one
_MOST_DISTANCE = 0.8  # 1 - overlap; ByteTrack's own
_PATIENCE = 1.5  # seconds out of sight after which somebody who comes back is somebody new


class Tracker:
    """Number people in the order in which they are first sure; the same boxes give the same numbers.

    Args:
        frame_rate: of the video.
        patience: seconds that somebody may be hidden.

    Raises:
        InputError: the library is not installed.
    """

    def __init__(self, frame_rate: float, patience: float = _PATIENCE) -> None:
        try:
            import trackforge
        except ImportError:
            raise InputError("following people in a video needs: pip install 'pymaf-pl[video]'") from None
        buffer = max(1, round(frame_rate * patience))
        self._tracks: Any = trackforge.BYTETRACK(_TRACKED, buffer, _MOST_DISTANCE, _NEW)
        self._numbers: dict[int, int] = {}

    def update(self, corners: npt.ArrayLike, scores: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Take one frame's boxes.

        Args:
            corners: (N, 4) left, top, right, bottom.
            scores: (N,) in [0, 1].

        Returns:
            (N,) the person of each box, ``NOBODY`` where none is sure yet.
        """
        corners = np.asarray(corners, np.float64).reshape(-1, 4)
        rows = [
            ([left, top, right - left, bottom - top], float(score), 0)
            for (left, top, right, bottom), score in zip(corners.tolist(), np.asarray(scores).tolist(), strict=True)
        ]
        people = np.full(len(rows), NOBODY, np.int64)
        for track in self._tracks.update(rows):
            index = track[4]
            if index is not None and 0 <= index < len(rows):
                people[index] = self._numbers.setdefault(track[0], len(self._numbers))
        return people
