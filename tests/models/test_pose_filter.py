"""Poses weighed against the prior: what becomes of truth, of noise, and of what is not weighed."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pymaf_pl.body.joints import FLIP_SKELETON, SKELETON_24
from pymaf_pl.body.pose_prior import PosePrior
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.rotation import rotmat_from_6d, rotmat_from_axis_angle, rotmat_to_6d, rotmat_to_axis_angle
from pymaf_pl.models.pose_filter import PoseFilter
from pymaf_pl.types import BodyState

NOISE = 0.3


@pytest.fixture(scope="module")
def drawn() -> Tensor:
    """Give 2,000 poses of the mixture itself, half of them mirrored; (N, 24, 3)."""
    poses = PosePrior().propose(2000, np.random.default_rng(0), temperature=1.0)
    poses[::2] = PosePrior.mirror(poses[::2])
    return torch.from_numpy(poses)


def state(axis_angle: Tensor) -> BodyState:
    n = len(axis_angle)
    pose = rotmat_to_6d(rotmat_from_axis_angle(axis_angle))
    return BodyState(pose, torch.ones(n, 10).to(pose), torch.ones(n, 3).to(pose))


def angles(body: BodyState) -> Tensor:
    return rotmat_to_axis_angle(rotmat_from_6d(body.pose_6d))


def noisy(poses: Tensor) -> Tensor:
    joints = PosePrior().joints[1:]
    noise = torch.zeros_like(poses)
    noise[:, joints] = NOISE * torch.randn(len(poses), len(joints), 3, generator=torch.Generator().manual_seed(1)).to(
        poses
    )
    return poses + noise


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_hardly_noisy_is_hardly_changed(drawn: Tensor, dtype: torch.dtype) -> None:
    body = state(drawn[:100].to(dtype))
    kept = PoseFilter(1e-3).to(dtype)(body)
    assert kept.pose_6d.dtype == dtype
    assert (angles(kept) - angles(body)).abs().max() < 0.02  # (1 - gain) of 1e-6 / the smallest variance, 3e-5
    assert kept.betas.equal(body.betas)
    assert kept.weak_cam.equal(body.weak_cam)


def test_noisy_poses_come_nearer_to_the_truth_by_as_much_as_theory_says(drawn: Tensor) -> None:
    joints = PosePrior().joints[1:]
    poses = drawn[(drawn.norm(dim=-1) < 2.2).all(1)]  # noise may push the others over half a turn, where vectors jump
    given = noisy(poses)
    before = (given - poses)[:, joints].square().mean().item()
    after = (angles(PoseFilter(NOISE).double()(state(given))) - poses)[:, joints].square().mean().item()
    _, covariance = PosePrior().moments()
    expected = NOISE**2 * np.trace(covariance @ np.linalg.inv(covariance + NOISE**2 * np.eye(len(covariance))))
    assert before == pytest.approx(NOISE**2, rel=0.02)
    # the error left of a Wiener filter is noise^2 C (C + noise^2)^-1; the longest angles were left out above
    assert after == pytest.approx(expected / len(covariance), rel=0.1)
    assert after < 0.6 * before


def test_a_bent_back_is_straightened_and_a_raised_arm_is_not() -> None:
    bent, raised = torch.zeros(2, 1, 24, 3)
    bent[0, SKELETON_24.index("spine3")] = torch.tensor([1.0, 0.0, 0.0])
    raised[0, SKELETON_24.index("left_shoulder")] = torch.tensor([0.0, 0.0, 1.0])
    weigh = PoseFilter(0.1)
    middle = angles(weigh(state(torch.zeros(1, 24, 3))))
    left = [
        (angles(weigh(state(pose))) - middle).norm(dim=-1)[0, SKELETON_24.index(joint)].item()
        for pose, joint in ((bent, "spine3"), (raised, "left_shoulder"))
    ]
    assert left[0] < 0.35
    assert left[1] > 0.8


def test_root_hands_and_toes_are_left_alone() -> None:
    poses = torch.randn(5, 24, 3, generator=torch.Generator().manual_seed(0))
    body = state(poses)
    body = BodyState(body.pose_6d * 3, body.betas, body.weak_cam)  # raw columns have any length
    alone = [j for j in range(24) if j not in PosePrior().joints[1:]]
    assert [SKELETON_24[j] for j in alone] == ["pelvis", "left_foot", "right_foot", "left_hand", "right_hand"]
    assert PoseFilter(0.2)(body).pose_6d[:, alone].equal(body.pose_6d[:, alone])


def test_left_and_right_are_treated_alike(drawn: Tensor) -> None:
    weigh = PoseFilter(0.2).double()
    given = noisy(drawn[:50])
    sign = torch.tensor([1.0, -1.0, -1.0])
    mirrored = angles(weigh(state(given[:, FLIP_SKELETON] * sign)))
    torch.testing.assert_close(mirrored, angles(weigh(state(given)))[:, FLIP_SKELETON] * sign)


def test_half_precision_around_it_costs_nothing(drawn: Tensor) -> None:
    body, weigh = state(drawn[:20].float()), PoseFilter(0.1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = weigh(body)
    assert low.pose_6d.equal(weigh(body).pose_6d)


@pytest.mark.parametrize("noise", [0.0, -0.1, float("nan"), float("inf")])
def test_noise_has_to_be_some(noise: float) -> None:
    with pytest.raises(InputError, match=r"model\.pose_noise=.*above 0, or null"):
        PoseFilter(noise)
