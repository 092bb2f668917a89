"""Errors per person against NumPy and SciPy, and the traps of Procrustes."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from pymaf_pl.metrics.functional import joint_angle_error, mpjpe, pa_mpjpe, pck_2d, procrustes_align, pve


def joints(count: int = 16, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """People-sized clouds of 14 joints."""
    return 0.4 * torch.randn(count, 14, 3, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def similarity(points: Tensor, seed: int = 3) -> Tensor:
    """The same cloud somewhere else, turned and of another size."""
    turn = torch.from_numpy(Rotation.random(len(points), rng=seed).as_matrix()).to(points)
    return 1.7 * points @ turn.mT + torch.tensor([0.3, -2.0, 5.0], dtype=points.dtype)


def numpy_pa_mpjpe(predicted: np.ndarray, target: np.ndarray) -> float:
    """SPIN's compute_similarity_transform for one person, metres in, millimetres out."""
    s1, s2 = predicted.T, target.T
    mu1, mu2 = s1.mean(axis=1, keepdims=True), s2.mean(axis=1, keepdims=True)
    x1, x2 = s1 - mu1, s2 - mu2
    u, _, vh = np.linalg.svd(x1 @ x2.T)
    z = np.eye(3)
    z[2, 2] = np.sign(np.linalg.det(u @ vh))
    rotation = vh.T @ z @ u.T
    scale = np.trace(rotation @ x1 @ x2.T) / (x1**2).sum()
    moved = scale * rotation @ s1 + (mu2 - scale * rotation @ mu1)
    return float(1000 * np.linalg.norm(moved - s2, axis=0).mean())


@pytest.mark.parametrize("metric", [mpjpe, pve])
def test_mpjpe_is_the_mean_distance_in_millimetres(metric: object) -> None:
    target = joints(2)
    predicted = target.clone()
    predicted[0, 5] += torch.tensor([0.03, 0.0, 0.04])  # one of 14 joints, 50 mm off
    values = metric(predicted, target)  # type: ignore[operator]
    torch.testing.assert_close(values, torch.tensor([50 / 14, 0.0]), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-3), (torch.float64, 1e-8)])
def test_pa_mpjpe_equals_spins_procrustes(dtype: torch.dtype, tolerance: float) -> None:
    predicted, target = joints(16, 0, dtype), joints(16, 1, dtype)
    values = pa_mpjpe(predicted, target)
    expected = [numpy_pa_mpjpe(p, t) for p, t in zip(predicted.double().numpy(), target.double().numpy(), strict=True)]
    assert values.dtype == dtype
    np.testing.assert_allclose(values.numpy(), expected, atol=tolerance)


def test_procrustes_undoes_every_similarity() -> None:
    target = joints()
    assert pa_mpjpe(similarity(target), target).max() < 1e-2  # float32 rounding of points 6 m away
    assert pa_mpjpe(similarity(joints(dtype=torch.float64)), joints(dtype=torch.float64)).max() < 1e-9


def test_procrustes_does_not_mirror() -> None:
    """A library that allows reflections gives 0 here: left and right swapped would cost nothing."""
    target = joints()
    mirrored = target * torch.tensor([-1.0, 1.0, 1.0])
    assert pa_mpjpe(mirrored, target).min() > 50
    swapped = mirrored[:, torch.randperm(14, generator=torch.Generator().manual_seed(0))]
    assert (pa_mpjpe(swapped, target) > 50).all()


def test_pa_mpjpe_is_never_worse_than_aligned_by_hand() -> None:
    predicted, target = joints(32, 0), joints(32, 1)
    centred = predicted - predicted.mean(dim=1, keepdim=True) + target.mean(dim=1, keepdim=True)

    def squares(a: Tensor) -> Tensor:
        return (a - target).square().sum((1, 2))

    assert (squares(procrustes_align(predicted, target)) <= squares(centred) + 1e-6).all()


@pytest.mark.parametrize("value", [0.0, 3.5])
def test_a_prediction_of_one_point_moves_to_the_centre(value: float) -> None:
    """SPIN's function divides by zero here."""
    target = joints(4)
    flat = torch.full_like(target, value)
    flat[1] = target[1] + 0.01  # its neighbours are not harmed
    errors = pa_mpjpe(flat, target)
    expected = mpjpe(target.mean(dim=1, keepdim=True).expand_as(target), target)
    torch.testing.assert_close(errors[[0, 2, 3]], expected[[0, 2, 3]], rtol=1e-4, atol=1e-3)
    assert errors[1] < 1e-2


def test_procrustes_of_a_single_joint_and_of_nobody() -> None:
    assert pa_mpjpe(torch.ones(3, 1, 3), torch.zeros(3, 1, 3)).tolist() == [0, 0, 0]
    assert pa_mpjpe(torch.zeros(0, 14, 3), torch.zeros(0, 14, 3)).shape == (0,)


def test_a_flat_skeleton_is_aligned_without_mirroring_it() -> None:
    target = joints(8)
    target[..., 2] = 0  # all in one plane: one singular value is zero, the sign of the determinant is free
    assert pa_mpjpe(similarity(target), target).max() < 1e-2


def test_joint_angle_error_equals_scipys_magnitude() -> None:
    first, second = Rotation.random(5 * 24, rng=0), Rotation.random(5 * 24, rng=1)
    expected = np.degrees((first.inv() * second).magnitude()).reshape(5, 24).mean(axis=1)
    a, b = (torch.from_numpy(r.as_matrix()).view(5, 24, 3, 3) for r in (first, second))
    np.testing.assert_allclose(joint_angle_error(a, b).numpy(), expected, atol=1e-9)
    np.testing.assert_allclose(joint_angle_error(a.float(), b.float()).numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("degrees", [0.0, 0.01, 90.0, 179.99, 180.0])
def test_joint_angle_error_is_exact_at_the_ends_of_its_range(degrees: float) -> None:
    turned = torch.from_numpy(Rotation.from_euler("y", degrees, degrees=True).as_matrix()).float().view(1, 1, 3, 3)
    assert joint_angle_error(turned, torch.eye(3).view(1, 1, 3, 3)).item() == pytest.approx(
        degrees, abs=5e-2
    )  # float32


def test_pck_counts_labelled_keypoints_within_the_threshold() -> None:
    target = torch.zeros(3, 4, 2)
    predicted = target.clone()
    predicted[:, :, 0] = torch.tensor([0.0, 0.1, 0.2, 0.3])
    confidence = torch.tensor([[1.0, 1, 1, 1], [1, 0, 0.2, 1], [0, 0, 0, 0]])
    share = pck_2d(predicted, target, confidence, 0.15)
    assert share[:2].tolist() == pytest.approx([2 / 4, 1 / 3])
    assert share[2].isnan()
    per_person = pck_2d(predicted, target, torch.ones(3, 4), torch.tensor([0.05, 0.25, 9.0]))
    assert per_person.tolist() == pytest.approx([1 / 4, 3 / 4, 1])
