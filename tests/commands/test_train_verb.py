import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from pymaf_pl import cli
from pymaf_pl.checkpoints import read_checkpoint
from pymaf_pl.metrics.people import PeopleFigures


def test_a_run_leaves_the_files_of_the_contract(run_dir):
    names = {path.name for path in run_dir.iterdir()}
    assert {
        "config.yaml",
        "run.json",
        "metrics.json",
        "metrics.csv",
        "per_sample.npz",
        "report.html",
        "checkpoints",
    } <= names
    assert {path.name for path in (run_dir / "checkpoints").iterdir()} == {"last.ckpt", "best.ckpt"}


def test_metrics_json_has_one_row_per_iteration_and_the_last_as_final(run_dir):
    metrics = json.loads((run_dir / "metrics.json").read_text())
    assert metrics["schema"] == 1
    assert metrics["protocol"] == "synthetic_val"
    assert metrics["num_samples"] == 12  # six people from each world
    assert metrics["unit"] == "mm"
    assert [row["iteration"] for row in metrics["iterations"]] == [0, 1, 2, 3]
    assert metrics["final"] == metrics["iterations"][-1]
    assert all({"mpjpe", "pa_mpjpe", "pve"} <= row.keys() for row in metrics["iterations"])
    assert all(row["pa_mpjpe"] <= row["mpjpe"] for row in metrics["iterations"])  # alignment cannot hurt


def test_everybodys_figures_are_kept_and_the_rows_are_their_means(run_dir):
    people = PeopleFigures.load(run_dir / "per_sample.npz")
    metrics = json.loads((run_dir / "metrics.json").read_text())
    assert people.protocol == "synthetic_val"
    assert people.row.tolist() == list(range(12))
    assert len(set(people.imgname)) == 12
    assert (people.bbox_size > 0).all()
    reported, variants = metrics["iterations"], metrics["extra"]["variants"]
    names = ("mpjpe", "pa_mpjpe", "pve", "rotation_deg", "pck_2d", "pa_pve", "pve_unaligned", "pck_3d", "auc_3d")
    assert {name: values.shape for name, values in people.figures.items()} == dict.fromkeys(names, (4, 12))
    for mean, row, others in zip(people.means(), reported, variants, strict=True):
        assert mean == pytest.approx(row | others, rel=1e-6)


def test_metrics_json_tells_how_sure_the_figures_are(run_dir):
    metrics = json.loads((run_dir / "metrics.json").read_text())
    extra, rows = metrics["extra"], metrics["iterations"]
    assert len(extra["interval_95"]) == len(rows) == 4
    for row, ends in zip(rows, extra["interval_95"], strict=True):
        assert all(low < row[name] < high for name, (low, high) in ends.items())
        assert ends.keys() | {"iteration"} == row.keys()
    assert len(extra["change"]) == 3
    for before, after, change in zip(rows, rows[1:], extra["change"], strict=False):
        for name, (mean, low, high) in change.items():
            assert mean == pytest.approx(after[name] - before[name], abs=1e-3)
            assert low <= mean <= high
    assert extra["steps"] > 0
    assert extra["parameters"] > 1000


def test_the_run_record_says_what_made_it(run_dir):
    record = json.loads((run_dir / "run.json").read_text())
    assert record["body"]["name"] == "open"
    assert record["packages"]["torch"]
    assert "experiment=demo" in record["overrides"]
    assert record["choices"]["model"] == "pymaf_small"
    assert len(record["data"]) == 4  # studio and wild, for training and for validation
    assert all(len(digest) == 64 for digest in record["data"].values())


def test_the_configuration_is_kept_resolved(run_dir):
    config = yaml.safe_load((run_dir / "config.yaml").read_text())
    assert config["model"]["num_iterations"] == 3
    assert "${" not in (run_dir / "config.yaml").read_text()


def test_metrics_csv_logs_every_iteration(run_dir):
    with (run_dir / "metrics.csv").open() as stream:
        columns = set(next(csv.reader(stream)))
    assert {f"val/synthetic_val/iter_{t}/pa_mpjpe" for t in range(4)} <= columns


def test_the_checkpoint_holds_the_network_and_no_body(run_dir):
    raw = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)
    assert all(key.startswith("network.") for key in raw["state_dict"])
    checkpoint = read_checkpoint(run_dir / "checkpoints" / "last.ckpt")
    assert checkpoint.body_name == "open"
    shapes = {tuple(value.shape) for value in checkpoint.state.values()}
    assert not any({6890, 13776, 3 * 6890} & set(shape) for shape in shapes)  # no vertex, face or pose corrective


def test_the_same_command_again_resumes_a_finished_run_without_training(run_dir, train):
    before = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    metrics = json.loads((run_dir / "metrics.json").read_text())
    assert train(run_dir) == 0
    after = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(before[key], after[key]) for key in before)
    again = json.loads((run_dir / "metrics.json").read_text())
    assert again["final"]["mpjpe"] == pytest.approx(metrics["final"]["mpjpe"], abs=1e-3)


