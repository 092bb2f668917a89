"""Errors per person against NumPy and SciPy, and the traps of Procrustes."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from pymaf_pl.metrics.functional import (
    accel_error,
    auc,
    joint_angle_error,
    mpjpe,
    pa_mpjpe,
    pa_pve,
    pck,
    pck_2d,
    procrustes_align,
    pve,
    pve_t_sc,
)


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


POINT_METRICS = (mpjpe, pa_mpjpe, pve, pa_pve, pck, auc, pve_t_sc)


@pytest.mark.parametrize("metric", POINT_METRICS, ids=lambda metric: metric.__name__)
def test_one_person_who_is_perfect_and_everybody_keeps_the_dtype(metric: object, dtype: torch.dtype) -> None:
    target = joints(1, dtype=dtype)
    value = metric(target, target)  # type: ignore[operator]
    assert value.shape == (1,)
    assert value.dtype == dtype
    assert value.item() == pytest.approx(1.0 if metric in (pck, auc) else 0.0, abs=1e-4)


@pytest.mark.parametrize("metric", POINT_METRICS, ids=lambda metric: metric.__name__)
def test_a_person_without_label_is_nan_and_harms_nobody(metric: object, dtype: torch.dtype) -> None:
    predicted, target = joints(3, 0, dtype), joints(3, 1, dtype)
    alone = metric(predicted, target)  # type: ignore[operator]
    target[1] = torch.nan
    together = metric(predicted, target)  # type: ignore[operator]
    assert together.isnan().tolist() == [False, True, False]
    torch.testing.assert_close(together[[0, 2]], alone[[0, 2]])


@pytest.mark.parametrize("metric", POINT_METRICS, ids=lambda metric: metric.__name__)
def test_points_that_all_coincide_are_a_number_on_either_side(metric: object, dtype: torch.dtype) -> None:
    target, one_point = joints(2, dtype=dtype), torch.full((2, 14, 3), 0.25, dtype=dtype)
    for pair in ((target, one_point), (one_point, target), (one_point, one_point)):
        value = metric(*pair)  # type: ignore[operator]
        assert value.isfinite().all()


def test_a_truth_of_one_point_is_met_by_every_aligned_prediction(dtype: torch.dtype) -> None:
    """The best scale is 0: everything shrinks into the point."""
    assert pa_mpjpe(joints(2, dtype=dtype), torch.full((2, 14, 3), 0.5, dtype=dtype)).max() < 1e-4


def test_a_mirrored_skeleton_costs_what_its_mirror_plane_says(dtype: torch.dtype) -> None:
    target = joints(1, dtype=dtype)
    mirrored = target * torch.tensor([-1.0, 1.0, 1.0], dtype=dtype)
    expected = 2000 * target[..., 0].abs().mean()
    torch.testing.assert_close(mpjpe(mirrored, target)[0], expected)
    assert 50 < pa_mpjpe(mirrored, target)[0] < expected


def test_pck_and_auc_by_hand(dtype: torch.dtype) -> None:
    target = torch.zeros(1, 4, 3, dtype=dtype)
    predicted = target.clone()
    predicted[0, :, 0] = torch.tensor([0.0, 0.0625, 0.125, 0.5], dtype=dtype)  # 0, 62.5, 125 and 500 mm
    assert pck(predicted, target).tolist() == [0.75]
    assert pck(predicted, target, 100.0).tolist() == [0.5]
    assert pck(predicted, target, 125.0).tolist() == [0.75]  # a joint at the threshold counts
    # of the 31 thresholds 0, 5, ... 150: all 31, those from 65 (18), those from 125 (6), none
    assert auc(predicted, target).item() == pytest.approx((31 + 18 + 6) / (4 * 31))
    assert auc(predicted, target, [100.0]).item() == 0.5
    some = torch.tensor([[True, False, False, True]])
    assert pck(predicted, target, labelled=some).tolist() == [0.5]
    assert pck(predicted, target, labelled=torch.zeros_like(some)).isnan().all()
    assert auc(predicted, target, labelled=torch.zeros_like(some)).isnan().all()


def test_acceleration_by_hand(dtype: torch.dtype) -> None:
    time = torch.arange(6, dtype=dtype)
    target = torch.zeros(6, 2, 3, dtype=dtype)
    drifting = target.clone()
    drifting[:, :, 1] = 0.125 * time[:, None]  # steady, so no acceleration
    assert accel_error(drifting, target)[1:-1].abs().max() < 1e-4
    falling = target.clone()
    falling[:, 0, 0] = 0.5 * 0.25 * time**2  # 250 mm per frame squared, of one joint of two
    values = accel_error(falling, target)
    assert values.shape == (6,)
    assert values.isnan().tolist() == [True, False, False, False, False, True]
    torch.testing.assert_close(values[1:-1], torch.full((4,), 125.0, dtype=dtype))
    torch.testing.assert_close(accel_error(falling, target, fps=30)[1:-1], torch.full((4,), 900 * 125.0, dtype=dtype))
    apart = accel_error(falling, target, track=torch.tensor([0, 0, 0, 1, 1, 1]))
    assert apart.isnan().tolist() == [True, False, True, True, False, True]


def test_acceleration_equals_a_loop_over_frames() -> None:
    predicted, target = joints(9, 0, torch.float64), joints(9, 1, torch.float64)
    expected = []
    for t in range(1, 8):
        ours, theirs = (x[t + 1] - 2 * x[t] + x[t - 1] for x in (predicted.numpy(), target.numpy()))
        expected.append(1000 * np.mean([np.linalg.norm(a - b) for a, b in zip(ours, theirs, strict=True)]))
    np.testing.assert_allclose(accel_error(predicted, target)[1:-1].numpy(), expected)


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_a_video_of_two_frames_has_no_acceleration(frames: int) -> None:
    values = accel_error(joints(frames), joints(frames))
    assert values.shape == (frames,)
    assert values.isnan().all()


def test_shape_alone_knows_neither_size_nor_place(dtype: torch.dtype) -> None:
    target = joints(4, dtype=dtype)
    somewhere = 1.3 * target + torch.tensor([0.5, -1.0, 2.0], dtype=dtype)
    assert pve_t_sc(somewhere, target).max() < 1e-2
    turned = similarity(target)
    assert (pve_t_sc(turned, target) > 50).all()  # but it does know rotation: both are in one pose


def test_pve_t_sc_equals_ssp3ds_formula() -> None:
    predicted, target = joints(3, 0, torch.float64), joints(3, 1, torch.float64)
    for person in range(3):
        p, t = predicted[person].numpy(), target[person].numpy()
        p_rms, t_rms = (np.sqrt(((x - x.mean(0)) ** 2).sum() / len(x)) for x in (p, t))
        moved = (p - p.mean(0)) * t_rms / p_rms + t.mean(0)
        expected = 1000 * np.linalg.norm(moved - t, axis=1).mean()
        assert pve_t_sc(predicted, target)[person].item() == pytest.approx(expected)


def test_pa_pve_aligns_all_vertices() -> None:
    predicted, target = joints(3, 0, torch.float64), joints(3, 1, torch.float64)
    expected = [numpy_pa_mpjpe(p, t) for p, t in zip(predicted.numpy(), target.numpy(), strict=True)]
    np.testing.assert_allclose(pa_pve(predicted, target).numpy(), expected)
