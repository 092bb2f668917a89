"""Do 3D joints project onto the 2D ones, whatever the camera was?"""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

FEWEST = 6  # joints; five numbers are fitted
_DISTANCES = (1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0, 100.0)  # of the person from the camera, metres


def misfit(
    points: npt.ArrayLike, joints: npt.ArrayLike, intrinsics: npt.ArrayLike = (0,) * 4, transl: npt.ArrayLike = (0,) * 3
) -> float:
    """Return the root mean square distance between 2D joints and projected 3D ones, as a share of the person's extent.

    With a known camera its projection is compared; without one the best camera that looks along z is: for a few
    distances, focal length, principal point and offset follow linearly.

    Args:
        points: (J, 3) x, y in px, confidence.
        joints: (J, 4) x, y, z in metres in camera axes, confidence.
        intrinsics: fx, fy, cx, cy; zeros if unknown.
        transl: what to add to the joints for camera coordinates; zeros if unknown.

    Returns:
        The share; nan if fewer than 6 joints are known in both, infinity if only a mirroring camera would fit.
    """
    flat, deep = np.asarray(points, dtype=np.float64), np.asarray(joints, dtype=np.float64)
    known = (flat[:, 2] > 0) & (deep[:, 3] > 0)
    if known.sum() < FEWEST:
        return float("nan")
    pixels, places = flat[known, :2], deep[known, :3]
    extent = max(float(np.ptp(pixels, axis=0).max()), 1e-6)
    camera, offset = np.asarray(intrinsics, dtype=np.float64), np.asarray(transl, dtype=np.float64)
    if camera[0] > 0 and offset.any():
        there = places + offset
        if (there[:, 2] <= 0).any():
            return float("inf")
        found = camera[:2] * there[:, :2] / there[:, 2:] + camera[2:]
        return float(np.sqrt(((found - pixels) ** 2).sum(axis=1).mean())) / extent
    places = places - places.mean(axis=0)
    return min(_fit(pixels, places, distance) for distance in _DISTANCES) / extent


def _fit(pixels: FloatArray, places: FloatArray, distance: float) -> float:
    """Return the residual in px of u = f x/z + a/z + c, v = f y/z + b/z + d with z moved by ``distance``."""
    depth = places[:, 2] + distance
    if (depth <= 0.1).any():
        return float("inf")
    one, none = np.ones(len(depth)), np.zeros(len(depth))
    across = np.column_stack([places[:, 0] / depth, 1 / depth, none, one, none])
    down = np.column_stack([places[:, 1] / depth, none, 1 / depth, none, one])
    system, right = np.concatenate([across, down]), pixels.T.ravel()
    scale = np.abs(system).max(axis=0)
    solution = np.linalg.lstsq(system / scale, right, rcond=1e-6)[0]
    if solution[0] <= 0:
        return float("inf")
    difference = system / scale @ solution - right
    return float(np.sqrt((difference**2).sum() / len(depth)))
