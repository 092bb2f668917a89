"""``pymaf data doctor`` on folders of data sets: what is missing, misnamed, cut off or of the wrong kind."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.io

from pymaf_pl.cli import main


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # contact sheets go to ./doctor


@pytest.fixture
def root(tmp_path):
    """A good tree: LSP-Extended with its table, and SMPL with SPIN's regressors."""
    rng, folder = np.random.default_rng(0), tmp_path / "raw" / "lspet"
    (folder / "images").mkdir(parents=True)
    for number in range(1, 7):
        picture = cv2.resize(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), (80, 60))
        cv2.imwrite(str(folder / "images" / f"im{number:05d}.jpg"), picture)
    joints = rng.uniform(10, 50, (14, 3, 6))
    joints[:, 2] = 1
    scipy.io.savemat(folder / "joints.mat", {"joints": joints})
    assert main(["data", "convert", "lspet", "--root", str(folder), "--out", str(tmp_path / "raw")]) == 0
    smpl = tmp_path / "raw" / "smpl"
    smpl.mkdir()
    for gender in ("NEUTRAL", "MALE", "FEMALE"):
        (smpl / f"SMPL_{gender}.pkl").write_bytes(b"any")
    np.save(smpl / "J_regressor_extra.npy", np.zeros((9, 6890)))
    np.save(smpl / "J_regressor_h36m.npy", np.zeros((17, 6890)))
    return tmp_path / "raw"


def doctor(capsys, *words):
    code = main(["data", "doctor", *map(str, words)])
    return code, capsys.readouterr()


def test_a_good_tree_is_found_good(root, tmp_path, capsys):
    code, said = doctor(capsys, "--root", root)
    assert code == 0, said.out
    assert "2 data sets looked at, 0 wrong, 0 odd" in said.out
    assert "lspet_train.npz: 6 rows; the paper has 9,428" in said.out
    assert "h36m: not here" in said.out
    assert "needs registration" in said.out
    assert cv2.imread(str(tmp_path / "doctor" / "lspet.png")).shape == (160, 6 * 160, 3)


def test_four_faults_are_all_named(root, capsys):
    lspet, smpl = root / "lspet", root / "smpl"
    (lspet / "joints.mat").rename(lspet / "joints (1).mat")  # misnamed
    (smpl / "J_regressor_h36m.npy").unlink()  # missing
    cut = lspet / "images" / "im00003.jpg"
    cut.write_bytes(cut.read_bytes()[:-40])  # truncated
    np.save(smpl / "J_regressor_extra.npy", np.zeros((14, 6890)))  # GraphCMR's
    code, said = doctor(capsys, "--root", root)
    assert code == 2
    wrong = [line for line in said.out.splitlines() if line.startswith("  wrong: ")]
    assert len(wrong) == 4
    assert f"mv '{lspet / 'joints (1).mat'}' '{lspet / 'joints.mat'}'" in said.out
    assert f"{smpl / 'J_regressor_h36m.npy'} is missing: Human3.6M's joints: SPIN's data.tar.gz" in said.out
    assert f"{cut}: cut off while copying" in said.out
    assert f"{smpl / 'J_regressor_extra.npy'}: 14 rows: GraphCMR's file of that name" in said.out
    assert "2 data sets looked at, 4 wrong, 0 odd" in said.out


@pytest.mark.parametrize("own_folder", [False, True])
def test_one_data_set_is_looked_at_by_name(own_folder, root, capsys):
    code, said = doctor(capsys, "lspet", "--root", root / "lspet" if own_folder else root)
    assert code == 0
    assert "smpl" not in said.out


def test_a_file_in_the_wrong_place_is_found(root, capsys):
    (root / "lspet" / "joints.mat").rename(root / "lspet" / "images" / "joints.mat")
    code, said = doctor(capsys, "lspet", "--root", root)
    assert code == 2
    assert f"mv '{root / 'lspet/images/joints.mat'}' '{root / 'lspet/joints.mat'}'" in said.out


def test_missing_and_renamed_pictures_of_a_table_are_counted(root, capsys):
    images = root / "lspet" / "images"
    (images / "im00002.jpg").rename(images / "im00002.JPG")
    (images / "im00005.jpg").unlink()
    code, said = doctor(capsys, "lspet", "--root", root)
    assert code == 2
    assert "2 of 6 pictures are missing (first:" in said.out
    assert "im00002.JPG is there: a wrong name?" in said.out


def test_wrong_labels_of_a_table_are_found_in_the_tree(root, tmp_path, capsys):
    with np.load(root / "lspet_train.npz") as table:
        columns = dict(table)
    columns["center"] = columns["center"] + 500
    np.savez(root / "lspet_train.npz", **columns)
    code, said = doctor(capsys, "lspet", "--root", root)
    assert code == 2
    assert "lspet_train.npz: center: outside the image in 6 of 6 rows" in said.out


def test_a_broken_table_or_regressor_is_one_line_of_many(root, capsys):
    (root / "lspet_train.npz").write_bytes(b"")
    (root / "smpl" / "J_regressor_extra.npy").write_bytes(b"")
    np.save(root / "smpl" / "J_regressor_h36m.npy", np.zeros((3, 3)))
    code, said = doctor(capsys, "--root", root)
    assert code == 2
    assert "lspet_train.npz: not a readable .npz" in said.out
    assert "J_regressor_extra.npy: not a readable .npy" in said.out
    assert "shape (3, 3), expected (17, 6890)" in said.out


def test_without_a_table_the_command_is_told(root, capsys):
    (root / "lspet_train.npz").unlink()
    code, said = doctor(capsys, "lspet", "--root", root)
    assert code == 0
    assert "none yet: pymaf data convert lspet --root" in said.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["lspett", "--root", "raw"], "no data set is called 'lspett'; is it lspet?"),
        (["--root", "nowhere"], "nowhere: no such folder"),
        (["--root", "empty"], "no data set here; expected folders such as h36m"),
        (["lspet", "--root", "raw", "--sample", "-1"], "--sample is a number"),
    ],
)
def test_wrong_words_are_answered_in_one_line(words, told, root, tmp_path, capsys):
    Path("empty").mkdir()
    code, said = doctor(capsys, *words)
    assert code == 2
    assert told in said.err
    assert len(said.err.strip().splitlines()) == 1


def test_an_empty_data_set_lists_what_is_missing_and_where_to_get_it(tmp_path, capsys):
    (tmp_path / "raw" / "h36m").mkdir(parents=True)
    code, said = doctor(capsys, "--root", tmp_path / "raw")
    assert code == 2
    assert said.out.count("is missing:") == 2  # 3D positions and pictures; the rest can be done without
    assert "http://vision.imar.ro/human3.6m (needs registration)" in said.out
