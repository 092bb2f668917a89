"""Skinning weights for SMPL's 24 joints from those of MakeHuman's 163 bones."""

from typing import Final

import numpy as np
import scipy.sparse as sparse

from build_open_body.arrays import FloatArray, face_edges
from build_open_body.skeleton import MIRRORED_JOINT
from build_open_body.source_body import SourceBody
from build_open_body.topology import Topology

# Bones by the start of their name -> joint (the left one of a pair). The first match counts.
_BONE_JOINTS: Final = (
    (("root", "pelvis", "spine05", "spine04"), 0),
    (("spine03",), 3),
    (("neck",), 12),
    (("clavicle", "shoulder01"), 13),
    (("upperarm",), 16),
    (("lowerarm",), 18),
    (("wrist", "metacarpal", "finger1"), 20),
    (("finger",), 22),
    (("upperleg",), 1),
    (("lowerleg",), 4),
    (("foot",), 7),
    (("toe",), 10),
)
_HEAD_JOINT: Final = 15  # every other bone is one of the head or the face

# Bones whose weight passes from a lower to an upper joint over a stretch of height:
# (joints, start of the stretch below the upper joint, its length; metres).
_SPLIT_BONES: Final = {
    "spine02": ((3, 6), 0.045, 0.09),
    "spine01": ((6, 9), 0.03, 0.08),
    "breast": ((6, 9), 0.03, 0.08),
}

_SMOOTHING_STEPS = 4
_MAX_INFLUENCES = 4
_SMALLEST_WEIGHT = 1e-3


def skinning_weights(body: SourceBody, vertices: FloatArray, joints: FloatArray) -> FloatArray:
    """Return (V, 24) mirror-symmetric weights, rows sum to 1.

    At most 4 joints pull a vertex, like in SMPL, before left and right are averaged, 5 after.

    Args:
        body: gives bone names and weights.
        vertices: (V, 3) T-pose.
        joints: (24, 3) T-pose.
    """
    weights = np.zeros((len(vertices), 24))
    for column, bone in enumerate(body.bones):
        _add_bone(weights, body.bone_weights[:, column], bone, vertices[:, 1], joints[:, 1])
    weights /= weights.sum(1, keepdims=True)

    mean = _nearness_mean(body.topology, vertices)
    for _ in range(_SMOOTHING_STEPS):
        weights = 0.5 * weights + 0.5 * (mean @ weights)
    weights = _symmetric(weights, body.topology)
    smallest_kept = np.sort(weights, 1)[:, -_MAX_INFLUENCES][:, None]
    weights = np.where((weights >= smallest_kept) & (weights > _SMALLEST_WEIGHT), weights, 0)
    weights /= weights.sum(1, keepdims=True)
    return _symmetric(weights, body.topology)


def _add_bone(
    weights: FloatArray, bone_weight: FloatArray, bone: str, height: FloatArray, joint_height: FloatArray
) -> None:
    """Add one bone's weight, in place, to the joint or the two joints it belongs to."""
    name, _, side = bone.partition(".")
    if name in _SPLIT_BONES:
        (lower, upper), below, length = _SPLIT_BONES[name]
        share = _smoothstep((height - (joint_height[upper] - below)) / length)
        weights[:, lower] += bone_weight * (1 - share)
        weights[:, upper] += bone_weight * share
        return
    joint = next((joint for starts, joint in _BONE_JOINTS if name.startswith(starts)), _HEAD_JOINT)
    weights[:, MIRRORED_JOINT[joint] if side == "R" else joint] += bone_weight


def _symmetric(weights: FloatArray, topology: Topology) -> FloatArray:
    return 0.5 * (weights + weights[topology.mirror][:, MIRRORED_JOINT])


def _nearness_mean(topology: Topology, vertices: FloatArray) -> sparse.csr_matrix:
    """Return the (V, V) mean over neighbours, near ones counting more."""
    edges = face_edges(topology.faces)
    edges = np.concatenate([edges, edges[:, ::-1]])
    nearness = 1 / (np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1) + 1e-4)
    size = topology.num_vertices
    mean = sparse.csr_matrix((nearness, (edges[:, 0], edges[:, 1])), shape=(size, size))
    mean.data /= np.asarray(mean.sum(1)).ravel()[np.repeat(np.arange(size), np.diff(mean.indptr))]
    return mean


def _smoothstep(x: FloatArray) -> FloatArray:
    return np.clip(x, 0, 1) ** 2 * (3 - 2 * np.clip(x, 0, 1))
