"""Joint sets by name; every index map and flip is derived from the names, never typed in.

A body model offers 54 joints: the 24 of the skeleton, 21 surface points that smplx picks from the hand and foot
vertices, and 9 regressed from the surface (SPIN's ``J_regressor_extra``). The sets that data and protocols use are
selections of these, or of the 17 joints of Human3.6M's regressor.
"""

import re

SKELETON_24 = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hand", "right_hand",
)  # fmt: skip
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)

# name -> vertex, smplx vertex_ids['smplh'] in the order of its VertexJointSelector
SURFACE_21 = {
    "nose": 332, "right_eye": 6260, "left_eye": 2800, "right_ear": 4071, "left_ear": 583,
    "left_big_toe": 3216, "left_small_toe": 3226, "left_heel": 3387,
    "right_big_toe": 6617, "right_small_toe": 6624, "right_heel": 6787,
    "left_thumb": 2746, "left_index": 2319, "left_middle": 2445, "left_ring": 2556, "left_pinky": 2673,
    "right_thumb": 6191, "right_index": 5782, "right_middle": 5905, "right_ring": 6016, "right_pinky": 6133,
}  # fmt: skip

# rows of J_regressor_extra (SPIN data.tar.gz); GraphCMR ships a file of the same name with 14 other rows
EXTRA_9 = (
    "right_hip_lsp", "left_hip_lsp", "neck_lsp", "head_top_lsp", "pelvis_mpii", "thorax_mpii", "spine_h36m",
    "jaw_h36m", "head_h36m",
)  # fmt: skip
ALL_54 = SKELETON_24 + tuple(SURFACE_21) + EXTRA_9

# rows of J_regressor_h36m
H36M_17 = (
    "pelvis", "left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle", "spine", "neck", "jaw",
    "head", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist",
)  # fmt: skip

# SPIN's superset: OpenPose's 25, then the 24 of the ground-truth tables. Left: our name, right: which of the 54.
OPENPOSE_25 = {
    "op_nose": "nose", "op_neck": "neck", "op_right_shoulder": "right_shoulder", "op_right_elbow": "right_elbow",
    "op_right_wrist": "right_wrist", "op_left_shoulder": "left_shoulder", "op_left_elbow": "left_elbow",
    "op_left_wrist": "left_wrist", "op_mid_hip": "pelvis", "op_right_hip": "right_hip", "op_right_knee": "right_knee",
    "op_right_ankle": "right_ankle", "op_left_hip": "left_hip", "op_left_knee": "left_knee",
    "op_left_ankle": "left_ankle", "op_right_eye": "right_eye", "op_left_eye": "left_eye", "op_right_ear": "right_ear",
    "op_left_ear": "left_ear", "op_left_big_toe": "left_big_toe", "op_left_small_toe": "left_small_toe",
    "op_left_heel": "left_heel", "op_right_big_toe": "right_big_toe", "op_right_small_toe": "right_small_toe",
    "op_right_heel": "right_heel",
}  # fmt: skip
TRUTH_24 = {
    "right_ankle": "right_ankle", "right_knee": "right_knee", "right_hip": "right_hip_lsp",
    "left_hip": "left_hip_lsp", "left_knee": "left_knee", "left_ankle": "left_ankle", "right_wrist": "right_wrist",
    "right_elbow": "right_elbow", "right_shoulder": "right_shoulder", "left_shoulder": "left_shoulder",
    "left_elbow": "left_elbow", "left_wrist": "left_wrist", "neck": "neck_lsp", "head_top": "head_top_lsp",
    "pelvis": "pelvis_mpii", "thorax": "thorax_mpii", "spine": "spine_h36m", "jaw": "jaw_h36m", "head": "head_h36m",
    "nose": "nose", "left_eye": "left_eye", "right_eye": "right_eye", "left_ear": "left_ear",
    "right_ear": "right_ear",
}  # fmt: skip
JOINTS_24 = tuple(TRUTH_24)
JOINTS_49 = tuple(OPENPOSE_25) + JOINTS_24

# the evaluated joints, in LSP's order; the 17 add Human3.6M's trunk
EVAL_14 = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "right_wrist", "right_elbow",
    "right_shoulder", "left_shoulder", "left_elbow", "left_wrist", "neck", "head",
)  # fmt: skip
EVAL_17 = (*EVAL_14, "pelvis", "spine", "jaw")
LSP_14 = (*EVAL_14[:13], "head_top")
COCO_17 = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip


def select(names: tuple[str, ...], source: tuple[str, ...]) -> list[int]:
    """Return where each of ``names`` stands in ``source``.

    Raises:
        KeyError: a name that ``source`` does not have.
    """
    place = {name: i for i, name in enumerate(source)}
    return [place[name] for name in names]


def flip_permutation(names: tuple[str, ...]) -> list[int]:
    """Return the permutation that swaps left and right names and keeps the others."""

    def mirrored(name: str) -> str:
        return re.sub(r"left|right", lambda side: "right" if side[0] == "left" else "left", name)

    return select(tuple(map(mirrored, names)), names)


JOINTS_49_FROM_54 = select(tuple(OPENPOSE_25.values()) + tuple(TRUTH_24.values()), ALL_54)
"""Where each of the 49 joints stands among the 54 (SPIN's ``joint_map``)."""
H36M_TO_14 = select(EVAL_14, H36M_17)
H36M_TO_17 = select(EVAL_17, H36M_17)
JOINTS_24_TO_14 = select(EVAL_14, JOINTS_24)
JOINTS_24_TO_17 = select(EVAL_17, JOINTS_24)
JOINTS_24_TO_COCO = select(COCO_17, JOINTS_24)
JOINTS_24_TO_LSP = select(LSP_14, JOINTS_24)
FLIP_SKELETON = flip_permutation(SKELETON_24)
FLIP_24 = flip_permutation(JOINTS_24)
FLIP_49 = flip_permutation(JOINTS_49)
HIPS_24 = select(("right_hip", "left_hip"), JOINTS_24)
"""The two joints of the ground-truth 24 whose middle is the origin of the 3D keypoint loss."""
