"""Labels that others made (EFT, SPIN, 4D-Humans, mmhuman3d, OpenPose) and those of one's own."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import raw_trees
from scipy.spatial.transform import Rotation

from pymaf_pl.body.joints import JOINTS_24, OPENPOSE_25
from pymaf_pl.data.convert import eft, hmr2, humandata, openpose, own, spin_fits
from pymaf_pl.data.convert.request import Request
from pymaf_pl.errors import InputError

RNG = np.random.default_rng(0)


def save(path: Path, columns: dict[str, Any]) -> Path:
    np.savez(path, **columns)
    return path


# ---------------------------------------------------------------- EFT


@pytest.fixture
def fits() -> list[dict[str, Any]]:
    rotations = Rotation.from_rotvec(RNG.normal(size=(2 * 24, 3)) * 0.5)
    return [
        {
            "parm_pose": rotations.as_matrix().reshape(2, 24, 3, 3)[i].tolist(), "parm_shape": [0.1 * i] * 10,
            "parm_cam": [0.9, 0, 0], "bbox_scale": 1.5 + i, "bbox_center": [100.0 + i, 200.0], "annotId": 7 + i,
            "imageName": f"COCO_train2014_{i:012d}.jpg", "smpltype": "smpl",
            "gt_keypoint_2d": np.full((49, 3), i + 1.0).tolist(),
        } for i in range(2)
    ]  # fmt: skip


def test_eft_rotations_become_axis_angle(fits: list[dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "coco_2014_train_fit" / "COCO2014-Part-ver01.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"ver": 0.1, "data": fits}))
    rows = eft.convert(Request(tmp_path, "coco_part"))
    table = rows.columns()
    assert table["imgname"].tolist() == [f"train2014/COCO_train2014_{i:012d}.jpg" for i in range(2)]
    turned = Rotation.from_rotvec(table["pose"].reshape(-1, 3)).as_matrix().reshape(2, 24, 3, 3)
    np.testing.assert_allclose(turned, [fit["parm_pose"] for fit in fits], atol=1e-6)
    assert table["scale"].tolist() == [1.5, 2.5]
    assert table["center"].tolist() == [[100, 200], [101, 200]]
    np.testing.assert_allclose(table["shape"][1], 0.1)
    assert table["has_smpl"].all()
    assert (table["part"][1] == 2).all()
    assert table["openpose"].shape == (2, 25, 3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"smpltype": "smplx"}, "fits of smplx"),
        ({"parm_pose": np.zeros((24, 3)).tolist()}, "not an array of numbers|parm_pose has the shape"),
        ({"bbox_scale": [1, 2]}, "bbox_scale"),
    ],
)
def test_eft_of_another_kind_is_named(
    change: dict[str, Any], words: str, fits: list[dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "LSPet_ver01.json"
    path.write_text(json.dumps({"data": [fits[0] | change]}))
    with pytest.raises(InputError, match=words):
        eft.convert(Request(tmp_path, "lspet"))


def test_eft_without_the_file_says_which(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no MPII_ver01\.json in it or below"):
        eft.convert(Request(tmp_path, "mpii"))


# ---------------------------------------------------------------- SPIN's fits


@pytest.fixture
def table(tmp_path: Path) -> Path:
    part = RNG.uniform(10, 90, (4, 24, 3))
    names = np.array([f"images/{i}.jpg" for i in range(4)])
    return save(tmp_path / "coco_train.npz", {"imgname": names, "center": np.full((4, 2), 50.0),
                                              "scale": np.ones(4), "part": part})  # fmt: skip


def test_final_fits_are_valid_where_they_say_so(table: Path, tmp_path: Path) -> None:
    pose, betas = RNG.normal(size=(4, 72)), RNG.normal(size=(4, 10)) * 0.5
    betas[2, 0] = 3.5  # valid all the same: its file says so
    path = save(tmp_path / "coco.npz", {"pose": pose, "betas": betas, "valid_fit": np.array([1, 0, 1, 1])})
    rows = spin_fits.convert(Request(path, "all", table=table))
    found = rows.columns()
    assert found["has_smpl"].tolist() == [1, 0, 1, 1]
    np.testing.assert_allclose(found["pose"][[0, 2, 3]], pose[[0, 2, 3]], rtol=1e-6)
    assert not found["pose"][1].any()
    np.testing.assert_allclose(found["part"], np.load(table)["part"], rtol=1e-6)
    assert rows.notes == ["3 of 4 fits are valid (75.0%)"]


def test_static_fits_are_valid_unless_empty_or_of_an_impossible_shape(table: Path, tmp_path: Path) -> None:
    both = RNG.normal(size=(4, 82)) * 0.5
    both[1, :72] = 0
    both[3, 80] = -3.01
    np.save(tmp_path / "coco_fits.npy", both)
    found = spin_fits.convert(Request(tmp_path / "coco_fits.npy", "all", table=table)).columns()
    assert found["has_smpl"].tolist() == [1, 0, 1, 0]
    np.testing.assert_allclose(found["shape"][2], both[2, 72:], rtol=1e-6)


def test_multi_view_fits_are_read(table: Path, tmp_path: Path) -> None:
    path = save(tmp_path / "mview.npz", {"pose": RNG.normal(size=(4, 72)), "shape": RNG.normal(size=(4, 10)),
                                         "has_smpl": np.array([0, 0, 1, 1])})  # fmt: skip
    assert spin_fits.convert(Request(path, "all", table=table)).columns()["has_smpl"].tolist() == [0, 0, 1, 1]


def test_fits_of_another_table_are_refused(table: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "fits.npy", np.zeros((5, 82)))
    with pytest.raises(InputError, match=r"5 fits, .*coco_train\.npz has 4 rows"):
        spin_fits.convert(Request(tmp_path / "fits.npy", "all", table=table))
    with pytest.raises(InputError, match="needs --table"):
        spin_fits.convert(Request(tmp_path / "fits.npy", "all"))
    np.save(tmp_path / "other.npy", np.zeros((4, 72)))
    with pytest.raises(InputError, match=r"expected \(any, 82\)"):
        spin_fits.convert(Request(tmp_path / "other.npy", "all", table=table))


# ---------------------------------------------------------------- 4D-Humans


def test_tables_of_4d_humans_are_renamed_and_rescaled(tmp_path: Path) -> None:
    content = {
        "imgname": np.array(["a.jpg", "b.jpg"], dtype=object), "center": RNG.uniform(0, 99, (2, 2)),
        "scale": np.array([[100.0, 300.0], [200.0, 150.0]]), "body_keypoints_2d": RNG.uniform(0, 1, (2, 25, 3)),
        "extra_keypoints_2d": RNG.uniform(0, 1, (2, 19, 3)), "extra_keypoints_3d": RNG.uniform(0.1, 1, (2, 19, 4)),
        "body_pose": RNG.normal(size=(2, 72)), "has_body_pose": np.array([1, 1]), "betas": RNG.normal(size=(2, 10)),
        "has_betas": np.array([1, 0]),
    }  # fmt: skip
    found = hmr2.convert(Request(save(tmp_path / "h.npz", content), "all")).columns()
    assert found["imgname"].tolist() == ["a.jpg", "b.jpg"]
    np.testing.assert_allclose(found["scale"], [1.5, 1.0])
    np.testing.assert_allclose(found["openpose"], content["body_keypoints_2d"], rtol=1e-6)
    np.testing.assert_allclose(found["part"][:, :19], content["extra_keypoints_2d"], rtol=1e-6)
    assert not found["part"][:, 19:].any()
    np.testing.assert_allclose(found["S"][:, :19], content["extra_keypoints_3d"], rtol=1e-6)
    assert found["has_smpl"].tolist() == [1, 0]
    np.testing.assert_allclose(found["pose"], content["body_pose"], rtol=1e-6)


# ---------------------------------------------------------------- HumanData


def human_data(config: str = "coco", compressed: bool = True) -> dict[str, Any]:
    """Two people of whom the nose (55), the head top (147) and OpenPose's neck (154) are known."""
    known = [55, 147, 154]
    mask = np.zeros(190)
    mask[known] = 1
    points = np.zeros((2, 190, 3))
    points[:, known] = np.arange(18).reshape(2, 3, 3) + 1
    deep = np.zeros((2, 190, 4))
    deep[:, known] = np.arange(24).reshape(2, 3, 4) + 1
    return {
        "image_path": np.array(["a.jpg", "b.jpg"]), "bbox_xywh": np.array([[10.0, 20, 40, 80, 1], [0, 0, 50, 60, 1]]),
        "keypoints2d": points[:, known] if compressed else points, "keypoints2d_mask": mask,
        "keypoints3d": deep[:, known] if compressed else deep, "keypoints3d_mask": mask,
        "smpl": np.array({"global_orient": np.full((2, 3), 0.5), "body_pose": np.full((2, 23, 3), 0.25),
                          "betas": np.ones((2, 10))}, dtype=object),
        "meta": np.array({"gender": ["female", "m"]}, dtype=object), "config": np.array(config),
    }  # fmt: skip


