"""The weak-perspective camera: its numbers, its symmetries, and the way back from keypoints."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.geometry.camera import (
    crop_to_image_translation,
    estimate_translation,
    project,
    project_pinhole,
    translation_to_weak_cam,
    weak_cam_to_translation,
)

NDC_FOCAL = 2 * 5000 / 224
MEAN_CAMERA_TRANSLATION = [0, 0, NDC_FOCAL / 0.9]


def cameras(count: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
    random = torch.rand(count, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (random * torch.tensor([0.9, 0.6, 0.6]) + torch.tensor([0.3, -0.3, -0.3])).to(dtype)


@pytest.fixture
def seen(body: BodyModel, people, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """The 24 ground-truth joints of eight people, their exact projections, and the translations behind them."""
    rotmat, betas = people(8)
    joints = body.joints_49(rotmat, betas)[:, 25:].to(dtype)
    camera = cameras(8, dtype)
    return joints, project(joints, camera), weak_cam_to_translation(camera)


def test_mean_camera_stands_49_603_m_away() -> None:
    translation = weak_cam_to_translation(torch.tensor([0.9, 0.1, -0.2], dtype=torch.float64))
    np.testing.assert_allclose(translation, [0.1, -0.2, 49.6031746], atol=1e-6)


def test_weak_camera_round_trip(dtype: torch.dtype) -> None:
    camera = cameras(6, dtype).view(2, 3, 3)
    torch.testing.assert_close(translation_to_weak_cam(weak_cam_to_translation(camera)), camera)


def test_a_camera_of_scale_zero_is_far_but_finite() -> None:
    assert weak_cam_to_translation(torch.zeros(3)).isfinite().all()


def test_origin_projects_to_the_middle_and_one_metre_to_the_scale(device: torch.device, dtype: torch.dtype) -> None:
    points = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]], dtype=dtype, device=device)
    projected = project(points, torch.tensor([[0.9, 0.0, 0.0]], dtype=dtype, device=device))
    expected = torch.tensor([[[0.0, 0.0], [0.9, 0.0], [0.0, 0.9]]], dtype=dtype, device=device)
    torch.testing.assert_close(projected, expected, atol=1e-6, rtol=0)


def test_nearer_points_look_larger() -> None:
    # at depth 49.603 + z: 5000 / (49.603 - 1) / 112 and 5000 / (49.603 + 1) / 112
    points = torch.tensor([[[1.0, 0, -1], [1, 0, 1]]], dtype=torch.float64)
    projected = project(points, torch.tensor([[0.9, 0.0, 0.0]], dtype=torch.float64))
    np.testing.assert_allclose(projected[0, :, 0], [0.918517, 0.882215], atol=1e-6)


def test_flipping_the_body_flips_the_projection(seen) -> None:
    joints, keypoints, translation = seen
    flip = joints.new_tensor([-1, 1, 1])
    camera = translation_to_weak_cam(translation * flip)
    torch.testing.assert_close(project(joints * flip, camera), keypoints * flip[:2])


def test_translation_is_recovered_from_exact_projections(seen) -> None:
    joints, keypoints, translation = seen
    estimated, valid = estimate_translation(joints, keypoints, torch.ones_like(keypoints[..., 0]))
    assert valid.all()
    assert estimated.dtype == joints.dtype
    # float32 keypoints carry 6e-8, over a spread of about 0.3: some 1e-6 of a depth of 100 m
    tolerance = 2e-3 if joints.dtype == torch.float32 else 1e-8
    torch.testing.assert_close(estimated, translation, atol=tolerance, rtol=0)


@pytest.mark.parametrize("garbage", [1e6, float("nan"), float("inf")])
def test_joints_without_confidence_do_not_matter(seen, garbage: float) -> None:
    joints, keypoints, _ = seen
    confidence = torch.rand(keypoints.shape[:2], generator=torch.Generator().manual_seed(1)).to(joints) + 0.1
    expected, _ = estimate_translation(joints[:, 8:], keypoints[:, 8:], confidence[:, 8:])
    keypoints, confidence = keypoints.clone(), confidence.clone()
    keypoints[:, :8] = garbage
    confidence[:, :8] = 0
    estimated, valid = estimate_translation(joints, keypoints, confidence)
    assert valid.all()
    torch.testing.assert_close(estimated, expected)


def test_noisy_keypoints_give_the_weighted_least_squares_solution(seen) -> None:
    joints, keypoints, _ = (values.double() for values in seen)
    generator = torch.Generator().manual_seed(2)
    keypoints = keypoints + 0.02 * torch.randn(keypoints.shape, generator=generator, dtype=torch.float64)
    confidence = torch.rand(keypoints.shape[:2], generator=generator, dtype=torch.float64)
    estimated, _ = estimate_translation(joints, keypoints, confidence)
    for person in range(len(joints)):
        rows, values = [], []
        for (x, y, z), (u, v), c in zip(
            joints[person].numpy(), keypoints[person].numpy(), confidence[person].numpy(), strict=True
        ):
            rows += [np.sqrt(c) * np.array([NDC_FOCAL, 0, -u]), np.sqrt(c) * np.array([0, NDC_FOCAL, -v])]
            values += [np.sqrt(c) * (u * z - NDC_FOCAL * x), np.sqrt(c) * (v * z - NDC_FOCAL * y)]
        expected = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0]
        np.testing.assert_allclose(estimated[person], expected, rtol=1e-8, atol=1e-8)


def test_the_scale_of_the_confidence_does_not_matter(seen) -> None:
    joints, keypoints, translation = seen
    estimated, valid = estimate_translation(joints, keypoints, torch.full_like(keypoints[..., 0], 1e-4))
    assert valid.all()
    torch.testing.assert_close(estimated, translation, atol=2e-3, rtol=0)


def test_rows_that_determine_nothing_fall_back_to_the_mean_camera_and_say_so(seen) -> None:
    joints, keypoints, translation = seen
    confidence = torch.ones_like(keypoints[..., 0])
    confidence[0] = 0  # nothing seen
    confidence[1, 1:] = 0  # one joint: any depth fits
    keypoints = keypoints.clone()
    keypoints[2] = keypoints[2, :1]  # all in one place: infinitely far
    keypoints[3] = 2 * keypoints[3].mean(0) - keypoints[3]  # upside down: behind the camera
    estimated, valid = estimate_translation(joints, keypoints, confidence)
    assert valid.tolist() == [False, False, False, False, True, True, True, True]
    torch.testing.assert_close(estimated[:4], estimated.new_tensor([MEAN_CAMERA_TRANSLATION] * 4))
    torch.testing.assert_close(estimated[4:], translation[4:], atol=2e-3, rtol=0)


def test_two_joints_are_enough(seen) -> None:
    joints, keypoints, translation = (values.double() for values in seen)
    keypoints = project(joints, translation_to_weak_cam(translation))
    confidence = torch.zeros_like(keypoints[..., 0])
    confidence[:, [0, 13]] = 0.5  # an ankle and the top of the head
    estimated, valid = estimate_translation(joints, keypoints, confidence)
    assert valid.all()
    torch.testing.assert_close(estimated, translation, atol=1e-5, rtol=0)


def in_the_image(points: Tensor, camera: Tensor, center: Tensor, size: Tensor, focal: Tensor, image: Tensor) -> Tensor:
    translation = crop_to_image_translation(camera, center, size, image, focal)
    return project_pinhole(points + translation.unsqueeze(-2), focal, image / 2)


def test_full_image_camera_sees_what_the_crop_saw(seen) -> None:
    joints, _, translation = (values.double() for values in seen)
    camera = translation_to_weak_cam(translation)
    image = torch.tensor([1920.0, 1080.0], dtype=torch.float64).expand(8, 2)
    center, size = image * torch.tensor([0.7, 0.4]), torch.full((8,), 500.0, dtype=torch.float64)
    focal = size * 5000 / 224  # the crop's own camera, in image px
    wanted = center[:, None] + size[:, None, None] / 2 * project(joints, camera)

    middle = in_the_image(joints, camera, image / 2, size, focal, image)
    torch.testing.assert_close(middle - image[:, None] / 2, wanted - center[:, None], atol=1e-5, rtol=0)

    # off the axis, a point z behind the body's origin moves towards the axis by z / depth of the box's offset
    moved = in_the_image(joints, camera, center, size, focal, image)
    depth = translation[:, 2:] + joints[..., 2]
    expected = wanted - (center - image / 2)[:, None] * (joints[..., 2] / depth)[..., None]
    torch.testing.assert_close(moved, expected, atol=1e-5, rtol=0)
    assert (moved - wanted).norm(dim=-1).max() < 10


def test_full_image_camera_agrees_with_the_crop_in_the_bodys_plane_for_any_focal_length(seen) -> None:
    joints, _, translation = (values.double() for values in seen)
    flat = joints * joints.new_tensor([1, 1, 0])
    camera = translation_to_weak_cam(translation)
    image = torch.tensor([640.0, 480.0], dtype=torch.float64).expand(8, 2)
    center, size = torch.tensor([[100.0, 400.0]], dtype=torch.float64).expand(8, 2), image[:, 1] / 2
    focal = torch.linspace(300, 3000, 8, dtype=torch.float64)
    wanted = center[:, None] + size[:, None, None] / 2 * project(flat, camera)
    torch.testing.assert_close(in_the_image(flat, camera, center, size, focal, image), wanted, atol=1e-5, rtol=0)


def test_pinhole_projection_by_hand(dtype: torch.dtype) -> None:
    points = torch.tensor([[[1.0, 2, 4]], [[-1, 0, 2]]], dtype=dtype)
    focal, middle = torch.tensor([100.0, 200], dtype=dtype), torch.tensor([[50.0, 60], [7, 8]], dtype=dtype)
    assert project_pinhole(points, focal, middle).tolist() == [[[75, 110]], [[-93, 8]]]
