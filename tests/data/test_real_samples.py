"""Real samples of the public data sets, where a copy of them lies beside the project; they never ship with it."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pymaf_pl.body.smpl_pickle import read_plain_pickle
from pymaf_pl.cli import main
from pymaf_pl.commands.data_doctor import summarise
from pymaf_pl.data.annotations import Annotations, check_images, load_annotations
from pymaf_pl.data.convert.cameras import Lens
from pymaf_pl.data.convert.joint_maps import MPI_INF_OF_17, place
from pymaf_pl.data.projection import misfit

REAL = Path(os.environ.get("PYMAF_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason=f"no real samples at {REAL}; set PYMAF_REAL_DATA")


def convert(tmp_path: Path, name: str, root: str, *words: str) -> int:
    return main(["data", "convert", name, "--root", str(REAL / root), "--out", str(tmp_path / "table.npz"), *words])


def calibration(name: str) -> Any:
    with (REAL / name).open("rb") as stream:
        return read_plain_pickle(stream)


def lens(camera: dict[str, np.ndarray]) -> Lens:
    bent = [camera.get(key, np.zeros(3)).ravel() for key in "kp"]
    return Lens(camera["f"].ravel(), camera["c"].ravel(), *bent)


def test_lspet_converts_to_the_table_beside_it(tmp_path: Path) -> None:
    assert convert(tmp_path, "lspet", "lspet") == 0
    ours, theirs = load_annotations(tmp_path / "table.npz"), load_annotations(REAL / "lspet" / "lspet_1_2400.npz")
    assert ours.imgname.tolist() == theirs.imgname.tolist()
    np.testing.assert_array_equal(ours.center, theirs.center)
    np.testing.assert_array_equal(ours.scale, theirs.scale)
    np.testing.assert_array_equal(ours.part, theirs.part)
    visible = ours.part[:, :14, 2] > 0
    assert visible.mean() == pytest.approx(0.879, abs=5e-4)
    outside = np.abs(ours.part[:, :14, :2] - ours.center[:, None]).max(axis=-1) > 100 * ours.scale[:, None] / 1.2 + 1e-3
    assert not (outside & visible).any()  # every visible joint is inside the box without its margin


def test_lspet_as_spin_has_boxes_that_reach_for_joints_nobody_placed(tmp_path: Path) -> None:
    assert convert(tmp_path, "lspet", "lspet", "--compat", "spin") == 0
    ours, theirs = load_annotations(tmp_path / "table.npz"), load_annotations(REAL / "lspet" / "lspet_1_2400.npz")
    assert (ours.part[:, :14, 2] == 1).all()
    assert (ours.scale >= theirs.scale).all()
    assert (ours.scale > 1.1 * theirs.scale).mean() > 0.2


@pytest.mark.parametrize(
    ("row", "bent", "straight"), [(0, 0.065, 1.50), (1, 0.054, 1.24), (2, 0.219, 2.59), (3, 0.148, 3.38)]
)
def test_h36m_rows_project_within_their_figures(row: int, bent: float, straight: float) -> None:
    table = load_annotations(REAL / "h36m_mmpose" / "test_h36m.npz")
    cameras = calibration("h36m_mmpose/cameras.pkl")
    subject, camera = table.imgname[row].split("_")[0], table.imgname[row].split(".")[1].split("_")[0]
    known = table.part[row, :, 2] > 0
    for distort, figure in ((True, bent), (False, straight)):
        found = lens(cameras[subject, camera]).project(table.S[row, known, :3], distort)
        worst = np.linalg.norm(found - table.part[row, known, :2], axis=1).max()
        assert worst == pytest.approx(figure, abs=5.1e-3)  # the figures have two or three digits
    assert misfit(table.part[row], table.S[row]) < 0.003
    assert misfit(table.part[row], table.S[row] * [-1, 1, 1, 1]) > 0.1


@pytest.mark.parametrize(
    ("part", "row", "figure"), [("train", 0, 2.14), ("train", 1, 2.11), ("test", 0, 1.20), ("test", 1, 2.07)]
)
def test_mpi_inf_rows_project_within_their_figures(part: str, row: int, figure: float) -> None:
    with np.load(REAL / "mpi_inf_3dhp_mmpose" / f"test_3dhp_{part}.npz") as file:
        name, points, joints = file["imgname"][row], file["part"][row], file["S"][row]
        center, scale = file["center"][row], file["scale"][row]
    cameras = calibration(f"mpi_inf_3dhp_mmpose/cameras_{part}.pkl")
    camera = lens(cameras["_".join(name.split("_")[:-1])])
    worst = np.linalg.norm(camera.project(joints[:, :3]) - points[:, :2], axis=1).max()
    assert worst == pytest.approx(figure, abs=5.1e-3)
    # the same through the columns of a table
    flat, deep = (place(values[None, MPI_INF_OF_17], "h36m")[0] for values in (points, joints))
    pelvis = joints[14, :3]
    deep[:, :3] -= pelvis * deep[:, 3:]
    assert misfit(flat, deep, camera.intrinsics, pelvis) < 0.003
    assert misfit(flat, deep) < 0.003
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    np.testing.assert_allclose(center, (low + high) / 2, rtol=1e-6)
    np.testing.assert_allclose(scale, 1.2 * (high - low).max() / 200, rtol=1e-6)


def test_coco_people_with_keypoints_convert_and_crowds_do_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(tmp_path, "coco", "coco_mini", "--split", "train_all") == 0
    assert "note: 5 crowds were left out" in capsys.readouterr().out
    table = load_annotations(tmp_path / "table.npz")
    assert len(table) == 86
    check_images(table, REAL / "coco_mini")
    assert convert(tmp_path, "coco", "coco_mini") == 0
    table = load_annotations(tmp_path / "table.npz")
    assert len(table) == 16  # with all twelve limb joints
    assert ((table.part[:, :12, 2] > 0).all(axis=1)).all()


def test_mpii_people_with_all_joints_convert(tmp_path: Path) -> None:
    assert convert(tmp_path, "mpii", "mpii_mmpose") == 0
    table = load_annotations(tmp_path / "table.npz")
    assert len(table) == 3
    check_images(table, REAL / "mpii_mmpose")
    np.testing.assert_allclose(table.scale[0], 1.2 * 4.718488, rtol=1e-6)
    assert table.part[0, 13, :2].tolist() == pytest.approx([962.2409, 80.0306])  # head top
    assert not summarise(table).wrong


def body_of_3dpw(path: Path) -> Annotations:
    table = load_annotations(path)
    assert table.has_smpl.all()
    assert np.linalg.norm(table.pose.reshape(-1, 24, 3), axis=-1).max() < 2 * np.pi
    return table


def test_3dpw_row_with_a_box_of_corners_loads(tmp_path: Path) -> None:
    words = ("--boxes", "xyxy")
    assert convert(tmp_path, "humandata", "3dpw_mmhuman3d/sample_3dpw_train.npz", *words) == 0
    table = body_of_3dpw(tmp_path / "table.npz")
    assert table.gender.tolist() == ["f"]
    np.testing.assert_allclose(table.center, [[(79.5563 + 427.08528) / 2, (593.9235 + 1969.0488) / 2]], rtol=1e-6)


@pytest.mark.parametrize("boxes", ["xywh", "xyxy"])
def test_3dpw_row_with_the_unusable_box_is_refused_by_name(
    boxes: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(tmp_path, "humandata", "3dpw_mmhuman3d/sample_3dpw_test.npz", "--boxes", boxes) == 2
    error = capsys.readouterr().err
    assert "row 0 (imageFiles/downtown_sitOnStairs_00/image_00812.jpg): bbox_xywh is 669.037" in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "table.npz").exists()


def test_the_doctor_finds_the_real_tables_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "doctor", str(REAL / "lspet" / "lspet_1_2400.npz"), "--sample", "40"]) == 0
    assert convert(tmp_path, "coco", "coco_mini", "--split", "train_all") == 0
    words = ["--image-root", str(REAL / "coco_mini"), "--sample", "0"]
    assert main(["data", "doctor", str(tmp_path / "table.npz"), *words]) == 0
    assert main(["data", "verify", str(tmp_path / "table.npz"), "--image-root", str(REAL / "coco_mini")]) == 0
    assert "do not project" not in capsys.readouterr().out