@pytest.mark.parametrize("compressed", [False, True])
def test_human_data_joints_are_found_by_their_place(compressed: bool, tmp_path: Path) -> None:
    found = humandata.convert(Request(save(tmp_path / "d.npz", human_data(compressed=compressed)), "all")).columns()
    assert found["center"].tolist() == [[30, 60], [25, 30]]
    np.testing.assert_allclose(found["scale"], [0.4, 0.3], rtol=1e-6)  # its margin is in the box
    nose, top = JOINTS_24.index("nose"), JOINTS_24.index("head_top")
    assert found["part"][1, nose].tolist() == [10, 11, 12]
    assert found["part"][1, top].tolist() == [13, 14, 15]
    assert found["openpose"][1, list(OPENPOSE_25).index("op_neck")].tolist() == [16, 17, 18]
    assert (found["part"] != 0).sum() == 12
    assert found["S"][0, top].tolist() == [5, 6, 7, 8]
    assert found["pose"][0].tolist() == [0.5] * 3 + [0.25] * 69
    assert found["gender"].tolist() == ["f", "m"]


def test_human_data_of_mocap_has_no_head_top_but_a_head(tmp_path: Path) -> None:
    found = humandata.convert(Request(save(tmp_path / "d.npz", human_data("h36m")), "all")).columns()
    assert found["part"][1, JOINTS_24.index("head")].tolist() == [13, 14, 15]
    assert not found["part"][:, JOINTS_24.index("head_top")].any()


