"""The one-euro filter: what it takes away and what it must not."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pymaf_pl.motion import OneEuro, RotationFilter, VectorFilter
from pymaf_pl.motion.person import STATE_SIZE, Estimate, PersonSmoother, Smoothing

DT = 1 / 25
RNG = np.random.default_rng(0)


def turning(frames: int, speed: float, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """(F, 2, 3, 3) rotations about two axes at ``speed`` rad/s, true and measured."""
    angle = speed * DT * np.arange(frames)
    true = np.stack([Rotation.from_rotvec(np.outer(angle, axis)).as_matrix() for axis in ([0, 1, 0], [0.6, 0, 0.8])], 1)
    shaken = Rotation.from_rotvec(noise * np.random.default_rng(1).normal(size=(frames * 2, 3))).as_matrix()
    return true, true @ shaken.reshape(frames, 2, 3, 3)


def angles(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return Rotation.from_matrix((one.swapaxes(-1, -2) @ other).reshape(-1, 3, 3)).magnitude().reshape(one.shape[:2])


def test_a_vector_follows_the_published_recurrence() -> None:
    # Casiez et al., CHI 2012: alpha = 1 / (1 + tau / Te), tau = 1 / (2 pi fc), fc = fmin + beta |speed|
    euro = OneEuro(min_cutoff=1.2, beta=0.3, derivative_cutoff=1.0)
    filter_ = VectorFilter(euro)
    values = RNG.normal(size=(20, 3)).cumsum(axis=0)

    def alpha(cutoff: np.ndarray | float) -> np.ndarray | float:
        return 1 / (1 + 1 / (2 * np.pi * cutoff) / DT)

    before, speed = values[0], np.zeros(3)
    assert np.array_equal(filter_(values[0], DT), values[0])
    for value in values[1:]:
        slope = (value - before) / DT
        speed = alpha(1.0) * slope + (1 - alpha(1.0)) * speed
        share = alpha(1.2 + 0.3 * np.abs(speed))
        before = share * value + (1 - share) * before
        np.testing.assert_allclose(filter_(value, DT), before, rtol=1e-12)


def test_rotations_stay_rotations_and_lose_their_jitter() -> None:
    _, measured = turning(100, speed=0.0, noise=0.05)
    filter_ = RotationFilter(OneEuro(0.6, 0.6))
    smooth = np.stack([filter_(frame, DT) for frame in measured])
    np.testing.assert_allclose(smooth @ smooth.swapaxes(-1, -2), np.broadcast_to(np.eye(3), smooth.shape), atol=1e-9)
    still = np.broadcast_to(np.eye(3), smooth.shape)
    assert angles(smooth, still)[20:].mean() < 0.5 * angles(measured, still)[20:].mean()
    jerk = np.diff(smooth.reshape(100, -1), n=2, axis=0), np.diff(measured.reshape(100, -1), n=2, axis=0)
    assert np.abs(jerk[0]).mean() < 0.2 * np.abs(jerk[1]).mean()


def test_who_turns_fast_is_followed_more_closely_than_by_a_filter_that_ignores_speed() -> None:
    true, measured = turning(75, speed=3.0, noise=0.0)
    lags = []
    for beta in (0.6, 0.0):
        filter_ = RotationFilter(OneEuro(0.6, beta))
        lags.append(angles(np.stack([filter_(frame, DT) for frame in measured]), true)[-1].mean())
    assert lags[0] < 0.4 * lags[1]
    assert lags[0] < 0.6  # rad; half a turn is 3.1


def test_rotations_near_a_half_turn_do_not_flip() -> None:
    measured = Rotation.from_rotvec([[0, np.pi - 0.01, 0], [0, np.pi + 0.01, 0]]).as_matrix()[:, None]
    filter_ = RotationFilter(OneEuro(0.6, 0.6))
    filter_(measured[0], DT)
    assert angles(filter_(measured[1], DT)[None], measured[1][None]) < 0.02


def somebody(time: float) -> Estimate:
    rotmat = Rotation.from_rotvec(0.3 * np.random.default_rng(int(100 * time)).normal(size=(24, 3))).as_matrix()
    return Estimate(rotmat, np.full(10, time), np.array([time, 0.1, 4.0 + time]))


def test_a_person_goes_on_from_what_was_packed_exactly() -> None:
    whole, times = PersonSmoother(Smoothing()), np.arange(12) * DT
    expected = [whole(somebody(t), t) for t in times]
    first = PersonSmoother(Smoothing())
    for t in times[:7]:
        first(somebody(t), t)
    packed = first.pack()
    assert packed.shape == (STATE_SIZE,)
    second = PersonSmoother.unpack(packed, Smoothing())
    for t, want in zip(times[7:], expected[7:], strict=True):
        for got, value in zip(second(somebody(t), t), want, strict=True):
            assert np.array_equal(got, value)


def test_shape_is_the_mean_of_all_that_was_seen_and_a_gap_begins_anew() -> None:
    person = PersonSmoother(Smoothing())
    person(somebody(0.0), 0.0)
    assert person(somebody(1.0), 0.04).betas == pytest.approx(np.full(10, 0.5))
    after = person(somebody(2.0), 3.0)  # three seconds later: the pose of back then is no guide
    assert np.array_equal(after.rotmat, somebody(2.0).rotmat)
    assert after.transl == pytest.approx([2.0, 0.1, 6.0])
    assert after.betas == pytest.approx(np.full(10, 1.0))


def test_without_smoothing_nothing_changes() -> None:
    person = PersonSmoother(None)
    for t in (0.0, 0.04):
        assert person(somebody(t), t) is not None
        assert np.array_equal(person(somebody(t + 0.5), t + 0.01).rotmat, somebody(t + 0.5).rotmat)
