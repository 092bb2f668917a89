"""Fit a calibration to labelled people, and measure it on others.

Shapes:  N people, 49 joints, K knots.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression, nnls
from scipy.stats import rankdata

from pymaf_pl.body.joints import JOINTS_49
from pymaf_pl.confidence.calibration import WITHIN_MM, Calibration
from pymaf_pl.confidence.disagreement import ROOT
from pymaf_pl.errors import InputError

FloatArray = npt.NDArray[np.floating]
_KNOTS = 12
_FEWEST = 100  # people; about eight to a knot
_RESAMPLES, _LEVEL = 1000, 0.95


class Correlation(NamedTuple):
    """Spearman's rank correlation with its bootstrap interval over people."""

    value: float
    low: float
    high: float


def fit_calibration(features: FloatArray, errors: FloatArray, sha256: str = "") -> Calibration:
    """Fit the maps of every joint.

    Args:
        features: (N, 49, 4) of :func:`pymaf_pl.confidence.disagreement`.
        errors: (N, 49) mm, hips aligned.
        sha256: of the weights.

    Raises:
        InputError: too few people.
    """
    if len(features) < _FEWEST:
        raise InputError(f"{len(features)} labelled people: a calibration needs {_FEWEST} or more")
    design = np.concatenate([np.ones((*features.shape[:2], 1)), features], axis=-1)
    weights = np.stack([nnls(design[:, j], errors[:, j])[0] for j in range(errors.shape[1])])
    scores = np.einsum("njf,jf->nj", design, weights)
    knots = [_monotone(scores[:, j], errors[:, j]) for j in range(errors.shape[1])]
    x, error, chance = (np.stack(part) for part in zip(*knots, strict=True))
    return Calibration(weights, x, error, chance, sha256, {})


def _monotone(scores: FloatArray, errors: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return knots of mean error and of share within reach: means of equally many neighbours, made monotone."""
    groups = np.array_split(np.argsort(scores, kind="stable"), _KNOTS)
    x = np.array([scores[group].mean() for group in groups])
    mean = np.array([errors[group].mean() for group in groups])
    share = np.array([(errors[group] < WITHIN_MM).mean() for group in groups])
    return x, isotonic_regression(mean).x, isotonic_regression(share, increasing=False).x


class Figures(NamedTuple):
    """What a calibration reaches.

    Attributes:
        pooled: over all joints of all people. Part of it is that wrists are off more than hips, whoever it is.
        within_joint: mean over joints of the correlation over people: which wrist is off more than other wrists.
        per_person: of the person's mean error.
        off_mm: mean difference of expected and true error, over tenths of the joints by expected error.
        off_chance: the same of the chance and the share that are within reach.
    """

    pooled: Correlation
    within_joint: Correlation
    per_person: Correlation
    off_mm: float
    off_chance: float


def measure(expected: FloatArray, chance: FloatArray, errors: FloatArray, seed: int = 0) -> Figures:
    """Compare (N, 49) expected errors and chances with true errors, mm."""
    joints = [j for j in range(len(JOINTS_49)) if j != ROOT]  # the origin has no error
    expected, chance, errors = expected[:, joints], chance[:, joints], errors[:, joints]
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(errors), size=(_RESAMPLES, len(errors)))
    person = expected.mean(axis=1, keepdims=True), errors.mean(axis=1, keepdims=True)
    return Figures(
        rank_correlation(expected, errors, draws, pooled=True),
        rank_correlation(expected, errors, draws),
        rank_correlation(*person, draws),
        _off(expected, expected, errors),
        _off(expected, chance, (errors < WITHIN_MM).astype(float)),
    )


def rank_correlation(
    predicted: FloatArray, actual: FloatArray, draws: npt.NDArray[np.int64], pooled: bool = False
) -> Correlation:
    """Correlate the ranks of (N, J) figures, over people in each column and then averaged, or over all at once."""

    def value(x: FloatArray, y: FloatArray) -> float:
        if pooled:
            x, y = x.reshape(-1, 1), y.reshape(-1, 1)
        ranks = [rankdata(part, axis=0) for part in (x, y)]
        a, b = (part - part.mean(axis=0) for part in ranks)
        spread = np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
        told = spread > 0  # a joint for which the map is flat says nothing
        together = (a * b).sum(axis=0)
        return float(np.where(told, together / np.where(told, spread, 1), 0.0).mean())

    resampled = [value(predicted[rows], actual[rows]) for rows in draws]
    low, high = np.quantile(resampled, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Correlation(value(predicted, actual), float(low), float(high))


def _off(order: FloatArray, said: FloatArray, true: FloatArray) -> float:
    groups = np.array_split(np.argsort(order, axis=None), 10)
    return float(np.mean([abs(said.flat[group].mean() - true.flat[group].mean()) for group in groups]))
