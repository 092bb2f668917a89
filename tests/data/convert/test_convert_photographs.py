"""LSP, LSP-Extended, MPII and COCO: every number of a converted row."""

from pathlib import Path

import numpy as np
import pytest
import raw_trees

from pymaf_pl.data.convert import coco, lsp, lspet, mpii
from pymaf_pl.data.convert.request import Request
from pymaf_pl.errors import InputError


def box(points: np.ndarray) -> tuple[np.ndarray, float]:
    low, high = points.min(axis=0), points.max(axis=0)
    return (low + high) / 2, 1.2 * (high - low).max() / 200


def test_lsp_occluded_joints_weigh_nothing_but_count_for_the_box(tmp_path: Path) -> None:
    joints = raw_trees.lsp(tmp_path)
    rows = lsp.convert(Request(tmp_path, "train"))
    table = rows.columns()
    assert table["imgname"].tolist() == ["images/im0001.jpg", "images/im0002.jpg"]
    assert table["part"][:, :14, 2].tolist() == [[1, 1, 1, 1, 0] + [1] * 9] * 2
    assert not table["part"][:, 14:].any()
    assert not table["part"][:, 4].any()
    np.testing.assert_allclose(table["part"][1, 5, :2], joints[:2, 5, 1], rtol=1e-6)
    center, scale = box(joints[:2, :, 1].T)
    np.testing.assert_allclose(table["center"][1], center, rtol=1e-6)
    np.testing.assert_allclose(table["scale"][1], scale, rtol=1e-6)
    assert "998 of 1000 images are not there and were left out" in rows.notes


def test_lsp_as_spin_ignores_the_flag(tmp_path: Path) -> None:
    joints = raw_trees.lsp(tmp_path)
    table = lsp.convert(Request(tmp_path, "train", spin=True)).columns()
    assert (table["part"][:, :14, 2] == 1).all()
    np.testing.assert_allclose(table["part"][0, 4, :2], joints[:2, 4, 0], rtol=1e-6)


def test_lsp_without_flags_is_all_visible(tmp_path: Path) -> None:
    raw_trees.lsp(tmp_path, flags=False)
    assert (lsp.convert(Request(tmp_path, "train")).columns()["part"][:, :14, 2] == 1).all()


@pytest.mark.parametrize("given", [False, True])
def test_lsp_test_half_gets_its_masks(given: bool, tmp_path: Path) -> None:
    joints = raw_trees.lsp(tmp_path)
    folder = tmp_path / ("elsewhere" if given else "upi-s1h/data/lsp")
    for number in (1001, 1002):
        raw_trees.picture(folder / f"im{number}_segmentation.png")
    raw_trees.picture(folder / "im1001_part_segmentation.png")
    rows = lsp.convert(Request(tmp_path, "test", masks=folder if given else None))
    table, prefix = rows.columns(), folder.relative_to(tmp_path).as_posix()
    assert table["imgname"].tolist() == ["images/im1001.jpg", "images/im1002.jpg"]
    np.testing.assert_allclose(table["part"][0, 0, :2], joints[:2, 0, 1000], rtol=1e-6)
    assert table["maskname"].tolist() == [f"{prefix}/im1001_segmentation.png", f"{prefix}/im1002_segmentation.png"]
    assert table["partname"].tolist() == [f"{prefix}/im1001_part_segmentation.png", ""]
    assert any("1 of 2 masks im...._part_segmentation.png" in note for note in rows.notes)


def test_lsp_masks_outside_of_the_images_folder_cannot_be_named(tmp_path: Path) -> None:
    raw_trees.lsp(tmp_path / "lsp")
    raw_trees.picture(tmp_path / "masks" / "im1001_segmentation.png")
    with pytest.raises(InputError, match="move or link them into"):
        lsp.convert(Request(tmp_path / "lsp", "test", masks=tmp_path / "masks"))


@pytest.mark.parametrize("high", [False, True])
def test_lspet_joints_that_were_never_placed_stay_out(high: bool, tmp_path: Path) -> None:
    joints = raw_trees.lspet(tmp_path, high=high)
    table = lspet.convert(Request(tmp_path, "train")).columns()
    assert table["imgname"][0] == ("im00001.png" if high else "images/im00001.jpg")
    assert table["part"][3, :14, 2].tolist() == [0] + [1] * 12 + [0]
    center, scale = box(joints[1:13, :2, 3])
    np.testing.assert_allclose(table["center"][3], center, rtol=1e-6)
    np.testing.assert_allclose(table["scale"][3], scale, rtol=1e-6)
    assert not table["part"][:, [0, 13]].any()


def test_lspet_as_spin_believes_every_joint(tmp_path: Path) -> None:
    joints = raw_trees.lspet(tmp_path)
    table = lspet.convert(Request(tmp_path, "train", spin=True)).columns()
    assert (table["part"][:, :14, 2] == 1).all()
    np.testing.assert_allclose(table["part"][0, 0, :2], [0, -26])
    np.testing.assert_allclose(table["scale"][0], box(joints[:, :2, 0])[1], rtol=1e-6)


