"""COCO's protocol on people whose keypoints are known: tables of our own and a real annotation file's layout."""

import json

import numpy as np
import pytest

from measured_world import MakeWorld, World
from pymaf_pl.body.joints import JOINTS_24_TO_COCO
from pymaf_pl.errors import InputError
from pymaf_pl.metrics.coco import CocoKeypoints
from pymaf_pl.types import BodyState

pytest.importorskip("pycocotools", reason="AP needs the extra [coco]")


def test_the_truth_is_one_and_the_mean_body_what_it_was(make_world: MakeWorld) -> None:
    world = make_world(6)
    figures = world.mean(CocoKeypoints(), world.truth)
    assert all(value == pytest.approx(1.0) for value in figures.values() if not np.isnan(value)), figures
    assert figures["ap"] == figures["oks"] == pytest.approx(1.0)
    recorded = world.mean(CocoKeypoints(), world.mean_body())
    assert recorded["oks"] == pytest.approx(0.3650, abs=2e-3)
    assert recorded["ap50"] == 0


def test_every_iteration_has_its_own_figures(make_world: MakeWorld) -> None:
    world = make_world(6)
    measured = world.measure(CocoKeypoints(), world.mean_body(), world.truth)
    for name, values in measured.figures.items():
        if name.endswith("_l"):  # nobody is that large
            assert np.isnan(values).all()
            continue
        before, after = np.nanmean(values, axis=1)
        assert after == pytest.approx(1.0), name
        assert before < after, name


def shifted(world: World, px: float) -> BodyState:
    """The truth, moved right by pixels of the picture."""
    camera = world.truth.weak_cam.clone()
    camera[:, 1] += px * world.batch["crop_affine"][:, 0, 0] / 32 / camera[:, 0]  # 64 px of crop are 2 of NDC
    return BodyState(world.truth.pose_6d, world.truth.betas, camera)


def test_keypoints_are_compared_in_pixels_of_the_picture(make_world: MakeWorld) -> None:
    world, protocol = make_world(3), CocoKeypoints()
    measured = world.measure(protocol, shifted(world, 3.0))
    points = measured.pieces["keypoints"][0].reshape(3, 17, 2)
    miss = points - world.table.part[:, JOINTS_24_TO_COCO, :2]
    np.testing.assert_allclose(miss[..., 0], 3.0, atol=0.05)
    np.testing.assert_allclose(miss[..., 1], 0.0, atol=0.05)


def annotation_file(world: World, images: list[int]) -> dict:  # type: ignore[type-arg]
    """COCO's own layout: the same people, a crowd, and somebody whom the table does not have."""
    people = []
    for row, image in enumerate(images):
        points = world.table.part[row][JOINTS_24_TO_COCO]
        flat = np.column_stack([points[:, :2], np.full(17, 2.0)]).ravel().tolist()
        people.append({"id": row + 1, "image_id": image, "category_id": 1, "keypoints": flat, "num_keypoints": 17,
                       "area": 1200.0 + row, "bbox": [10, 10, 50, 60], "iscrowd": 0})  # fmt: skip
    other = {**people[0], "id": 90, "keypoints": (np.array(people[0]["keypoints"]) + 300).tolist(), "area": 5000.0}
    crowd = {**people[0], "id": 91, "keypoints": [0] * 51, "num_keypoints": 0, "iscrowd": 1}
    return {"images": [{"id": image} for image in sorted({*images, 777})], "annotations": [*people, other, crowd],
            "categories": [{"id": 1, "name": "person"}]}  # fmt: skip


def test_a_real_annotation_file_is_the_ground_truth(make_world: MakeWorld) -> None:
    world, images = make_world(4), [11, 11, 42, 43]
    world.table.imgname = np.array([f"val2014/COCO_val2014_{image:012d}.jpg" for image in images])
    path = world.root / "person_keypoints_val2014.json"
    path.write_text(json.dumps(annotation_file(world, images)))
    protocol = CocoKeypoints(annotations=str(path))
    figures = world.mean(protocol, world.truth)
    assert figures["oks"] == pytest.approx(1.0)
    # one of five people has no box in the table, so no detection: COCO's 101 recalls up to 0.8
    assert figures["ar"] == pytest.approx(0.8)
    assert figures["ap"] == pytest.approx(81 / 101)
    assert protocol._areas.tolist() == [1200, 1201, 1202, 1203]  # matched by keypoints, not by order


def test_a_table_without_areas_or_numbers_is_refused(make_world: MakeWorld) -> None:
    world = make_world()
    with pytest.raises(InputError, match="does not end in COCO's twelve digits"):
        CocoKeypoints(annotations="x.json").attach(world.table, world.root, world.body)
    world.table.maskname[:] = ""
    with pytest.raises(InputError, match="names no masks"):
        CocoKeypoints().attach(world.table, world.root, world.body)
    with pytest.raises(InputError, match="no figure 'miou'"):
        CocoKeypoints(figures=("miou",))
