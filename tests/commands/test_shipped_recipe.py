"""The recipe of the shipped model, at one per cent of its length."""

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest

from pymaf_pl import cli

TOP = Path(__file__).resolve().parents[2]
ONE_PER_CENT = [
    "data.num=400", "data.sources.studio.num=100", "data.sources.more.num=300", "data.samples_per_epoch=100",
    "protocol.num=24",
]  # fmt: skip


@pytest.mark.slow
def test_one_per_cent_of_it_learns_and_goes_on_where_it_stopped(tmp_path):
    folders = [f"data.synthetic_root={tmp_path}", f"protocol.root={tmp_path}", f"hydra.run.dir={tmp_path / 'run'}"]
    words = [
        "train",
        "experiment=small_longer",
        *folders,
        *ONE_PER_CENT,
        "callbacks=quiet",
        "logger=csv",
        "report_people=2",
    ]
    assert cli.main([*words, "trainer.max_epochs=10"]) == 0
    assert cli.main(words) == 0
    with (tmp_path / "run" / "metrics.csv").open() as stream:
        steps = [int(row["step"]) for row in csv.DictReader(stream) if row["val/monitor"]]
    assert steps == list(range(29, 390, 30))  # 130 epochs of three steps, the first ten not trained again
    rows = json.loads((tmp_path / "run" / "metrics.json").read_text())["iterations"]
    assert rows[-1]["mpjpe"] < 0.95 * rows[0]["mpjpe"]
    assert "to go" in (tmp_path / "run" / "log.txt").read_text()


def test_make_trains_by_the_committed_experiment():
    command = ["make", "--no-print-directory", "-n", "-o", "install", "reproduce-small", "ARGS=seed=1"]
    outside = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    said = subprocess.run(command, cwd=TOP, env=outside, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1].endswith("pymaf train experiment=small_longer hydra.run.dir=runs/small seed=1")
    assert "goes on" in said
