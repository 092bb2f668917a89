"""Human3.6M's cameras from its ``metadata.xml``, and projection with its lenses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import numpy.typing as npt

from pymaf_pl.data.convert.reading import complaining
from pymaf_pl.errors import InputError

FloatArray = npt.NDArray[np.float64]
_SUBJECTS, _CAMERAS = 11, 4
_INTRINSICS_AT = 6 * _SUBJECTS * _CAMERAS  # after rotation and translation of every subject and camera


@dataclass(frozen=True)
class Lens:
    """A camera's inside.

    Attributes:
        focal: fx, fy in px.
        center: cx, cy in px.
        radial: k1, k2, k3.
        tangential: p1, p2.
    """

    focal: FloatArray
    center: FloatArray
    radial: FloatArray
    tangential: FloatArray

    @property
    def intrinsics(self) -> FloatArray:
        """fx, fy, cx, cy: the pinhole part."""
        return np.concatenate([self.focal, self.center])

    def project(self, points: npt.ArrayLike, distort: bool = True) -> FloatArray:
        """Return the px of (..., 3) points in camera coordinates (x right, y down, z forward; any unit)."""
        values = np.asarray(points, dtype=np.float64)
        matrix = np.array([[self.focal[0], 0, self.center[0]], [0, self.focal[1], self.center[1]], [0, 0, 1.0]])
        k, p = self.radial, self.tangential
        coefficients = np.array([k[0], k[1], p[0], p[1], k[2]]) * distort
        still = np.zeros(3)
        pixels, _ = cv2.projectPoints(values.reshape(-1, 1, 3), still, still, matrix, coefficients)
        return np.asarray(pixels, dtype=np.float64).reshape(*values.shape[:-1], 2)


def read_cameras(path: Path) -> Mapping[str, Lens]:
    """Return the lenses by camera id from Human3.6M's ``metadata.xml``.

    The numbers stand in the element ``w0``: 6 extrinsic ones for each of 4 cameras times 11 subjects, then for each
    camera fx fy cx cy k1 k2 k3 p1 p2 (layout as read by mmhuman3d's data_converters/h36m.py).

    Raises:
        InputError: the file is not there or is another one.
    """
    with complaining(path, "Human3.6M's metadata.xml"):
        text = path.read_text(encoding="utf-8")
        if "<!ENTITY" in text or "<!DOCTYPE" in text:
            raise InputError(f"{path}: declares entities, which Human3.6M's metadata.xml does not")
        root = ElementTree.fromstring(text)
        ids = [element.text or "" for element in root.findall("dbcameras/index2id/*")]
        numbers = np.array((root.findtext("w0") or "").strip().strip("[]").split(), dtype=np.float64)
    if len(ids) != _CAMERAS or len(numbers) < _INTRINSICS_AT + 9 * _CAMERAS:
        raise InputError(f"{path}: has {len(ids)} cameras and {len(numbers)} numbers in w0, expected 4 and 300")
    blocks = numbers[_INTRINSICS_AT : _INTRINSICS_AT + 9 * _CAMERAS].reshape(_CAMERAS, 9)
    return {name: Lens(b[:2], b[2:4], b[4:7], b[7:9]) for name, b in zip(ids, blocks, strict=True)}
