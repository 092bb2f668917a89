"""Pictures out of videos; what is there already is not written again."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from pymaf_pl.atomic import replacing
from pymaf_pl.errors import InputError

_QUALITY = 95


def extract_frames(video: Path, wanted: Mapping[int, Path]) -> int:
    """Write frames of a video as JPEG, each whole or not at all; return how many were written.

    Args:
        video: the file.
        wanted: frame, counted from 0, to the picture's path; pictures that exist are kept, so a stopped call goes on.

    Raises:
        InputError: the video does not open, or ends before a frame that is wanted.
    """
    missing = {index: path for index, path in wanted.items() if not path.is_file()}
    if not missing:
        return 0
    if not video.is_file():
        raise InputError(f"{video}: no such video; {len(missing)} frames should come from it")
    capture = cv2.VideoCapture(str(video))
    try:
        if not capture.isOpened():
            raise InputError(f"{video}: not a video that OpenCV can read")
        for index in range(max(missing) + 1):
            if not capture.grab():
                raise InputError(f"{video}: ends at frame {index}; frame {max(missing)} was expected, is it complete?")
            if index in missing:
                done, picture = capture.retrieve()
                if not done:
                    raise InputError(f"{video}: frame {index} cannot be decoded")
                _write_jpeg(missing[index], np.asarray(picture, np.uint8))
    finally:
        capture.release()
    return len(missing)


def _write_jpeg(path: Path, picture: np.ndarray) -> None:
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise InputError(f"{path}: a frame of shape {picture.shape} cannot be written as JPEG")
    with replacing(path) as draft:
        draft.write_bytes(data.tobytes())
