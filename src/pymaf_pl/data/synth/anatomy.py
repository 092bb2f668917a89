"""Where on the body is a vertex? The coordinates that clothes and hair are cut by, and the clothed surface.

Everything is measured once, on the rest pose of the mean shape, so a garment sits in the same place on everybody.

Clothes stand a little off the skin. That is one shape direction per region (the rest normal, on that region), added
to the body's own ten, so skinning moves cloth and skin alike and costs nothing extra. Folds are more of the same, with
the normal scaled by a random field. These directions do not move the skeleton, and labels never include them.

Frame:   body axes in the rest pose: x to the body's left, y up, z forward; metres.
Shapes:  V vertices, M clothing directions.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from pymaf_pl.body import BodyModel, load_body
from pymaf_pl.body.joints import SKELETON_24, SURFACE_21
from pymaf_pl.body.skinning import Skinner
from pymaf_pl.data.synth.textures import Floats

Values = Floats
Mask = NDArray[np.bool_]

# Regions whose cover can have its own thickness.
LAYERS = ("scalp", "nape", "trunk", "upper_arm", "forearm", "hip", "thigh", "shin", "foot")

# Folds of cloth: a layer and the random field that its surface follows.
FOLDS = (
    ("trunk", 1), ("trunk", 2), ("upper_arm", 0), ("forearm", 3), ("hip", 4), ("thigh", 0), ("thigh", 5), ("shin", 3),
)  # fmt: skip

_ARM = ("shoulder", "elbow", "wrist", "hand")
_LEG = ("hip", "knee", "ankle", "foot")
_TRUNK = ("pelvis", "spine1", "spine2", "spine3", "collar")


@dataclass(frozen=True)
class Anatomy:
    """Per-vertex coordinates of the rest surface; every array is (V,) unless said otherwise."""

    x: Values
    y: Values
    z: Values
    along_arm: Values
    """0 at the shoulder joint, 1 at the wrist; below 0 on the trunk."""
    along_leg: Values
    """0 at the hip joint, 1 at the ankle."""
    head_front: Values
    """0 at the back of the head, 1 at the tip of the nose."""
    trunk: Mask
    arm: Mask
    leg: Mask
    head: Mask
    neck: Mask
    eyes: Mask
    lips: Mask
    folds: Values
    """(K, V) smooth random fields of unit variance, for the unevenness of cloth."""
    level: dict[str, float]
    """Heights of landmarks: neck, pelvis, hip, knee, ankle, eye, nose, crown."""
    layer: dict[str, Values]
    """For each of ``LAYERS``, how much of it a vertex is, in [0, 1]."""


def _heights(joints: NDArray[np.float64], points: NDArray[np.float64], crown: float) -> dict[str, float]:
    level = {name: float(joints[SKELETON_24.index(name), 1]) for name in ("neck", "pelvis")}
    level |= {name: float(joints[SKELETON_24.index(f"left_{name}"), 1]) for name in ("hip", "knee", "ankle")}
    surface = list(SURFACE_21)
    level |= {"eye": float(points[surface.index("left_eye"), 1]), "nose": float(points[surface.index("nose"), 1])}
    return level | {"crown": crown}


def survey(body: BodyModel) -> Anatomy:
    """Measure a body's rest surface."""
    a = body.arrays
    rest = a.v_template
    joints = a.j_regressor @ rest
    points = rest[list(SURFACE_21.values())]
    owner = a.weights.argmax(1)

    def owned_by(*kinds: str) -> Mask:
        ids = [i for i, name in enumerate(SKELETON_24) if name.removeprefix("left_").removeprefix("right_") in kinds]
        return np.isin(owner, ids)

    x, y, z = rest.T
    shoulder, wrist = joints[SKELETON_24.index("left_shoulder"), 0], joints[SKELETON_24.index("left_wrist"), 0]
    level = _heights(joints, points, y.max())
    head = owned_by("head")
    eyes = np.minimum(*(np.linalg.norm(rest - points[list(SURFACE_21).index(f"{s}_eye")], axis=1) for s in _SIDES))
    mouth = level["nose"] - 0.75 * (level["eye"] - level["nose"])
    lips = head & (np.abs(y - mouth) < 0.009) & (np.abs(x) < 0.022) & (z > 0.8 * z[head].max())
    along_arm = (np.abs(x) - shoulder) / (wrist - shoulder)
    along_leg = (level["hip"] - y) / (level["hip"] - level["ankle"])
    trunk, arm, leg = owned_by(*_TRUNK), owned_by(*_ARM), owned_by(*_LEG)
    head_front = np.clip((z - z[head].min()) / np.ptp(z[head]), 0, 1)
    layer = {
        "scalp": head * _ramp(y - level["eye"] + 0.10 * (0.55 - head_front), 0.0, 0.05),
        "nape": (head | owned_by("neck") | trunk) * _ramp(0.35 - head_front, 0, 0.25) * _ramp(y, 0.05, 0.2),
        "trunk": trunk * _ramp(level["neck"] - np.abs(x) * 0.1 - y, 0.0, 0.08),
        "upper_arm": arm * _ramp(along_arm, -0.1, 0.15) * _ramp(0.62 - along_arm, 0, 0.1),
        "forearm": arm * _ramp(along_arm, 0.42, 0.52) * _ramp(1.02 - along_arm, 0, 0.06),
        "hip": (trunk | leg) * _ramp(level["pelvis"] + 0.08 - y, 0, 0.1) * _ramp(0.3 - along_leg, 0, 0.15),
        "thigh": leg * _ramp(along_leg, 0.05, 0.2) * _ramp(0.62 - along_leg, 0, 0.1),
        "shin": leg * _ramp(along_leg, 0.45, 0.6) * _ramp(1.05 - along_leg, 0, 0.08),
        "foot": owned_by("ankle", "foot") * _ramp(along_leg, 0.98, 1.03),
    }
    x, y, z, along_arm, along_leg, head_front = (
        np.asarray(values, np.float32) for values in (x, y, z, along_arm, along_leg, head_front)
    )
    return Anatomy(
        x=x,
        y=y,
        z=z,
        along_arm=along_arm,
        along_leg=along_leg,
        head_front=head_front,
        trunk=trunk,
        arm=arm,
        leg=leg,
        head=head,
        neck=owned_by("neck"),
        eyes=head & (eyes < 0.012),
        lips=lips,
        folds=_fold_fields(rest),
        level=level,
        layer={name: values.astype(np.float32) for name, values in layer.items()},
    )


