"""3DPW, 3DOH50K and SSP-3D: every number of a converted row."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import raw_trees
from scipy.spatial.transform import Rotation

from pymaf_pl.data.convert import oh50k3d, pw3d, ssp3d
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.projection import misfit
from pymaf_pl.errors import InputError

TURN = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def test_3dpw_people_are_gendered_and_in_the_cameras_frame(tmp_path: Path) -> None:
    raw = raw_trees.pw3d(tmp_path)
    rows = pw3d.convert(Request(tmp_path, "test"))
    table = rows.columns()
    frames = [0, 3, 0, 1, 2, 3]  # the first person has no camera in frame 1 and no joint in frame 2
    assert table["imgname"].tolist() == [f"imageFiles/downtown_test_00/image_{f:05d}.jpg" for f in frames]
    assert table["gender"].tolist() == ["m"] * 2 + ["f"] * 4
    pose = np.concatenate([raw["poses"][0][[0, 3]], raw["poses"][1]])
    np.testing.assert_allclose(table["pose"][:, 3:], pose[:, 3:], rtol=1e-6)
    expected = TURN @ Rotation.from_rotvec(pose[:, :3]).as_matrix()
    np.testing.assert_allclose(Rotation.from_rotvec(table["pose"][:, :3]).as_matrix(), expected, atol=1e-6)
    np.testing.assert_allclose(table["pose"][2, :3], [np.pi / 2, 0, 0], atol=1e-6)  # the camera's own turn
    np.testing.assert_allclose(table["shape"][0], raw["betas"][0][:10], rtol=1e-6)
    assert table["has_smpl"].all()
    points = raw["poses2d"][1][1]
    center = (points[:2].min(axis=1) + points[:2].max(axis=1)) / 2
    np.testing.assert_allclose(table["center"][3], center, rtol=1e-6)
    np.testing.assert_allclose(table["scale"][3], 1.2 * np.ptp(points[:2], axis=1).max() / 200, rtol=1e-6)
    order = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]  # of BODY_25: 18 has no mid hip
    np.testing.assert_allclose(table["openpose"][3, order], points.T, rtol=1e-6)
    without = raw["poses2d"][0][0][:2, np.arange(18) != 3]  # a joint that was not detected does not widen the box
    np.testing.assert_allclose(table["scale"][0], 1.2 * np.ptp(without, axis=1).max() / 200, rtol=1e-6)
    assert rows.notes == ["1 frames without a detected joint were left out"]


class Burglar:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch burgled",)


def test_3dpw_pickles_cannot_run_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = raw_trees.pw3d(tmp_path)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "sequenceFiles" / "test" / "downtown_test_00.pkl"
    file.write_bytes(pickle.dumps(raw | {"sequence": Burglar()}))
    with pytest.raises(InputError, match=r"refused to read this pickle: it names \w+\.system"):
        pw3d.convert(Request(tmp_path, "test"))
    assert not (tmp_path / "burgled").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"poses": None}, "no key 'poses'"),
        ({"genders": ["m"]}, "'genders' is about 1 people"),
        ({"genders": ["x", "f"]}, "gender of person 0 is 'x'"),
        ({"cam_poses": np.zeros((1, 4, 4))}, "differ in length"),
        ({"poses": [np.zeros((4, 72)), np.zeros((4, 66))]}, "poses of person 1 has the shape"),
    ],
)
def test_3dpw_of_another_shape_is_named(change: dict[str, object], words: str, tmp_path: Path) -> None:
    raw = raw_trees.pw3d(tmp_path)
    file = tmp_path / "sequenceFiles" / "test" / "downtown_test_00.pkl"
    file.write_bytes(pickle.dumps({k: v for k, v in (raw | change).items() if v is not None}, protocol=2))
    with pytest.raises(InputError, match=words) as caught:
        pw3d.convert(Request(tmp_path, "test"))
    assert str(caught.value).startswith(str(file))


@pytest.mark.parametrize("world", [False, True])
def test_3doh50k_is_brought_to_metres_and_into_the_camera(world: bool, tmp_path: Path) -> None:
    raw = raw_trees.oh50k3d(tmp_path, world=world)
    table = oh50k3d.convert(Request(tmp_path, "test")).columns()
    assert table["imgname"].tolist() == ["testset/images/00000.jpg"]
    joints = raw["camera"] / 7
    hips = joints[2:4].mean(axis=0)
    np.testing.assert_allclose(table["S"][0, :14, :3], joints - hips, atol=1e-5)
    assert table["S"][0, :, 3].tolist() == [1] * 14 + [0] * 10
    np.testing.assert_allclose(table["transl"][0], hips, rtol=1e-6)
    np.testing.assert_allclose(table["part"][0, :14, :2], raw["lsp_joints_2d"], rtol=1e-5)
    np.testing.assert_allclose(table["center"], [[30, 30]])
    np.testing.assert_allclose(table["scale"], [1.2 * 50 / 200], rtol=1e-6)
    np.testing.assert_allclose(table["pose"][0, :3], [np.pi / 2, 0, 0], atol=1e-6)  # the extrinsic turn alone
    np.testing.assert_allclose(table["pose"][0, 3:], raw["pose"][0][3:], rtol=1e-6)
    np.testing.assert_allclose(table["cam_intrinsics"], [[1000, 1001, 40, 30]])
    assert misfit(table["part"][0], table["S"][0], table["cam_intrinsics"][0], table["transl"][0]) < 1e-5


@pytest.mark.parametrize(("key", "value"), [("scale", [0.0]), ("pose", [[0.0] * 66]), ("bbox", [1, 2, 3, 4])])
def test_3doh50k_of_another_shape_is_named(key: str, value: object, tmp_path: Path) -> None:
    person = raw_trees.oh50k3d(tmp_path)
    del person["camera"]
    file = tmp_path / "testset" / "annots.json"
    file.write_text(json.dumps({"00000": person | {key: value}}))
    with pytest.raises(InputError, match=f"{key} of person 00000"):
        oh50k3d.convert(Request(tmp_path, "test"))


def test_ssp3d_centres_are_turned_from_row_column_to_x_y(tmp_path: Path) -> None:
    raw = raw_trees.ssp3d(tmp_path)
    table = ssp3d.convert(Request(tmp_path, "test")).columns()
    np.testing.assert_allclose(table["center"], [[130, 250], [140, 260]])
    np.testing.assert_allclose(table["scale"], [1.2 * 300 / 200, 1.2 * 200 / 200], rtol=1e-6)
    assert table["imgname"].tolist() == ["images/a.png", "images/b.png"]
    assert table["maskname"].tolist() == ["silhouettes/a.png", "silhouettes/b.png"]
    assert table["gender"].tolist() == ["m", "f"]
    order = [19, 20, 21, 22, 23, 9, 8, 10, 7, 11, 6, 3, 2, 4, 1, 5, 0]
    np.testing.assert_allclose(table["part"][:, order], raw["joints2D"], rtol=1e-6)
    np.testing.assert_allclose(table["pose"], raw["poses"], rtol=1e-6)
    np.testing.assert_allclose(table["shape"], raw["shapes"], rtol=1e-6)


def test_ssp3d_of_another_kind_is_named(tmp_path: Path) -> None:
    raw = raw_trees.ssp3d(tmp_path)
    np.savez(tmp_path / "labels.npz", **{key: value for key, value in raw.items() if key != "bbox_whs"})
    with pytest.raises(InputError, match="no key 'bbox_whs'"):
        ssp3d.convert(Request(tmp_path, "test"))
