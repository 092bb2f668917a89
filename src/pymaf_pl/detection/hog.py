"""OpenCV's detector of upright pedestrians (Dalal and Triggs, CVPR 2005): people who stand or walk, seen whole."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from pymaf_pl.data.images import ImageArray
from pymaf_pl.detection.people import Detection

Window = npt.NDArray[np.float64]
"""(4,) left, top, width and height, px of the enlarged photo."""

_LONG_SIDE = 640  # px: the detector's own people are 96 px tall
_BORDER = 32  # px: its window has a margin, people at the edge have none
_LEAST_SCORE = 1.0  # margin of the detector's linear SVM; lower ones are mostly trees and doors
_LEAST_HEIGHT = 0.4  # of the longer side: passers-by far away are not meant
_MOST_OVERLAP = 0.4
_PERSON_IN_WINDOW = 0.75  # 96 of 128 px
_WIDTH_OF_HEIGHT = 0.41  # of people in INRIA's windows, 64 of 128 px with their margin


class HogDetector:
    """OpenCV's detector of upright people.

    Args:
        least_height: of a person, as a share of the picture's longer side.
    """

    def __init__(self, least_height: float = _LEAST_HEIGHT) -> None:
        self._least_height = least_height
        self._hog = cv2.HOGDescriptor()
        self._hog.setSVMDetector(np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32))

    def __call__(self, images: Sequence[ImageArray]) -> list[list[Detection]]:
        """Look for people, one image after another."""
        return [self._find(image) for image in images]

    def _find(self, image: ImageArray) -> list[Detection]:
        height, width = image.shape[:2]
        scale = _LONG_SIDE / max(height, width)
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(image, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=how)
        grown = cv2.copyMakeBorder(small, *(_BORDER,) * 4, cv2.BORDER_REPLICATE)
        if any(side < least for side, least in zip(grown.shape[1::-1], self._hog.winSize, strict=True)):
            return []  # OpenCV reads beyond the end of a picture that is smaller than its window
        found = self._hog.detectMultiScale(grown, winStride=(8, 8), scale=1.05)
        windows, scores = np.asarray(found[0], np.float64).reshape(-1, 4), np.ravel(found[1])
        kept: list[Window] = []
        people = []
        for i in np.argsort(-scores):
            tall = windows[i][3] * _PERSON_IN_WINDOW / scale
            if scores[i] < _LEAST_SCORE or tall < self._least_height * max(height, width):
                continue
            if all(_overlap(windows[i], other) < _MOST_OVERLAP for other in kept):
                kept.append(windows[i])
                people.append(_person(windows[i], scale, float(scores[i])))
        return people


def _person(window: Window, scale: float, margin: float) -> Detection:
    x, y, wide, tall = window.tolist()
    middle, centre = (x + wide / 2 - _BORDER) / scale, (y + tall / 2 - _BORDER) / scale
    height = tall * _PERSON_IN_WINDOW / scale
    half = _WIDTH_OF_HEIGHT * height / 2
    chance = 1 / (1 + math.exp(-2 * margin))  # 0.88 at the least margin that is taken
    return Detection(middle - half, centre - height / 2, middle + half, centre + height / 2, chance)


def _overlap(one: Window, other: Window) -> float:
    """Intersection over the smaller of two windows (x, y, width, height)."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    shared = np.prod(np.clip(high - low, 0, None))
    return float(shared / min(one[2] * one[3], other[2] * other[3]))
