"""Poses as the regressors write them down."""

import math

import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.geometry.rotation import rotmat_from_6d, rotmat_from_axis_angle, rotmat_to_6d
from pymaf_pl.models.pose_code import AxisAngle, SixD, pose_code
from pymaf_pl.models.regressor import Regressor
from pymaf_pl.types import BodyState


@pytest.fixture
def code(body: BodyModel) -> AxisAngle:
    return AxisAngle(body.mean_state())


def test_six_d_is_passed_through_as_it_is() -> None:
    pose = torch.randn(2, 24, 6)
    assert SixD().read(pose).equal(pose.reshape(2, 144))
    assert SixD().write(SixD().read(pose)).equal(pose)


def test_axis_angle_means_the_same_rotations_as_scipys(code: AxisAngle, people) -> None:
    rotmat, _ = people(5)
    values = code.read(rotmat_to_6d(rotmat)).view(-1, 3)
    expected = Rotation.from_matrix(rotmat.double().view(-1, 3, 3).numpy()).as_matrix()
    torch.testing.assert_close(
        torch.from_numpy(Rotation.from_rotvec(values.double().numpy()).as_matrix()), torch.from_numpy(expected),
        atol=1e-5, rtol=0,
    )  # fmt: skip
    torch.testing.assert_close(rotmat_from_6d(code.write(values.view(5, 72))), rotmat, atol=1e-5, rtol=0)


def test_the_mean_root_is_half_a_turn_about_x_as_in_hmr(code: AxisAngle, body: BodyModel) -> None:
    mean = code.read(body.mean_state().pose_6d).view(24, 3)
    torch.testing.assert_close(mean[0], torch.tensor([math.pi, 0, 0]), atol=1e-5, rtol=0)
    assert mean[1:].norm(dim=-1).max() < 2


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_root_does_not_jump_around_its_mean(axis: int, code: AxisAngle, body: BodyModel) -> None:
    """The shortest vectors would change sign where people stand upright."""
    pose = body.mean_state().pose_6d.expand(101, -1, -1).clone()
    turn = torch.zeros(101, 3)
    turn[:, axis] = torch.linspace(-1, 1, 101)
    root = rotmat_from_axis_angle(turn) @ rotmat_from_6d(pose[:, 0])
    pose[:, 0] = rotmat_to_6d(root)
    path = code.read(pose).view(101, 24, 3)[:, 0]
    assert (path[1:] - path[:-1]).norm(dim=-1).max() < 0.05


def rounded(body: BodyModel, sign: float) -> BodyState:
    mean = body.mean_state()
    pose = mean.pose_6d.clone()
    pose[:, 0] = rotmat_to_6d(rotmat_from_axis_angle(torch.tensor([sign * (math.pi - 1e-5), 0.0, 0.0])))
    return BodyState(pose, mean.betas, mean.weak_cam)


def test_rounding_of_the_mean_does_not_choose_the_vector(body: BodyModel) -> None:
    state = body.mean_state().pose_6d
    first, second = (AxisAngle(rounded(body, sign)).read(state) for sign in (1.0, -1.0))
    torch.testing.assert_close(first, second, atol=1e-4, rtol=0)


def test_reading_and_writing_have_finite_gradients_at_the_mean(code: AxisAngle, body: BodyModel) -> None:
    pose = body.mean_state().pose_6d.clone().requires_grad_()
    values = code.read(pose)
    code.write(values).square().sum().backward()
    assert pose.grad is not None
    assert pose.grad.isfinite().all()


def test_precision_survives_autocast(code: AxisAngle, people, device: torch.device) -> None:
    rotmat, _ = people(3)
    pose, code = rotmat_to_6d(rotmat).to(device), code.to(device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        again = code.write(code.read(pose))
    assert again.dtype == torch.float32
    torch.testing.assert_close(again, pose, atol=1e-5, rtol=0)


def test_a_step_in_axis_angle_adds_what_the_heads_say(body: BodyModel) -> None:
    torch.manual_seed(0)
    regressor = Regressor(20, hidden=32, head_gain=0.1, code=pose_code("axis_angle", body.mean_state())).eval()
    assert regressor.fc1.in_features == 20 + 72 + 10 + 3
    evidence, now = torch.randn(2, 20), BodyState.from_vector(body.mean_state().vector().expand(2, -1))
    current = torch.cat([regressor.code.read(now.pose_6d), now.betas, now.weak_cam], dim=1)
    hidden = regressor.fc2(regressor.fc1(torch.cat([evidence, current], dim=1)))
    after = regressor(evidence, now)
    wanted: Tensor = current[:, :72] + regressor.pose(hidden)
    torch.testing.assert_close(rotmat_from_6d(after.pose_6d), rotmat_from_axis_angle(wanted.view(2, 24, 3)))
    torch.testing.assert_close(after.betas, now.betas + regressor.shape(hidden))
    assert "code" not in {name.split(".")[0] for name in regressor.state_dict()}
