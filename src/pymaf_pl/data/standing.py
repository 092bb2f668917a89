"""Who stands upright, by their 2D joints alone: people whose limbs a reader can check by eye.

Shapes:  N people; joints are the 24 of ``Annotations.part``, image px, y down.
"""

import numpy as np
import numpy.typing as npt

from pymaf_pl.body.joints import JOINTS_24

_SPINE = ("head_top", "neck")
_LEGS = (("right_hip", "right_knee", "right_ankle"), ("left_hip", "left_knee", "left_ankle"))
_NEEDED = (*_SPINE, *_LEGS[0], *_LEGS[1], "right_shoulder", "left_shoulder")
_LEAN, _STEP = 0.2, 0.12  # of the height from the lowest ankle to the top of the head
_STRAIGHT_DEG = 150.0  # at the knee
_LEG, _STRIDE = 1.2, 1.2  # of the torso's length: least from hip down to ankle, most between the ankles


def stands_upright(joints: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Say of (N, 24, 3) joints whether head, neck, hips, knees and ankles are above one another, and feet about level.

    People who lean by a fifth of their height, or with a joint of these or a shoulder unlabelled, do not count.
    """
    points = _Named(joints)
    labelled = np.all([points.labelled(name) for name in _NEEDED], axis=0)
    ordered = points.y("head_top") < points.y("neck")
    for hip, knee, ankle in _LEGS:
        ordered &= (points.y("neck") < points.y(hip)) & (points.y(hip) < points.y(knee))
        ordered &= points.y(knee) < points.y(ankle)
    right, left = points.at("right_ankle"), points.at("left_ankle")
    height = np.maximum(np.maximum(right[:, 1], left[:, 1]) - points.y("head_top"), 1)
    lean = np.abs(points.at("head_top")[:, 0] - (right[:, 0] + left[:, 0]) / 2) / height
    level = np.abs(right[:, 1] - left[:, 1]) / height < _STEP
    upright: npt.NDArray[np.bool_] = labelled & ordered & (lean < _LEAN) & level
    return upright


def has_straight_legs(joints: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Say of (N, 24, 3) joints whether both legs are straight, well below the body and no stride apart."""
    points = _Named(joints)
    torso = np.linalg.norm(points.at("neck") - (points.at("right_hip") + points.at("left_hip")) / 2, axis=1)
    straight = np.abs(points.at("right_ankle")[:, 0] - points.at("left_ankle")[:, 0]) < _STRIDE * torso
    for hip, knee, ankle in _LEGS:
        thigh, shin = points.at(hip) - points.at(knee), points.at(ankle) - points.at(knee)
        lengths = np.linalg.norm(thigh, axis=1) * np.linalg.norm(shin, axis=1)
        bend = np.degrees(np.arccos(np.clip((thigh * shin).sum(1) / np.maximum(lengths, 1e-9), -1, 1)))
        straight &= (bend > _STRAIGHT_DEG) & (points.y(ankle) - points.y(hip) > _LEG * torso)
    return np.asarray(straight, np.bool_)


class _Named:
    """Joints by name."""

    def __init__(self, joints: npt.NDArray[np.floating]) -> None:
        self._joints = joints

    def at(self, name: str) -> npt.NDArray[np.floating]:
        return self._joints[:, JOINTS_24.index(name), :2]

    def y(self, name: str) -> npt.NDArray[np.floating]:
        return self.at(name)[:, 1]

    def labelled(self, name: str) -> npt.NDArray[np.bool_]:
        return np.asarray(self._joints[:, JOINTS_24.index(name), 2] > 0)
