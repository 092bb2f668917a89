"""``pymaf data convert``: tables on disk, counts explained, wrong requests answered in one line."""

import json
from pathlib import Path

import numpy as np
import pytest

from pymaf_pl.checksums import sha256
from pymaf_pl.cli import main
from pymaf_pl.commands.data import _CONVERTIBLE
from pymaf_pl.data.annotations import load_annotations
from pymaf_pl.data.catalogue import BY_NAME, COUNTS, explain_count
from pymaf_pl.data.convert.registry import CONVERTERS, table_stem
from pymaf_pl.data.convert.request import Request

PEOPLE = [{"image": f"{i}.jpg", "box": [10.0 + i, 20, 40, 80], "keypoints": {"nose": [20, 30]}} for i in range(3)]


@pytest.fixture
def people(tmp_path):
    """A file of people whose pictures are not there."""
    path = tmp_path / "people.json"
    path.write_text(json.dumps(PEOPLE))
    return path


def convert(*words):
    return main(["data", "convert", *map(str, words)])


def test_a_table_and_its_checksum_are_written(people, tmp_path, capsys):
    assert convert("own", "--root", people, "--out", tmp_path / "tables") == 0
    table = tmp_path / "tables" / "people.npz"
    said = capsys.readouterr().out
    assert f"{table}  3 rows" in said
    assert "note: 3 of 3 images are not there (first:" in said
    assert (tmp_path / "tables" / "people.sha256").read_text() == f"{sha256(table)}  people.npz\n"
    loaded = load_annotations(table)
    assert np.load(table)["part"].dtype == np.float32
    assert loaded.imgname.tolist() == ["0.jpg", "1.jpg", "2.jpg"]
    assert sorted(p.name for p in (tmp_path / "tables").iterdir()) == ["people.npz", "people.sha256"]
    assert main(["data", "verify", str(tmp_path / "tables" / "people.sha256")]) == 0


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ([1, 2, float("nan"), 4], "center is not finite"),
        ([1, 2, 0, 0], "its box has no size"),
        ([1, 2, -3, -4], "its box has no size"),
        ([1, 2, float("inf"), 4], "is not finite"),
    ],
)
def test_unusable_boxes_are_refused_by_name_or_left_out(box, reason, people, tmp_path, capsys):
    people.write_text(json.dumps([PEOPLE[0], PEOPLE[1] | {"box": box}, PEOPLE[2]]))
    out = tmp_path / "table.npz"
    assert convert("own", "--root", people, "--out", out) == 2
    error = capsys.readouterr().err
    assert "row 1 (1.jpg): " in error
    assert reason in error
    assert len(error.strip().splitlines()) == 1
    assert not out.exists()
    assert convert("own", "--root", people, "--out", out, "--skip-bad") == 0
    assert "1 unusable rows left out, the first: row 1 (1.jpg)" in capsys.readouterr().out
    assert len(load_annotations(out)) == 2


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b.jpg"])
def test_images_outside_of_the_root_are_refused(name, people, tmp_path, capsys):
    people.write_text(json.dumps([PEOPLE[0] | {"image": name}]))
    assert convert("own", "--root", people, "--out", tmp_path / "table.npz") == 2
    assert "leaves the image root" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '[{"image": 3}]', "[[]]", "\x00\x01"])
