"""The (24, V) joint regressor of a model: joints as sparse averages of vertices, fitted to its people."""

import logging

import numpy as np

from build_open_body.arrays import Float32Array, FloatArray, IntArray
from build_open_body.nonnegative_fit import fit_weights
from build_open_body.shape_space import People
from build_open_body.skeleton import JOINT_NAMES, LEFT_JOINTS, MIDLINE_JOINTS, MIRRORED_JOINT, PARENTS

logger = logging.getLogger(__name__)

_NUM_PEOPLE = 120
# Vertices farther than this from a joint (metres) are not used.
_REACH = {12: 0.2, 15: 0.15, 1: 0.2, 4: 0.15, 7: 0.1, 10: 0.08, 13: 0.17, 16: 0.14, 18: 0.11, 20: 0.08, 22: 0.07}
# MakeHuman's spine points move erratically with sex and age (12 to 17 mm of misfit), so the trunk's joints
# are fitted to the mean body alone, on a horizontal ring of vertices without the arms.
_TRUNK_JOINTS = (0, 3, 6, 9)
_RING_HALF_HEIGHT = 0.028
_RING_HALF_WIDTH = 0.2
_ARM_JOINTS = [13, 14, 16, 17, 18, 19]


def fit_joint_regressor(people: People, weights: FloatArray, mirror: IntArray, mean: Float32Array) -> FloatArray:
    """Return (24, V) non-negative rows that sum to 1, right rows mirrored from left, midline rows symmetric.

    Args:
        people: the sample; 120 of them are used.
        weights: (V, 24) skinning weights, which tell the vertices near a joint that move with it.
        mirror: (V,) left/right twins.
        mean: (V, 3) mean body.
    """
    num_people = len(people.vertices)
    chosen = np.random.default_rng(1).choice(num_people, min(num_people, _NUM_PEOPLE), replace=False)
    vertices, joints = people.vertices[chosen].astype(np.float64), people.joints[chosen]
    mean_joints = joints.mean(0)
    regressor = np.zeros((24, len(mean)))
    misfit = {}
    for joint in (*MIDLINE_JOINTS, *LEFT_JOINTS):
        if joint in _TRUNK_JOINTS:
            candidates = _ring(mean, weights, mean_joints[joint])
            samples, targets, ridge = mean[None].astype(np.float64), mean_joints[None, joint], 0.3
        else:
            candidates = _near(mean, weights, mean_joints[joint], joint)
            samples, targets, ridge = vertices, joints[:, joint], 0.1

        if joint in LEFT_JOINTS:
            candidates = candidates[mean[candidates, 0] > 0.005]
            samples = samples[:, candidates]
        else:
            candidates = candidates[mean[candidates, 0] >= -1e-6]
            samples = 0.5 * (samples[:, candidates] + samples[:, mirror[candidates]])
        row = fit_weights(samples, targets, ridge, drop_below=2e-3)

        misfit[JOINT_NAMES[joint]] = np.linalg.norm(np.einsum("kvi,v->ki", samples, row) - targets, axis=1).mean()
        if joint in LEFT_JOINTS:
            regressor[joint, candidates] = row
            regressor[MIRRORED_JOINT[joint], mirror[candidates]] = row
        else:
            np.add.at(regressor[joint], candidates, 0.5 * row)
            np.add.at(regressor[joint], mirror[candidates], 0.5 * row)
    worst = max(misfit, key=lambda name: misfit[name])
    logger.info("  joint regressor: mean misfit at most %.1f mm (%s)", 1e3 * misfit[worst], worst)
    return regressor


def _ring(mean: Float32Array, weights: FloatArray, joint: FloatArray) -> IntArray:
    level = np.abs(mean[:, 1] - joint[1]) < _RING_HALF_HEIGHT
    trunk = (weights[:, _ARM_JOINTS].sum(1) < 0.3) & (np.abs(mean[:, 0]) < _RING_HALF_WIDTH)
    return np.nonzero(level & trunk)[0]


def _near(mean: Float32Array, weights: FloatArray, position: FloatArray, joint: int) -> IntArray:
    distance = np.linalg.norm(mean - position, axis=1)
    moves_along = weights[:, joint] + weights[:, PARENTS[joint]] > 0.5
    return np.nonzero((distance < _REACH[joint]) & moves_along)[0]
