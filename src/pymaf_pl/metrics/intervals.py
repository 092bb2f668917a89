"""How far chance could have moved a mean: 95 % intervals over people, and over people and seeds.

Every function is pure: the random numbers have a fixed seed, so the same results give the same interval.

Shapes:  N people, S runs of one system that differ in their seed, ``...`` anything (iterations, figures).
NaN:     a person without a label. Such a person is left out of the mean and of every resample.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pymaf_pl.errors import InputError

FloatArray = npt.NDArray[np.floating[Any]]
LEVEL, RESAMPLES = 0.95, 2000
_BLOCK = 500_000  # draws held in memory at a time


class Interval(NamedTuple):
    """A mean and the interval around it, each of shape (...); NaN ends where fewer than two people are labelled."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray


class Spread(NamedTuple):
    """An interval, and what it is over.

    Attributes:
        interval: of shape (...).
        over_seeds: whether it counts the spread between seeds; if not, it speaks of these runs only.
    """

    interval: Interval
    over_seeds: bool


def mean_interval(values: FloatArray, seed: int = 0) -> Interval:
    """Percentile bootstrap of the mean over people.

    Args:
        values: (..., N).
        seed: of the resampling.

    Returns:
        (...) means and the ends of their intervals.
    """
    return _percentiles(_mean(values), _resampled_means(values, seed), values)


def paired_interval(values: FloatArray, reference: FloatArray, seed: int = 0) -> Interval:
    """Mean of ``values - reference`` over the people that both have, with its interval.

    People differ more from one another than two networks do on the same person; the difference of each person has
    that part taken out, so two results can differ clearly although their own intervals overlap.

    Args:
        values: (..., N).
        reference: (..., N), the same people in the same order.
        seed: of the resampling.
    """
    _check_people(values, reference)
    return mean_interval(np.asarray(values, np.float64) - reference, seed)


def system_interval(runs: FloatArray, seed: int = 0) -> Spread:
    """Mean of one system over its seeds and people, with an interval over both.

    What is drawn anew, and why, is said at :func:`system_difference`.

    Args:
        runs: (S, ..., N), the same people in every run.
        seed: of the resampling.
    """
    per_person = np.asarray(runs, np.float64).mean(axis=0)
    return _two_levels(per_person, [_seed_means(runs, per_person)], seed)


def system_difference(runs: FloatArray, reference: FloatArray, seed: int = 0) -> Spread:
    """Mean difference of two systems, several seeds of each on the same people, with an interval over both levels.

    A claim about systems must survive other people and other seeds, so both are drawn anew, independently of each
    other, because they are crossed (everybody is seen by every run):

    - *People* are resampled with replacement, the same resample for all runs of both systems, since it is the same
      people that they were measured on. What is resampled is each person's difference, averaged over the seeds.
    - *Seeds* are drawn for either system on its own; seed 1 of the one has nothing to do with seed 1 of the other.
      A handful of seeds cannot be resampled with replacement: for three runs such an interval ends at the best and
      the worst of them and covers the truth three times in four. The error of the seeds' mean is therefore drawn
      from Student's t, scaled by the standard error that the runs' means show, with Welch's degrees of freedom.

    The interval holds the middle 95 % of the sums of both. The part that is particular to a run *and* a person is in
    both spreads, which errs on the wide side.

    Where either system has a single seed, nothing says how far its seeds spread: the interval is then over people
    only, for exactly these runs, and ``over_seeds`` is False.

    Args:
        runs: (S, ..., N).
        reference: (S', ..., N), the same people in the same order.
        seed: of the resampling.
    """
    _check_people(runs[0], reference[0])
    runs, reference = np.asarray(runs, np.float64), np.asarray(reference, np.float64)
    per_person = runs.mean(axis=0) - reference.mean(axis=0)
    return _two_levels(per_person, [_seed_means(side, per_person) for side in (runs, reference)], seed)


def _two_levels(per_person: FloatArray, seed_means: list[FloatArray], seed: int) -> Spread:
    if min(map(len, seed_means)) < 2:
        return Spread(mean_interval(per_person, seed), over_seeds=False)
    squared = [means.var(axis=0, ddof=1) / len(means) for means in seed_means]
    total = np.asarray(sum(squared))
    share = sum(part**2 / (len(means) - 1) for part, means in zip(squared, seed_means, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = np.where(share > 0, total**2 / share, 1.0)
    draws = np.random.default_rng([seed, 1]).standard_t(freedom, size=(RESAMPLES, *total.shape))
    means = _resampled_means(per_person, seed) + draws * np.sqrt(total)
    return Spread(_percentiles(_mean(per_person), means, per_person), over_seeds=True)


def _seed_means(runs: FloatArray, per_person: FloatArray) -> FloatArray:
    """Return the (S, ...) means of the runs over the people who count."""
    return _mean(np.where(np.isnan(per_person), np.nan, runs))


def _mean(values: FloatArray) -> FloatArray:
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0.0).sum(axis=-1, dtype=np.float64) / known.sum(axis=-1)


def _resampled_means(values: FloatArray, seed: int) -> FloatArray:
    """Return the (RESAMPLES, ...) means of ``values`` (..., N) over people drawn with replacement."""
    values = np.asarray(values, np.float64)
    count = values.shape[-1]
    columns = values.reshape(-1, count).T
    known = ~np.isnan(columns)
    filled = np.concatenate([np.where(known, columns, 0.0), known], axis=1)
    rng, totals = np.random.default_rng([seed, 0]), np.empty((RESAMPLES, filled.shape[1]))
    block = max(1, _BLOCK // count)
    for start in range(0, RESAMPLES, block):
        size = min(block, RESAMPLES - start)
        drawn = rng.integers(count, size=(size, count)) + count * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count)
        totals[start : start + size] = times.astype(np.float64) @ filled
    sums, counts = np.split(totals, 2, axis=1)
    with np.errstate(invalid="ignore"):
        return (sums / counts).reshape(RESAMPLES, *values.shape[:-1])


def _percentiles(mean: FloatArray, means: FloatArray, values: FloatArray) -> Interval:
    """Cut both tails off; nothing can be said of fewer than two people."""
    tail = 50 * (1 - LEVEL)
    few = (~np.isnan(values)).sum(axis=-1) < 2
    filled = np.where(few, 0.0, means)
    low, high = np.nanpercentile(filled, [tail, 100 - tail], axis=0)
    return Interval(mean, np.where(few, np.nan, low), np.where(few, np.nan, high))


def _check_people(first: FloatArray, second: FloatArray) -> None:
    if first.shape != second.shape:
        raise InputError(f"results of shape {first.shape} and {second.shape} are not about the same people")
