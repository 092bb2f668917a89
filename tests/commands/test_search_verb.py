"""Searches: real studies on disk; small processes stand for trainings."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from pymaf_pl import cli
from pymaf_pl.commands import launch
from pymaf_pl.commands.search import Trials, optuna_study
from pymaf_pl.commands.search_space import as_override, distributions, draw
from pymaf_pl.commands.sweep_ledger import Ledger
from pymaf_pl.commands.sweep_plan import read_plan

optuna = pytest.importorskip("optuna")

# stands for `pymaf train`: three validations that are the better the nearer the rate is to 1e-3, and counts its starts
TRIAL = """
import json, math, pathlib, sys, time
from pymaf_pl.commands.parent import follow_parent
follow_parent()
values = dict(word.split("=", 1) for word in sys.argv[1:])
run_dir = pathlib.Path(values["hydra.run.dir"].strip("'"))
with (run_dir / "starts").open("a") as stream: stream.write("x")
error, done = 100 * abs(math.log10(float(values["optimizer.lr"])) + 3), []
for step in (1, 2, 3):
    time.sleep(0.3)
    done.append([step, error + 30 / step])
    (run_dir / "draft").write_text(json.dumps({"step": step, "validations": done}))
    (run_dir / "draft").rename(run_dir / "progress.json")
time.sleep(0.3)
(run_dir / "run.json").write_text(json.dumps({"outcome": {"figure": "mpjpe", "value": error + 10}}))
"""
WORDS = [
    "backbone=resnet18_narrow", "backbone.width=8", "model=pymaf_small", "model.hidden=16", "search.startup_trials=2",
    "optimizer.lr=tag(log,interval(1e-5,1e-1))",
]  # fmt: skip
SCRIPT = """
import sys
from pymaf_pl import cli
from pymaf_pl.commands import launch
launch.command = lambda words: [sys.executable, "-c", {trial!r}, *words]
sys.exit(cli.main(["search", *{words!r}]))
"""


def test_a_trial_that_was_drawn_and_not_written_down_is_taken_up_again(tmp_path: Path) -> None:
    plan = read_plan([*WORDS, "model.num_iterations=range(1,4)", "search.trials=2", f"hydra.sweep.dir={tmp_path}"])
    space = distributions(plan.axes)
    study = optuna_study()(tmp_path, plan)
    cut = study.ask()  # as in a search that is killed while the second value is drawn
    rate = draw(cut, "optimizer.lr", space["optimizer.lr"])
    trials = Trials(optuna_study()(tmp_path, plan), space, Ledger(tmp_path, space={"x": "x"}), plan)
    first, second = trials.next(), trials.next()
    assert first is not None
    assert second is not None
    assert trials.next() is None  # as many as asked for
    assert [first.number, second.number] == [0, 1]
    assert f"optimizer.lr={rate}" in first.overrides
    assert [word.split("=")[0] for word in second.overrides[-2:]] == ["optimizer.lr", "model.num_iterations"]
    assert [job.overrides for job in Ledger.read(tmp_path).jobs] == [first.overrides, second.overrides]


@pytest.mark.slow
def test_killed_after_four_and_typed_again_there_are_eight_trials_and_the_pruned_are_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*WORDS, f"hydra.sweep.dir={tmp_path}/search", "search.trials=8"]
    process = subprocess.Popen([sys.executable, "-c", SCRIPT.format(trial=TRIAL, words=words)])
    until = time.monotonic() + 300
    while ended(tmp_path / "search") < 4 and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)  # into the fifth
    process.kill()
    process.wait()
    before = ended(tmp_path / "search")
    assert 4 <= before < 8
    monkeypatch.setattr(launch, "command", lambda words: [sys.executable, "-c", TRIAL, *words])
    assert cli.main(["search", *words]) == 0
    ledger = Ledger.read(tmp_path / "search")
    assert [job.number for job in ledger.jobs] == list(range(8))
    states = [job.state for job in ledger.jobs]
    assert set(states) == {"done", "pruned"}
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path}/search/study.db")
    known = {"COMPLETE": "done", "PRUNED": "pruned"}
    assert [known[trial.state.name] for trial in study.trials] == states
    for job, trial in zip(ledger.jobs, study.trials, strict=True):
        assert as_override("optimizer.lr", trial.params["optimizer.lr"]) in job.overrides
        if job.state == "done":
            assert trial.value == job.figure["mpjpe"]
            assert len(trial.intermediate_values) == 3
    starts = [(ledger.run_dir(job) / "starts").read_text() for job in ledger.jobs]
    assert sum(map(len, starts)) <= 9  # at most the one that was cut off was started twice
    told = capsys.readouterr().out
    assert f"{before} ended already" in told
    assert told.count("pruned after step") == sum(state == "pruned" for state in states[before:])
    assert "│ pruned" in told or "pruned │" in told
    assert cli.main(["search", *words]) == 0  # nothing left to do
    assert ended(tmp_path / "search") == 8


def ended(folder: Path) -> int:
    if not (folder / "sweep.json").exists():
        return 0
    return sum(job.state in ("done", "pruned") for job in Ledger.read(folder).jobs)


def test_hydras_words_become_optunas_distributions() -> None:
    words = [
        "optimizer.lr=tag(log,interval(1e-4,1e-2))", "model.dropout=interval(0.0,0.5)",
        "model.num_iterations=range(1,5)",
        "model.hidden=int(interval(16,64))", "backbone=resnet18,resnet34", "model.rotation=choice(6d,axis_angle)",
    ]  # fmt: skip
    found = distributions(read_plan(words).axes)
    made = optuna.distributions
    assert found == {
        "optimizer.lr": made.FloatDistribution(1e-4, 1e-2, log=True),
        "model.dropout": made.FloatDistribution(0.0, 0.5),
        "model.num_iterations": made.IntDistribution(1, 4),
        "model.hidden": made.IntDistribution(16, 64),
        "backbone": made.CategoricalDistribution(("resnet18", "resnet34")),
        "model.rotation": made.CategoricalDistribution(("6d", "axis_angle")),
    }
    assert as_override("optimizer.lr", 0.00012345678901234567) == "optimizer.lr=0.00012345678901234567"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["scale=tiny"], "nothing to search: give a key an interval"),
        (["optimizer.lr=interval(1,0)"], "optimizer.lr=interval(1,0)"),
        (["+sweep=pyramid"], "for pymaf train -m"),
        (["-m", "seed=0,1"], "unknown option '-m'"),
        (["model.num_iterations=range(0,3)"], "at least one iteration"),
    ],
)
def test_what_cannot_be_searched_is_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    small = [] if words[0] == "-m" else [*WORDS[:4], f"hydra.sweep.dir={tmp_path}"]
    assert cli.main(["search", *words, *small]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["search", "--help"]) == 0
    assert "examples:" in capsys.readouterr().out
