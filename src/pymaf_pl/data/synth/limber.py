"""Poses beyond those of motion capture: backs that bend, legs and arms that go further, as in sport and gymnastics.

Motion capture is mostly everyday movement: its backs are straight (spine1 bends by 9 degrees on average), where
photographs of sport show curved ones. Whether such people help on photographs is open (docs/results.md).

Shapes:  N poses, 24 joints in SMPL order, axis-angle in radians; the body's own axes: x left, y up, z forward.
"""

import numpy as np
from numpy.typing import NDArray

from pymaf_pl.body.joints import SKELETON_24
from pymaf_pl.body.pose_limits import is_possible

# Standard deviations in degrees about x, y, z: bending, twist and leaning for trunk and legs; for arms, which lie along
# x, twist, bending forward and raising.
_SPREAD = {
    "spine1": (25, 10, 10), "spine2": (8, 8, 6), "spine3": (8, 8, 6), "neck": (15, 12, 10), "head": (12, 12, 8),
    "hip": (30, 12, 15), "knee": (30, 0, 0), "ankle": (12, 10, 8),
    "collar": (8, 12, 12), "shoulder": (25, 25, 25), "elbow": (10, 30, 10), "wrist": (10, 10, 10),
}  # fmt: skip
_KNEES = [SKELETON_24.index(f"{side}_knee") for side in ("left", "right")]
_TRIES = 6


def _spreads() -> NDArray[np.float64]:
    table = np.zeros((24, 3))
    for joint, name in enumerate(SKELETON_24):
        table[joint] = _SPREAD.get(name.removeprefix("left_").removeprefix("right_"), (0, 0, 0))
    return np.radians(table)


def stretch(pose: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return poses (N, 24, 3) bent further at random, within the joint limits and without hitting themselves.

    A pose for which none of a few draws is possible stays as it is. The root is left alone.
    """
    stretched = pose.copy()
    left = np.arange(len(pose))
    for share in np.linspace(1.0, 0.5, _TRIES):  # a smaller change is likelier to be possible
        noise = rng.normal(size=(len(pose), 24, 3)) * _spreads() * share
        drawn = pose + noise
        drawn[:, _KNEES, 0] = np.abs(drawn[:, _KNEES, 0])
        good = left[is_possible(drawn[left])]
        stretched[good] = drawn[good]
        left = np.setdiff1d(left, good)
    return stretched
