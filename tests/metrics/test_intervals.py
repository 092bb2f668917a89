"""Intervals: numbers that can be checked by hand, and how often they hold on data whose truth is known."""

import time

import numpy as np
import pytest

from pymaf_pl.errors import InputError
from pymaf_pl.metrics.intervals import (
    RESAMPLES,
    mean_interval,
    paired_interval,
    system_difference,
    system_interval,
)

TRIALS = 300
SURE = 0.91  # 95 % of 300 trials fall below 91 % once in a thousand times


def share_held(interval, truth):
    """How many of the intervals hold the truth."""
    return np.mean((interval.low <= truth) & (truth <= interval.high))


class TestOverPeople:
    def test_it_is_the_normal_interval_where_that_one_holds(self):
        values = np.random.default_rng(0).normal(100, 30, 2000)
        mean, low, high = mean_interval(values)
        half = 1.96 * values.std(ddof=1) / np.sqrt(2000)
        assert mean == pytest.approx(values.mean())
        assert low == pytest.approx(mean - half, abs=0.08 * half)
        assert high == pytest.approx(mean + half, abs=0.08 * half)

    def test_two_people_end_at_either_of_them(self):
        # four equally likely resamples: 10 10, 10 20, 20 10, 20 20
        assert mean_interval(np.array([10.0, 20.0])) == (15, 10, 20)

    def test_people_who_are_all_alike_leave_no_doubt(self):
        assert mean_interval(np.full(50, 7.0)) == (7, 7, 7)

    def test_the_same_results_give_the_same_interval(self):
        values = np.random.default_rng(1).normal(size=(2, 3, 40))
        first, again = mean_interval(values), mean_interval(values)
        assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
        assert first.mean.shape == first.low.shape == first.high.shape == (2, 3)

    def test_people_without_a_label_change_nothing(self):
        rng = np.random.default_rng(2)
        values = rng.normal(50, 10, 400)
        holes = np.full(800, np.nan)
        holes[::2] = values
        whole, sparse = mean_interval(values), mean_interval(holes)
        assert sparse.mean == pytest.approx(whole.mean)
        assert sparse.high - sparse.low == pytest.approx(whole.high - whole.low, rel=0.1)

    def test_fewer_than_two_people_have_no_interval(self):
        values = np.full((3, 5), np.nan)
        values[1, 2] = 4.0
        values[2] = 1.0
        mean, low, high = mean_interval(values)
        np.testing.assert_array_equal(mean, [np.nan, 4, 1])
        np.testing.assert_array_equal(low, [np.nan, np.nan, 1])
        np.testing.assert_array_equal(high, low)

    def test_it_holds_the_truth_nineteen_times_in_twenty(self):
        values = np.random.default_rng(3).gamma(2.0, 50.0, (TRIALS, 200))  # skewed, as errors are; mean 100
        assert SURE <= share_held(mean_interval(values), 100) <= 0.985

    def test_thousands_of_people_take_no_time(self):
        values = np.random.default_rng(0).normal(size=(4, 5, 5000)).astype(np.float32)
        start = time.process_time()
        mean_interval(values)
        assert time.process_time() - start < 2


class TestPaired:
    def test_a_shift_that_everybody_shares_is_certain(self):
        values = np.random.default_rng(0).normal(100, 30, 60)
        change = paired_interval(values - 2.0, values)
        assert change == pytest.approx((-2, -2, -2))

    def test_a_small_change_shows_although_the_means_own_intervals_overlap(self):
        rng = np.random.default_rng(1)
        before = rng.normal(100, 40, 300)
        after = before - 2 + rng.normal(0, 5, 300)
        assert mean_interval(after).high > mean_interval(before).low
        assert paired_interval(after, before).high < 0

    def test_only_people_whom_both_have_count(self):
        first, second = np.array([1.0, 2.0, np.nan, 4.0]), np.array([0.0, np.nan, 5.0, 0.0])
        assert paired_interval(first, second) == (2.5, 1, 4)

    def test_other_people_are_refused(self):
        with pytest.raises(InputError, match="same people"):
            paired_interval(np.zeros(5), np.zeros(6))


def crossed(rng, seeds, people, spread):
    """Errors (S, TRIALS, N): everybody's own level, a shift per seed, and a part of each seed and person."""
    shift = rng.normal(0, spread, (seeds, TRIALS, 1))
    return people + shift + rng.normal(0, 20, (seeds, *people.shape))


class TestTwoLevels:
    @pytest.mark.parametrize("seeds", [(3, 3), (5, 3), (2, 2)])
    @pytest.mark.parametrize("spread", [0.0, 1.0, 4.0])
    def test_the_difference_of_two_systems_is_held_over_people_and_seeds(self, seeds, spread):
        rng = np.random.default_rng(4)
        people = rng.normal(100, 30, (TRIALS, 150))
        taste = rng.normal(0, 15, (TRIALS, 150))  # whom the one system suits better than the other
        ours, theirs = crossed(rng, seeds[0], people + taste - 3, spread), crossed(rng, seeds[1], people, spread)
        interval, over_seeds = system_difference(ours, theirs)
        assert over_seeds
        # wide rather than narrow: the part of a seed and a person is in both spreads
        assert share_held(interval, -3) >= SURE

    def test_without_the_seeds_the_interval_would_not_hold(self):
        rng = np.random.default_rng(5)
        people = rng.normal(100, 30, (TRIALS, 150))
        ours, theirs = (crossed(rng, 3, people, 4.0) for _ in range(2))
        assert share_held(paired_interval(ours.mean(axis=0), theirs.mean(axis=0)), 0) < 0.8

    def test_one_system_is_held_over_people_and_seeds(self):
        rng = np.random.default_rng(6)
        interval, _ = system_interval(crossed(rng, 3, rng.normal(100, 30, (TRIALS, 150)), 4.0))
        assert share_held(interval, 100) >= SURE

    def test_with_one_seed_it_is_over_people_only_and_says_so(self):
        rng = np.random.default_rng(7)
        ours, theirs = rng.normal(100, 30, (1, 4, 60)), rng.normal(90, 30, (3, 4, 60))
        interval, over_seeds = system_difference(ours, theirs)
        assert not over_seeds
        paired = paired_interval(ours[0], theirs.mean(axis=0))
        for a, b in zip(interval, paired, strict=True):
            np.testing.assert_array_equal(a, b)
        assert not system_interval(ours).over_seeds

    def test_seeds_that_agree_to_the_last_bit_add_nothing(self):
        # the mean body, for one: no network has seen anything yet
        people = np.random.default_rng(8).normal(100, 30, (2, 60))
        interval, over_seeds = system_interval(np.stack([people] * 3))
        assert over_seeds
        for a, b in zip(interval, mean_interval(people), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)

    def test_the_mean_is_over_seeds_and_people_whom_every_run_has(self):
        runs = np.array([[1.0, 2.0, np.nan, 6.0], [3.0, 4.0, 9.0, np.nan]])
        (mean, low, high), _ = system_interval(runs)
        assert mean == 2.5
        assert low < 2.5 < high

    def test_other_people_are_refused(self):
        with pytest.raises(InputError, match="same people"):
            system_difference(np.zeros((2, 5)), np.zeros((3, 6)))

    def test_wide_results_keep_their_shape(self):
        rng = np.random.default_rng(9)
        interval, _ = system_difference(rng.normal(size=(3, 4, 5, 30)), rng.normal(size=(2, 4, 5, 30)))
        assert all(part.shape == (4, 5) for part in interval)
        assert RESAMPLES == 2000
