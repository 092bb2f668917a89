import json

import cv2
import numpy as np
import pytest

from pymaf_pl.cli import main

pytest.importorskip("litdata")


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.jpg"), cv2.resize(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8), (90, 80)))
    names = np.array([f"{i}.jpg" for i in range(3)])
    np.savez(tmp_path / "table.npz", imgname=names, center=np.full((3, 2), 40.0), scale=np.full(3, 0.3))
    return tmp_path / "table.npz"


def pack(table, *more):
    out = str(table.parent / "shards")
    return main(["data", "pack", str(table), "--out", out, "--size", "32", "--workers", "1", *more])


def test_pack_writes_shards_and_says_how_large_they_are(table, capsys):
    assert pack(table, "--rotation-deg", "10", "--shift", "0.1", "--quality", "80", "--shard-rows", "2") == 0
    assert "3 people" in capsys.readouterr().out
    record = json.loads((table.parent / "shards" / "index.json").read_text())["pymaf_pl"]
    # angles are clipped at twice augmentation.rotation_deg
    assert record["margins"] == {"size": 32, "scale": 0.25, "shift": 0.1, "rotation_deg": 20.0, "quality": 80}
    assert (record["rows"], record["rows_per_shard"]) == (3, 2)


def test_other_settings_in_the_same_folder_are_refused(table, capsys):
    assert pack(table) == 0
    assert pack(table) == 0
    capsys.readouterr()
    assert pack(table, "--quality", "50") == 2
    assert "other settings (margins)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shard-rows", "0"], "at least 1"),
        (["--quality", "0"], "quality=0"),
        (["--scale", "1"], "scale=1"),
        (["--image-root", "/nowhere"], "image not found"),
    ],
)
def test_wrong_input_is_one_line(table, capsys, words, message):
    assert pack(table, *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1
    assert not (table.parent / "shards").exists()