@pytest.mark.parametrize("box", [[10, 20, 312, 28], [10, 20, 0, 50], [10, 20, -5, 9], [10, 20, np.nan, 9]])
def test_human_data_boxes_that_hold_nobody_are_refused_by_name(box: list[float], tmp_path: Path) -> None:
    content = human_data()
    content["bbox_xywh"][1, :4] = box
    path = save(tmp_path / "d.npz", content)
    with pytest.raises(InputError, match=r"row 1 \(b\.jpg\): bbox_xywh is 10 20 .*no person's; 1 such rows") as caught:
        humandata.convert(Request(path, "all"))
    assert "\n" not in str(caught.value)
    assert humandata.convert(Request(path, "all", skip_bad=True)).columns()["scale"][1] == 0


def test_human_data_boxes_may_be_corners(tmp_path: Path) -> None:
    content = human_data()
    content["bbox_xywh"] = np.array([[10.0, 20, 50, 100], [10, 20, 30, 60]])
    found = humandata.convert(Request(save(tmp_path / "d.npz", content), "all", boxes="xyxy")).columns()
    assert found["center"].tolist() == [[30, 60], [20, 40]]
    np.testing.assert_allclose(found["scale"], [0.4, 0.2], rtol=1e-6)


def test_human_data_of_an_older_kind_is_named(tmp_path: Path) -> None:
    content = human_data() | {"keypoints2d_mask": np.ones(144)}
    with pytest.raises(InputError, match="about 144 joints, expected 190"):
        humandata.convert(Request(save(tmp_path / "d.npz", content), "all"))


class Burglar:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch burgled",)


