"""Files of a run: whole or not at all, and valid JSON whatever was measured."""

import json
from pathlib import Path

import numpy as np
import pytest

from pymaf_pl import atomic
from pymaf_pl.checksums import sha256
from pymaf_pl.engine.run_files import metrics_document, run_record, write_json, write_text

ROWS = [{"iteration": t, "mpjpe": 200.0 - t, "pa_mpjpe": 120.0} for t in range(4)]


def test_text_is_written_with_its_folders_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a" / "b" / "file.txt", "größer\n")
    assert path.read_text(encoding="utf-8") == "größer\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = write_text(tmp_path / "metrics.json", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new \ud800")  # cannot be encoded
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_crash_before_the_rename_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_json(tmp_path / "metrics.json", {"a": 1})

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic.os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        write_json(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    content = {"a": float("nan"), "b": [1.5, float("inf")], "c": {"d": (-float("inf"), 2)}, "e": np.float64("nan")}
    text = write_json(tmp_path / "x.json", content).read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    assert json.loads(text) == {"a": None, "b": [1.5, None], "c": {"d": [None, 2]}, "e": None}


def test_metrics_have_the_contracts_layout(tmp_path: Path) -> None:
    path = write_json(tmp_path / "metrics.json", metrics_document("synthetic_val", 512, ROWS, {"miou": 0.5}))
    assert json.loads(path.read_text()) == {
        "schema": 1, "protocol": "synthetic_val", "num_samples": 512, "unit": "mm", "iterations": ROWS,
        "final": ROWS[-1], "extra": {"miou": 0.5},
    }  # fmt: skip
    assert metrics_document("x", 1, ROWS)["extra"] == {}


def test_the_record_says_what_made_the_run(tmp_path: Path) -> None:
    data = tmp_path / "table.npz"
    data.write_bytes(b"abc")
    body = {"name": "open", "gender": "neutral", "topology": "0"}
    record = run_record(body, seed=3, device="cpu x 1", data=[data])
    assert record["seed"] == 3
    assert record["body"] == body
    # the published digest of "abc", FIPS 180-2
    assert record["data"] == {str(data): "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
    assert sha256(data) == record["data"][str(data)]
    assert record["packages"]["torch"]
    json.loads(write_json(tmp_path / "run.json", record).read_text())