def test_an_unreadable_file_is_one_line_and_leaves_the_old_table(content, people, tmp_path, capsys):
    out = tmp_path / "table.npz"
    assert convert("own", "--root", people, "--out", out) == 0
    before = out.read_bytes()
    capsys.readouterr()
    people.write_text(content)
    assert convert("own", "--root", people, "--out", out) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["lspet", "--root", ".", "--out", "x", "--split", "test"], "lspet has no split 'test'; it has train"),
        (["lspet", "--root", ".", "--out", "x", "--mosh", "."], "--mosh is not for lspet; it takes --compat"),
        (["3dpw", "--root", ".", "--out", "x", "--compat", "spin"], "--compat is not for 3dpw; it takes no option"),
        (["h36m", "--root", ".", "--out", "x", "--protocol", "2"], "--protocol is for the split valid"),
        (["h36m", "--root", "nowhere", "--out", "x"], "nowhere: not found; --root is the folder"),
        (["h36m", "--root", "people.json", "--out", "x"], "a file; --root of h36m is the folder"),
        (["h36m", "--root", ".", "--out", "x", "--mosh", "gone"], "gone: no such folder (--mosh)"),
        (["own", "--root", "people.json", "--out", "table.csv"], "a folder or a file that ends in .npz"),
        (["h36m", "--root", ".", "--out", "x"], "S1: not found; expected Human3.6M's folders"),
        (["mpi_inf_3dhp", "--root", ".", "--out", "x"], "S1/Seq1: not found"),
        (["mpi_inf_3dhp", "--root", ".", "--out", "x", "--split", "test"], "TS1: not found"),
        (["lsp", "--root", ".", "--out", "x"], "joints.mat: not found; expected LSP's joints"),
        (["mpii", "--root", ".", "--out", "x"], "neither train.h5 nor train.json"),
        (["coco", "--root", ".", "--out", "x"], "person_keypoints_train2014.json: not found"),
        (["3dpw", "--root", ".", "--out", "x"], "sequenceFiles/test: not found"),
        (["3doh50k", "--root", ".", "--out", "x"], "testset/annots.json: not found"),
        (["ssp3d", "--root", ".", "--out", "x"], "labels.npz: not found"),
        (["openpose", "--root", ".", "--out", "x"], "no *_keypoints.json"),
        (["spin_fits", "--root", "people.json", "--out", "x"], "spin_fits needs --table"),
        (["hmr2", "--root", "people.json", "--out", "x"], "people.json: not a readable .npz"),
        (["humandata", "--root", "people.json", "--out", "x"], "people.json: not a readable .npz"),
    ],
)
def test_wrong_requests_are_answered_in_one_line(words, told, people, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert convert(*words) == 2
    error = capsys.readouterr().err
    assert told in error
    assert len(error.strip().splitlines()) == 1
    assert not Path("x").exists()


def test_a_source_is_never_overwritten(people, tmp_path, capsys):
    assert convert("own", "--root", people, "--out", tmp_path / "table.npz") == 0
    np.save(tmp_path / "fits.npy", np.ones((3, 82)))
    words = ["spin_fits", "--root", tmp_path / "fits.npy", "--table", tmp_path / "table.npz"]
    assert convert(*words, "--out", tmp_path / "table.npz") == 2
    assert "would overwrite what it is made from" in capsys.readouterr().err
    assert convert(*words, "--out", tmp_path) == 0
    assert load_annotations(tmp_path / "table_fits.npz").has_smpl.all()


def test_names_of_tables_are_those_of_the_catalogue():
    assert tuple(CONVERTERS) == _CONVERTIBLE
    made = set()
    for name, converter in CONVERTERS.items():
        for split in converter.tables:
            for protocol in (1, 2):
                made.add(table_stem(name, Request(Path("file"), split, protocol=protocol)))
    listed = {stem for one in BY_NAME.values() for stem in one.tables}
    assert listed <= made
    assert set(COUNTS) <= listed


@pytest.mark.parametrize(
    ("stem", "rows", "told"),
    [
        ("h36m_train", 312_188, "312,188 rows, as in the paper"),
        ("h36m_valid_p2", 26_859, "26,859 rows, as in the paper"),
        ("lspet_train", 10_000, "10,000 rows; the paper has 9,428: the set of 2011 has 10,000 pictures"),
        ("lsp_train", 999, "999 rows; the paper has 1,000: missing pictures"),
        ("mpii_train", 14_810, "as in the paper"), ("coco_train", 28_344, "as in the paper"),
        ("coco_val", 50_197, "as in the paper"), ("3doh50k_test", 1_290, "as in the paper"),
        ("ssp3d_test", 311, "as in the paper"), ("my_own", 7, "7 rows"),
    ],
)  # fmt: skip
def test_counts_are_explained(stem, rows, told):
    said = explain_count(stem, rows)
    assert told in said
    assert "\n" not in said


def test_every_count_of_the_paper_is_checked_and_explained():
    papers = {312_188, 26_859, 9_428, 1_000, 14_810, 28_344, 50_197, 1_290, 311}
    assert papers <= {count.rows for count in COUNTS.values()}
    for stem, count in COUNTS.items():
        assert explain_count(stem, count.rows) == f"{count.rows:,} rows, as in the paper"
        assert explain_count(stem, count.rows - 1).startswith(
            f"{count.rows - 1:,} rows; the paper has {count.rows:,}: {count.otherwise}"
        )
        assert len(count.otherwise) > 10


def test_help_shows_every_option(capsys):
    with pytest.raises(SystemExit) as stopped:
        convert("--help")
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("--compat", "--mosh", "--extract", "--boxes", "--skip-bad", "humandata"))


def test_an_unknown_data_set_stops_before_anything(capsys):
    with pytest.raises(SystemExit) as stopped:
        convert("imagenet", "--root", ".", "--out", "x")
    assert stopped.value.code == 2
    assert "invalid choice: 'imagenet'" in capsys.readouterr().err
