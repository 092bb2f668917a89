"""Pose-corrective blend shapes: what linear blend skinning lacks at bent joints, as a function of the pose.

The teacher is skinning followed by delta mush (Mancewicz et al., "Delta Mush: smoothing deformations while
preserving detail", 2014), which keeps elbows, knees and hips from collapsing. For each joint the missing
offsets are regressed on the nine entries of its rotation minus identity, the form that SMPL's ``posedirs``
has (Loper et al., 2015).
"""

import logging

import numpy as np
import scipy.sparse as sparse

from build_open_body.arrays import MIRROR_X, Float32Array, FloatArray, IntArray, neighbour_mean, neighbours
from build_open_body.skeleton import (
    JOINT_NAMES,
    JOINT_RANGES_DEG,
    MIDLINE_JOINTS,
    MIRRORED_JOINT,
    blend_transforms,
    joint_range,
    joint_transforms,
    mirrored_rotation_signs,
    rest_rotations,
    rotation_from_axis_angle,
    skin,
)
from build_open_body.topology import Topology

logger = logging.getLogger(__name__)

_SAMPLES_PER_JOINT = 48
_RIDGE = 0.02
_LARGEST_OFFSET = 0.022  # metres; what delta mush wants beyond this, in folds, would become ridges
# Vertices that a joint moves by less than the start are dropped, those beyond start + width kept whole (metres).
_FADE_START, _FADE_WIDTH = 3e-4, 7e-4


class DeltaMush:
    """Smooth a posed mesh and give it back the detail that smoothing took from the rest mesh."""

    def __init__(self, vertices: FloatArray, faces: IntArray, steps: int = 12, step: float = 0.6) -> None:
        num_vertices = len(vertices)
        adjacency = neighbours(faces, num_vertices)
        stay = (1 - step) * sparse.identity(num_vertices)
        self._smoother = (stay + step * neighbour_mean(faces, num_vertices)).tocsr()
        self._steps = steps
        self._faces = faces
        self._tangent_neighbour = adjacency.indices[adjacency.indptr[:-1]]
        smooth = self._smooth(vertices)
        self._detail = np.einsum("vij,vi->vj", self._frames(smooth), vertices - smooth)

    def __call__(self, vertices: FloatArray) -> FloatArray:
        """Return the (V, 3) corrected mesh."""
        smooth = self._smooth(vertices)
        return smooth + np.einsum("vij,vj->vi", self._frames(smooth), self._detail)

    def _smooth(self, vertices: FloatArray) -> FloatArray:
        for _ in range(self._steps):
            vertices = self._smoother @ vertices
        return vertices

    def _frames(self, vertices: FloatArray) -> FloatArray:
        """Return (V, 3, 3) local axes as columns: towards a fixed neighbour, across, along the normal."""
        first, second, third = self._faces.T
        face_normal = np.cross(vertices[second] - vertices[first], vertices[third] - vertices[first])
        normal = np.zeros_like(vertices)
        for corner in (first, second, third):
            np.add.at(normal, corner, face_normal)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
        tangent = vertices[self._tangent_neighbour] - vertices
        tangent -= (tangent * normal).sum(1, keepdims=True) * normal
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-12
        return np.stack([tangent, np.cross(normal, tangent), normal], -1)


def fit_pose_correctives(
    vertices: FloatArray, topology: Topology, weights: FloatArray, joints: FloatArray, seed: int = 0
) -> Float32Array:
    """Return (V, 3, 207) correctives, nine columns per joint 1..23, mirror-symmetric.

    Args:
        vertices: (V, 3) rest shape.
        topology: faces and mirror map.
        weights: (V, 24) skinning weights.
        joints: (24, 3) rest joints.
        seed: of the sampled poses.
    """
    rng = np.random.default_rng(seed)
    teacher = DeltaMush(vertices, topology.faces)
    mirror = topology.mirror
    correctives = np.zeros((len(vertices), 3, 207), np.float32)
    signs = mirrored_rotation_signs()[:, None, None]
    for joint in JOINT_RANGES_DEG:
        features, offsets = _sample_joint(joint, vertices, weights, joints, teacher, rng)
        coefficients = _ridge_fit(features, offsets)
        correctives[:, :, _columns(joint)] += coefficients.transpose(1, 2, 0)
        twin = int(MIRRORED_JOINT[joint])
        if twin != joint:
            mirrored = coefficients[:, mirror] * MIRROR_X * signs
            correctives[:, :, _columns(twin)] += mirrored.transpose(1, 2, 0)
        largest = np.linalg.norm(offsets, axis=2).max()
        logger.info("  %-14s largest corrective offset %4.1f mm", JOINT_NAMES[joint], 1e3 * largest)
    for joint in MIDLINE_JOINTS[1:]:
        one_sided = correctives[:, :, _columns(joint)].transpose(2, 0, 1)
        symmetric = 0.5 * (one_sided + one_sided[:, mirror] * MIRROR_X * signs)
        correctives[:, :, _columns(joint)] = symmetric.transpose(1, 2, 0)
    return correctives


def _sample_joint(
    joint: int,
    vertices: FloatArray,
    weights: FloatArray,
    joints: FloatArray,
    teacher: DeltaMush,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Turn one joint in many ways; return (N, 9) rotations minus identity and (N, V, 3) offsets at rest."""
    low, high = joint_range(joint)
    features, offsets = [], []
    for sample in range(_SAMPLES_PER_JOINT):
        angles = low + (high - low) * rng.random(3)
        if sample % 2 == 0:  # half of the samples turn about one axis, often the one with the widest range
            axis = rng.integers(3) if sample % 6 else int(np.argmax(high - low))
            angles = angles * (np.arange(3) == axis)
        rotations = rest_rotations()
        rotations[joint] = rotation_from_axis_angle(angles)
        blended = blend_transforms(weights, joint_transforms(rotations, joints))
        posed = skin(vertices, blended)
        offset = np.linalg.solve(blended[:, :, :3], (teacher(posed) - posed)[..., None])[..., 0]
        length = np.linalg.norm(offset, axis=1, keepdims=True)
        offsets.append(offset * np.minimum(1, _LARGEST_OFFSET / (length + 1e-9)))
        features.append((rotations[joint] - np.eye(3)).ravel())
    return np.array(features), np.array(offsets)


def _ridge_fit(features: FloatArray, offsets: FloatArray) -> FloatArray:
    """Return (9, V, 3) coefficients with ``features @ coefficients`` near ``offsets``, small ones faded out."""
    num_samples, num_vertices, _ = offsets.shape
    normal_matrix = features.T @ features + _RIDGE * num_samples / 9 * np.eye(9)
    coefficients = np.linalg.solve(normal_matrix, features.T @ offsets.reshape(num_samples, -1))
    coefficients = coefficients.reshape(9, num_vertices, 3)
    magnitude = np.sqrt((coefficients**2).sum((0, 2)))
    fade = np.clip((magnitude - _FADE_START) / _FADE_WIDTH, 0, 1)
    return coefficients * fade[None, :, None]


def _columns(joint: int) -> slice:
    return slice((joint - 1) * 9, joint * 9)
