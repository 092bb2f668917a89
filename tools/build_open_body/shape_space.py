"""A sample of people, unposed, and the mean and ten shape directions that describe them."""

import logging
from dataclasses import dataclass
from typing import Literal

import numpy as np

from build_open_body.arrays import MIRROR_X, Float32Array, FloatArray, IntArray
from build_open_body.macro_shapes import Phenotype
from build_open_body.source_body import SourceBody
from build_open_body.tpose import place_joints, unpose

logger = logging.getLogger(__name__)

Gender = Literal["neutral", "male", "female"]
GENDERS: tuple[Gender, ...] = ("neutral", "male", "female")
NUM_BETAS = 10

# Where the pelvis of SMPL's neutral template is, metres; a common origin keeps translations alike.
_PELVIS = np.array([0, -0.2233, 0.028])
_FLESH_DENSITY = 1010  # kg per cubic metre


@dataclass(frozen=True)
class People:
    """A sample of one model's population in the T-pose."""

    vertices: Float32Array
    """(N, V, 3) aligned on the centroid, as the registrations behind a shape space do not share a pelvis."""
    joints: FloatArray
    """(N, 24, 3)"""


@dataclass(frozen=True)
class ShapeSpace:
    """Mean and principal directions of a population."""

    mean: Float32Array
    """(V, 3)"""
    directions: Float32Array
    """(10, V, 3) one standard deviation each; positive is taller, or heavier where weight dominates."""


def sample_people(body: SourceBody, gender: Gender, num_people: int, seed: int) -> People:
    """Draw people, put them in the T-pose, make them exactly symmetric and align them."""
    rng = np.random.default_rng(seed)
    vertices, joints = [], []
    for _ in range(num_people):
        posed, rig = unpose(body, *body.person(sample_phenotype(rng, gender)))
        placed = place_joints(rig)
        posed = 0.5 * (posed + posed[body.topology.mirror] * MIRROR_X)
        origin = placed[0] - _PELVIS
        vertices.append((posed - origin).astype(np.float32))
        joints.append(placed - origin)
    stacked = np.stack(vertices)
    centroid = stacked.mean(1, keepdims=True)
    drift = centroid - centroid.mean(0, keepdims=True)
    return People(vertices=stacked - drift, joints=np.stack(joints) - drift)


def sample_phenotype(rng: np.random.Generator, gender: Gender) -> Phenotype:
    """Draw an adult with the spread of stature and build of a present-day population.

    Fat and muscle are drawn together because MakeHuman's weight slider acts mostly at low muscle.
    """
    side = {"neutral": rng.random() < 0.5, "male": 0, "female": 1}[gender]
    sex = abs(rng.normal(0, 0.08)) if side == 0 else 1 - abs(rng.normal(0, 0.08))
    sex = float(np.clip(sex, 0, 1))
    # The height slider moves stature by 1.446 m per unit upwards and by 0.732 m downwards.
    taller = rng.normal(0.025 + 0.02 * sex, 0.065)
    height = 0.5 + (taller / 1.446 if taller > 0 else taller / 0.732)
    fat = rng.normal()
    return Phenotype(
        gender=sex,
        age=float(rng.beta(1.2, 2.2)) * 0.8,
        height=float(np.clip(height, 0, 1)),
        weight=float(np.clip(0.6 + 0.28 * fat, 0, 1.25)),
        muscle=float(np.clip(0.36 - 0.07 * fat + 0.16 * rng.normal(), 0, 1)),
        proportions=_clipped_normal(rng, 0.55, 0.2),
        cup=_clipped_normal(rng, 0.42, 0.2),
        firmness=_clipped_normal(rng, 0.5, 0.15),
        race=tuple(rng.dirichlet([1, 1, 1])),
    )


def fit_shape_space(people: People, faces: IntArray) -> ShapeSpace:
    """Return the mean and the first ten principal components, each scaled to one standard deviation."""
    vertices = people.vertices
    num_people = len(vertices)
    mean = vertices.mean(0)
    centered = (vertices - mean).reshape(num_people, -1)
    _, singular, components = np.linalg.svd(centered, full_matrices=False)
    variance = singular**2 / (num_people - 1)
    deviation = np.sqrt(variance[:NUM_BETAS])
    directions = (components[:NUM_BETAS] * deviation[:, None]).reshape(NUM_BETAS, -1, 3)
    scores = centered @ components[:NUM_BETAS].T / deviation

    stature = np.ptp(vertices[:, :, 1], axis=1)
    mass_index = np.array([_volume(v, faces) for v in vertices]) * _FLESH_DENSITY / stature**2
    for direction, score in zip(directions, scores.T, strict=True):
        by_stature, by_mass = _correlation(score, stature), _correlation(score, mass_index)
        if (by_stature if abs(by_stature) > abs(by_mass) else by_mass) < 0:
            direction *= -1
    explained = np.round(100 * np.cumsum(variance[:NUM_BETAS]) / variance.sum(), 1)
    logger.info("  stature %.3f +- %.3f m, body mass index %.1f +- %.1f", *_spread(stature), *_spread(mass_index))
    logger.info("  variance explained by 1 to 10 betas: %s %%", " ".join(map(str, explained)))
    return ShapeSpace(mean=mean, directions=directions)


def _clipped_normal(rng: np.random.Generator, mean: float, deviation: float) -> float:
    return float(np.clip(rng.normal(mean, deviation), 0, 1))


def _volume(vertices: Float32Array, faces: IntArray) -> float:
    corners = vertices[faces].astype(np.float64)
    return np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6


def _correlation(first: FloatArray, second: FloatArray) -> float:
    return float(np.corrcoef(first, second)[0, 1])


def _spread(values: FloatArray) -> tuple[float, float]:
    return float(values.mean()), float(values.std())
