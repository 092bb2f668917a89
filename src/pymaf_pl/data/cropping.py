"""From a box in a picture to the network's crop, and where the labelled points of that picture go.

The default is one warp, and every point goes through the very map that the picture went through. The published code
(PyMAF utils/imutils.py, taken over from SPIN and HMR) works in whole pixels; what it does differently are the switches
of :class:`Crop`, one by one. docs/fidelity.md says what each of them is for.
"""

from dataclasses import dataclass
from typing import NamedTuple, get_args

import cv2
import numpy as np

from pymaf_pl.data.images import ImageArray, Resampling, resize, warp_crop
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.crop import FloatArray, crop_affine, flip_affine, transform_points

_PIXEL_CENTRE = 0.5  # tables count pixels from the centre of the first one, as annotators do; image px from its corner
_LARGEST_WINDOW = 16384  # px; 0.8 GB


class Region(NamedTuple):
    """What to show of a picture.

    Attributes:
        center: (2,) of the square box, px as tables count them.
        side: of the box in px.
        rotation_deg: turns the picture counter-clockwise about the centre.
        flip: mirrors it then.
    """

    center: FloatArray
    side: float
    rotation_deg: float = 0.0
    flip: bool = False


def region_affine(region: Region, size: int) -> FloatArray:
    """Return the exact (2, 3) map from image px, which count from the first pixel's corner, to the px of a crop."""
    affine = crop_affine(region.center + _PIXEL_CENTRE, region.side, size, region.rotation_deg)
    return flip_affine(affine, size) if region.flip else affine


@dataclass(frozen=True)
class Crop:
    """How a region becomes a crop. With the defaults, by one warp, whose points follow exactly.

    Args:
        whole_pixels: cut the box out at whole pixels, turn that, and resize it; so that boxes are up to a pixel off
            and not quite square.
        resampling: ``bilinear`` or ``bicubic``, neither of which aliases, or ``nearest``.
        stretch_contrast: stretch what was cut out to the full 0 to 255, as SciPy's ``imresize`` did to float pictures.
            Needs ``whole_pixels``.
        truncate_keypoints: cut the points off to whole crop pixels, towards zero, and add one.
    """

    whole_pixels: bool = False
    resampling: Resampling = "bilinear"
    stretch_contrast: bool = False
    truncate_keypoints: bool = False

    def __post_init__(self) -> None:
        if self.resampling not in get_args(Resampling):
            raise InputError(f"crop.resampling={self.resampling}: there are {', '.join(get_args(Resampling))}")
        if self.stretch_contrast and not self.whole_pixels:
            raise InputError("crop.stretch_contrast=true belongs to crop.whole_pixels=true; set both or neither")

    def picture(self, image: ImageArray, region: Region, size: int) -> tuple[ImageArray, FloatArray]:
        """Return the (size, size, 3) crop, black outside the picture, and the (2, 3) map from image px to its px."""
        if self.whole_pixels:
            crop, affine = self._cut_out(image, region, size)
        else:
            affine = region_affine(region, size)
            crop = warp_crop(image, affine, size, self.resampling)
        return crop, affine

    def keypoints(self, points: FloatArray, region: Region, affine: FloatArray, size: int) -> FloatArray:
        """Return the crop px of (..., 2) points of the table; ``affine`` is the picture's own map."""
        if not self.truncate_keypoints:
            return transform_points(points + _PIXEL_CENTRE, affine)
        affine = crop_affine(region.center, region.side, size, region.rotation_deg)
        whole = np.trunc(transform_points(points, affine)) + 1  # PyMAF utils/imutils.py, transform: counted from one
        return whole * [-1, 1] + [size, 0] if region.flip else whole

    def _cut_out(self, image: ImageArray, region: Region, size: int) -> tuple[ImageArray, FloatArray]:
        low, high = _window(region, size)
        width, height = high - low
        if max(width, height) > _LARGEST_WINDOW:
            raise InputError(
                f"crop.whole_pixels=true: a box of {region.side:.0f} px is too large to be cut out; false takes any"
            )
        angle = np.radians(region.rotation_deg)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        linear = np.diag([size / width, size / height]) @ turn
        affine = np.column_stack([linear, size / 2 - linear @ ((low + high) / 2)])

        margin = 0
        if region.rotation_deg:  # what comes in at the corners when the window turns; one px where none would do
            margin = max(1, int(np.hypot(width, height) / 2 - height / 2))
        window = _padded_cut(image, low - margin, high + margin)
        if self.stretch_contrast:
            window = _stretched(window)
        if margin:
            middle = ((window.shape[1] - 1) / 2, (window.shape[0] - 1) / 2)
            matrix = cv2.getRotationMatrix2D(middle, region.rotation_deg, 1.0)
            window = np.asarray(cv2.warpAffine(window, matrix, window.shape[1::-1], flags=cv2.INTER_LINEAR), np.uint8)
            window = window[margin:-margin, margin:-margin]
        crop = resize(window, size, self.resampling)
        return (np.ascontiguousarray(crop[:, ::-1]), flip_affine(affine, size)) if region.flip else (crop, affine)


def _window(region: Region, size: int) -> tuple[FloatArray, FloatArray]:
    """Return the first column and row of a box, and those after its last, at whole pixels; its rotation comes later."""
    # the published operations in their order: where a box ends on a pixel, rounding errors decide about it
    x, y = size * (-np.asarray(region.center, np.float64) / region.side + 0.5)
    to_crop = np.array([[size / region.side, 0, x], [0, size / region.side, y], [0, 0, 1]])
    low, high = np.trunc(np.linalg.inv(to_crop) @ [[0, size], [0, size], [1, 1]])[:2].T
    return low, np.maximum(high, low + 1)


def _padded_cut(image: ImageArray, low: FloatArray, high: FloatArray) -> ImageArray:
    (left, top), (right, bottom) = low.astype(int), high.astype(int)
    rows, columns = image.shape[:2]
    window = np.zeros((bottom - top, right - left, 3), np.uint8)
    y, x = slice(max(0, top), min(rows, bottom)), slice(max(0, left), min(columns, right))
    if y.start < y.stop and x.start < x.stop:
        window[y.start - top : y.stop - top, x.start - left : x.stop - left] = image[y, x]
    return window


def _stretched(image: ImageArray) -> ImageArray:
    low, high = int(image.min()), int(image.max())
    return ((image - float(low)) * (255.0 / (high - low or 1)) + 0.5).astype(np.uint8)
