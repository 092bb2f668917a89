"""Which poses a human body can take: joint limits and self-collision, on plain axis-angle arrays.

Both tests are coarse on purpose. They catch what a statistical pose prior gets visibly wrong (a knee bent backwards, a
hand inside the chest) and let everything else through; they are not an anatomical model. Bones have one fixed length,
so nothing here depends on a body model.

Shapes:  N poses, 24 joints in SMPL order, axis-angle in radians. World axes: x the body's left, y up, z forward.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pymaf_pl.body.joints import FLIP_SKELETON, PARENTS

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Joint minus parent in the rest pose, metres; rounded from the open body, left side only (x is negated on the right).
_BONES = {
    1: (0.09, -0.07, 0), 3: (0, 0.11, -0.01), 4: (0.046, -0.40, 0), 6: (0, 0.13, 0), 7: (0, -0.42, -0.02),
    9: (0, 0.055, 0), 10: (0.005, -0.06, 0.12), 12: (0, 0.205, 0.015), 13: (0.08, 0.135, 0.025), 15: (0, 0.085, 0.033),
    16: (0.10, -0.005, -0.005), 18: (0.245, -0.01, -0.015), 20: (0.24, 0.005, 0.005), 22: (0.095, -0.005, -0.005),
}  # fmt: skip


def _bone_table() -> Array:
    bones = np.zeros((24, 3))
    for joint, offset in _BONES.items():
        bones[joint] = offset
        if FLIP_SKELETON[joint] != joint:
            bones[FLIP_SKELETON[joint]] = np.array(offset) * (-1, 1, 1)
    return bones


BONES = _bone_table()


def forward_kinematics(pose: Array, bones: Array = BONES) -> tuple[Array, Array]:
    """Return joint positions (N, 24, 3) in metres, pelvis at the origin, and world rotations (N, 24, 3, 3)."""
    local = Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix().reshape(len(pose), 24, 3, 3)
    world = np.empty_like(local)
    joints = np.zeros((len(pose), 24, 3))
    world[:, 0] = local[:, 0]
    for joint, parent in enumerate(PARENTS[1:], start=1):
        world[:, joint] = world[:, parent] @ local[:, joint]
        joints[:, joint] = joints[:, parent] + world[:, parent] @ bones[joint]
    return joints, world


def breaks_joint_limits(pose: Array) -> Mask:
    """Say for each pose (N, 24, 3) whether any joint is bent further than people can; returns (N,)."""
    deg = np.degrees(pose)
    size = np.linalg.norm(deg, axis=-1)
    bad = (size[:, [3, 6, 9, 12, 15]] > 45).any(1)  # spine, neck, head
    for side in (0, 1):  # 0 left, 1 right; the y and z components change sign from one to the other
        sign = 1 - 2 * side
        knee, elbow = deg[:, 4 + side], deg[:, 18 + side]
        bad |= (knee[:, 0] < -8) | (knee[:, 0] > 160) | (np.abs(knee[:, 1:]).max(-1) > 30)
        bad |= (-sign * elbow[:, 1] < -12) | (size[:, 18 + side] > 160) | (np.abs(elbow[:, 2]) > 55)
        bad |= (size[:, 20 + side] > 95) | (size[:, 7 + side] > 70) | (size[:, 13 + side] > 45)  # wrist, ankle, collar
        bad |= _hip_is_bad(pose[:, 1 + side], sign)
        shoulder_twist = _twist_deg(pose[:, 16 + side], 0)
        bad |= (shoulder_twist < -150) | (shoulder_twist > 90) | (np.abs(_twist_deg(pose[:, 18 + side], 0)) > 85)
    return bad


def _hip_is_bad(hip: Array, sign: int) -> Mask:
    thigh = Rotation.from_rotvec(hip).apply([0.0, -1.0, 0.0])
    forward = np.degrees(np.arctan2(thigh[:, 2], -thigh[:, 1]))
    too_far_back = (forward < -65) & (forward > -150) & (np.abs(thigh[:, 0]) < 0.6)
    crosses = sign * thigh[:, 0] < -0.75
    return too_far_back | crosses | (thigh[:, 1] > 0.85) | (np.abs(_twist_deg(hip, 1)) > 75)


def _twist_deg(rotvec: Array, axis: int) -> Array:
    """Signed angle, in degrees within +-180, of the twist about a rest-frame axis (rotation = swing * twist)."""
    quat = Rotation.from_rotvec(rotvec).as_quat()
    angle = 2 * np.degrees(np.arctan2(quat[:, axis], quat[:, 3]))
    return (angle + 180) % 360 - 180


Segment = tuple[Array, Array]


def segment_distance(first: Segment, second: Segment) -> Array:
    """Shortest distance between two batches of segments, each a pair of end points (N, 3); returns (N,)."""
    (p1, q1), (p2, q2) = first, second
    d1, d2, r = q1 - p1, q2 - p2, p1 - p2
    a, e = (d1 * d1).sum(-1) + 1e-12, (d2 * d2).sum(-1) + 1e-12
    b, c, f = (d1 * d2).sum(-1), (d1 * r).sum(-1), (d2 * r).sum(-1)
    denominator = a * e - b * b
    s = np.where(denominator > 1e-9, np.clip((b * f - c * e) / np.maximum(denominator, 1e-9), 0, 1), 0)
    t = (b * s + f) / e
    s = np.where(t < 0, np.clip(-c / a, 0, 1), np.where(t > 1, np.clip((b - c) / a, 0, 1), s))
    t = np.clip(t, 0, 1)
    distance: Array = np.linalg.norm(p1 + d1 * s[:, None] - p2 - d2 * t[:, None], axis=-1)
    return distance


def hits_itself(pose: Array) -> Mask:
    """Say for each pose (N, 24, 3) whether limbs, torso and head, as capsules, run into each other; returns (N,)."""
    joints, world = forward_kinematics(pose)

    def on_bone(joint: int, offset: tuple[float, float, float]) -> Array:
        return joints[:, joint] + world[:, joint] @ np.array(offset)

    def part(start: int, end: int, share: float) -> Segment:
        return joints[:, start] * (1 - share) + joints[:, end] * share, joints[:, end]

    torso = on_bone(0, (0, 0.02, -0.01)), on_bone(9, (0, 0.10, -0.02))
    head = on_bone(15, (0, 0.02, 0.02)), on_bone(15, (0, 0.12, 0.02))
    pairs: list[tuple[Segment, Segment, float]] = []
    for side in (0, 1):
        forearm, hand, shin = part(18 + side, 20 + side, 0), part(20 + side, 22 + side, 0), part(4 + side, 7 + side, 0)
        own_thigh, other_thigh = part(1 + side, 4 + side, 0.5), part(2 - side, 5 - side, 0.7)
        pairs += [(forearm, torso, 0.085), (hand, torso, 0.09), (forearm, head, 0.085), (hand, head, 0.075)]
        pairs += [(forearm, own_thigh, 0.06), (hand, own_thigh, 0.06), (forearm, other_thigh, 0.06)]
        pairs += [(shin, other_thigh, 0.06)]
    pairs += [(part(4, 7, 0), part(5, 8, 0), 0.055), (part(18, 20, 0), part(19, 21, 0), 0.04)]
    pairs += [(part(1, 4, 0.8), part(2, 5, 0.8), 0.07)]
    hits: Mask = np.any([segment_distance(a, b) < radius for a, b, radius in pairs], axis=0)
    return hits


def is_possible(pose: Array) -> Mask:
    """Say for each pose (N, 24, 3) whether it keeps the joint limits and does not hit itself; returns (N,)."""
    return ~(breaks_joint_limits(pose) | hits_itself(pose))
