"""Files of the published code: told apart, imported, exported, and used as they are."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from published import published_pymaf, published_spin
from pymaf_pl import cli
from pymaf_pl.checkpoints import read_checkpoint
from pymaf_pl.data.images import write_png


def checkpoint(*words: Any) -> int:
    return cli.main(["checkpoint", *map(str, words)])


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("official") / "PyMAF_model_checkpoint.pt"
    torch.save(published_pymaf() | {"epoch": 3}, path)
    return path


@pytest.fixture(scope="module")
def spin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spin") / "model_checkpoint.pt"
    torch.save(published_spin(), path, _use_new_zipfile_serialization=False)  # what torch 1.1 wrote
    return path


@pytest.fixture(scope="module")
def imported(official: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("imported") / "ours.ckpt"
    assert checkpoint("import", official, "--out", path, "--quiet") == 0
    return path


def same(first: Path, second: Path) -> bool:
    ours, theirs = read_checkpoint(first).state, read_checkpoint(second).state
    return ours.keys() == theirs.keys() and all(ours[key].equal(theirs[key]) for key in ours)


def test_import_tells_every_key_and_sums_up(official, tmp_path, capsys):
    assert checkpoint("import", official, "--out", tmp_path / "ours.pt") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 441 + 2
    for line in (
        "loaded   regressor.1.decpose.weight  (regressors.1.pose.weight)",
        "loaded   maf_extractor.1.Dmap  (431 vertex indices)",
        "dropped  regressor.0.smpl.betas  (placeholder, never trained)",
        "official PyMAF checkpoint, 441 keys: 404 loaded, 37 dropped, 0 missing",
    ):
        assert line in lines
    assert lines[-1].endswith("3 iterations, body smpl (topology 07700d963dde)")


def test_in_out_and_in_again_is_bit_by_bit_the_same(imported, spin, smpl_dir, tmp_path, capsys):
    for kind, first, words in (
        ("pymaf", imported, ("--body-dir", smpl_dir)), ("pymaf", imported, ()), ("spin", spin, ())
    ):  # fmt: skip
        out, again = tmp_path / f"{kind}{len(words)}.pt", tmp_path / f"{kind}{len(words)}.ckpt"
        assert checkpoint("export", first, "--format", kind, "--out", out, *words) == 0
        assert checkpoint("import", out, "--out", again, "--quiet") == 0
        assert same(again, first)
        assert same(out, first)
    written = capsys.readouterr().out
    assert "official PyMAF checkpoint, 441 keys, 36 of them of a body model" in written
    assert "official PyMAF checkpoint, 405 keys, 0 of them of a body model" in written
    assert "official SPIN checkpoint, 331 keys" in written
    names = torch.load(tmp_path / "pymaf2.pt", weights_only=True)["model"].keys()
    assert names == published_pymaf()["model"].keys()


def test_info_says_what_a_file_is(official, imported, spin, capsys):
    for path, words in (
        (official, ("official PyMAF checkpoint", "441 keys: 404 loaded, 37 dropped", "45.17 M", "431 in all")),
        (imported, ("official PyMAF checkpoint", "07700d963dde", "pymaf_pl 0")),
        (spin, ("official SPIN checkpoint", "331 keys", "26.98 M", "topology not told")),
    ):
        assert checkpoint("info", path) == 0
        shown = capsys.readouterr().out
        assert all(word in shown for word in words), shown


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("exploded"),)


def test_bad_input_is_one_line_exit_code_2_and_no_file(official, imported, spin, smpl_dir, tmp_path, capsys, body_of):
    incomplete, code, other = tmp_path / "incomplete.pt", tmp_path / "code.pt", tmp_path / "other.ckpt"
    weights = published_pymaf()["model"]
    del weights["regressor.1.fc1.weight"]
    torch.save({"model": weights}, incomplete)
    torch.save({"model": published_pymaf()["model"] | {"points_grid": Bomb()}}, code)
    body_of(imported, other, topology="0123456789ab")
    out = tmp_path / "out" / "x.pt"
    cases: list[tuple[tuple[Any, ...], str]] = [
        (("import", tmp_path / "no.pt"), "no such checkpoint"),
        (("import", incomplete), "official PyMAF checkpoint, but it has no 'regressor.1.fc1.weight'"),
        (("info", incomplete), "it has no 'regressor.1.fc1.weight'"),
        (("import", code), "not a readable checkpoint (it asks to run"),
        (("import", imported), "is a checkpoint of pymaf_pl already"),
        (("export", imported, "--format", "spin"), "cannot be written as an official SPIN checkpoint: model._target_"),
        (("export", "pymaf-small", "--format", "pymaf"), "model.pyramid_channels=64 is not what"),
        (("export", spin, "--format", "spin", "--body-dir", smpl_dir), "a SPIN checkpoint holds no body"),
        (("export", imported, "--format", "pymaf", "--body-dir", tmp_path), "no neutral SMPL model"),
        (("export", other, "--format", "pymaf", "--body-dir", smpl_dir), "topology 0123456789ab"),
        (("export", "pymaf-small", "--format", "pymaf", "--body-dir", smpl_dir), "trained on the 'open' body"),
    ]
    for words, message in cases:
        assert checkpoint(*words, *(() if words[0] == "info" else ("--out", out))) == 2, words
        error = capsys.readouterr().err.strip()
        assert message in error
        assert "\n" not in error
        assert not out.parent.exists()
    assert not Path("exploded").exists()


@pytest.fixture
def body_of():
    """Copy a checkpoint, its body's record changed."""

    def copy(path: Path, target: Path, **changes: Any) -> None:
        content = torch.load(path, weights_only=True)
        content["pymaf_pl"]["body"] |= changes
        torch.save(content, target)

    return copy


