"""Decoding a picture and warping it into a crop."""

from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from pymaf_pl.atomic import replacing
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.crop import FloatArray, invert_affine, transform_points

ImageArray = npt.NDArray[np.uint8]
Resampling = Literal["bilinear", "bicubic", "nearest"]
_WARP = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC, "nearest": cv2.INTER_NEAREST}

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def normalise(images: Tensor) -> Tensor:
    """Turn (B, 3, S, S) uint8 RGB into the float input of ImageNet backbones, on the images' device."""
    mean = torch.tensor(IMAGENET_MEAN, device=images.device)[:, None, None]
    std = torch.tensor(IMAGENET_STD, device=images.device)[:, None, None]
    return (images.float() / 255 - mean) / std


_LONGEST = 32_766  # px along a side, for cv2.warpAffine


def read_image(path: str | Path) -> ImageArray:
    """Return the (H, W, 3) uint8 RGB picture, EXIF orientation applied, over white where it is transparent.

    Raises:
        InputError: the file is missing, is not an image, or is longer than crops can be cut from.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such image")
    # imdecode on our own bytes: imread hides why it failed, and cannot open every path on Windows
    data = np.frombuffer(path.read_bytes(), np.uint8)
    transparent = _has_alpha(data)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED if transparent else cv2.IMREAD_COLOR_RGB) if len(data) else None
    except cv2.error:  # a header that promises more pixels than OpenCV takes
        image = None
    if image is None:
        raise InputError(f"{path}: not an image that OpenCV can read (JPEG, PNG, WebP, BMP, TIFF)")
    if max(image.shape[:2]) > _LONGEST:
        raise InputError(f"{path}: {image.shape[1]} x {image.shape[0]} px; a side may have {_LONGEST:,} at most")
    if transparent and image.ndim == 3 and image.shape[2] == 4:
        return _over_white(np.asarray(image))
    return np.asarray(image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), dtype=np.uint8)


def _has_alpha(data: ImageArray) -> bool:
    """Look at the header of a PNG (colour type) or of a WebP (flags of VP8X or VP8L)."""
    head = data[:30].tobytes()
    if head[:4] == b"\x89PNG" and len(head) > 25:
        return head[25] in (4, 6)
    flags = {b"WEBPVP8X": 20, b"WEBPVP8L": 24}.get(head[8:16])
    return flags is not None and len(head) > flags and bool(head[flags] & 0x10)


def _over_white(image: npt.NDArray[np.integer[Any]]) -> ImageArray:
    """Lay (H, W, 4) BGRA of 8 or 16 bits over white: what is under transparent pixels was never meant to be seen."""
    full = np.float32(np.iinfo(image.dtype).max)
    alpha = image[..., 3:].astype(np.float32) / full
    rgb = image[..., 2::-1].astype(np.float32) * (255 / full)
    return np.asarray(rgb * alpha + 255 * (1 - alpha) + 0.5, dtype=np.uint8)


def warp_crop(
    image: ImageArray, affine: FloatArray, output_size: int, resampling: Resampling = "bilinear"
) -> ImageArray:
    """Return the (output_size, output_size, 3) crop; black outside the image.

    One warp does translation, scale, rotation and flip. Pictures that shrink by more than two are averaged down first,
    so that nothing aliases; but for ``nearest``, which takes pixels as they are.

    Args:
        image: (H, W, 3) uint8.
        affine: (2, 3) from image px to crop px, both continuous: pixel i has its centre at i + 0.5.
        output_size: side of the crop.
        resampling: of the warp.
    """
    (a, b), (c, d) = affine[:, :2].tolist()
    shrink = int(1 / max(abs(a * d - b * c) ** 0.5, 1e-6))
    if shrink >= 2 and resampling != "nearest":
        image, affine = _averaged(image, affine, output_size, shrink)
    # OpenCV addresses pixels by their centres, so both frames move by half a pixel
    half = affine[:, :2] @ np.array([0.5, 0.5]) - 0.5
    matrix = affine + np.array([[0, 0, half[0]], [0, 0, half[1]]])
    crop = cv2.warpAffine(image, matrix, (output_size, output_size), flags=_WARP[resampling])
    return np.asarray(crop, dtype=np.uint8)


def _averaged(image: ImageArray, affine: FloatArray, output_size: int, shrink: int) -> tuple[ImageArray, FloatArray]:
    """Average blocks of ``shrink`` px, those that the crop shows; the blocks lie where those of the whole would."""
    blocks = np.array(image.shape[1::-1]) // shrink
    if blocks.min() < 1:
        return image, affine
    corners = output_size * np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    seen = transform_points(corners, invert_affine(affine)) / shrink
    low = np.clip(np.floor(seen.min(axis=0)) - 2, 0, blocks - 1).astype(int)
    high = np.clip(np.ceil(seen.max(axis=0)) + 2, low + 1, blocks).astype(int)
    (left, top), (right, bottom) = low * shrink, high * shrink
    smaller = cv2.resize(image[top:bottom, left:right], (high - low).tolist(), interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, np.uint8), affine @ np.array([[shrink, 0, left], [0, shrink, top], [0, 0, 1.0]])


def resize(image: ImageArray, size: int, resampling: Resampling = "bilinear") -> ImageArray:
    """Bring a (H, W, 3) picture to (size, size, 3) as Pillow does: the filters grow with the pixels they shrink."""
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    if resampling == "nearest":
        resized = F.interpolate(pixels, size=(size, size), mode="nearest-exact")
    else:
        resized = F.interpolate(pixels, size=(size, size), mode=resampling, align_corners=False, antialias=True)
    return np.ascontiguousarray(resized[0].permute(1, 2, 0).numpy())


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
