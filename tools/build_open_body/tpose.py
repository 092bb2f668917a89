"""Unpose a person from MakeHuman's relaxed stance into SMPL's T-pose and place SMPL's 24 joints.

MakeHuman's rest pose has the arms about 45 degrees down and the elbows bent by about as much; both are
undone with MakeHuman's own fine rig. Directions of limbs are the same for everybody, so that the shape
space built from the result holds shape and no pose.
"""

from dataclasses import dataclass

import numpy as np

from build_open_body.arrays import FloatArray
from build_open_body.skeleton import (
    LEFT_JOINTS,
    MIDLINE_JOINTS,
    MIRRORED_JOINT,
    rotation_about,
    rotation_between,
)
from build_open_body.source_body import RigPoints, SourceBody

# Directions in the T-pose, left side; body frame.
_UPPER_ARM = np.array([1, -0.04, -0.06])
_FOREARM = np.array([1, 0.02, 0.03])
_HAND = np.array([1, -0.03, 0.0])
_THIGH = np.array([0.075, -1, 0.0])
_SHIN = np.array([0.0, -1, -0.045])
_CLAVICLE_LIFT_DEG = 6
_SHOULDER_LIFT_DEG = 20
# Share of the turn that brings the palm down, along the forearm's two bones; the wrist takes all of it.
_TWIST_SHARES = {"lowerarm01.L": 0.3, "lowerarm02.L": 0.75}

_X_AXIS, _Z_AXIS = (1, 0, 0), (0, 0, 1)

# (joint, share of the way from pelvis to neck, shift backwards in metres)
_SPINE = ((3, 0.22, -0.010), (6, 0.48, -0.012), (9, 0.59, -0.012))
_HIP_NARROWING = 0.85
_PELVIS_HEIGHT = 0.118  # above the hips, in hip-to-neck heights
_KNUCKLE_FINGERS = (2, 3, 4, 5)


@dataclass(frozen=True)
class PosedRig:
    """MakeHuman's rig in the T-pose."""

    rest: RigPoints
    rotations: dict[str, FloatArray]
    positions: dict[str, FloatArray]

    def carry(self, point: str, bone: str) -> FloatArray:
        """Return where a rest point ends up when it is fixed to a bone."""
        return self.rotations[bone] @ (self.rest[point] - self.rest.head(bone)) + self.positions[bone]


def unpose(body: SourceBody, vertices: FloatArray, points: RigPoints) -> tuple[FloatArray, PosedRig]:
    """Return (V, 3) vertices in the T-pose and the posed rig."""
    turned = _mirrored({**_arm_rotations(points), **_leg_rotations(points)})
    rotations: dict[str, FloatArray] = {}
    positions: dict[str, FloatArray] = {}
    for bone in _parents_first(body.parents):
        parent, head = body.parents[bone], points.head(bone)
        if parent is None:
            rotations[bone] = turned.get(bone, np.eye(3))
            positions[bone] = head
        else:
            rotations[bone] = turned.get(bone, rotations[parent])
            positions[bone] = positions[parent] + rotations[parent] @ (head - points.head(parent))
    rotation = np.stack([rotations[bone] for bone in body.bones])
    shift = np.stack([positions[bone] - rotations[bone] @ points.head(bone) for bone in body.bones])
    blended = body.bone_weights @ np.concatenate([rotation.reshape(len(rotation), 9), shift], 1)
    posed = np.einsum("vij,vj->vi", blended[:, :9].reshape(-1, 3, 3), vertices) + blended[:, 9:]
    return posed, PosedRig(points, rotations, positions)


def place_joints(rig: PosedRig) -> FloatArray:
    """Return SMPL's (24, 3) joints: anatomical points of the rig, moved to where SMPL has its own."""
    at = rig.positions
    hips = 0.5 * (at["upperleg01.L"] + at["upperleg01.R"])
    neck = 0.5 * at["neck01"] + 0.5 * at["neck02"]
    joints = np.zeros((24, 3))
    joints[0] = hips + np.array([0, _PELVIS_HEIGHT * (neck[1] - hips[1]), 0])
    joints[1] = at["upperleg01.L"] * [_HIP_NARROWING, 1, 1]
    joints[4] = at["lowerleg01.L"]
    joints[7] = at["foot.L"]
    joints[10] = rig.carry("joint-l-foot-1", "foot.L")
    for joint, share, depth in _SPINE:
        joints[joint] = joints[0] + share * (neck - joints[0]) + [0, 0, depth]
    joints[12] = neck
    joints[15] = at["head"]
    joints[13] = 0.3 * at["clavicle.L"] + 0.7 * at["shoulder01.L"]
    joints[16] = at["upperarm01.L"]
    joints[18] = at["lowerarm01.L"]
    joints[20] = at["wrist.L"]
    joints[22] = np.mean([at[f"finger{finger}-1.L"] for finger in _KNUCKLE_FINGERS], 0)
    for left in LEFT_JOINTS:
        joints[MIRRORED_JOINT[left]] = joints[left] * [-1, 1, 1]
    joints[list(MIDLINE_JOINTS), 0] = 0
    return joints


def _arm_rotations(points: RigPoints) -> dict[str, FloatArray]:
    """Return global rotations of the left arm's bones: raise the arm, stretch the elbow, turn the palm down."""
    head = points.head
    upper = rotation_between(head("lowerarm01.L") - head("upperarm01.L"), _UPPER_ARM)
    fore = rotation_between(upper @ (head("wrist.L") - head("lowerarm01.L")), _FOREARM) @ upper

    to_index = head("finger2-1.L") - head("wrist.L")
    to_little = head("finger5-1.L") - head("wrist.L")
    palm_normal = fore @ np.cross(to_little, to_index)
    twist = np.arctan2(palm_normal[2], palm_normal[1])
    if abs(twist) > np.pi / 2:
        twist = twist - np.sign(twist) * np.pi

    wrist = rotation_about(_X_AXIS, -twist) @ fore
    wrist = rotation_between(wrist @ (head("finger3-1.L") - head("wrist.L")), _HAND) @ wrist
    return {
        "clavicle.L": rotation_about(_Z_AXIS, np.radians(_CLAVICLE_LIFT_DEG)),
        "shoulder01.L": rotation_about(_Z_AXIS, np.radians(_SHOULDER_LIFT_DEG)),
        "upperarm01.L": upper,
        "upperarm02.L": upper,
        **{bone: rotation_about(_X_AXIS, -twist * share) @ fore for bone, share in _TWIST_SHARES.items()},
        "wrist.L": wrist,
    }


def _leg_rotations(points: RigPoints) -> dict[str, FloatArray]:
    """Return global rotations of the left leg's bones: legs nearly parallel, feet as they stand."""
    head = points.head
    thigh = rotation_between(head("lowerleg01.L") - head("upperleg01.L"), _THIGH)
    shin = rotation_between(head("foot.L") - head("lowerleg01.L"), _SHIN)
    return {
        "upperleg01.L": thigh,
        "upperleg02.L": thigh,
        "lowerleg01.L": shin,
        "lowerleg02.L": shin,
        "foot.L": np.eye(3),
    }


def _mirrored(left: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """Add the right side's bones to the left side's."""
    reflection = np.diag([-1.0, 1, 1])
    right = {bone.replace(".L", ".R"): reflection @ rotation @ reflection for bone, rotation in left.items()}
    return left | right


def _parents_first(parents: dict[str, str | None]) -> list[str]:
    ordered: dict[str, None] = {}
    while len(ordered) < len(parents):
        ordered |= {bone: None for bone, parent in parents.items() if parent is None or parent in ordered}
    return list(ordered)