def test_an_incomplete_file_is_reported_key_by_key_too(tmp_path, capsys):
    weights = published_pymaf()["model"]
    weights["regressor.1.fc1.wait"] = weights.pop("regressor.1.fc1.weight")
    torch.save({"model": weights}, tmp_path / "x.pt")
    assert checkpoint("import", tmp_path / "x.pt", "--out", tmp_path / "ours.ckpt") == 2
    out, error = capsys.readouterr()
    assert "missing  regressor.1.fc1.weight" in out.splitlines()
    assert "unknown  regressor.1.fc1.wait" in out.splitlines()
    assert len(error.strip().splitlines()) == 1


def test_nothing_is_overwritten_unless_told_to(spin, tmp_path, capsys):
    out = tmp_path / "x.ckpt"
    out.write_text("mine")
    for words in (("import", spin), ("export", spin, "--format", "spin")):
        assert checkpoint(*words, "--out", out) == 2
        assert "is there already; --force overwrites it" in capsys.readouterr().err
        assert out.read_text() == "mine"
    assert checkpoint("import", spin, "--out", out, "--force") == 0
    assert checkpoint("import", spin, "--out", tmp_path / "x.pth") == 2
    assert "--out ends in .ckpt or .pt" in capsys.readouterr().err


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    picture = np.random.default_rng(0).integers(0, 255, (224, 224, 3), dtype=np.uint8)
    return write_png(tmp_path_factory.mktemp("photos") / "x.png", picture)


def predict(*words: Any) -> int:
    return cli.main(["predict", *map(str, words)])


def test_predict_takes_an_official_file_as_it_is(official, imported, smpl_dir, photo, tmp_path):
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps([{"image": "x.png", "center": [112, 112], "size": 224}]))
    words = (photo, "--boxes", boxes, "--body-dir", smpl_dir)
    assert predict(*words, "--checkpoint", official, "--body", "smpl", "--out", tmp_path / "a") == 0
    assert predict(*words, "--checkpoint", imported, "--out", tmp_path / "b") == 0
    with np.load(tmp_path / "a" / "x_0.npz") as theirs, np.load(tmp_path / "b" / "x_0.npz") as ours:
        assert theirs["pose_rotmat"].shape == (4, 24, 3, 3)
        assert all(np.array_equal(theirs[name], ours[name]) for name in theirs)
        mean = published_pymaf()["model"]
        assert theirs["betas"][0].tolist() == mean["regressor.0.init_shape"][0].tolist()
        assert theirs["weak_cam"][0].tolist() == mean["regressor.0.init_cam"][0].tolist()


def test_the_body_must_be_the_one_that_the_file_knows(official, photo, tmp_path, capsys, body_of, imported, smpl_dir):
    other = tmp_path / "other.ckpt"
    body_of(imported, other, topology="0123456789ab")
    for words, message in (
        ((official, "--body", "open"), "trained on the 'smpl' body, not on 'open'"),
        (("pymaf-small", "--body", "smpl", "--body-dir", smpl_dir), "trained on the 'open' body, not on 'smpl'"),
        ((official,), "--body-dir FOLDER"),
        ((other, "--body-dir", smpl_dir), "give the files that belong to it"),
    ):
        assert predict(photo, "--out", tmp_path / "out", "--checkpoint", *words) == 2
        error = capsys.readouterr().err.strip()
        assert message in error
        assert "\n" not in error


@pytest.mark.slow
def test_eval_takes_an_official_file_as_it_is(spin, smpl_dir, worlds, tmp_path, capsys):
    words = [f"protocol.root={worlds}/val", "protocol.num=2", "protocol.picture_size=64", "num_workers=0"]
    words += [f"hydra.run.dir={tmp_path}/eval", "report_people=0", f"checkpoint={spin}", "batch_size=4"]
    assert cli.main(["eval", *words, "body=smpl", f"body.directory={smpl_dir}"]) == 0
    metrics = json.loads((tmp_path / "eval" / "metrics.json").read_text())
    assert len(metrics["iterations"]) == 4
    capsys.readouterr()
    assert cli.main(["eval", *words, "body=open"]) == 2
    assert "trained on the 'smpl' body, not on 'open'" in capsys.readouterr().err
