"""Joint orders of the sources, by our names, and how their points become the tables' 24 and 25.

Orders are facts of the data sets; where a repository documents one it is named beside it.
"""

import numpy as np
import numpy.typing as npt

from pymaf_pl.body.joints import COCO_17, H36M_17, JOINTS_24, LSP_14, OPENPOSE_25

FloatArray = npt.NDArray[np.float64]

# the 17 of Human3.6M's 32 mocap points that the field uses, in the order of H36M_17 (SPIN datasets/preprocess/h36m.py)
H36M_OF_32 = (11, 6, 7, 8, 1, 2, 3, 12, 24, 14, 15, 17, 18, 19, 25, 26, 27)
# mpi_inf_3dhp's 28 training points (its README) in the order of H36M_17, and the 17 of its test set likewise
MPI_INF_OF_28 = (4, 18, 19, 20, 23, 24, 25, 3, 5, 6, 7, 9, 10, 11, 14, 15, 16)
MPI_INF_OF_17 = (14, 11, 12, 13, 8, 9, 10, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4)
MPI_INF_PELVIS = 4
MPII_16 = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "pelvis", "thorax", "neck",
    "head_top", "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist",
)  # fmt: skip
# OpenPose's older 18 points (COCO model), as in 3DPW's poses2d
OPENPOSE_18 = (
    "op_nose", "op_neck", "op_right_shoulder", "op_right_elbow", "op_right_wrist", "op_left_shoulder", "op_left_elbow",
    "op_left_wrist", "op_right_hip", "op_right_knee", "op_right_ankle", "op_left_hip", "op_left_knee", "op_left_ankle",
    "op_right_eye", "op_left_eye", "op_right_ear", "op_left_ear",
)  # fmt: skip
COCO_LIMBS = tuple(range(5, 17))  # shoulders to ankles
_OPENPOSE = tuple(OPENPOSE_25)
# the same anatomy, other definitions: Human3.6M and MPI-INF-3DHP call their head top point what SPIN calls "head"
SETS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "h36m": (H36M_17, JOINTS_24),
    "lsp": (LSP_14, JOINTS_24),
    "mpii": (MPII_16, JOINTS_24),
    "coco": (COCO_17, JOINTS_24),
    "openpose18": (OPENPOSE_18, _OPENPOSE),
}


def place(points: npt.ArrayLike, joint_set: str) -> FloatArray:
    """Put (N, J, C) points of a source's joint set at their places among the tables' joints, zeros elsewhere."""
    names, target = SETS[joint_set]
    values = np.asarray(points, dtype=np.float64)
    placed = np.zeros((len(values), len(target), values.shape[-1]))
    placed[:, [target.index(name) for name in names]] = values
    return placed


def with_confidence(points: npt.ArrayLike, confidence: npt.ArrayLike = 1.0) -> FloatArray:
    """Append a confidence to (N, J, C) points; points without any become zeros, so that nobody reads their place."""
    values = np.asarray(points, dtype=np.float64)
    weight = np.broadcast_to(np.asarray(confidence, dtype=np.float64), values.shape[:2])[..., None]
    return np.concatenate([np.where(weight > 0, values, 0.0), weight], axis=-1)
