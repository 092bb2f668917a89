"""SMPL's 24 joints, rotations, and linear blend skinning."""

import numpy as np
from numpy.typing import ArrayLike

from build_open_body.arrays import FloatArray, IntArray

JOINT_NAMES = (
    *("pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle"),
    *("right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head"),
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    *("left_hand", "right_hand"),
)
PARENTS = np.array([-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21])
MIRRORED_JOINT = np.array([0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22])
LEFT_JOINTS = (1, 4, 7, 10, 13, 16, 18, 20, 22)
MIDLINE_JOINTS = (0, 3, 6, 9, 12, 15)

JOINT_RANGES_DEG: dict[int, tuple[tuple[int, int], tuple[int, int], tuple[int, int]]] = {
    1: ((-105, 35), (-35, 35), (-25, 55)),
    4: ((0, 115), (-10, 10), (-8, 8)),
    7: ((-35, 40), (-25, 25), (-20, 20)),
    10: ((-40, 20), (-5, 5), (-5, 5)),
    3: ((-20, 45), (-25, 25), (-20, 20)),
    6: ((-15, 35), (-25, 25), (-15, 15)),
    9: ((-15, 25), (-20, 20), (-12, 12)),
    12: ((-30, 35), (-45, 45), (-25, 25)),
    15: ((-25, 30), (-40, 40), (-20, 20)),
    13: ((-12, 12), (-25, 20), (-15, 30)),
    16: ((-60, 60), (-90, 50), (-85, 75)),
    18: ((-70, 70), (-115, 5), (-10, 10)),
    20: ((-30, 30), (-30, 30), (-65, 65)),
    22: ((-10, 10), (-15, 15), (-75, 30)),
}
"""Range of motion of the midline and left joints: (low, high) of each axis-angle component, chosen by hand. The order
of the entries fixes the random draws of the build."""


def joint_range(joint: int) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and highest (3,) axis-angle components of a joint, radians."""
    low, high = np.radians(np.array(JOINT_RANGES_DEG[joint])).T
    return low, high


def rotation_about(axis: ArrayLike, angle: float) -> FloatArray:
    """Return the (3, 3) rotation by ``angle`` (radians) about ``axis``."""
    unit = np.asarray(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -unit[2], unit[1]], [unit[2], 0, -unit[0]], [-unit[1], unit[0], 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def rotation_from_axis_angle(vector: FloatArray) -> FloatArray:
    """Return the (3, 3) rotation of an axis-angle vector (Rodrigues' formula)."""
    angle = np.linalg.norm(vector)
    return np.eye(3) if angle < 1e-9 else rotation_about(vector, float(angle))


def rotation_between(source: FloatArray, target: FloatArray) -> FloatArray:
    """Return the smallest (3, 3) rotation that turns direction ``source`` into ``target``."""
    source, target = source / np.linalg.norm(source), target / np.linalg.norm(target)
    axis, cosine = np.cross(source, target), source @ target
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + cross + cross @ cross / (1 + cosine)


def joint_transforms(rotations: FloatArray, joints: FloatArray) -> FloatArray:
    """Return the (24, 4, 4) rest-to-posed transform of each joint.

    Args:
        rotations: (24, 3, 3) relative to the parent.
        joints: (24, 3) rest positions.
    """
    transforms: list[FloatArray] = []
    for joint, parent in enumerate(PARENTS):
        local = np.eye(4)
        local[:3, :3] = rotations[joint]
        local[:3, 3] = joints[joint] - (joints[parent] if joint else 0)
        transforms.append(transforms[parent] @ local if joint else local)
    posed = np.stack(transforms)
    posed[:, :3, 3] -= np.einsum("jab,jb->ja", posed[:, :3, :3], joints)
    return posed


def blend_transforms(weights: FloatArray, transforms: FloatArray) -> FloatArray:
    """Return the (V, 3, 4) transform of each vertex from (V, 24) weights and (24, 4, 4) joint transforms."""
    return np.einsum("vj,jab->vab", weights, transforms[:, :3])


def skin(vertices: FloatArray, blended: FloatArray) -> FloatArray:
    """Apply (V, 3, 4) transforms to (V, 3) vertices."""
    return np.einsum("vab,vb->va", blended[:, :, :3], vertices) + blended[:, :, 3]


def rest_rotations() -> FloatArray:
    """Return (24, 3, 3) identities."""
    return np.tile(np.eye(3), (24, 1, 1))


def mirrored_rotation_signs() -> IntArray:
    """Return (9,) signs that turn a flattened rotation into its mirror image: D R D with D = diag(-1, 1, 1)."""
    diagonal = np.array([-1, 1, 1])
    return (diagonal[:, None] * diagonal[None]).ravel()
