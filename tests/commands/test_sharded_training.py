"""``trainer=fsdp`` on two processes of a CPU: the same run as two whole copies, and a whole network at its end."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from pytorch_lightning.strategies import SingleDeviceStrategy

from pymaf_pl.checkpoints import read_checkpoint
from pymaf_pl.engine.sharding import ShardedStrategy, put_together
from pymaf_pl.rebuilding import network_from_checkpoint

ON_CPU = ["trainer=fsdp", "trainer.accelerator=cpu", "trainer.devices=2", "trainer.precision=32-true"]
FEW = ["scheduler=constant", "trainer.log_every_n_steps=1", "trainer.check_val_every_n_epoch=9", "report_people=2"]


def test_weights_and_buffers_stay_float32_also_in_half_precision() -> None:
    strategy = ShardedStrategy(sharding_strategy="FULL_SHARD", state_dict_type="full")
    kept = strategy.mixed_precision_config
    assert kept is not None
    assert (kept.param_dtype, kept.reduce_dtype, kept.buffer_dtype) == (None, None, None)  # None: as they are


def test_what_was_not_sharded_is_left_alone() -> None:
    class Trainer:
        strategy = SingleDeviceStrategy()

    put_together(Trainer(), None, Path("nowhere"), None)  # type: ignore[arg-type]


def pymaf(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pymaf_pl.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def run(worlds: Path, tiny: list[str], run_dir: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    folders = [f"data.synthetic_root={worlds}/train", f"protocol.root={worlds}/val", f"hydra.run.dir={run_dir}"]
    return pymaf("train", *tiny, *folders, *options)


def losses(run_dir: Path) -> list[float]:
    with (run_dir / "metrics.csv").open() as stream:
        return [float(row["train/loss"]) for row in csv.DictReader(stream) if row["train/loss"]]


@pytest.mark.slow
def test_a_sharded_run_is_cut_off_goes_on_and_ends_as_one_of_whole_copies(
    worlds, tiny, run_dir, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    whole, sharded = tmp_path / "whole", tmp_path / "sharded"
    done = run(worlds, tiny, whole, *FEW, "trainer=ddp_sim", "trainer.max_steps=4")
    assert done.returncode == 0, done.stderr[-2000:]
    for steps in (2, 4):
        done = run(worlds, tiny, sharded, *FEW, *ON_CPU, f"trainer.max_steps={steps}")
        assert done.returncode == 0, done.stderr[-2000:]
        # measured after training by both processes, then alone by the first: report, FLOPs, milliseconds
        metrics = json.loads((sharded / "metrics.json").read_text())
        assert metrics["num_samples"] == 12
        assert metrics["extra"]["flops"] > 0
        assert (sharded / "report.html").is_file()
    assert losses(sharded) == pytest.approx(losses(whole), rel=1e-4)  # the same people in the same order, resumed
    reference = json.loads((whole / "metrics.json").read_text())
    assert metrics["extra"]["parameters"] == reference["extra"]["parameters"]
    assert metrics["final"]["mpjpe"] == pytest.approx(reference["final"]["mpjpe"], rel=1e-3)
    checkpoints = [read_checkpoint(folder / "checkpoints" / "last.ckpt") for folder in (whole, sharded)]
    networks = [network_from_checkpoint(checkpoint)[0].state_dict() for checkpoint in checkpoints]
    assert networks[0].keys() == networks[1].keys()
    for name, value in networks[0].items():
        torch.testing.assert_close(networks[1][name], value, rtol=1e-2, atol=1e-3, msg=name)
    people = [f"protocol.root={worlds}/val", "protocol.num=6", "protocol.picture_size=64", "report_people=2"]
    measured = [f"checkpoint={sharded}/checkpoints/last.ckpt", f"hydra.run.dir={tmp_path}/eval"]
    done = pymaf("eval", *measured, *people, *ON_CPU)
    assert done.returncode == 0, done.stderr[-2000:]
    again = json.loads((tmp_path / "eval" / "metrics.json").read_text())
    assert again["final"]["mpjpe"] == pytest.approx(metrics["final"]["mpjpe"], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("trainer.precision=bf16-mixed", "knows trainer.precision=32-true only"),
        ("trainer.gradient_clip_val=1", "+trainer.gradient_clip_algorithm=value"),
        ("callbacks=ema", "not with trainer=fsdp"),
    ],
)
def test_what_shards_cannot_do_is_one_line(option: str, message: str, worlds, tiny, run_dir, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    done = run(worlds, tiny, tmp_path / "run", *FEW, *ON_CPU, option)
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if line.startswith("pymaf train: ")]
    assert len(said) == 1
    assert message in said[0]
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks for a GPU where there is none")
def test_without_a_gpu_it_says_so_in_one_line(
    train, run_dir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    capsys.readouterr()
    assert train(tmp_path / "run", "trainer=fsdp") == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert error == ["pymaf train: trainer: No supported gpu backend found!"]
