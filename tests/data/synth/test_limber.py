"""Poses beyond motion capture: possible ones, with backs that bend."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pymaf_pl.body.joints import SKELETON_24
from pymaf_pl.body.pose_limits import is_possible
from pymaf_pl.body.pose_prior import PosePrior
from pymaf_pl.data.synth.chunk import _draw_poses
from pymaf_pl.data.synth.limber import stretch
from pymaf_pl.data.synth.options import default_options
from pymaf_pl.data.synth.recipe import Recipe, record_of, same_as_before
from pymaf_pl.errors import InputError

AT_REST = [SKELETON_24.index(name) for name in ("pelvis", "left_foot", "right_foot", "left_hand", "right_hand")]


@pytest.fixture(scope="module")
def poses() -> np.ndarray:
    return PosePrior().sample(400, np.random.default_rng(0))


def degrees(poses: np.ndarray, joint: str) -> np.ndarray:
    return np.degrees(np.linalg.norm(poses[:, SKELETON_24.index(joint)], axis=-1))


def test_nothing_becomes_impossible_and_nearly_everybody_bends(poses: np.ndarray) -> None:
    bent = stretch(poses, np.random.default_rng(1))
    assert is_possible(bent).all()
    assert (bent != poses).any(axis=(1, 2)).mean() > 0.95


def test_backs_bend_where_motion_capture_keeps_them_straight(poses: np.ndarray) -> None:
    bent = stretch(poses, np.random.default_rng(1))
    assert degrees(poses, "spine1").mean() < 10
    assert degrees(bent, "spine1").mean() > 18  # of a normal with 25, 10, 10 degrees, cut off at 45
    assert degrees(bent, "left_shoulder").std() > degrees(poses, "left_shoulder").std()


def test_root_toes_and_hands_are_left_alone(poses: np.ndarray) -> None:
    bent = stretch(poses, np.random.default_rng(1))
    np.testing.assert_array_equal(bent[:, AT_REST], poses[:, AT_REST])


def test_the_same_state_gives_the_same_poses_and_the_input_is_kept(poses: np.ndarray) -> None:
    before = poses.copy()
    first, second = (stretch(poses, np.random.default_rng(2)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(poses, before)


def test_a_pose_that_cannot_be_bent_stays() -> None:
    folded = np.zeros((3, 24, 3))
    folded[:, SKELETON_24.index("left_wrist"), 0] = np.radians(400)  # no change is possible: it breaks a limit anyway
    np.testing.assert_array_equal(stretch(folded, np.random.default_rng(0)), folded)


def test_the_share_of_a_chunk_is_bent_and_the_others_are_as_without() -> None:
    plain, half = (
        _draw_poses(replace(default_options("wild"), limber=share), np.random.default_rng(0)) for share in (0.0, 0.5)
    )
    assert 0.3 < (plain != half).any(axis=(1, 2)).mean() < 0.7  # of 64 people


def test_a_world_made_with_it_is_not_taken_for_one_without(tmp_path: Path) -> None:
    recipes = [
        Recipe("wild", "train", 8, 0, 64, replace(default_options("wild"), limber=share)) for share in (0.5, 0.0)
    ]
    (tmp_path / "wild_train.json").write_text(json.dumps(record_of(recipes[0])))
    with pytest.raises(InputError, match=r"options\.limber 0\.5 there, not set now"):
        same_as_before(record_of(recipes[1]), tmp_path / "wild_train.json")


def test_worlds_without_it_are_those_of_earlier_releases() -> None:
    plain = replace(default_options("wild"), unlabelled_share=0.0)
    record = record_of(Recipe("wild", "train", 30000, 100, 160, plain))
    # of the people of `experiment=small_longer`; another hash would have them rendered anew
    assert record["parameters_hash"] == "84fcfeba56ba"
    limber = record_of(Recipe("wild", "train", 30000, 100, 160, replace(plain, limber=0.5)))
    assert limber["options"]["limber"] == 0.5
    assert limber["parameters_hash"] != record["parameters_hash"]


def test_a_share_above_one_is_refused() -> None:
    with pytest.raises(InputError, match=r"limber is 1\.5"):
        replace(default_options("wild"), limber=1.5)