def test_lspet_pairs_pictures_and_joints_by_number_or_by_rank(tmp_path: Path) -> None:
    joints = raw_trees.lspet(tmp_path / "part", people=6, images=(2, 5))
    table = lspet.convert(Request(tmp_path / "part", "train")).columns()
    np.testing.assert_allclose(table["part"][1, 3, :2], joints[3, :2, 4], rtol=1e-6)
    joints = raw_trees.lspet(tmp_path / "high", people=2, images=(2, 5), high=True)  # joints of these two alone
    table = lspet.convert(Request(tmp_path / "high", "train")).columns()
    np.testing.assert_allclose(table["part"][1, 3, :2], joints[3, :2, 1], rtol=1e-6)
    raw_trees.lspet(tmp_path / "odd", people=3, images=(2, 5), high=True)
    with pytest.raises(InputError, match=r"2 images up to im00005\.png, but joints\.mat holds 3 people"):
        lspet.convert(Request(tmp_path / "odd", "train"))


@pytest.mark.parametrize(("spin", "factor"), [(False, 1.2), (True, 1.0)])
def test_mpii_boxes_get_their_margin_unless_as_in_spin(spin: bool, factor: float, tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="the extra [datasets] is not installed")
    raw = raw_trees.mpii(tmp_path)
    rows = mpii.convert(Request(tmp_path, "train", spin=spin))
    table = rows.columns()
    assert table["imgname"].tolist() == ["images/015601864.jpg", "images/015599452.jpg"]
    np.testing.assert_allclose(table["scale"], factor * raw["scale"][[0, 2]], rtol=1e-6)
    np.testing.assert_allclose(table["center"], raw["center"][[0, 2]], rtol=1e-6)
    order = [0, 1, 2, 3, 4, 5, 14, 15, 12, 13, 6, 7, 8, 9, 10, 11]  # SPIN datasets/preprocess/mpii.py
    np.testing.assert_allclose(table["part"][1, order, :2], raw["part"][2], rtol=1e-6)
    assert table["part"][0, :, 2].sum() == 16
    assert rows.notes == ["1 of 3 people lack some of the 16 joints and were left out, as in SPIN"]


COCO_ORDER = [19, 20, 21, 22, 23, 9, 8, 10, 7, 11, 6, 3, 2, 4, 1, 5, 0]


@pytest.mark.parametrize(("spin", "kept"), [(False, [4, 0]), (True, [4, 3, 0])])
def test_coco_training_people_have_twelve_limb_joints(spin: bool, kept: list[int], tmp_path: Path) -> None:
    keypoints = raw_trees.coco(tmp_path)
    rows = coco.convert(Request(tmp_path, "train", spin=spin))
    table = rows.columns()  # by picture, then by annotation
    pictures = {4: 4}
    assert table["imgname"].tolist() == [f"train2014/COCO_train2014_{pictures.get(i, 9):012d}.jpg" for i in kept]
    for row, person in enumerate(kept):
        labelled = keypoints[person, :, 2] > 0
        expected = np.where(labelled[:, None], keypoints[person, :, :2], 0)
        np.testing.assert_allclose(table["part"][row, COCO_ORDER, :2], expected)
        assert table["part"][row, COCO_ORDER, 2].tolist() == labelled.tolist()  # hidden ones count
        np.testing.assert_allclose(table["center"][row], [30 + person, 35])
    np.testing.assert_allclose(table["scale"], 1.2 * 40 / 200, rtol=1e-6)
    assert rows.notes == ([] if spin else ["1 crowds were left out"])


def test_coco_validation_people_have_any_keypoint(tmp_path: Path) -> None:
    raw_trees.coco(tmp_path, "val")
    table = coco.convert(Request(tmp_path, "val")).columns()
    assert table["imgname"].tolist() == [f"val2014/COCO_val2014_{image:012d}.jpg" for image in (4, 9, 9)]
    assert table["center"][:, 0].tolist() == [34, 31, 30]


@pytest.mark.parametrize("content", ["", "[]", '{"images": [], "annotations": [{"id": 1}]}', '{"images": 3}'])
def test_coco_of_another_kind_is_answered_in_one_line(content: str, tmp_path: Path) -> None:
    file = tmp_path / "annotations" / "person_keypoints_train2014.json"
    file.parent.mkdir()
    file.write_text(content)
    with pytest.raises(InputError) as caught:
        coco.convert(Request(tmp_path, "train"))
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_the_other_lsp_is_recognised(tmp_path: Path) -> None:
    raw_trees.lsp(tmp_path / "lsp", people=20)
    raw_trees.lspet(tmp_path / "lspet")
    with pytest.raises(InputError, match="is this LSP-Extended"):
        lsp.convert(Request(tmp_path / "lspet", "train"))
    with pytest.raises(InputError, match="is this LSP"):
        lspet.convert(Request(tmp_path / "lsp", "train"))
