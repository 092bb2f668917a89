"""Two regressors of benchmark keypoints for this mesh: SPIN's nine extra joints and Human3.6M's seventeen.

Their rows have the order of the files that SMPL users know as ``J_regressor_extra`` and
``J_regressor_h36m``, but belong to this topology only. The targets are placed relative to the skeleton.
Because the regressors are applied to posed meshes, they are fitted to posed bodies too, where each target
rides on its bone: fitting the T-pose alone let shoulders and hips drift by 2 to 4 cm.
"""

import logging
from dataclasses import dataclass

import numpy as np

from build_open_body.arrays import FloatArray, IntArray
from build_open_body.nonnegative_fit import fit_weights
from build_open_body.skeleton import (
    JOINT_RANGES_DEG,
    MIRRORED_JOINT,
    blend_transforms,
    joint_range,
    joint_transforms,
    rest_rotations,
    rotation_from_axis_angle,
    skin,
)

logger = logging.getLogger(__name__)

# Name of each row -> the joint whose bone carries it.
EXTRA_KEYPOINTS = {
    "Right Hip (LSP)": 0,
    "Left Hip (LSP)": 0,
    "Neck (LSP)": 9,
    "Top of Head (LSP)": 15,
    "Pelvis (MPII)": 0,
    "Thorax (MPII)": 9,
    "Spine (H36M)": 6,
    "Jaw (H36M)": 15,
    "Head (H36M)": 15,
}
H36M_KEYPOINTS = {
    "Pelvis": 0,
    "Left Hip": 1,
    "Left Knee": 4,
    "Left Ankle": 7,
    "Right Hip": 2,
    "Right Knee": 5,
    "Right Ankle": 8,
    "Spine": 6,
    "Neck": 9,
    "Jaw": 15,
    "Head": 15,
    "Left Shoulder": 16,
    "Left Elbow": 18,
    "Left Wrist": 20,
    "Right Shoulder": 17,
    "Right Elbow": 19,
    "Right Wrist": 21,
}

NOSE_VERTEX = 332  # of this mesh, by construction of its vertex order
_TRUNK_LENGTH = 0.588  # metres from pelvis to head joint of the neutral mean; the offsets below are for this length
_NUM_POSES = 40
_POSE_EXTENT = 0.75  # share of the range of motion
_TURN_CHANCE = 0.7  # of a joint to leave its rest rotation
_RIDGE = 0.08
_MIN_CANDIDATES = 30


@dataclass(frozen=True)
class Model:
    """What posing takes: the arrays of an SMPL-format body."""

    template: FloatArray
    """(V, 3)"""
    shapedirs: FloatArray
    """(V, 3, 10)"""
    posedirs: FloatArray
    """(V, 3, 207)"""
    joint_regressor: FloatArray
    """(24, V)"""
    weights: FloatArray
    """(V, 24)"""


@dataclass(frozen=True)
class Sample:
    """One mesh with the positions of all keypoints."""

    vertices: FloatArray
    keypoints: dict[str, FloatArray]


