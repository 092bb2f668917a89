"""Runs that are repeated, cut off, or meet a broken world; and real sweeps of them."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from pymaf_pl import cli
from pymaf_pl.commands.sweep_ledger import Ledger


def pymaf(*words: str, **options) -> "subprocess.Popen[str]":  # type: ignore[no-untyped-def]
    return subprocess.Popen([sys.executable, "-m", "pymaf_pl.cli", *words], text=True, **options)


def state(run_dir: Path) -> dict[str, torch.Tensor]:
    return torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def losses(run_dir: Path) -> list[tuple[str, str]]:
    with (run_dir / "metrics.csv").open() as stream:
        return [(row["step"], row["train/loss"]) for row in csv.DictReader(stream) if row["train/loss"]]


def folders(worlds: Path) -> list[str]:
    return [f"data.synthetic_root={worlds}/train", f"protocol.root={worlds}/val", "report_people=0"]


def test_a_run_is_repeated_from_its_folder_with_the_same_losses(train, worlds, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    options = ["report_people=0", "trainer.max_steps=4", "trainer.log_every_n_steps=1"]
    assert train(tmp_path / "first", *options) == 0
    assert cli.main(["train", "--from", str(tmp_path / "first"), f"hydra.run.dir={tmp_path}/again"]) == 0
    first, again = state(tmp_path / "first"), state(tmp_path / "again")
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert losses(tmp_path / "first") == losses(tmp_path / "again")
    assert len(losses(tmp_path / "again")) == 4
    configs = [yaml.safe_load((tmp_path / name / "config.yaml").read_text()) for name in ("first", "again")]
    assert configs[0] == configs[1]
    records = [json.loads((tmp_path / name / "run.json").read_text()) for name in ("first", "again")]
    assert records[1]["repeats"] == str(tmp_path / "first")
    assert records[1]["choices"] == records[0]["choices"]
    assert records[1]["outcome"]["value"] == records[0]["outcome"]["value"]
    # another seed is another run
    words = [f"hydra.run.dir={tmp_path}/other", "seed=1", "trainer.max_steps=1"]
    assert cli.main(["train", "--from", str(tmp_path / "first"), *words]) == 0
    assert losses(tmp_path / "other")[0] != losses(tmp_path / "first")[0]
    assert "seed=1" in json.loads((tmp_path / "other" / "run.json").read_text())["overrides"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--from"], "--from wants a run folder"),
        (["--from", "nowhere"], "no config.yaml in it"),
        (["--from=RUN", "model=hmr"], "has no groups any more"),
        (["--from=RUN", "sead=1"], "did you mean 'seed'"),
        (["--from=RUN", "model.num_iterations=x"], "expected a whole number"),
        (["-m", "--from=RUN"], "--from repeats one run"),
    ],
)
def test_what_cannot_be_repeated_is_one_line(  # type: ignore[no-untyped-def]
    words, message, tmp_path: Path, capsys, monkeypatch
) -> None:
    from pymaf_pl.commands.composing import compose_config
    from pymaf_pl.commands.sweep_plan import without_sweep

    from omegaconf import OmegaConf  # isort: skip

    config = without_sweep(compose_config("train", ["scale=tiny"]))
    (tmp_path / "config.yaml").write_text(OmegaConf.to_yaml(config, resolve=True))
    assert cli.main(["train", *(word.replace("RUN", str(tmp_path)) for word in words)]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error


def test_the_run_record_is_whole_and_ends_with_the_outcome(run_dir) -> None:  # type: ignore[no-untyped-def]
    record = json.loads((run_dir / "run.json").read_text())
    assert {
        "command", "git", "python", "platform", "packages", "seed", "device", "body", "licences", "data", "overrides",
        "choices", "processes", "nodes", "accumulated_batches", "global_batch", "outcome",
    } <= set(record)  # fmt: skip
    metrics = json.loads((run_dir / "metrics.json").read_text())
    assert record["outcome"]["figure"] == "mpjpe"
    assert record["outcome"]["value"] == pytest.approx(metrics["final"]["mpjpe"])
    assert record["outcome"]["step"] == metrics["extra"]["steps"]
    assert record["global_batch"] == 8
    assert not {"sweep", "search", "launcher"} & set(yaml.safe_load((run_dir / "config.yaml").read_text()))


def test_vanished_pictures_end_the_run_in_one_line_and_the_checkpoint_stays(  # type: ignore[no-untyped-def]
    train, worlds, run_dir, tmp_path: Path, capsys
) -> None:
    del run_dir  # it has rendered the worlds
    copy = tmp_path / "train"
    shutil.copytree(worlds / "train", copy)
    options = ["report_people=0", "checkpoint_steps=1", f"data.synthetic_root={copy}", "trainer.max_steps=2"]
    assert train(tmp_path / "run", *options) == 0
    for picture in [*copy.rglob("*.jpg"), *copy.rglob("*.png")]:
        picture.unlink()
    capsys.readouterr()
    assert train(tmp_path / "run", *options[:-1]) == 2
    error = capsys.readouterr().err.strip()
    assert "\n" not in error
    assert str(copy) in error
    assert f"{tmp_path}/run/checkpoints/last.ckpt is kept" in error
    assert error.endswith(f"the same command with hydra.run.dir={tmp_path}/run goes on from it")
    assert torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 2


def test_a_full_disk_ends_the_run_in_one_line_and_the_checkpoint_stays(  # type: ignore[no-untyped-def]
    train, tmp_path: Path, capsys, monkeypatch
) -> None:
    import errno

    save, count = torch.save, iter(range(100))

    def full(content, stream) -> None:  # type: ignore[no-untyped-def]
        if next(count) == 1:
            stream.write(b"half")
            try:
                raise OSError(errno.ENOSPC, "No space left on device")
            finally:  # as torch does: it closes its archive, which is cut short by then
                raise RuntimeError("unexpected pos 493376 vs 493272")
        save(content, stream)

    monkeypatch.setattr(torch, "save", full)
    assert train(tmp_path, "report_people=0", "checkpoint_steps=1", "trainer.max_steps=3") == 2
    error = capsys.readouterr().err.strip()
    assert "the disk is full" in error
    assert f"last.ckpt is whole, and the same command with hydra.run.dir={tmp_path} goes on from it" in error
    assert "\n" not in error
    assert torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 1
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["last.ckpt"]


def test_a_loss_that_is_no_number_ends_the_run_in_one_line_and_the_checkpoint_stays(  # type: ignore[no-untyped-def]
    train, run_dir, tmp_path: Path, capsys
) -> None:
    del run_dir  # it has rendered the worlds
    capsys.readouterr()
    options = ["report_people=0", "checkpoint_steps=1", "scheduler=constant", "trainer.max_steps=3"]
    assert train(tmp_path, *options, "optimizer.lr=1e30") == 2  # finite weights after a step, of which no loss is
    error = capsys.readouterr().err.strip()
    last = tmp_path / "checkpoints" / "last.ckpt"
    assert f"pymaf train: the loss is not finite after step 2; {last} is from before" in error
    assert "\n" not in error
    assert torch.load(last, weights_only=True)["global_step"] == 1
    assert not (tmp_path / "metrics.json").exists()


@pytest.mark.slow
def test_a_terminated_run_saves_itself_and_goes_on_to_the_same_end(worlds, tiny, run_dir, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    words = ["train", *tiny, *folders(worlds), "trainer.log_every_n_steps=1", "callbacks=quiet"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert pymaf(*words, f"hydra.run.dir={whole}").wait() == 0
    process = pymaf(*words, f"hydra.run.dir={cut}", stderr=subprocess.PIPE)
    until = time.monotonic() + 300
    while not (cut / "progress.json").exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.terminate()
    _, error = process.communicate()
    assert process.returncode == 1
    assert error.strip().splitlines()[-1].startswith("pymaf train: stopped by SIGTERM after step")
    assert pymaf(*words, f"hydra.run.dir={cut}").wait() == 0
    first, second = state(whole), state(cut)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert losses(whole) == losses(cut)


@pytest.mark.slow
def test_a_real_sweep_killed_twice_finishes_with_every_job_done_once(worlds, tiny, run_dir, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    words = [
        "train", "-m", *tiny, *folders(worlds), "checkpoint_steps=1", "seed=0,1,2", f"hydra.sweep.dir={tmp_path}/s",
    ]  # fmt: skip
    for kills in (0, 1):
        process = pymaf(*words, start_new_session=True)
        until = time.monotonic() + 600
        while not (tmp_path / "s" / str(kills) / "checkpoints" / "last.ckpt").exists() and time.monotonic() < until:
            time.sleep(0.05)
        process.kill()  # the sweep alone: its job must follow by itself
        process.wait()
    assert pymaf(*words).wait() == 0
    ledger = Ledger.read(tmp_path / "s")
    assert [job.state for job in ledger.jobs] == ["done"] * 3
    alone = tmp_path / "alone"
    assert pymaf("train", *tiny, *folders(worlds), "seed=1", f"hydra.run.dir={alone}").wait() == 0
    first, second = state(alone), state(tmp_path / "s" / "1")
    assert all(torch.equal(first[key], second[key]) for key in first)
    written = [(ledger.run_dir(job) / "run.json").stat().st_mtime_ns for job in ledger.jobs]
    assert pymaf(*words).wait() == 0  # nothing left to do
    assert written == [(ledger.run_dir(job) / "run.json").stat().st_mtime_ns for job in ledger.jobs]


@pytest.mark.slow
@pytest.mark.parametrize("dense", ["losses=short", "losses.dense=null"])
def test_a_sweep_of_two_process_runs_has_one_folder_and_one_wandb_run_each(  # type: ignore[no-untyped-def]
    dense, worlds, tiny, run_dir, tmp_path: Path
) -> None:
    words = ["train", "-m", *tiny, *folders(worlds), "trainer=ddp_sim", "logger=wandb", "trainer.max_steps=2", dense]
    env = {**os.environ, "WANDB_MODE": "offline"}
    choices = ["model.num_iterations=1,2", f"hydra.sweep.dir={tmp_path}/s"]
    assert pymaf(*words, *choices, env=env).wait() == 0  # find_unused_parameters is off: an idle parameter would fail
    assert sorted(path.name for path in (tmp_path / "s").iterdir() if path.is_dir()) == ["0", "1"]
    assert len(list((tmp_path / "s").rglob("*.wandb"))) == 2
    for number in ("0", "1"):
        record = json.loads((tmp_path / "s" / number / "run.json").read_text())
        assert (record["processes"], record["global_batch"], record["outcome"]["step"]) == (2, 16, 2)


@pytest.mark.slow
def test_interrupted_sweeps_let_their_jobs_save_themselves(worlds, tiny, run_dir, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    words = ["train", "-m", *tiny, *folders(worlds), "seed=0,1", f"hydra.sweep.dir={tmp_path}/s"]
    process = pymaf(*words)
    until = time.monotonic() + 300
    while not (tmp_path / "s" / "0" / "progress.json").exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 1
    assert (tmp_path / "s" / "0" / "checkpoints" / "last.ckpt").is_file()
    assert [job.state for job in Ledger.read(tmp_path / "s").jobs] == ["running", "pending"]
