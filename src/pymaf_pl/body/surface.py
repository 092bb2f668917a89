"""Give a body's surface its labels and texture coordinates: dense parts, UV charts, limbs.

`build_surface` works for every body in SMPL's format, whatever its topology, and replaces the files
that PyMAF reads from DensePose and from SPIN's part evaluation. Parts are DensePose's and so is the
meaning of a pixel (part, u, v); the charts inside a part are our own, so UV values must not be mixed
with those of DensePose's atlas.

Build it once, on the mean shape: labels belong to the topology, not to the person.

Shapes:  V vertices, F faces.
Frames:  body frame, T-pose: x to the body's left, y up, z forward; metres.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pymaf_pl.body.labelling import RestBody, label_limbs, label_parts, label_segments
from pymaf_pl.body.parts import COARSE_NAMES, LIMB_NAMES, NUM_PARTS, PART_NAMES, PART_TO_COARSE, TUBES
from pymaf_pl.body.uv_charts import unwrap

__all__ = [
    "COARSE_NAMES",
    "LIMB_NAMES",
    "NUM_PARTS",
    "PART_NAMES",
    "PART_TO_COARSE",
    "Surface",
    "build_surface",
]


@dataclass(frozen=True)
class Surface:
    """Labels and texture coordinates of a mesh, per face."""

    part: NDArray[np.uint8]
    """(F,) dense part 1..24, see `PART_NAMES`."""
    uv: NDArray[np.float32]
    """(F, 3, 2) chart coordinates in [0, 1] of each corner; each part fills its own unit square."""
    limb: NDArray[np.uint8]
    """(F,) limb 1..6, see `LIMB_NAMES`."""


def build_surface(vertices: ArrayLike, faces: ArrayLike, skin_weights: ArrayLike, joints: ArrayLike) -> Surface:
    """Label and unwrap the surface of a body in SMPL's format.

    The result depends on shape and weights alone: renumbering the vertices or moving the body changes nothing.

    Args:
        vertices: (V, 3) rest shape in T-pose, usually ``v_template``.
        faces: (F, 3) vertex indices of a closed mesh, outward orientation.
        skin_weights: (V, 24) skinning weights in SMPL's joint order.
        joints: (24, 3) rest joints, ``J_regressor @ vertices``.

    Raises:
        ValueError: if the shapes do not belong to one 24-joint body.
    """
    vertices = np.asarray(vertices, dtype=np.float64)
    faces = np.asarray(faces, dtype=np.int64)
    skin_weights = np.asarray(skin_weights, dtype=np.float64)
    joints = np.asarray(joints, dtype=np.float64)
    _check_shapes(vertices, faces, skin_weights, joints)

    body = RestBody.of(vertices, faces, joints)
    segment = label_segments(body, skin_weights)
    frames = {tube.segment: body.frame(tube, segment) for tube in TUBES}
    part = label_parts(body, segment, frames)
    uv = unwrap(body, segment, part, frames)
    return Surface(part=part.astype(np.uint8), uv=uv.astype(np.float32), limb=label_limbs(segment))


def _check_shapes(
    vertices: NDArray[np.float64],
    faces: NDArray[np.int64],
    skin_weights: NDArray[np.float64],
    joints: NDArray[np.float64],
) -> None:
    if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise ValueError(f"expected vertices (V, 3) and faces (F, 3), got {vertices.shape} and {faces.shape}")
    if skin_weights.shape != (len(vertices), 24) or joints.shape != (24, 3):
        expected = f"skin_weights ({len(vertices)}, 24) and joints (24, 3)"
        raise ValueError(f"expected {expected}, got {skin_weights.shape} and {joints.shape}")
