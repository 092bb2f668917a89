"""Rotation conventions, against scipy and against definitions written out by hand."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from pymaf_pl.geometry.rotation import (
    geodesic_angle,
    project_to_rotation,
    rotmat_from_6d,
    rotmat_from_axis_angle,
    rotmat_to_6d,
    rotmat_to_axis_angle,
)

ATOL = {torch.float32: 2e-6, torch.float64: 1e-12}


def gram_schmidt_of_columns(six: np.ndarray) -> np.ndarray:
    """Read six numbers as a row-major 3x2 matrix and orthonormalise its columns, in plain words."""
    first, second = np.array([six[0], six[2], six[4]]), np.array([six[1], six[3], six[5]])
    x = first / np.sqrt(first @ first)
    rest = second - (x @ second) * x
    y = rest / np.sqrt(rest @ rest)
    z = np.array([x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]])
    return np.array([[x[0], y[0], z[0]], [x[1], y[1], z[1]], [x[2], y[2], z[2]]])


# three people or 3x3 of them: torch.cross without dim would take the batch for the coordinates
@pytest.mark.parametrize("shape", [(1,), (3,), (7,), (3, 3), (2, 24)])
def test_rot6d_is_column_interleaved_as_in_spin(
    shape: tuple[int, ...], device: torch.device, dtype: torch.dtype
) -> None:
    six = np.random.default_rng(len(shape)).normal(size=(*shape, 6))
    expected = np.stack([gram_schmidt_of_columns(row) for row in six.reshape(-1, 6)]).reshape(*shape, 3, 3)
    rotmat = rotmat_from_6d(torch.tensor(six, dtype=dtype, device=device))
    assert rotmat.dtype == dtype
    np.testing.assert_allclose(rotmat.cpu(), expected, atol=10 * ATOL[dtype])


def test_rot6d_example_by_hand() -> None:
    # columns (1, 0, 0) and (0, 0, 1); read as two rows it would be (1, 0, 0) and (0, 0, 1) of the transpose
    six = torch.tensor([1.0, 0, 0, 0, 0, 1])
    assert rotmat_from_6d(six).tolist() == [[1, 0, 0], [0, 0, -1], [0, 1, 0]]


def test_root_of_spins_mean_pose_is_half_a_turn_about_x() -> None:
    assert rotmat_from_6d(torch.tensor([1.0, 0, 0, -1, 0, 0])).equal(torch.diag(torch.tensor([1.0, -1, -1])))


def test_rot6d_round_trip(dtype: torch.dtype) -> None:
    rotmat = torch.tensor(Rotation.random(20, random_state=0).as_matrix(), dtype=dtype).view(4, 5, 3, 3)
    six = rotmat_to_6d(rotmat)
    assert six.shape == (4, 5, 6)
    torch.testing.assert_close(rotmat_from_6d(six), rotmat, atol=ATOL[dtype], rtol=0)


def test_rot6d_ignores_length_of_columns_and_shear() -> None:
    six = torch.tensor(np.random.default_rng(1).normal(size=(5, 6)))
    first, second = six[:, 0::2], six[:, 1::2]
    sheared = torch.stack([3 * first, 0.5 * second + 2 * first], dim=-1).flatten(1)
    torch.testing.assert_close(rotmat_from_6d(sheared), rotmat_from_6d(six))


@pytest.mark.parametrize(
    "six", [[0.0] * 6, [1.0, 2, 0, 0, 0, 0], [0.0, 1, 0, 0, 0, 0]], ids=["zero", "parallel", "no a1"]
)
def test_degenerate_6d_has_no_nan_in_value_or_gradient(six: list[float], dtype: torch.dtype) -> None:
    leaf = torch.tensor(six, dtype=dtype, requires_grad=True)
    rotmat = rotmat_from_6d(leaf)
    rotmat.square().sum().backward()
    assert rotmat.isfinite().all()
    assert leaf.grad is not None
    assert leaf.grad.isfinite().all()


@pytest.mark.parametrize("angle", [1e-9, 1e-4, 0.5, 3.0, np.pi - 1e-4])
def test_axis_angle_agrees_with_scipy_both_ways(angle: float, device: torch.device, dtype: torch.dtype) -> None:
    axis = np.random.default_rng(2).normal(size=(3, 4, 3))
    rotvec = angle * axis / np.linalg.norm(axis, axis=-1, keepdims=True)
    rotmat = rotmat_from_axis_angle(torch.tensor(rotvec, dtype=dtype, device=device))
    expected = Rotation.from_rotvec(rotvec.reshape(-1, 3)).as_matrix().reshape(3, 4, 3, 3)
    np.testing.assert_allclose(rotmat.cpu(), expected, atol=ATOL[dtype])
    back = rotmat_to_axis_angle(rotmat)
    assert back.dtype == dtype
    np.testing.assert_allclose(back.cpu(), rotvec, atol=3 * ATOL[dtype])


def test_axis_angle_longer_than_pi_comes_back_the_short_way() -> None:
    back = rotmat_to_axis_angle(rotmat_from_axis_angle(torch.tensor([0.0, 4.0, 0.0], dtype=torch.float64)))
    np.testing.assert_allclose(back, [0, 4 - 2 * np.pi, 0], atol=1e-12)


def test_axis_angle_gradient_at_zero_is_the_generators(dtype: torch.dtype) -> None:
    # dR/dw_k at w = 0 is the cross-product matrix of the axis e_k
    jacobian = torch.autograd.functional.jacobian(rotmat_from_axis_angle, torch.zeros(3, dtype=dtype))
    expected = torch.zeros(3, 3, 3, dtype=dtype)
    for k, (i, j) in enumerate([(1, 2), (2, 0), (0, 1)]):
        expected[i, j, k], expected[j, i, k] = -1, 1
    torch.testing.assert_close(jacobian, expected)


def test_geodesic_angle_is_the_angle_of_the_relative_rotation(dtype: torch.dtype) -> None:
    start = torch.tensor(Rotation.random(5, random_state=3).as_matrix(), dtype=dtype)
    angle = torch.tensor([0.0, 1e-3, 1.0, 3.0, np.pi], dtype=dtype)
    turn = rotmat_from_axis_angle(angle[:, None] * torch.tensor([0.6, 0.0, -0.8], dtype=dtype))
    tolerance = 4 * torch.finfo(dtype).eps ** 0.5  # the arcsine is steep next to pi
    torch.testing.assert_close(geodesic_angle(start, start @ turn), angle, atol=tolerance, rtol=0)


def test_projection_leaves_rotations_alone_and_never_returns_a_reflection() -> None:
    rotmat = torch.tensor(Rotation.random(4, random_state=4).as_matrix())
    torch.testing.assert_close(project_to_rotation(2.5 * rotmat), rotmat)
    mirrored = rotmat @ torch.diag(torch.tensor([1.0, 1.0, -0.5], dtype=rotmat.dtype))
    torch.testing.assert_close(torch.linalg.det(project_to_rotation(mirrored)), torch.ones(4, dtype=rotmat.dtype))


def test_projected_mean_of_opposite_turns_is_no_turn() -> None:
    turns = rotmat_from_axis_angle(torch.tensor([[0.0, 0.7, 0.0], [0.0, -0.7, 0.0]], dtype=torch.float64))
    torch.testing.assert_close(project_to_rotation(turns.mean(0)), torch.eye(3, dtype=torch.float64))
