"""Human3.6M and MPI-INF-3DHP: every number of a converted row, and the quirks of SPIN's preprocessing on request."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import raw_trees
from scipy.spatial.transform import Rotation

from pymaf_pl.data.convert import h36m, mpi_inf_3dhp
from pymaf_pl.data.convert.cameras import read_cameras
from pymaf_pl.data.convert.request import Request
from pymaf_pl.errors import InputError

pytest.importorskip("cdflib", reason="the extra [datasets] is not installed")
pytest.importorskip("h5py", reason="the extra [datasets] is not installed")
FRAMES = [0, 5, 10]
# which of the 32 mocap points stands at which of the 24 (SPIN datasets/preprocess/h36m.py)
POINTS = {
    14: 11, 3: 6, 4: 7, 5: 8, 2: 1, 1: 2, 0: 3, 16: 12,
    12: 24, 17: 14, 18: 15, 9: 17, 10: 18, 11: 19, 8: 25, 7: 26, 6: 27,
}  # fmt: skip


def test_h36m_rows_are_those_of_every_fifth_frame(tmp_path: Path) -> None:
    raw = raw_trees.h36m(tmp_path)
    rows = h36m.convert(Request(tmp_path, "train"))
    table = rows.columns()
    assert table["imgname"].tolist()[:3] == [f"images/S1_Directions_1.54138969_{f + 1:06d}.jpg" for f in FRAMES]
    assert len(rows) == 6  # two cameras; _ALL is skipped
    deep, flat = raw["S1.54138969"]["deep"][FRAMES], raw["S1.54138969"]["flat"][FRAMES]
    for joint, point in POINTS.items():
        np.testing.assert_allclose(table["S"][:3, joint, :3], (deep[:, point] - deep[:, 11]) / 1000, atol=1e-6)
        np.testing.assert_allclose(table["part"][:3, joint, :2], flat[:, point], rtol=1e-6)
    known = sorted(POINTS)
    assert (table["S"][:, known, 3] == 1).all()
    assert not np.delete(table["S"], known, axis=1).any()
    assert not np.delete(table["part"], known, axis=1).any()
    # silhouettes at x 5 + i .. 25 + i, y 3 .. 33: 20 by 30 px, times 0.9, through 200
    np.testing.assert_allclose(table["scale"], 0.9 * 30 / 200, rtol=1e-6)
    np.testing.assert_allclose(table["center"][:3], [[15 + f, 18] for f in FRAMES])
    np.testing.assert_allclose(table["transl"][:3], deep[:, 11] / 1000, rtol=1e-6)
    np.testing.assert_allclose(table["cam_intrinsics"], np.tile(raw_trees.LENS[:4], (6, 1)))
    assert any("subjects S5 S6 S7 S8 are not there" in note for note in rows.notes)
    assert any("2 of 2 sequences have no images" in note for note in rows.notes)


def test_h36m_protocol_2_is_the_frontal_camera(tmp_path: Path) -> None:
    raw_trees.h36m(tmp_path, subjects=("S9", "S11"))
    both = h36m.convert(Request(tmp_path, "valid", protocol=1))
    frontal = h36m.convert(Request(tmp_path, "valid", protocol=2))
    assert (len(both), len(frontal)) == (12, 6)
    assert all(".60457274_" in name for name in frontal.columns()["imgname"])


def test_h36m_boxes_and_2d_come_from_what_is_there(tmp_path: Path) -> None:
    raw = raw_trees.h36m(tmp_path)
    for folder in ("MyPoseFeatures/D2_Positions", "MySegmentsMat/ground_truth_bb"):
        for file in (tmp_path / "S1" / folder).iterdir():
            file.unlink()
    rows = h36m.convert(Request(tmp_path, "train"))
    table = rows.columns()
    lens = read_cameras(tmp_path / "metadata.xml")["54138969"]
    projected = lens.project(raw["S1.54138969"]["deep"][FRAMES][:, list(POINTS.values())])
    np.testing.assert_allclose(table["part"][:3][:, list(POINTS), :2], projected, rtol=1e-5)
    np.testing.assert_allclose(table["scale"][:3], 1.2 * np.ptp(projected, axis=1).max(axis=1) / 200, rtol=1e-5)
    assert any("no silhouettes" in note for note in rows.notes)
    (tmp_path / "metadata.xml").unlink()
    with pytest.raises(InputError, match=r"no 2D positions or metadata\.xml"):
        h36m.convert(Request(tmp_path, "train"))


def test_h36m_lenses_are_those_of_the_authors_code(tmp_path: Path) -> None:
    raw_trees.metadata(tmp_path / "metadata.xml")
    lens = read_cameras(tmp_path / "metadata.xml")["60457274"]
    fx, fy, cx, cy, k1, k2, k3, p1, p2 = raw_trees.LENS
    x, y = 0.3 / 4, -0.2 / 4
    r2 = x * x + y * y
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    v = y * radial + 2 * p2 * x * y + p1 * (r2 + 2 * y * y)
    np.testing.assert_allclose(lens.project([[0.3, -0.2, 4.0]]), [[fx * u + cx, fy * v + cy]], rtol=1e-9)
    np.testing.assert_allclose(lens.project([[0.3, -0.2, 4.0]], distort=False), [[fx * x + cx, fy * y + cy]])


@pytest.mark.parametrize(("spin", "grey"), [(False, [10, 60, 110]), (True, [20, 70, 120])])
def test_h36m_frames_are_those_of_their_labels_and_one_later_as_in_spin(
    spin: bool, grey: list[int], tmp_path: Path
) -> None:
    raw_trees.h36m(tmp_path)
    for camera in ("54138969", "60457274"):
        raw_trees.video(tmp_path / "S1" / "Videos" / f"Directions 1.{camera}.mp4", 12, "mp4v")
    rows = h36m.convert(Request(tmp_path, "train", spin=spin, extract=True))
    files = [tmp_path / name for name in rows.columns()["imgname"]]
    found = [float(cv2.imread(str(file)).mean()) for file in files[:3]]
    np.testing.assert_allclose(found, grey, atol=4)  # the video is lossy
    # a second call takes only what is missing
    files[1].unlink()
    before = files[0].stat().st_mtime_ns
    h36m.convert(Request(tmp_path, "train", spin=spin, extract=True))
    assert files[1].is_file()
    assert files[0].stat().st_mtime_ns == before


def test_h36m_boxes_are_remembered_when_a_conversion_was_stopped(tmp_path: Path) -> None:
    raw_trees.h36m(tmp_path / "raw")
    request = Request(tmp_path / "raw", "train", parts=tmp_path / "parts")
    first = h36m.convert(request).columns()
    assert len(list((tmp_path / "parts").glob("*.npy"))) == 2
    for file in (tmp_path / "raw" / "S1" / "MySegmentsMat" / "ground_truth_bb").iterdir():
        file.write_bytes(b"would not be readable")
    np.testing.assert_array_equal(h36m.convert(request).columns()["scale"], first["scale"])


def test_h36m_mosh_is_turned_half_about_x_and_may_be_missing(tmp_path: Path) -> None:
    raw_trees.h36m(tmp_path)
    fit = raw_trees.mosh(tmp_path / "mosh", "S1", 0, frames=2)  # one short; camera 3 has none
    rows = h36m.convert(Request(tmp_path, "train", mosh=tmp_path / "mosh"))
    table = rows.columns()
    assert table["has_smpl"].tolist() == [1, 1, 0, 0, 0, 0]
    np.testing.assert_allclose(table["pose"][:2, 3:], fit["new_poses"][:, 3:], rtol=1e-5)
    np.testing.assert_allclose(table["shape"][1], fit["betas"], rtol=1e-5)
    half = np.diag([1.0, -1.0, -1.0])
    expected = Rotation.from_rotvec(fit["new_poses"][:, :3]).as_matrix() @ half
    np.testing.assert_allclose(Rotation.from_rotvec(table["pose"][:2, :3]).as_matrix(), expected, atol=1e-5)
    assert not table["pose"][2:].any()
    assert any("1 of 2 sequences have no MoSh fit" in note for note in rows.notes)


def test_h36m_in_a_folder_per_sequence_is_found(tmp_path: Path) -> None:
    raw_trees.h36m(tmp_path)
    name = "S1_Directions_1.54138969"
    raw_trees.picture(tmp_path / "S1" / name / f"{name}_000001.jpg")
    names = h36m.convert(Request(tmp_path, "train")).columns()["imgname"]
    assert names[1] == f"S1/{name}/{name}_000006.jpg"
    assert names[3].startswith("images/")


def test_mpi_inf_keeps_every_tenth_frame_that_shows_all(tmp_path: Path) -> None:
    flat, deep = raw_trees.mpi_train(tmp_path)
    rows = mpi_inf_3dhp.convert(Request(tmp_path, "train"))
    table = rows.columns()
    at = [0, 11, 21]  # frame 3 is not counted
    assert table["imgname"].tolist() == [f"S1/Seq1/imageFrames/video_0/frame_{f + 1:06d}.jpg" for f in at]
    places = {
        14: 4, 3: 18, 4: 19, 5: 20, 2: 23, 1: 24, 0: 25, 16: 3,
        12: 5, 17: 6, 18: 7, 9: 9, 10: 10, 11: 11, 8: 14, 7: 15, 6: 16,
    }  # fmt: skip
    for joint, point in places.items():
        np.testing.assert_allclose(table["part"][:, joint, :2], flat[at, point], rtol=1e-6)
        np.testing.assert_allclose(table["S"][:, joint, :3], (deep[at, point] - deep[at, 4]) / 1000, atol=1e-6)
    assert not np.delete(table["S"], list(places), axis=1).any()
    extent = np.ptp(flat[at][:, list(places.values())], axis=1)
    np.testing.assert_allclose(table["scale"], 1.2 * extent.max(axis=1) / 200, rtol=1e-6)
    np.testing.assert_allclose(table["cam_intrinsics"][0], [1500, 1501, 1024, 1051])
    np.testing.assert_allclose(table["transl"], deep[at, 4] / 1000, rtol=1e-6)
    assert any("sequences S1/Seq2 S2/Seq1" in note for note in rows.notes)


def test_mpi_inf_counts_the_same_when_frames_are_missing(tmp_path: Path) -> None:
    raw_trees.mpi_train(tmp_path)
    for frame in (5, 12):
        (tmp_path / "S1/Seq1/imageFrames/video_0" / f"frame_{frame:06d}.jpg").unlink()
    rows = mpi_inf_3dhp.convert(Request(tmp_path, "train"))
    assert [name[-10:-4] for name in rows.columns()["imgname"]] == ["000001", "000022"]
    assert any("1 frames that belong to the table are not there (first: S1/Seq1" in note for note in rows.notes)


def test_mpi_inf_as_spin_numbers_files_as_the_folder_lists_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat, _ = raw_trees.mpi_train(tmp_path)
    names = [f"frame_{25 - i:06d}.jpg" for i in range(25)]
    monkeypatch.setattr(mpi_inf_3dhp.os, "listdir", lambda _folder: names)
    table = mpi_inf_3dhp.convert(Request(tmp_path, "train", spin=True)).columns()
    assert [Path(name).stem for name in table["imgname"]] == ["frame_000025", "frame_000014", "frame_000004"]
    np.testing.assert_allclose(table["part"][:, 14, :2], flat[[0, 11, 21], 4], rtol=1e-6)  # labels of other frames


def test_mpi_inf_takes_frames_from_the_videos(tmp_path: Path) -> None:
    raw_trees.mpi_train(tmp_path)
    for file in (tmp_path / "S1/Seq1/imageFrames/video_0").iterdir():
        file.unlink()
    raw_trees.video(tmp_path / "S1/Seq1/imageSequence/video_0.avi", 24, "MJPG")
    rows = mpi_inf_3dhp.convert(Request(tmp_path, "train", extract=True))
    values = [float(cv2.imread(str(tmp_path / name)).mean()) for name in rows.columns()["imgname"]]
    np.testing.assert_allclose(values, [10, 120, 220], atol=3)
    assert len(list((tmp_path / "S1/Seq1/imageFrames/video_0").iterdir())) == 3


def test_mpi_inf_test_set_keeps_valid_frames_inside_the_picture(tmp_path: Path) -> None:
    flat, deep = raw_trees.mpi_test(tmp_path)
    rows = mpi_inf_3dhp.convert(Request(tmp_path, "test"))
    table = rows.columns()
    at = [0, 3, 4, 5]
    expected = [f"mpi_inf_3dhp_test_set/TS1/imageSequence/img_{f + 1:06d}.jpg" for f in at]
    assert table["imgname"].tolist() == expected
    places = {
        14: 14, 3: 11, 4: 12, 5: 13, 2: 8, 1: 9, 0: 10, 16: 15,
        12: 1, 17: 16, 18: 0, 9: 5, 10: 6, 11: 7, 8: 2, 7: 3, 6: 4,
    }  # fmt: skip
    for joint, point in places.items():
        np.testing.assert_allclose(table["part"][:, joint, :2], flat[at, point], rtol=1e-6)
        np.testing.assert_allclose(table["S"][:, joint, :3], (deep[at, point] - deep[at, 14]) / 1000, atol=1e-6)
    assert any("TS2 TS3 TS4 TS5 TS6 are not there" in note for note in rows.notes)


@pytest.mark.parametrize("damage", ["empty", "text", "width", "name", "entity"])
def test_h36m_broken_files_are_answered_in_one_line(damage: str, tmp_path: Path) -> None:
    raw_trees.h36m(tmp_path)
    folder = tmp_path / "S1" / "MyPoseFeatures" / "D3_Positions_mono"
    file = folder / "Directions 1.54138969.cdf"
    if damage in ("empty", "text"):
        file.write_bytes(b"" if damage == "empty" else b"<html>please log in</html>")
    elif damage == "width":
        raw_trees.cdf(file, np.zeros((6, 51)))
    elif damage == "name":
        file.rename(folder / "Directions.cdf")
        file = folder / "Directions.cdf"
    else:
        file = tmp_path / "metadata.xml"
        file.write_text('<!DOCTYPE a [<!ENTITY b "c">]>' + file.read_text())
    with pytest.raises(InputError) as caught:
        h36m.convert(Request(tmp_path, "train"))
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_a_video_that_ends_too_early_says_so(tmp_path: Path) -> None:
    raw_trees.h36m(tmp_path)
    raw_trees.video(tmp_path / "S1" / "Videos" / "Directions 1.54138969.mp4", 6, "mp4v")
    with pytest.raises(InputError, match="ends at frame 6; frame 10 was expected"):
        h36m.convert(Request(tmp_path, "train", extract=True))


@pytest.mark.parametrize("key", ["annot2", "univ_annot3", "valid_frame"])
def test_a_count_that_no_data_set_has_allocates_nothing(key: str, tmp_path: Path) -> None:
    import h5py

    raw_trees.mpi_test(tmp_path)
    file = tmp_path / "mpi_inf_3dhp_test_set" / "TS1" / "annot_data.mat"
    with h5py.File(file, "a") as content:
        shape = (10**13, *content[key].shape[1:])
        del content[key]
        content.create_dataset(key, shape, "f8", chunks=(1, *shape[1:]))  # without any data: a few kB
    assert file.stat().st_size < 100_000
    with pytest.raises(InputError, match=f"{key} claims the shape .*which no data set has"):
        mpi_inf_3dhp.convert(Request(tmp_path, "test"))