_SIDES = ("left", "right")


def _ramp(value: NDArray[np.float64], start: float, end: float) -> NDArray[np.float64]:
    """Smooth step from 0 at start to 1 at end."""
    t = np.clip((value - start) / (end - start), 0, 1)
    smooth: NDArray[np.float64] = t * t * (3 - 2 * t)
    return smooth


def _fold_fields(rest: NDArray[np.float64], count: int = 12) -> Values:
    """Random waves over the rest surface, from palm-sized to arm-sized."""
    rng = np.random.default_rng(3)
    fields = np.zeros((count, len(rest)))
    for i in range(count):
        size = (0.05, 0.09, 0.18)[i % 3]
        waves = rng.normal(size=(24, 3)) / size
        fields[i] = np.cos(rest @ waves.T + rng.uniform(0, 2 * np.pi, 24)).sum(1)
    return np.asarray(fields / fields.std(1, keepdims=True), np.float32)


def clothed_surface(body: BodyModel, anatomy: Anatomy) -> Skinner:
    """Return a skinner of the full surface that takes ``[betas | thickness of LAYERS | depth of FOLDS]``, in metres."""
    a = body.arrays
    faces, rest = a.faces, a.v_template
    corner = rest[faces]
    face_normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    normal = np.zeros_like(rest)
    for k in range(3):
        np.add.at(normal, faces[:, k], face_normal)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    covers = [anatomy.layer[name] for name in LAYERS]
    covers += [anatomy.layer[name] * anatomy.folds[field] for name, field in FOLDS]
    directions = np.stack([cover[:, None] * normal for cover in covers], -1)
    as_tensor = torch.from_numpy
    skinner = Skinner(
        v_template=as_tensor(rest).float(),
        shapedirs=as_tensor(np.concatenate([a.shapedirs, directions], -1)).float(),
        posedirs=as_tensor(a.posedirs.reshape(-1, a.posedirs.shape[-1]).T).float(),
        weights=as_tensor(a.weights).float(),
        j_regressor=as_tensor(a.j_regressor).float(),
    )
    skinner.joint_shapedirs[..., a.shapedirs.shape[-1] :] = 0  # a thick coat does not move the bones
    return skinner


@cache
def shipped_anatomy() -> tuple[BodyModel, Anatomy, Skinner]:
    """Return the shipped body, its coordinates and its clothed surface, loaded once per process."""
    body = load_body("open")
    anatomy = survey(body)
    return body, anatomy, clothed_surface(body, anatomy)
