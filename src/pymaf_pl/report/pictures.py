"""Pictures as JPEG, for files and as data URIs."""

import base64

import cv2
import numpy as np

from pymaf_pl.errors import InputError

JPEG_QUALITY = 82


def fit_within(image: np.ndarray, side: int) -> np.ndarray:
    """Shrink an (H, W, 3) image so that its longer side is at most ``side`` pixels; smaller ones stay as they are."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def jpeg_uri(image: np.ndarray) -> str:
    """Encode an (H, W, 3) uint8 RGB image as ``data:image/jpeg;base64,...``."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg_bytes(image)).decode("ascii")


def jpeg_bytes(image: np.ndarray) -> bytes:
    """Encode an (H, W, 3) uint8 RGB image as JPEG."""
    done, data = cv2.imencode(
        ".jpg",
        np.ascontiguousarray(image[..., ::-1]),
        [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1],
    )
    if not done:
        raise RuntimeError("OpenCV could not encode a picture as JPEG")
    return data.tobytes()


def check_picture(image: np.ndarray, what: str) -> None:
    """Refuse what is not an (H, W, 3) uint8 picture, saying which one it is."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise InputError(f"{what} is {image.dtype} of shape {image.shape}, expected uint8 of shape (H, W, 3)")
