"""Samples: what is masked, what is normalised, and what the random numbers depend on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from pymaf_pl.data.annotations import load_annotations
from pymaf_pl.data.augment import Augmentation, AugmentationDraw, augment_pose
from pymaf_pl.data.cropping import Crop
from pymaf_pl.data.dataset import EvaluationDataset, MixtureDataset, PersonDataset, SampleKey
from pymaf_pl.types import Batch

Columns = dict[str, Any]
Make = Callable[..., PersonDataset]


@pytest.fixture
def make(columns: Columns, save: Callable[[Columns], Path], images: Path) -> Make:
    def dataset(
        body_model: str = "smpl", augmentation: Augmentation | None = None, size: int = 64, crop: Crop | None = None
    ) -> PersonDataset:
        return PersonDataset(load_annotations(save(columns)), images, size, body_model, augmentation, crop)

    return dataset


def test_a_sample_has_every_entry_of_a_batch(make: Make) -> None:
    batch = default_collate([make().sample(row) for row in range(3)])
    assert set(batch) == set(Batch.__annotations__)
    assert batch["image"].shape == (3, 3, 64, 64)
    assert batch["image"].dtype == torch.uint8
    assert batch["pose"].shape == (3, 24, 3)
    assert batch["keypoints_2d"].shape == (3, 49, 3)
    assert batch["keypoints_3d"].shape == (3, 24, 4)
    assert batch["has_pose"].dtype == batch["has_betas"].dtype == batch["has_keypoints_3d"].dtype == torch.bool
    assert batch["index"].tolist() == [0, 1, 2]


def test_keypoints_are_normalised_to_the_box(columns: Columns, make: Make) -> None:
    columns["center"][0], columns["scale"][0] = (50, 60), 0.4  # a box of 80 px
    columns["part"][0, 3] = [50, 60, 1]
    columns["part"][0, 4] = [10, 100, 1]
    columns["openpose"][0, 8] = [90, 20, 0.5]
    label = make().sample(0)["keypoints_2d"].numpy()
    np.testing.assert_allclose(label[25 + 3], [0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(label[25 + 4], [-1, 1, 1], atol=1e-6)
    np.testing.assert_allclose(label[8], [1, -1, 0.5], atol=1e-6)


@pytest.mark.parametrize("augmentation", [None, Augmentation(flip_probability=1.0, no_rotation_probability=0.0)])
def test_a_pixel_that_an_annotator_clicked_is_where_the_keypoint_is(
    augmentation: Augmentation | None, columns: Columns, make: Make, images: Path
) -> None:
    """Pixel (61, 40) of the picture is bright and labelled 61, 40; in the crop its blob lies on the keypoint."""
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[40, 61] = 255
    cv2.imwrite(str(images / "images/0.png"), picture)
    columns["center"][0], columns["scale"][0] = (55, 44), 0.3  # 60 px to 128: one pixel becomes two
    columns["part"][0, :, 2] = 0
    columns["part"][0, 12] = [61, 40, 1]  # the neck keeps its name in a mirror
    sample = make(augmentation=augmentation, size=128).sample(0, np.random.default_rng(1))
    light = sample["image"].double().sum(dim=0).numpy()
    y, x = np.mgrid[0:128, 0:128] + 0.5
    centroid = np.array([(light * x).sum(), (light * y).sum()]) / light.sum()
    label = sample["keypoints_2d"][25 + 12].numpy()
    assert label[2] == 1
    np.testing.assert_allclose(centroid, 64 * (label[:2] + 1), atol=0.1)


def test_the_published_crop_gives_whole_pixels_counted_from_one(columns: Columns, make: Make) -> None:
    """The published steps for one joint, by hand: a box of 80 px becomes 64, turned and mirrored."""
    columns["center"][0], columns["scale"][0] = (50.3, 60.1), 0.4
    columns["part"][0, :, 2] = 0
    columns["part"][0, 12] = [61, 40, 1]  # the neck keeps its name in a mirror
    augmentation = Augmentation(flip_probability=1.0, no_rotation_probability=0.0, truncate_colours=True)
    draw = augmentation.draw(np.random.default_rng(1))
    published = Crop(whole_pixels=True, stretch_contrast=True, truncate_keypoints=True)
    sample = make(augmentation=augmentation, crop=published).sample(0, np.random.default_rng(1))
    scale, angle = 64 / (80 * draw.scale), np.radians(draw.rotation_deg)
    x, y = scale * (61 - np.float32(50.3)), scale * (40 - np.float32(60.1))
    turned = 32 + np.cos(angle) * x + np.sin(angle) * y, 32 - np.sin(angle) * x + np.cos(angle) * y
    pixel = [64 - (int(turned[0]) + 1), int(turned[1]) + 1]
    np.testing.assert_allclose(sample["keypoints_2d"][25 + 12], [pixel[0] / 32 - 1, pixel[1] / 32 - 1, 1], atol=1e-6)
    exact = make(augmentation=augmentation).sample(0, np.random.default_rng(1))
    assert 0 < (sample["keypoints_2d"] - exact["keypoints_2d"]).abs().max() * 32 < 2
    assert not torch.equal(sample["image"], exact["image"])
    torch.testing.assert_close(sample["pose"], exact["pose"])
    torch.testing.assert_close(sample["keypoints_3d"], exact["keypoints_3d"])


@pytest.mark.parametrize("confidence", [0.0, -1.0])
def test_unlabelled_keypoints_are_all_zero(confidence: float, columns: Columns, make: Make) -> None:
    columns["part"][1, 7] = [1e9, -1e9, confidence]
    assert make().sample(1)["keypoints_2d"][25 + 7].tolist() == [0, 0, 0]


def test_betas_of_another_body_are_masked_and_its_pose_is_kept(columns: Columns, make: Make) -> None:
    columns["body_model"] = np.array("smpl")
    ours, other = make("smpl").sample(0), make("open").sample(0)
    assert ours["has_betas"]
    torch.testing.assert_close(ours["betas"].double(), torch.from_numpy(columns["shape"][0]))
    assert not other["has_betas"]
    assert (other["betas"] == 0).all()
    assert other["has_pose"]
    torch.testing.assert_close(other["pose"], ours["pose"])


def test_rows_without_a_fit_hold_zeros(make: Make) -> None:
    sample = make(augmentation=Augmentation()).sample(2, np.random.default_rng(0))  # has_smpl of row 2 is 0
    assert not sample["has_pose"]
    assert not sample["has_betas"]
    assert (sample["pose"] == 0).all()
    assert (sample["betas"] == 0).all()
    assert sample["has_keypoints_3d"]


def test_rows_without_3d_hold_zeros(columns: Columns, make: Make) -> None:
    columns["has_3d"] = np.array([1, 0, 1, 1, 1, 1, 1])
    sample = make().sample(1)
    assert not sample["has_keypoints_3d"]
    assert (sample["keypoints_3d"] == 0).all()


def test_without_a_generator_nothing_is_augmented(make: Make) -> None:
    plain, augmented = make(), make(augmentation=Augmentation())
    torch.testing.assert_close(augmented.sample(0), plain.sample(0))


def test_one_draw_moves_every_label(columns: Columns, make: Make) -> None:
    """The sample is augmented by exactly the draw that its generator gives."""
    augmentation = Augmentation(flip_probability=1.0, no_rotation_probability=0.0)
    draw = augmentation.draw(np.random.default_rng(7))
    assert draw.flip
    assert draw.rotation_deg != 0
    sample, plain = make(augmentation=augmentation).sample(0, np.random.default_rng(7)), make().sample(0)
    expected = torch.from_numpy(augment_pose(columns["pose"][0].astype(np.float32), draw)).float()
    torch.testing.assert_close(sample["pose"], expected)
    affine = sample["crop_affine"].double()
    assert torch.linalg.det(affine[:, :2]) < 0  # a mirror
    side = 200 * columns["scale"][0] * draw.scale
    assert torch.linalg.det(affine[:, :2]).abs().sqrt().item() == pytest.approx(64 / side, rel=1e-5)
    # a labelled joint: its own pixel through the stored map, under its mirrored name
    joint, twin = 0, 5  # right and left ankle
    if columns["part"][0, joint, 2] == 0:
        joint, twin = next((j, 5 - j) for j in range(6) if columns["part"][0, j, 2] > 0)
    place = torch.from_numpy(columns["part"][0, joint, :2]) + 0.5  # tables count from the first pixel's centre
    pixel = affine[:, :2] @ place + affine[:, 2]
    np.testing.assert_allclose(sample["keypoints_2d"][25 + twin, :2].numpy(), (2 * pixel / 64 - 1).numpy(), atol=1e-4)
    assert not torch.equal(sample["image"], plain["image"])
    torch.testing.assert_close(sample["betas"], plain["betas"])


def test_a_sample_depends_on_seed_epoch_and_position_alone(make: Make) -> None:
    source = make(augmentation=Augmentation())
    dataset = MixtureDataset({"a": source}, seed=3)
    key = SampleKey(epoch=2, position=5, source="a", row=1)
    first = dataset[key]
    np.random.seed(0)  # noqa: NPY002  the global generators have no say
    torch.manual_seed(0)
    dataset[SampleKey(0, 0, "a", 4)]
    torch.testing.assert_close(dataset[key], first, rtol=0, atol=0)
    torch.testing.assert_close(MixtureDataset({"a": source}, seed=3)[key], first, rtol=0, atol=0)
    others = [
        dataset[key._replace(position=6)], dataset[key._replace(epoch=3)], MixtureDataset({"a": source}, seed=4)[key],
    ]  # fmt: skip
    assert all(not torch.equal(other["image"], first["image"]) for other in others)


def test_evaluation_walks_the_rows_in_order(make: Make) -> None:
    source = make(augmentation=Augmentation())
    people = EvaluationDataset(source)
    assert len(people) == 7
    assert [int(people[row]["index"]) for row in range(7)] == list(range(7))
    torch.testing.assert_close(people[3], PersonDataset.sample(source, 3))


def test_the_default_draw_is_the_identity() -> None:
    assert AugmentationDraw() == AugmentationDraw(False, (1.0, 1.0, 1.0), 0.0, 1.0)