@pytest.mark.parametrize("name", ["humandata", "hmr2", "spin_fits"])
def test_code_in_foreign_tables_is_refused_not_run(
    name: str, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    loot = np.array(Burglar(), dtype=object)
    content = {
        "humandata": human_data() | {"smpl": loot},
        "hmr2": {"imgname": np.array(["a"]), "center": np.zeros((1, 2)), "scale": np.ones(1), "betas": loot},
        "spin_fits": {"pose": loot, "betas": np.zeros((4, 10)), "valid_fit": np.ones(4)},
    }[name]
    run = {"humandata": humandata, "hmr2": hmr2, "spin_fits": spin_fits}[name].convert
    with pytest.raises(InputError, match="is a pickled object array, which is refused: it names"):
        run(Request(save(tmp_path / "d.npz", content), "all", table=table))
    assert not (tmp_path / "burgled").exists()


# ---------------------------------------------------------------- one's own


PERSON: dict[str, Any] = {
    "image": "a.jpg", "box": [10, 20, 40, 80], "gender": "f", "mask": "a_mask.png", "pose": [0.5] * 72,
    "betas": [1.0] * 10,
    "keypoints": {"left_knee": [30, 40, 0.5], "op_neck": [20, 30]},
    "keypoints_3d": {"pelvis": [0.5, 0, 4], "left_knee": [0.75, 0.5, 4]},
}  # fmt: skip


def write_csv(path: Path) -> Path:
    cells = {"image": "a.jpg", "x": 10, "y": 20, "w": 40, "h": 80, "gender": "f", "mask": "a_mask.png"}
    cells |= {f"pose_{i}": 0.5 for i in range(72)} | {f"betas_{i}": 1.0 for i in range(10)}
    for name, point in PERSON["keypoints"].items():
        cells |= {f"{name}_{axis}": value for axis, value in zip("xyc", point, strict=False)}
    for name, point in PERSON["keypoints_3d"].items():
        cells |= {f"{name}_{axis}": value for axis, value in zip("XYZ", point, strict=True)}
    second = dict.fromkeys(cells, "") | {
        "image": "b.jpg",
        "left_knee_x": 5,
        "left_knee_y": 6,
        "op_neck_x": 15,
        "op_neck_y": 9,
    }
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(cells))
        writer.writeheader()
        writer.writerows([cells, second])
    return path


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_ones_own_people(kind: str, tmp_path: Path) -> None:
    if kind == "json":
        second = {"image": "b.jpg", "keypoints": {"left_knee": [5, 6], "op_neck": [15, 9]}}
        path = tmp_path / "people.json"
        path.write_text(json.dumps([PERSON, second]))
    else:
        path = write_csv(tmp_path / "people.csv")
    found = own.convert(Request(path, "all")).columns()
    knee, neck, pelvis = JOINTS_24.index("left_knee"), list(OPENPOSE_25).index("op_neck"), JOINTS_24.index("pelvis")
    assert found["imgname"].tolist() == ["a.jpg", "b.jpg"]
    assert found["center"].tolist() == [[30, 60], [10, 7.5]]
    np.testing.assert_allclose(found["scale"], [1.2 * 80 / 200, 1.2 * 10 / 200], rtol=1e-6)
    assert found["part"][:, knee].tolist() == [[30, 40, 0.5], [5, 6, 1]]
    assert found["openpose"][0, neck].tolist() == [20, 30, 1]
    assert found["S"][0, knee].tolist() == [0.25, 0.5, 0, 1]
    assert found["S"][0, pelvis].tolist() == [0, 0, 0, 1]
    assert found["transl"].tolist() == [[0.5, 0, 4], [0, 0, 0]]
    assert found["has_3d"].tolist() == [1, 0]
    assert found["has_smpl"].tolist() == [1, 0]
    assert found["pose"][0].tolist() == [0.5] * 72
    assert found["gender"].tolist() == ["f", ""]
    assert found["maskname"].tolist() == ["a_mask.png", ""]


@pytest.mark.parametrize(
    ("person", "words"),
    [
        ({"image": "a.jpg", "keypoint": {}}, "field 'keypoint' is unknown; is it keypoints"),
        ({"image": "a.jpg", "keypoints": {"left_nee": [1, 2]}}, "joint 'left_nee' is unknown; is it left_knee"),
        ({"image": "a.jpg", "keypoints": {"left_knee": [1]}}, "keypoint left_knee of person 0"),
        ({"image": "a.jpg"}, "neither a box nor a labelled 2D joint"),
        ({"box": [1, 2, 3, 4]}, "has no image"),
        ({"image": "a.jpg", "box": [1, 2, 3]}, "box of person 0"),
        ({"image": "a.jpg", "box": [1, 2, 3, 4], "pose": [0] * 72}, "only one of pose and betas"),
    ],
)
def test_what_is_wrong_with_ones_own_people_is_said(person: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    path.write_text(json.dumps([person]))
    with pytest.raises(InputError, match=words) as caught:
        own.convert(Request(path, "all"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image,x,y,w,hh\na.jpg,1,2,3,4", "column 'hh' is unknown; is it"),
        ("image,x,y,w,h\na.jpg,1,2,3", "line 2 has another number of cells"),
        ("image,x,y,w,h\na.jpg,1,two,3,4", "line 2: x, y, w, h are"),
        ("image,x,y,w,h\na.jpg,1,,3,4", "expected numbers in all or none"),
    ],
)
def test_what_is_wrong_with_ones_own_table_is_said(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        own.convert(Request(path, "all"))


def test_openpose_people_are_paired_with_their_pictures(tmp_path: Path) -> None:
    raw_trees.picture(tmp_path / "images" / "x.png")
    good, few = RNG.uniform(10, 50, (25, 3)), np.zeros((25, 3))
    good[..., 2], good[4] = 0.5, 0
    few[:2] = 1
    people = [{"pose_keypoints_2d": flat.ravel().tolist()} for flat in (good, few)]
    (tmp_path / "x_keypoints.json").write_text(json.dumps({"version": 1.3, "people": people}))
    (tmp_path / "y_keypoints.json").write_text(json.dumps({"people": people}))
    rows = openpose.convert(Request(tmp_path, "all"))
    found = rows.columns()
    assert found["imgname"].tolist() == ["images/x.png"]
    np.testing.assert_allclose(found["openpose"][0], good, rtol=1e-6)
    seen = good[np.arange(25) != 4, :2]
    np.testing.assert_allclose(found["scale"], [1.2 * np.ptp(seen, axis=0).max() / 200], rtol=1e-6)
    assert len(rows.notes) == 2
