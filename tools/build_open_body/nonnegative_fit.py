"""Sparse regressor rows: non-negative weights on vertices that sum to 1 and hit given points."""

import numpy as np
from scipy.optimize import nnls

from build_open_body.arrays import FloatArray

_SUM_WEIGHT = 50.0  # rows of the system that ask for sum 1 count this much


def fit_weights(samples: FloatArray, targets: FloatArray, ridge: float, drop_below: float) -> FloatArray:
    """Return (n,) weights w >= 0, sum 1, with ``samples @ w`` near ``targets`` on average.

    Args:
        samples: (K, n, 3) candidate vertices in K bodies.
        targets: (K, 3) the points to hit.
        ridge: pull towards equal weights, so that a row rests on more than a handful of vertices.
        drop_below: weights under this share of the largest are set to 0.
    """
    num_samples, num_candidates, _ = samples.shape
    scale = np.sqrt(num_samples)  # makes the data term a mean, so that the pull does not fade with more samples
    matrix = np.concatenate(
        [
            samples.transpose(0, 2, 1).reshape(-1, num_candidates) / scale,
            _SUM_WEIGHT * np.ones((1, num_candidates)),
            ridge / num_candidates**0.5 * np.eye(num_candidates),
        ]
    )
    goal = np.concatenate(
        [targets.reshape(-1) / scale, [_SUM_WEIGHT], ridge / num_candidates**1.5 * np.ones(num_candidates)]
    )
    weights, _ = nnls(matrix, goal, maxiter=30 * num_candidates)
    weights[weights < drop_below * weights.max()] = 0
    return weights / weights.sum()
