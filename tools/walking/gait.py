"""How somebody walks: a few sines of the stride, and where the feet carry the body.

Frames:  the body's own axes: x left, y up, z forward; angles about x, radians. World axes: y up, metres.
Shapes:  F frames.
"""

import numpy as np
from numpy.typing import NDArray

from pymaf_pl.body.joints import SKELETON_24

Array = NDArray[np.float64]
STRIDE = 1.3  # metres, two steps
_JOINT = {name: i for i, name in enumerate(SKELETON_24)}


def walking_pose(phase: Array, swing: float = 0.45) -> Array:
    """Return poses (F, 24, 3), axis-angle, without heading.

    Args:
        phase: (F,) radians; 2 pi is one stride.
        swing: largest angle of the thighs.
    """
    pose = np.zeros((len(phase), 24, 3))
    for side, lag in (("left", 0.0), ("right", np.pi)):
        turn = phase + lag
        pose[:, _JOINT[f"{side}_hip"], 0] = -swing * np.sin(turn)
        pose[:, _JOINT[f"{side}_knee"], 0] = 0.15 + 0.75 * swing * (1 + np.sin(turn + 0.9)) * 0.8
        pose[:, _JOINT[f"{side}_ankle"], 0] = -0.2 * swing * np.sin(turn + 0.5)
        sign = 1 if side == "left" else -1
        pose[:, _JOINT[f"{side}_shoulder"], 2] = -1.15 * sign  # arms down from the rest pose's T
        pose[:, _JOINT[f"{side}_shoulder"], 1] = -sign * 0.6 * swing * np.sin(turn + np.pi)
        pose[:, _JOINT[f"{side}_elbow"], 1] = -sign * (0.35 + 0.2 * np.sin(turn + np.pi))
    pose[:, _JOINT["spine1"], 1] = 0.1 * np.sin(phase)
    pose[:, _JOINT["spine3"], 1] = -0.12 * np.sin(phase)
    pose[:, _JOINT["pelvis"], 1] = 0.06 * np.sin(phase)
    return pose


def walk_across(times: Array, start: Array, end: Array, speed: float, phase: float) -> tuple[Array, Array, float]:
    """Walk to and fro between two places on the ground.

    Args:
        times: (F,) seconds.
        start: (2,) x and z.
        end: (2,) x and z.
        speed: metres per second.
        phase: of the stride at the beginning.

    Returns:
        Places (F, 2), headings (F,) and the phases' rate; people turn round within half a second.
    """
    length = float(np.linalg.norm(end - start))
    way = speed * times / length
    leg = np.floor(way).astype(int)
    share = np.where(leg % 2 == 0, way - leg, 1 - (way - leg))
    places = start + share[:, None] * (end - start)
    ahead = np.arctan2(*(end - start))
    into = (way - leg) * length / speed  # seconds since the last turn
    turned = np.clip(into / 0.5, 0, 1) * np.pi * (leg > 0) + np.pi * np.maximum(leg - 1, 0)
    return places, ahead + turned, 2 * np.pi * speed / STRIDE