def fit_keypoint_regressors(models: list[Model], mirror: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the (9, V) extra and the (17, V) Human3.6M regressor; rows are non-negative and sum to 1.

    Args:
        models: the neutral model first; the others add people.
        mirror: (V,) left/right twins.
    """
    samples = _shaped_samples(models) + _posed_samples(models[0], _top_vertex(models[0]))
    return _fit_rows(EXTRA_KEYPOINTS, samples, mirror), _fit_rows(H36M_KEYPOINTS, samples, mirror)


def place_keypoints(vertices: FloatArray, joints: FloatArray, top_vertex: int) -> dict[str, FloatArray]:
    """Return every keypoint of a body in the T-pose."""
    scale = (joints[15, 1] - joints[0, 1]) / _TRUNK_LENGTH
    top, nose = vertices[top_vertex], vertices[NOSE_VERTEX]

    def beside(joint: int, x: float, y: float, z: float) -> FloatArray:
        return joints[joint] + scale * np.array([x, y, z])

    hips = 0.5 * (joints[1] + joints[2])
    extra = {
        "Right Hip (LSP)": beside(2, -0.012, 0.02, 0),
        "Left Hip (LSP)": beside(1, 0.012, 0.02, 0),
        "Neck (LSP)": beside(12, 0, -0.035, 0.005),
        "Top of Head (LSP)": np.array([0, top[1] - 0.004, top[2]]),
        "Pelvis (MPII)": hips + scale * np.array([0, 0.02, 0]),
        "Thorax (MPII)": 0.5 * (joints[13] + joints[14]) * [0, 1, 0.6] + joints[12] * [0, 0, 0.4],
        "Spine (H36M)": beside(6, 0, -0.02, -0.005),
        "Jaw (H36M)": np.array([0, nose[1], 0.45 * nose[2] + 0.55 * joints[15, 2]]),
        "Head (H36M)": np.array([0, top[1] - 0.02 * scale, 0.5 * top[2] + 0.5 * joints[15, 2]]),
    }
    h36m = {name: joints[bone] for name, bone in H36M_KEYPOINTS.items() if name.startswith(("Left", "Right"))}
    return (
        extra
        | h36m
        | {
            "Pelvis": hips,
            "Spine": extra["Spine (H36M)"],
            "Neck": extra["Neck (LSP)"],
            "Jaw": extra["Jaw (H36M)"],
            "Head": extra["Head (H36M)"],
        }
    )


def _top_vertex(model: Model) -> int:
    return int(np.argmax(model.template[:, 1]))


def _shaped_samples(models: list[Model]) -> list[Sample]:
    """Mean and stretched bodies of every model in the T-pose."""
    top_vertex = _top_vertex(models[0])
    samples = []
    for model in models:
        stretched = [model.template + model.shapedirs[:, :, beta] * size for beta in range(3) for size in (-2, 2)]
        for vertices in (model.template, *stretched):
            keypoints = place_keypoints(vertices, model.joint_regressor @ vertices, top_vertex)
            samples.append(Sample(vertices, keypoints))
    return samples


def _posed_samples(model: Model, top_vertex: int) -> list[Sample]:
    """Random people in random poses; the keypoints ride on their bones."""
    rng = np.random.default_rng(0)
    bones = EXTRA_KEYPOINTS | H36M_KEYPOINTS
    samples = []
    for _ in range(_NUM_POSES):
        shaped = model.template + model.shapedirs @ rng.normal(size=model.shapedirs.shape[2])
        joints = model.joint_regressor @ shaped
        keypoints = place_keypoints(shaped, joints, top_vertex)
        rotations = _random_rotations(rng)
        corrected = shaped + model.posedirs @ (rotations[1:] - np.eye(3)).reshape(-1)
        transforms = joint_transforms(rotations, joints)
        posed = skin(corrected, blend_transforms(model.weights, transforms))
        carried = {
            name: transforms[bones[name], :3, :3] @ point + transforms[bones[name], :3, 3]
            for name, point in keypoints.items()
        }
        samples.append(Sample(posed, carried))
    return samples


def _random_rotations(rng: np.random.Generator) -> FloatArray:
    rotations = rest_rotations()
    for joint in JOINT_RANGES_DEG:
        low, high = (_POSE_EXTENT * limit for limit in joint_range(joint))
        # The order of the two sides (right ankle first, else left first) is part of the shipped file's random draws.
        for side in sorted({joint, int(MIRRORED_JOINT[joint])}, key=lambda index: index % 8):
            angles = low + (high - low) * rng.random(3) * (rng.random() < _TURN_CHANCE)
            rotations[side] = rotation_from_axis_angle(angles if side == joint else angles * [1, -1, -1])
    return rotations


def _fit_rows(keypoints: dict[str, int], samples: list[Sample], mirror: IntArray) -> FloatArray:
    """Fit midline and left rows; right rows are their mirror images."""
    names = list(keypoints)
    rows = np.zeros((len(names), len(mirror)))
    for index, name in enumerate(names):
        if name.startswith("Right"):
            continue
        is_midline = not name.startswith("Left")
        reach = 0.05 if "Head" in name else 0.2 if is_midline else 0.15
        rows[index] = _fit_row(name, samples, mirror, reach, is_midline)
        if not is_midline:
            rows[names.index(name.replace("Left", "Right")), mirror] = rows[index]
    return rows


def _fit_row(name: str, samples: list[Sample], mirror: IntArray, reach: float, is_midline: bool) -> FloatArray:
    """Return (V,) weights for one keypoint from vertices within ``reach`` (metres) of it on the mean body."""
    mean, target = samples[0].vertices, samples[0].keypoints[name]
    distance = np.linalg.norm(mean - target, axis=1)
    candidates = np.nonzero(distance < max(reach, np.sort(distance)[_MIN_CANDIDATES]))[0]
    if is_midline:
        candidates = candidates[mean[candidates, 0] >= -1e-6]
        near = [0.5 * (sample.vertices[candidates] + sample.vertices[mirror[candidates]]) for sample in samples]
    else:
        near = [sample.vertices[candidates] for sample in samples]
    targets = np.stack([sample.keypoints[name] for sample in samples])
    weights = fit_weights(np.stack(near), targets, _RIDGE, drop_below=5e-3)

    row = np.zeros(len(mean))
    if is_midline:
        np.add.at(row, candidates, 0.5 * weights)
        np.add.at(row, mirror[candidates], 0.5 * weights)
    else:
        row[candidates] = weights
    misfit = np.stack([row @ sample.vertices for sample in samples]) - targets
    logger.info("  %-18s root mean square misfit %.1f mm", name, 1e3 * np.sqrt((misfit**2).sum(1).mean()))
    return row
