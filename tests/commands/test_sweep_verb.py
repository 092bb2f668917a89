"""``pymaf train -m`` from its command line on; small processes stand for trainings."""

import sys
from pathlib import Path

import pytest

from pymaf_pl import cli
from pymaf_pl.commands import launch
from pymaf_pl.commands.sweep_ledger import Ledger

# stands for `pymaf train`: seed 1 fails until its folder holds a file named mended
JOB = """
import json, pathlib, sys
run_dir = pathlib.Path(sys.argv[-1].split("=", 1)[1].strip("'"))
with (run_dir / "starts").open("a") as stream: stream.write("x")
if "seed=1" in sys.argv and not (run_dir / "mended").exists():
    print("pymaf train: no luck", file=sys.stderr); sys.exit(2)
(run_dir / "run.json").write_text(json.dumps({"outcome": {"figure": "mpjpe", "value": 12.5}}))
"""
WORDS = ["backbone=resnet18_narrow", "backbone.width=8", "model=pymaf_small", "model.hidden=16", "name=mine"]


@pytest.fixture(autouse=True)
def _quick_jobs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(launch, "command", lambda words: [sys.executable, "-c", JOB, *words])
    monkeypatch.chdir(tmp_path)  # runs/ is where one stands


def sweep(*words: str) -> int:
    return cli.main(["train", "-m", *WORDS, *words])


def folders() -> list[Path]:
    return sorted(path.parent for path in Path("runs/mine").glob("*/sweep.json"))


def starts(folder: Path) -> list[int]:
    ledger = Ledger.read(folder)
    return [len((ledger.run_dir(job) / "starts").read_text()) for job in ledger.jobs]


def test_the_same_command_goes_on_in_the_same_folder_and_retries_when_told_to(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert sweep("seed=0,1,2") == 1
    (folder,) = folders()
    told = capsys.readouterr().out
    assert "2 done, 1 failed" in told
    assert "job 1, seed=1: no luck" in told
    assert f"pymaf compare {folder}" in told
    assert sweep("seed=2,0,1") == 1  # in another order, it is the same sweep; what failed is left alone
    assert folders() == [folder]
    assert starts(folder) == [1, 1, 1]
    (folder / "1" / "mended").touch()
    assert sweep("seed=0,1,2", "sweep.retry_failed=true", "launcher.workers=2") == 0
    assert folders() == [folder]
    assert starts(folder) == [1, 2, 1]
    assert "3 done" in capsys.readouterr().out
    assert [job.state for job in Ledger.read(folder).jobs] == ["done"] * 3


@pytest.mark.slow
def test_another_sweep_and_a_new_one_have_folders_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sweep("seed=0", "hydra.sweep.dir=runs/mine/a") == 0
    assert sweep("seed=2", "hydra.sweep.dir=runs/mine/b") == 0
    assert sweep("seed=2") == 0  # found under b
    assert folders() == [Path("runs/mine/a"), Path("runs/mine/b")]
    assert starts(Path("runs/mine/b")) == [1]
    assert sweep("seed=2", "sweep.new=true") == 0
    assert len(folders()) == 3


@pytest.mark.slow
def test_a_named_folder_takes_new_jobs_in() -> None:
    assert sweep("seed=0,2", "hydra.sweep.dir=s") == 0
    assert sweep("seed=0,2,3", "hydra.sweep.dir=s") == 0
    assert starts(Path("s")) == [1, 1, 1]
    assert [job.overrides[-1] for job in Ledger.read(Path("s")).jobs] == ["seed=0", "seed=2", "seed=3"]


def test_nothing_is_left_behind_by_a_sweep_that_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("model.num_iterations=1,0") == 2
    assert "job 1, model.num_iterations=0" in capsys.readouterr().err
    assert not Path("runs").exists()
