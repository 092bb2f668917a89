"""Decoding a picture and warping it into a crop."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pymaf_pl.atomic import replacing
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.crop import FloatArray, invert_affine

ImageArray = npt.NDArray[np.uint8]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def normalise(images: Tensor) -> Tensor:
    """Turn (B, 3, S, S) uint8 RGB into the float input of ImageNet backbones, on the images' device."""
    mean = torch.tensor(IMAGENET_MEAN, device=images.device)[:, None, None]
    std = torch.tensor(IMAGENET_STD, device=images.device)[:, None, None]
    return (images.float() / 255 - mean) / std


def read_image(path: str | Path) -> ImageArray:
    """Return the (H, W, 3) uint8 RGB picture, EXIF orientation applied.

    Raises:
        InputError: the file is missing or is not an image.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such image")
    # imdecode on our own bytes: imread hides why it failed, and cannot open every path on Windows
    data = np.frombuffer(path.read_bytes(), np.uint8)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if len(data) else None
    except cv2.error:  # a header that promises more pixels than OpenCV takes
        image = None
    if image is None:
        raise InputError(f"{path}: not an image that OpenCV can read (JPEG, PNG, WebP, BMP, TIFF)")
    return np.asarray(image, dtype=np.uint8)


def warp_crop(image: ImageArray, affine: FloatArray, output_size: int) -> ImageArray:
    """Return the (output_size, output_size, 3) crop; black outside the image.

    One bilinear warp does translation, scale, rotation and flip. Pictures that shrink by more than two are averaged
    down first, so that nothing aliases.

    Args:
        image: (H, W, 3) uint8.
        affine: (2, 3) from image px to crop px, both continuous: pixel i has its centre at i + 0.5.
        output_size: side of the crop.
    """
    shrink = int(np.floor(1 / max(np.sqrt(abs(np.linalg.det(affine[:, :2]))), 1e-6)))
    if shrink >= 2:
        height, width = image.shape[0] // shrink, image.shape[1] // shrink
        if min(height, width) >= 1:
            cut = image[: height * shrink, : width * shrink]
            image = np.asarray(cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
            affine = affine @ np.array([[shrink, 0, 0], [0, shrink, 0], [0, 0, 1.0]])
    # OpenCV addresses pixels by their centres, so both frames move by half a pixel
    half = affine[:, :2] @ np.array([0.5, 0.5]) - 0.5
    matrix = affine + np.array([[0, 0, half[0]], [0, 0, half[1]]])
    crop = cv2.warpAffine(image, matrix, (output_size, output_size), flags=cv2.INTER_LINEAR)
    return np.asarray(crop, dtype=np.uint8)


def paste_back(values: ImageArray, affine: FloatArray, height: int, width: int) -> ImageArray:
    """Warp a crop-sized label map back into the image with the crop's exact inverse, nearest neighbour, 0 outside."""
    inverse = invert_affine(affine)
    half = inverse[:, :2] @ np.array([0.5, 0.5]) - 0.5
    matrix = inverse + np.array([[0, 0, half[0]], [0, 0, half[1]]])
    return np.asarray(cv2.warpAffine(values, matrix, (width, height), flags=cv2.INTER_NEAREST), np.uint8)


def write_png(path: str | Path, image: npt.NDArray[np.uint8]) -> Path:
    """Write a (H, W, 3) RGB or (H, W) picture under a temporary name, then rename it."""
    path = Path(path)
    channels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    done, data = cv2.imencode(".png", channels)
    if not done:
        raise InputError(f"{path}: the picture of shape {image.shape} cannot be written as PNG")
    with replacing(path) as draft:
        draft.write_bytes(data.tobytes())
    return path
