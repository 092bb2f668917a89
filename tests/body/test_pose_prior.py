import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pymaf_pl.body.joints import SKELETON_24
from pymaf_pl.body.pose_limits import (
    breaks_joint_limits,
    forward_kinematics,
    hits_itself,
    is_possible,
    segment_distance,
)
from pymaf_pl.body.pose_prior import PosePrior

Poses = NDArray[np.float64]


@pytest.fixture(scope="module")
def prior() -> PosePrior:
    return PosePrior()


@pytest.fixture(scope="module")
def poses(prior: PosePrior) -> Poses:
    return prior.sample(1500, np.random.default_rng(0), temperature=1.0)


def joint(name: str) -> int:
    return SKELETON_24.index(name)


@pytest.mark.parametrize(("temperature", "share"), [(0.6, 0.98), (0.8, 0.95), (1.0, 0.89)])
def test_share_of_possible_poses_is_as_measured(prior: PosePrior, temperature: float, share: float) -> None:
    proposed = prior.propose(3000, np.random.default_rng(1), temperature)
    assert is_possible(proposed).mean() == pytest.approx(share, abs=0.03)


def test_moments_are_those_of_what_is_proposed(prior: PosePrior) -> None:
    drawn = prior.propose(40_000, np.random.default_rng(3), temperature=1.0)
    body = [j for j in prior.joints[1:] if j not in (4, 5)]  # knees are cut off at straight
    poses = np.concatenate([drawn, prior.mirror(drawn)])[:, body].reshape(2 * len(drawn), -1)
    where = [3 * i + k for i, j in enumerate(prior.joints[1:]) if j in body for k in range(3)]
    mean, covariance = prior.moments()
    np.testing.assert_allclose(mean[where], poses.mean(0), atol=0.01)
    np.testing.assert_allclose(covariance[np.ix_(where, where)], np.cov(poses.T), atol=0.012)


def test_samples_are_possible_and_repeatable(prior: PosePrior) -> None:
    first = prior.sample(200, np.random.default_rng(2))
    assert is_possible(first).all()
    np.testing.assert_array_equal(first, prior.sample(200, np.random.default_rng(2)))


def test_knees_never_bend_backwards(poses: Poses) -> None:
    assert (poses[:, [joint("left_knee"), joint("right_knee")], 0] >= 0).all()


def test_statistics_resemble_the_source(poses: Poses) -> None:
    degrees = np.degrees(poses)
    knee = np.percentile(degrees[:, [joint("left_knee"), joint("right_knee")], 0], (1, 99))
    assert knee[0] == pytest.approx(0, abs=5)
    assert 115 < knee[1] < 160
    hip = np.percentile(degrees[:, [joint("left_hip"), joint("right_hip")], 0], (1, 99))
    assert -125 < hip[0] < -80
    assert 5 < hip[1] < 40
    size = np.linalg.norm(degrees, axis=-1)
    assert 60 < size[:, [joint("left_shoulder"), joint("right_shoulder")]].mean() < 85
    assert np.percentile(size[:, [joint("neck"), joint("head")]], 99) <= 45
    tilt = np.degrees(np.arccos(forward_kinematics(poses)[1][:, 0, 1, 1]))
    assert 0.01 < (tilt > 65).mean() < 0.12  # lying


def test_toes_and_hands_stay_at_rest(poses: Poses) -> None:
    rest = [joint(f"{side}_{part}") for side in ("left", "right") for part in ("foot", "hand")]
    assert (poses[:, rest] == 0).all()


def test_mirror_is_an_involution_and_reflects_the_body(poses: Poses) -> None:
    mirrored = PosePrior.mirror(poses)
    np.testing.assert_array_equal(PosePrior.mirror(mirrored), poses)
    here, there = forward_kinematics(poses)[0], forward_kinematics(mirrored)[0]
    np.testing.assert_allclose(there[:, joint("left_wrist")], here[:, joint("right_wrist")] * (-1, 1, 1), atol=1e-9)


def test_nll_prefers_usual_poses_and_ignores_the_root(prior: PosePrior, poses: Poses) -> None:
    usual = torch.from_numpy(poses[:300]).float()
    strange = torch.from_numpy(np.random.default_rng(3).normal(0, 0.5, (300, 24, 3))).float()
    assert prior.negative_log_likelihood(usual).max() < prior.negative_log_likelihood(strange).min()
    turned = usual.clone()
    turned[:, 0] += 1.0
    torch.testing.assert_close(prior.negative_log_likelihood(turned), prior.negative_log_likelihood(usual))


def test_nll_is_the_log_density_of_the_best_component(prior: PosePrior, poses: Poses) -> None:
    pose = torch.from_numpy(poses[:8]).float()
    x = pose[:, torch.from_numpy(prior._joints[1:])].flatten(1)
    scores = []
    for weight, mean, cholesky in zip(prior._weights, prior._means, prior._cholesky, strict=True):
        covariance = torch.from_numpy((cholesky @ cholesky.T)[3:, 3:])
        component = torch.distributions.MultivariateNormal(torch.from_numpy(mean[3:]), covariance)
        scores.append(component.log_prob(x.double()) + np.log(weight))
    expected = -torch.stack(scores).amax(0)
    torch.testing.assert_close(prior.negative_log_likelihood(pose).double(), expected, rtol=1e-3, atol=1e-2)


def test_descending_the_nll_makes_a_pose_more_usual(prior: PosePrior) -> None:
    generator = torch.Generator().manual_seed(4)
    pose = (0.3 * torch.randn(4, 24, 3, generator=generator)).requires_grad_()
    before = prior.negative_log_likelihood(pose)
    (gradient,) = torch.autograd.grad(before.sum(), pose)
    assert gradient.isfinite().all()
    assert (gradient[:, 0] == 0).all()
    after = prior.negative_log_likelihood(pose - 1e-5 * gradient)
    assert (after < before).all()


def test_prior_adds_nothing_to_a_checkpoint(prior: PosePrior) -> None:
    assert not prior.state_dict()


def test_limits_know_a_backward_knee_and_a_hand_in_the_chest() -> None:
    pose = np.zeros((3, 24, 3))
    pose[1, joint("left_knee"), 0] = np.radians(-40)
    pose[2, joint("left_shoulder")] = np.radians([0, 0, -65])
    pose[2, joint("left_elbow")] = np.radians([0, 0, -150])
    assert breaks_joint_limits(pose[:2]).tolist() == [False, True]
    assert hits_itself(pose[[0, 2]]).tolist() == [False, True]


def test_segment_distance_equals_dense_search() -> None:
    rng = np.random.default_rng(5)
    ends = rng.normal(size=(4, 50, 3))
    t = np.linspace(0, 1, 201)[:, None, None]
    first, second = ends[0] + t * (ends[1] - ends[0]), ends[2] + t * (ends[3] - ends[2])
    dense = np.linalg.norm(first[:, None] - second[None], axis=-1).min((0, 1))
    np.testing.assert_allclose(segment_distance((ends[0], ends[1]), (ends[2], ends[3])), dense, atol=0.02)
