"""Arms and legs anywhere they can go: possible poses, and the ones that motion capture lacks."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pymaf_pl.body.joints import SKELETON_24
from pymaf_pl.body.pose_limits import is_possible
from pymaf_pl.body.pose_prior import PosePrior
from pymaf_pl.data.synth.chunk import _draw_poses
from pymaf_pl.data.synth.free_limbs import free_limbs
from pymaf_pl.data.synth.options import default_options
from pymaf_pl.errors import InputError

TRUNK = [SKELETON_24.index(name) for name in ("spine1", "spine2", "spine3", "neck", "head")]


@pytest.fixture(scope="module")
def poses() -> np.ndarray:
    return PosePrior().sample(600, np.random.default_rng(0), 0.8)


@pytest.fixture(scope="module")
def freed(poses: np.ndarray) -> np.ndarray:
    return free_limbs(poses, np.random.default_rng(1))


def thigh(pose: np.ndarray, side: str) -> np.ndarray:
    """Direction of a thigh in the body's own axes; hanging it is -y."""
    return Rotation.from_rotvec(pose[:, SKELETON_24.index(f"{side}_hip")]).apply([0.0, -1.0, 0.0])


def upper_arm(pose: np.ndarray, side: str, along: float) -> np.ndarray:
    return Rotation.from_rotvec(pose[:, SKELETON_24.index(f"{side}_shoulder")]).apply([along, 0.0, 0.0])


def test_nothing_becomes_impossible_and_nearly_everybody_changes(poses: np.ndarray, freed: np.ndarray) -> None:
    assert is_possible(freed).all()
    assert (freed != poses).any(axis=(1, 2)).mean() > 0.95


def test_legs_spread_as_motion_capture_never_does(poses: np.ndarray, freed: np.ndarray) -> None:
    for side, outward in (("left", 1), ("right", -1)):  # x is the body's left
        wide = np.sin(np.radians(40))
        assert (outward * thigh(poses, side)[:, 0] > wide).mean() < 0.03
        assert (outward * thigh(freed, side)[:, 0] > wide).mean() > 0.10


def test_both_sides_are_drawn_alike(freed: np.ndarray) -> None:
    """The right leg and arm are mirror images: their mean directions, mirrored, are those of the left."""
    mirror = np.array([-1.0, 1.0, 1.0])
    for left, right in (
        (thigh(freed, "left"), thigh(freed, "right")), (upper_arm(freed, "left", 1), upper_arm(freed, "right", -1)),
    ):  # fmt: skip
        np.testing.assert_allclose(left.mean(0), (right * mirror).mean(0), atol=0.1)  # of 600 draws


def test_arms_go_up_more_often(poses: np.ndarray, freed: np.ndarray) -> None:
    def raised(pose: np.ndarray) -> float:
        return float((upper_arm(pose, "left", 1)[:, 1] > 0.2).mean())

    assert raised(freed) > 2 * raised(poses)


def test_knees_and_elbows_bend_the_way_they_can(freed: np.ndarray) -> None:
    bend = np.degrees(freed)
    for side in (0, 1):
        assert bend[:, SKELETON_24.index("left_knee") + side, 0].min() > -8.01  # the limit of what is possible
        assert ((1, -1)[side] * bend[:, SKELETON_24.index("left_elbow") + side, 1]).max() < 12.01


def test_the_trunk_keeps_its_shape_and_the_body_leans(poses: np.ndarray, freed: np.ndarray) -> None:
    np.testing.assert_array_equal(freed[:, TRUNK], poses[:, TRUNK])
    turn = Rotation.from_rotvec(freed[:, 0]) * Rotation.from_rotvec(poses[:, 0]).inv()
    lean = np.degrees(turn.magnitude())
    assert np.sqrt((lean**2).mean() / 2) == pytest.approx(15, rel=0.1)  # 15 degrees about x and about z
    np.testing.assert_allclose(turn.as_rotvec()[:, 1], 0, atol=1e-9)


def test_the_same_state_gives_the_same_poses_and_the_input_is_kept(poses: np.ndarray, freed: np.ndarray) -> None:
    before = poses.copy()
    np.testing.assert_array_equal(free_limbs(poses, np.random.default_rng(1)), freed)
    np.testing.assert_array_equal(poses, before)


def test_the_share_of_a_chunk_is_freed_and_the_others_are_as_without() -> None:
    plain, half = (
        _draw_poses(replace(default_options("wild"), free_limbs=share), np.random.default_rng(0))
        for share in (0.0, 0.5)
    )
    assert 0.3 < (plain != half).any(axis=(1, 2)).mean() < 0.7  # of 64 people


def test_a_share_above_one_is_refused() -> None:
    with pytest.raises(InputError, match=r"free_limbs is 1\.5"):
        replace(default_options("wild"), free_limbs=1.5)
