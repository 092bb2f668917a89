"""From disagreement to trust, on people whose errors follow from how much two answers differ."""

from pathlib import Path

import numpy as np
import pytest

from pymaf_pl.body import BodyModel
from pymaf_pl.body.joints import JOINTS_49
from pymaf_pl.checksums import sha256
from pymaf_pl.confidence import (
    disagreement,
    mirrored_joints,
    read_calibration,
    vertex_colours,
    write_calibration,
)
from pymaf_pl.confidence.calibration import calibration_path
from pymaf_pl.confidence.fitting import fit_calibration, measure, rank_correlation
from pymaf_pl.errors import InputError
from pymaf_pl.inference import Predictor
from pymaf_pl.shipped import DEFAULT_MODEL, locate

ROOT = JOINTS_49.index("op_mid_hip")


def made_up(people: int, seed: int, told: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, 49, 4) and errors (N, 49) mm, of which the flip tells a part."""
    rng = np.random.default_rng(seed)
    flip = rng.gamma(2, 40, size=(people, 49))
    loop = rng.gamma(2, 5, size=(people, 49))
    errors = told * (30 + 1.2 * flip) + rng.gamma(2, 25, size=(people, 49))
    means = [np.repeat(part.mean(1, keepdims=True), 49, 1) for part in (loop, flip)]
    return np.stack([loop, flip, *means], axis=-1), errors


def test_disagreement_is_in_millimetres_and_relative_to_the_hips() -> None:
    rng = np.random.default_rng(0)
    joints = rng.normal(size=(3, 4, 49, 3))
    joints[:, 2] = joints[:, 3]
    joints[:, 2, 5, 0] += 0.01  # one joint moved 10 mm in the last iteration
    moved = mirrored_joints(joints) + np.array([0.3, 0, 2])  # the flipped photo agrees, seen from elsewhere
    found = disagreement(joints, moved)
    assert found.shape == (3, 49, 4)
    np.testing.assert_allclose(found[:, :, 0], np.eye(49)[5] * 10 * np.ones((3, 1)), atol=1e-9)
    np.testing.assert_allclose(found[:, :, 1], 0, atol=1e-9)
    np.testing.assert_allclose(found[:, :, 2], 10 / 49, atol=1e-9)


def test_flipping_twice_is_nothing() -> None:
    joints = np.random.default_rng(0).normal(size=(2, 49, 3))
    assert np.array_equal(mirrored_joints(mirrored_joints(joints)), joints)
    left, right = JOINTS_49.index("left_wrist"), JOINTS_49.index("right_wrist")
    assert mirrored_joints(joints)[0, left, 1] == joints[0, right, 1]


def test_more_disagreement_is_never_more_trust() -> None:
    calibration = fit_calibration(*made_up(400, 0))
    low, _ = made_up(50, 1)
    for feature in range(4):
        high = low.copy()
        high[..., feature] += 30
        before, after = calibration(low), calibration(high)
        assert (after.chance <= before.chance + 1e-6).all()
        assert (after.error_mm >= before.error_mm - 1e-4).all()


def test_on_others_it_says_what_is_so() -> None:
    calibration = fit_calibration(*made_up(600, 0))
    features, errors = made_up(600, 1)
    chance, expected = calibration(features)
    figures = measure(expected, chance, errors)
    assert figures.within_joint.low > 0.7
    assert figures.pooled.low > 0.7
    assert figures.off_mm < 0.05 * errors.mean()
    assert figures.off_chance < 0.05
    assert (chance >= 0).all()
    assert (chance <= 1).all()


def test_where_disagreement_says_nothing_the_interval_holds_zero() -> None:
    calibration = fit_calibration(*made_up(300, 0, told=0.0))
    features, errors = made_up(300, 1, told=0.0)
    chance, expected = calibration(features)
    figures = measure(expected, chance, errors)
    assert figures.within_joint.low < 0.05
    assert abs(figures.within_joint.value) < 0.1


def test_rank_correlation_is_spearmans() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 2))
    draws = rng.integers(80, size=(200, 80))
    one = rank_correlation(x, np.exp(x), draws)  # the same order: 1, whatever is drawn
    assert (one.value, one.low, one.high) == pytest.approx((1, 1, 1))
    other = rank_correlation(x[:, :1], x[:, 1:], draws)
    from scipy.stats import spearmanr

    assert other.value == pytest.approx(spearmanr(x[:, 0], x[:, 1])[0])
    assert other.low < other.value < other.high


def test_too_few_people_are_refused() -> None:
    with pytest.raises(InputError, match="99 labelled people"):
        fit_calibration(*made_up(99, 0))


def test_what_is_written_is_read_again_and_belongs_to_its_weights(tmp_path: Path) -> None:
    weights = tmp_path / "own.pt"
    weights.write_bytes(b"weights")
    assert read_calibration(weights) is None
    calibration = fit_calibration(*made_up(200, 0), sha256(weights))
    write_calibration(calibration, calibration_path(weights))
    again = read_calibration(weights)
    assert again is not None
    features, _ = made_up(20, 2)
    for one, other in zip(calibration(features), again(features), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-3)
    weights.write_bytes(b"other weights")
    with pytest.raises(InputError, match=r"fitted to other weights than own\.pt"):
        read_calibration(weights)
    calibration_path(weights).write_text("{}")
    with pytest.raises(InputError, match="not a readable calibration"):
        read_calibration(weights)


def test_the_shipped_model_has_its_calibration() -> None:
    # after new weights: pymaf checkpoint confidence pymaf-small studio_val.npz wild_val.npz --force
    calibration = read_calibration(locate(DEFAULT_MODEL))
    assert calibration is not None
    held_out = calibration.facts["held_out"]
    for figure in ("pooled", "within_joint", "per_person"):
        assert held_out[figure]["low"] > 0


def test_a_predictor_says_it_for_everybody(body: BodyModel) -> None:
    predictor = Predictor.from_checkpoint()
    image = np.random.default_rng(0).integers(0, 256, (150, 120, 3), dtype=np.uint8)
    (person,) = predictor.predict(image, confidence=True)
    assert person.confidence is not None
    assert person.confidence.shape == person.expected_error_mm.shape == (49,)  # type: ignore[union-attr]
    (plain,) = predictor.predict(image)
    assert plain.confidence is None
    assert np.array_equal(plain.vertices, person.vertices)
    (mirrored,) = predictor.predict(np.ascontiguousarray(image[:, ::-1]), confidence=True)
    # a photo and its mirror image disagree with each other alike
    flip = disagreement(person.joints_49[None], mirrored.joints_49[None])[0, :, 1]
    back = disagreement(mirrored.joints_49[None], person.joints_49[None])[0, :, 1]
    np.testing.assert_allclose(flip, mirrored_joints(back[:, None] * np.ones(3))[:, 1], atol=1e-3)


def test_confidence_without_a_calibration_is_one_line(body: BodyModel) -> None:
    shipped = Predictor.from_checkpoint()
    predictor = Predictor(shipped.network, shipped.body, shipped.image_size)
    with pytest.raises(InputError, match="pymaf checkpoint confidence"):
        predictor.predict(np.zeros((64, 64, 3), np.uint8), confidence=True)


def test_colours_run_from_red_over_straw_to_blue(body: BodyModel) -> None:
    weights = body.lbs_weights.numpy()
    sure, unsure = vertex_colours(np.ones(49), weights), vertex_colours(np.zeros(49), weights)
    assert (sure[:, 2] > sure[:, 0]).all()
    assert (unsure[:, 0] > unsure[:, 2]).all()
    chance = np.ones(49)
    chance[JOINTS_49.index("left_wrist")] = 0
    mixed = vertex_colours(chance, weights)
    hand = weights[:, 22] > 0.9  # moves with the left hand
    assert (mixed[hand, 0] > mixed[hand, 2]).all()
    assert np.array_equal(mixed[weights[:, 20:23].sum(1) == 0], sure[weights[:, 20:23].sum(1) == 0])
