import json

import numpy as np
import pytest

from pymaf_pl import cli
from pymaf_pl.body.joints import JOINTS_49
from pymaf_pl.confidence import read_calibration


@pytest.fixture(scope="module")
def checkpoint(run_dir):
    return run_dir / "checkpoints" / "last.ckpt"


@pytest.fixture(scope="module")
def table(run_dir, worlds):
    return next((worlds / "train").rglob("studio_train.npz"))


def confidence(*words):
    return cli.main(["checkpoint", "confidence", *map(str, words)])


def test_a_calibration_is_fitted_measured_and_used(checkpoint, table, tmp_path, capsys):
    own = tmp_path / "own.ckpt"
    own.write_bytes(checkpoint.read_bytes())
    # the same few people again and again, which is enough to see that it works and not how well
    assert confidence(own, *[table] * 9) == 0
    said = capsys.readouterr().out
    assert "rank correlation, joints of one kind over people" in said
    assert str(tmp_path / "own.confidence.json") in said
    calibration = read_calibration(own)
    assert calibration is not None
    assert calibration.weights.shape == (49, 5)
    assert (calibration.weights >= 0).all()
    assert (np.diff(calibration.errors, axis=1) >= -1e-3).all()
    assert (np.diff(calibration.chances, axis=1) <= 1e-6).all()
    facts = json.loads((tmp_path / "own.confidence.json").read_text())["facts"]
    assert facts["fitted_people"] + facts["held_out_people"] == 9 * 24
    assert facts["held_out"]["pooled"]["low"] <= facts["held_out"]["pooled"]["value"]

    photo = tmp_path / "photo.jpg"
    photo.write_bytes(next(table.parent.rglob("*.jpg")).read_bytes())
    words = ["predict", str(photo), "--checkpoint", str(own), "--out", str(tmp_path / "out"), "--detector", "none"]
    assert cli.main([*words, "--confidence"]) == 0
    with np.load(tmp_path / "out" / "photo_0.npz") as arrays:
        assert arrays["confidence"].shape == (len(JOINTS_49),)

    assert confidence(own, table) == 2  # it is there
    assert "--force overwrites it" in capsys.readouterr().err


def test_bad_input_is_one_line_and_writes_nothing(checkpoint, table, tmp_path, capsys):
    foreign = tmp_path / "foreign.npz"
    with np.load(table) as columns:
        np.savez(foreign, **{**columns, "body_model": np.array("smpl")})
    out = tmp_path / "c.json"
    cases = [
        ((checkpoint, table), "12 labelled people: a calibration needs 100 or more"),
        ((checkpoint, tmp_path / "none.npz"), "none.npz"),
        ((checkpoint, foreign), "its labels are of the 'smpl' body, not of 'open'"),
        ((tmp_path / "none.ckpt", table), "no such checkpoint"),
    ]
    for words, message in cases:
        assert confidence(*words, "--out", out) == 2
        error = capsys.readouterr().err.strip()
        assert message in error
        assert "\n" not in error
        assert not out.exists()
    assert confidence(checkpoint, table, "--out", tmp_path / "no" / "c.json") == 2
    assert "no such folder for --out" in capsys.readouterr().err