@pytest.mark.parametrize("iterations", [1, 5])
def test_any_number_of_iterations_trains(train, tmp_path, iterations):
    assert train(tmp_path, f"model.num_iterations={iterations}", "report_people=0", "trainer.max_steps=2") == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert len(metrics["iterations"]) == iterations + 1


@pytest.mark.slow
def test_compiled_bf16_and_averaged_weights_keep_the_checkpoints_keys(run_dir, train, tmp_path):
    # aot_eager traces forward and backward as inductor does, and needs no compiler
    options = ["compile=aot_eager", "callbacks=ema", "trainer.max_steps=2", "trainer.precision=bf16-mixed"]
    assert train(tmp_path / "run", *options) == 0
    ours, plain = (
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for folder in (tmp_path / "run", run_dir)
    )
    assert {key: value.shape for key, value in ours.items()} == {key: value.shape for key, value in plain.items()}


def test_an_unknown_compiler_is_one_line(train, tmp_path, capsys):
    assert train(tmp_path / "run", "compile=inductr") == 2
    assert "compile=inductr: torch knows" in capsys.readouterr().err


def test_wandb_runs_offline(train, tmp_path):
    assert train(tmp_path, "logger=wandb", "report_people=0", "trainer.max_steps=2") == 0
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))


def test_no_logger_still_leaves_metrics_and_report(train, tmp_path):
    assert train(tmp_path, "logger=none", "trainer.max_steps=2") == 0
    assert (tmp_path / "metrics.json").is_file()
    assert not (tmp_path / "metrics.csv").exists()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("model.num_iteration=3", "did you mean 'model.num_iterations'?"),
        ("model.num_iterations=0", "at least one iteration"),
        ("image_size=100", "a multiple of 32"),
        ("backbone.depth=20", "18, 34, 50, 101"),
        ("init_from=nowhere.ckpt", "no such checkpoint"),
        ("resume=nowhere.ckpt", "no such checkpoint"),
        ("data.stages=[{name: a, epochs: 1, mix: {coco: 1}}]", "the sources are studio, wild"),
        ("body=smpl", "body.directory"),
    ],
)
def test_wrong_configuration_is_one_line_and_exit_code_2(train, tmp_path, capsys, override, words):
    assert train(tmp_path, override) == 2
    error = capsys.readouterr().err.strip()
    assert words in error
    assert "\n" not in error
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("key", ["resume", "init_from"])
def test_a_checkpoint_of_another_model_is_one_line_and_exit_code_2(run_dir, train, tmp_path, capsys, key):
    assert train(tmp_path, "model.num_iterations=2", f"{key}={run_dir}/checkpoints/last.ckpt") == 2
    error = capsys.readouterr().err.strip()
    assert "it is a checkpoint of another model" in error
    assert "\n" not in error
    assert not (tmp_path / "checkpoints").exists()


def test_weights_alone_can_be_started_from_but_not_resumed(run_dir, train, tmp_path, capsys):
    assert train(tmp_path, "init_from=pymaf-small") == 2  # the tiny network is another one
    assert "pymaf_small.pt: " in capsys.readouterr().err
    slim = str(tmp_path / "slim.pt")
    assert cli.main(["checkpoint", "slim", f"{run_dir}/checkpoints/last.ckpt", "--out", slim]) == 0
    run = tmp_path / "run"
    assert train(run, f"init_from={slim}", "report_people=0", "trainer.max_steps=1") == 0
    capsys.readouterr()
    assert train(tmp_path / "other", f"resume={slim}") == 2
    assert f"init_from={slim} starts from them" in capsys.readouterr().err


@pytest.mark.slow
def test_a_multirun_gives_one_folder_per_job(train, tmp_path):
    sweep = [f"hydra.sweep.dir={tmp_path}", "model.num_iterations=1,2", "report_people=0", "trainer.max_steps=1"]
    assert train(tmp_path / "unused", "-m", *sweep) == 0
    rows = [len(json.loads((tmp_path / job / "metrics.json").read_text())["iterations"]) for job in ("0", "1")]
    assert rows == [2, 3]


@pytest.mark.slow
def test_two_processes_train_one_run(worlds, tiny, tmp_path):
    folders = [f"data.synthetic_root={worlds}/train", f"protocol.root={worlds}/val", f"hydra.run.dir={tmp_path}"]
    ddp = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "trainer.sync_batchnorm=false"]
    pymaf = str(Path(sys.executable).with_name("pymaf"))
    done = subprocess.run([pymaf, "train", *tiny, *folders, *ddp], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads((tmp_path / "metrics.json").read_text())["num_samples"] == 12
    assert PeopleFigures.load(tmp_path / "per_sample.npz").row.tolist() == list(range(12))  # both ranks saw everybody
