"""One affine map from a box in the image to the network's crop, for the image and for every point in it."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def crop_affine(center: npt.ArrayLike, size: float, output_size: int, rotation_deg: float = 0.0) -> FloatArray:
    """Return the (2, 3) map from image px to crop px.

    Args:
        center: box centre (x, y) in image px.
        size: side of the square box in image px (SPIN's ``scale * 200``).
        output_size: side of the crop in px.
        rotation_deg: turns the picture counter-clockwise about the box centre.
    """
    scale = output_size / float(size)
    cos, sin = np.cos(np.radians(rotation_deg)) * scale, np.sin(np.radians(rotation_deg)) * scale
    linear = np.array([[cos, sin], [-sin, cos]])  # y points down, so counter-clockwise is -r in this frame
    offset = output_size / 2 - linear @ np.asarray(center, dtype=np.float64)
    return np.column_stack([linear, offset])


def flip_affine(affine: FloatArray, output_size: int) -> FloatArray:
    """Follow a map by a left-right flip of the crop: x becomes output_size - x."""
    return np.array([[-1.0, 0.0], [0.0, 1.0]]) @ affine + np.array([[0.0, 0.0, output_size], [0.0, 0.0, 0.0]])


def invert_affine(affine: FloatArray) -> FloatArray:
    """Return the (2, 3) inverse of a (2, 3) map."""
    linear = np.linalg.inv(affine[:, :2])
    return np.column_stack([linear, -linear @ affine[:, 2]])


def transform_points(points: npt.ArrayLike, affine: FloatArray) -> FloatArray:
    """Apply a (2, 3) map to (..., 2) points."""
    return np.asarray(points, dtype=np.float64) @ affine[:, :2].T + affine[:, 2]


def crop_px_to_ndc(points: npt.ArrayLike, output_size: int) -> FloatArray:
    """Normalise crop px to crop NDC: 0 becomes -1, output_size becomes +1."""
    return 2.0 * np.asarray(points, dtype=np.float64) / output_size - 1.0


def ndc_to_crop_px(points: npt.ArrayLike, output_size: int) -> FloatArray:
    """Invert :func:`crop_px_to_ndc`."""
    return (np.asarray(points, dtype=np.float64) + 1.0) * (output_size / 2.0)


def ndc_to_image_px(points: npt.ArrayLike, affine: FloatArray, output_size: int) -> FloatArray:
    """Bring crop NDC back to image px with the crop's exact inverse."""
    return transform_points(ndc_to_crop_px(points, output_size), invert_affine(affine))


def box_from_points(points: npt.ArrayLike, factor: float = 1.2) -> tuple[FloatArray, float]:
    """Return centre and side (factor * max(width, height)) of SPIN's square box around (P, 2) points, image px."""
    points = np.asarray(points, dtype=np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    return (low + high) / 2, factor * float((high - low).max())
