import numpy as np
import pytest
import torch

from pymaf_pl.body.joints import SKELETON_24
from pymaf_pl.body.pose_prior import PosePrior
from pymaf_pl.fitting import SMPLify
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.rotation import rotmat_from_6d, rotmat_from_axis_angle, rotmat_to_6d
from pymaf_pl.types import BodyState


@pytest.fixture(scope="module")
def people(body):
    """Four people of the prior who face the camera, with their exact 2D keypoints."""
    pose = torch.from_numpy(PosePrior().sample(4, np.random.default_rng(3), temperature=0.5)).float()
    rotmat = rotmat_from_axis_angle(pose)
    rotmat[:, 0] = torch.diag(torch.tensor([1.0, -1.0, -1.0])) @ rotmat[:, 0]
    truth = BodyState(rotmat_to_6d(rotmat), torch.randn(4, 10, generator=torch.Generator().manual_seed(0)) * 0.5,
                      torch.tensor([[0.9, 0.05, 0.1]]).expand(4, -1))  # fmt: skip
    joints = body.joints_49(rotmat, truth.betas)
    keypoints = torch.cat([project(joints, truth.weak_cam), torch.ones(4, 49, 1)], dim=-1)
    return truth, keypoints


def _start(body):
    mean = body.mean_state()
    return BodyState(mean.pose_6d.expand(4, -1, -1), mean.betas.expand(4, -1), mean.weak_cam.expand(4, -1))


def _pixels(body, state, keypoints):
    projected = project(body.joints_49(rotmat_from_6d(state.pose_6d), state.betas), state.weak_cam)
    return 112 * (projected - keypoints[..., :2]).norm(dim=-1).mean()


def test_a_fit_brings_the_keypoints_within_a_few_pixels(body, people):
    _, keypoints = people
    start = _start(body)
    fit = SMPLify(body, PosePrior(), steps=60, learning_rate=0.05)(keypoints, start)
    before, after = _pixels(body, start, keypoints), _pixels(body, fit.state, keypoints)
    assert after < 8  # px of a 224 px crop; the mean body starts about 20 px off
    assert after < 0.5 * before
    assert fit.reprojection.shape == (4,)


def test_knees_and_elbows_do_not_bend_backwards(body, people):
    _, keypoints = people
    fit = SMPLify(body, PosePrior(), steps=60, learning_rate=0.05)(keypoints, _start(body))
    rotmat = rotmat_from_6d(fit.state.pose_6d)
    for name in ("left_knee", "right_knee"):
        # the shin's direction in the thigh's frame never points forward (+z) by more than 20 degrees
        shin = -rotmat[:, SKELETON_24.index(name), :, 1]
        assert (torch.rad2deg(torch.atan2(shin[:, 2], -shin[:, 1])) < 20).all()


def test_unlabelled_keypoints_do_not_pull(body, people):
    _, keypoints = people
    hidden = keypoints.clone()
    hidden[:, 30:, 2] = 0
    garbage = hidden.clone()
    garbage[:, 30:, :2] = 50.0
    fitter = SMPLify(body, PosePrior(), steps=5)
    torch.testing.assert_close(
        fitter(hidden, _start(body)).state.vector(), fitter(garbage, _start(body)).state.vector()
    )
