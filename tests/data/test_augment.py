"""What is drawn follows SPIN's ranges; every label turns and flips with the picture."""

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from pymaf_pl.body import BodyModel
from pymaf_pl.data.augment import (
    Augmentation,
    AugmentationDraw,
    apply_channel_gain,
    augment_joints_3d,
    augment_pose,
    reorder_keypoints,
)
from pymaf_pl.data.images import warp_crop
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.crop import crop_affine, crop_px_to_ndc, flip_affine, transform_points
from pymaf_pl.geometry.rotation import rotmat_from_axis_angle

DRAWS = [AugmentationDraw(flip, rotation_deg=angle) for flip in (False, True) for angle in (0.0, 25.0, -60.0)]


@pytest.fixture(scope="module")
def draws() -> list[AugmentationDraw]:
    rng, augmentation = np.random.default_rng(0), Augmentation()
    return [augmentation.draw(rng) for _ in range(10_000)]


def test_probabilities_are_the_published_ones(draws: list[AugmentationDraw]) -> None:
    # three standard deviations of a share of 10,000 are 0.015
    assert np.mean([d.flip for d in draws]) == pytest.approx(0.5, abs=0.015)
    assert np.mean([d.rotation_deg == 0 for d in draws]) == pytest.approx(0.6, abs=0.015)
    turned = np.array([d.rotation_deg for d in draws if d.rotation_deg != 0])
    assert np.mean(np.abs(turned) == 60) == pytest.approx(0.0455, abs=0.012)  # a normal beyond two deviations
    scales = np.array([d.scale for d in draws])
    for limit in (0.75, 1.25):  # and beyond one, on either side
        assert np.mean(scales == limit) == pytest.approx(0.1587, abs=0.012)


def test_ranges_are_the_published_ones(draws: list[AugmentationDraw]) -> None:
    gains = np.array([d.channel_gain for d in draws])
    assert gains.min() >= 0.6
    assert gains.max() <= 1.4
    np.testing.assert_allclose(
        np.quantile(gains, [0.25, 0.5, 0.75], axis=0), [[0.8] * 3, [1.0] * 3, [1.2] * 3], atol=0.02
    )
    assert abs(np.corrcoef(gains.T)[0, 1]) < 0.05  # each channel by itself
    turned = np.array([d.rotation_deg for d in draws if 0 < abs(d.rotation_deg) < 60])
    assert np.median(np.abs(turned)) == pytest.approx(19.1, abs=0.8)  # of |N(0, 30)| below 60
    scales = np.array([d.scale for d in draws])
    assert (scales.min(), scales.max()) == (0.75, 1.25)
    inner = scales[(scales > 0.75) & (scales < 1.25)]
    assert inner.std() == pytest.approx(0.25 * 0.5396, abs=0.005)  # a normal cut at one deviation


def test_nothing_is_drawn_when_all_is_off() -> None:
    off = Augmentation(flip_probability=0, channel_noise=0, rotation_deg=0, scale=0)
    assert {off.draw(np.random.default_rng(seed)) for seed in range(20)} == {AugmentationDraw()}


def test_the_box_moves_by_up_to_the_given_share_of_its_side() -> None:
    rng, augmentation = np.random.default_rng(0), Augmentation(shift=0.1)
    shifts = np.array([augmentation.draw(rng).shift for _ in range(2000)])
    assert np.abs(shifts).max() <= 0.1
    assert shifts.std(axis=0) == pytest.approx([0.0577, 0.0577], abs=0.003)  # of a uniform: 0.2 / sqrt(12)


