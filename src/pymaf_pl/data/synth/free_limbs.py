"""Arms and legs anywhere they can go, whatever motion capture does with them: straddles, crouches, arms flung wide.

Motion capture rarely spreads legs (its hips swing sideways by 11 degrees), and a network that has not seen it draws the
people of a straddle as people who stand (docs/results.md).

Shapes:  N poses, 24 joints in SMPL order, axis-angle in radians; the body's own axes: x left, y up, z forward.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pymaf_pl.body.joints import SKELETON_24
from pymaf_pl.body.pose_limits import is_possible

Array = NDArray[np.float64]

_MIRROR = np.array([1.0, -1.0, -1.0])
_STRAIGHT = 0.35  # of the knees and elbows
_LEAN_DEG = 15.0  # standard deviation of the whole body's, in any direction
_TRIES = 6


def free_limbs(pose: Array, rng: np.random.Generator) -> Array:
    """Return poses (N, 24, 3) in which each arm and each leg is drawn anew with a chance of 0.6, and the body leans.

    What comes out keeps the joint limits and does not hit itself; a pose for which none of a few draws is possible
    stays as it is.
    """
    freed = pose.copy()
    left = np.arange(len(pose))
    for _ in range(_TRIES):
        drawn = pose.copy()
        for side in ("left", "right"):
            for limb in (_legs, _arms):
                anew = (rng.random(len(pose)) < 0.6)[:, None]
                for joint, turn in limb(len(pose), rng).items():
                    at = SKELETON_24.index(f"{side}_{joint}")
                    drawn[:, at] = np.where(anew, turn if side == "left" else turn * _MIRROR, drawn[:, at])
        lean = np.radians(_LEAN_DEG) * rng.normal(size=(len(pose), 3)) * [1, 0, 1]
        drawn[:, 0] = (Rotation.from_rotvec(lean) * Rotation.from_rotvec(pose[:, 0])).as_rotvec()
        good = left[is_possible(drawn[left])]
        freed[good] = drawn[good]
        left = np.setdiff1d(left, good)
    return freed


def _legs(count: int, rng: np.random.Generator) -> dict[str, Array]:
    """Draw left legs: the thigh forward and outward, the knee."""
    forward = rng.uniform(-30, 115, count)
    outward = -10 + 85 * rng.random(count) ** 1.5
    hip = Rotation.from_euler("zxy", np.stack([outward, -forward, rng.normal(0, 15, count)], 1), degrees=True)
    return {"hip": hip.as_rotvec(), "knee": np.radians(_hinge(count, rng))[:, None] * [1.0, 0.0, 0.0]}


def _arms(count: int, rng: np.random.Generator) -> dict[str, Array]:
    """Draw left arms: the upper arm, which lies along x at rest, in any direction but into or behind the body."""
    way = rng.normal(size=(count, 3))
    way[:, 0] = np.abs(way[:, 0]) * np.where(rng.random(count) < 0.8, 1, -0.3)
    way[:, 2] = np.where(way[:, 2] < 0, 0.5 * way[:, 2], way[:, 2])
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    axis = np.cross([1.0, 0.0, 0.0], way)
    axis /= np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-9)
    swing = Rotation.from_rotvec(axis * np.arccos(np.clip(way[:, :1], -1, 1)))
    twist = Rotation.from_rotvec(np.radians(rng.normal(-10, 25, (count, 1))) * [1.0, 0.0, 0.0])
    lift = np.radians(20) * way * [0, 1, 0] + np.radians(5) * rng.normal(size=(count, 3))
    collar = lift[:, [0, 2, 1]]  # a raised arm turns the collar about z
    return {
        "collar": collar,
        "shoulder": (swing * twist).as_rotvec(),
        "elbow": np.radians(_hinge(count, rng))[:, None] * [0.0, -1.0, 0.0],
    }


def _hinge(count: int, rng: np.random.Generator) -> Array:
    """Draw the bend of knees or elbows, degrees: many are straight."""
    return np.where(rng.random(count) < _STRAIGHT, rng.uniform(0, 15, count), rng.uniform(0, 135, count))