def test_the_same_generator_state_gives_the_same_draw() -> None:
    first, again, other = (Augmentation().draw(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_flipping_or_turning_twice_gives_the_sample_back() -> None:
    rng = np.random.default_rng(0)
    pose, joints = rng.normal(size=(24, 3)), rng.normal(size=(24, 4))
    keypoints = rng.normal(size=(49, 3))
    flip = AugmentationDraw(flip=True)
    there, back = AugmentationDraw(rotation_deg=33.0), AugmentationDraw(rotation_deg=-33.0)
    for first, second in ((flip, flip), (there, back)):
        once = augment_pose(pose, first)
        assert np.abs(once - pose).max() > 0.1
        twice = Rotation.from_rotvec(augment_pose(once, second))
        assert (twice.inv() * Rotation.from_rotvec(pose)).magnitude().max() < 1e-7
        np.testing.assert_allclose(augment_joints_3d(augment_joints_3d(joints, first), second), joints, atol=1e-12)
    np.testing.assert_array_equal(reorder_keypoints(reorder_keypoints(keypoints, flip), flip), keypoints)
    np.testing.assert_array_equal(augment_pose(pose, AugmentationDraw()), pose)


def test_inputs_are_left_as_they_were() -> None:
    pose, joints = np.ones((24, 3)), np.ones((24, 4))
    augment_pose(pose, DRAWS[-1])
    augment_joints_3d(joints, DRAWS[-1])
    assert (pose == 1).all()
    assert (joints == 1).all()


@pytest.mark.parametrize("draw", DRAWS, ids=lambda d: f"flip={d.flip} turn={d.rotation_deg:g}")
def test_pose_3d_2d_and_picture_turn_and_flip_together(draw: AugmentationDraw, body: BodyModel) -> None:
    """One person, augmented in three ways that share no code: the crop's points, the skeleton and the 3D joints.

    The augmented pose is skinned again. A body is not its own mirror image to the last millimetre, so a flip is
    compared with the tolerance of that asymmetry, and rotations exactly.
    """
    rng, size = np.random.default_rng(4), 224
    pose = 0.3 * rng.normal(size=(24, 3))
    pose[0] = (Rotation.from_rotvec([np.pi, 0, 0]) * Rotation.from_rotvec([0.1, 0.5, 0.0])).as_rotvec()

    def joints_of(axis_angle: np.ndarray) -> torch.Tensor:
        return body.joints_49(rotmat_from_axis_angle(torch.from_numpy(axis_angle).float())[None], torch.zeros(1, 10))

    # a camera from far away looks at the pelvis: the box is centred where the model's origin projects
    cam = torch.tensor([[0.7, 0.0, 0.0]])
    joints = joints_of(pose)
    pixels = 300 + 150 * project(joints, cam)[0].double().numpy()
    affine = crop_affine((300.0, 300.0), 300.0, size, draw.rotation_deg)
    if draw.flip:
        affine = flip_affine(affine, size)
    expected = crop_px_to_ndc(transform_points(pixels, affine), size)
    expected = reorder_keypoints(np.column_stack([expected, np.ones(49)]), draw)[:, :2]

    turned = joints_of(augment_pose(pose, draw))
    tolerance = 0.03 if draw.flip else 2e-3  # of NDC; 0.03 is 4 cm. The turn is about the pelvis joint, 1 mm off axis
    shift = turned[0, 8] - joints[0, 8]  # smplx turns the root about the pelvis, the picture about the origin
    moved = project(turned - shift, cam)[0].numpy()
    pelvis = project(joints, cam)[0, 8].numpy()
    np.testing.assert_allclose(moved - pelvis, expected - expected[8], atol=tolerance)
    wrong = project(joints, cam)[0].numpy() - pelvis
    if draw != AugmentationDraw():
        assert np.abs(wrong - (expected - expected[8])).max() > 0.1  # leaving the pose as it was would be seen

    labels = np.column_stack([joints[0, 25:].numpy(), np.ones(24)])
    moved_3d = torch.from_numpy(augment_joints_3d(labels, draw)[:, :3]).float()
    np.testing.assert_allclose(project(moved_3d[None], cam)[0].numpy(), expected[25:], atol=1e-5)


@pytest.mark.parametrize("draw", DRAWS, ids=lambda d: f"flip={d.flip} turn={d.rotation_deg:g}")
def test_a_dot_painted_on_the_left_wrist_is_found_at_the_augmented_keypoint(draw: AugmentationDraw) -> None:
    size, place = 128, np.array([170.4, 121.7])
    y, x = np.mgrid[0:256, 0:256] + 0.5
    dot = np.rint(250 * np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / 50)).astype(np.uint8)
    affine = crop_affine((140.0, 130.0), 128.0, size, draw.rotation_deg)
    if draw.flip:
        affine = flip_affine(affine, size)
    keypoints = np.zeros((49, 3))
    keypoints[7] = [*place, 1]  # the left wrist of the detected 25; right is 4
    keypoints[:, :2] = transform_points(keypoints[:, :2], affine)
    where = 4 if draw.flip else 7
    label = reorder_keypoints(keypoints, draw)
    assert label[:, 2].nonzero()[0].tolist() == [where]
    crop = warp_crop(cv2.merge([dot] * 3), affine, size)[..., 0].astype(float)
    y, x = np.mgrid[0:size, 0:size] + 0.5
    centroid = np.array([(crop * x).sum(), (crop * y).sum()]) / crop.sum()
    np.testing.assert_allclose(centroid, label[where, :2], atol=0.05)


def test_channel_gain_multiplies_rounds_and_clips() -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    gain = (0.6, 1.0, 1.4)
    expected = np.clip(np.rint(image * np.array(gain)), 0, 255)
    np.testing.assert_array_equal(apply_channel_gain(image, gain), expected)
    assert apply_channel_gain(image, (1.0, 1.0, 1.0)) is image


def test_truncated_colours_are_those_of_writing_floats_into_bytes() -> None:
    """The published code multiplies a channel, clips it, and assigns it to an array of bytes."""
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    gain, expected = (0.61, 1.0, 1.39), image.copy()
    for channel in range(3):
        expected[:, :, channel] = np.minimum(255.0, np.maximum(0.0, image[:, :, channel] * gain[channel]))
    truncated = apply_channel_gain(image, gain, truncate=True)
    np.testing.assert_array_equal(truncated, expected)
    darker = apply_channel_gain(image, gain).astype(int) - truncated
    assert set(np.unique(darker)) == {0, 1}  # half a level on average
    assert apply_channel_gain(np.full((1, 1, 3), 100, np.uint8), (0.999,) * 3, truncate=True).tolist() == [[[99] * 3]]


def test_a_draw_knows_how_colours_are_rounded() -> None:
    for truncate in (False, True):
        draw = Augmentation(truncate_colours=truncate).draw(np.random.default_rng(0))
        assert draw.truncate_colours == truncate
