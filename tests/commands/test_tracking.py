"""What runs leave in wandb, TensorBoard and MLflow, and in the run folder without any of them."""

import json
import os
import struct
import subprocess
import sys

import cv2
import pytest
import yaml

from offline_wandb import read_offline
from pymaf_pl import cli
from pymaf_pl.commands.composing import compose_config
from pymaf_pl.commands.sweep_ledger import Job, Ledger
from pymaf_pl.commands.tracking import identity
from pymaf_pl.engine import tracker_packages
from pymaf_pl.paths import conf_dir

SWEEP_FILE = conf_dir().parent / "docs" / "wandb_sweep.yaml"


@pytest.fixture(scope="module")
def train_apart(tiny, worlds):
    """Run ``pymaf train`` in a process of its own, as jobs of a sweep are: wandb keeps state in the process."""

    def run(run_dir, *overrides):
        folders = [f"data.synthetic_root={worlds}/train", f"protocol.root={worlds}/val", f"hydra.run.dir={run_dir}"]
        command = [sys.executable, "-m", "pymaf_pl.cli", "train", *tiny, *folders, *overrides]
        return subprocess.run(command, env={**os.environ, "WANDB_MODE": "offline"}, check=False).returncode

    return run


@pytest.fixture(scope="module")
def tracked(train_apart, tmp_path_factory):
    """A run of two steps that is a sweep's second job, with wandb."""
    sweep = tmp_path_factory.mktemp("sweep")
    jobs = [Job(n, ["logger=wandb", f"seed={n}", "trainer.max_steps=2"]) for n in (0, 1)]
    Ledger(sweep, ["train", "-m"], jobs).save()
    options = ["logger=wandb", "seed=1", "trainer.max_steps=2", "trainer.log_every_n_steps=1", "report_people=2"]
    assert train_apart(sweep / "1", *options) == 0
    return sweep / "1"


@pytest.fixture(scope="module")
def wandb_run(tracked):
    (path,) = tracked.glob("wandb/offline-run-*/*.wandb")
    return read_offline(path)


def header(path):
    """The JSON part of a .glb."""
    data = path.read_bytes()
    magic, version, size, length, kind = struct.unpack_from("<4sIII4s", data)
    assert (magic, version, size, kind) == (b"glTF", 2, len(data), b"JSON")
    return json.loads(data[20 : 20 + length])


class TestWandb:
    def test_the_resolved_configuration_is_the_runs(self, wandb_run, tracked):
        written = yaml.safe_load((tracked / "config.yaml").read_text())
        assert wandb_run.config["model"] == written["model"]
        assert wandb_run.config["seed"] == 1
        assert "${" not in json.dumps(wandb_run.config)

    def test_code_and_environment_are_an_artifact_inside_the_run_folder(self, wandb_run, tracked):
        files = wandb_run.artifacts["record"]
        assert set(files) == {"config.yaml", "run.json", "code.diff", "environment.json"}
        assert all(path.is_relative_to(tracked.resolve()) and path.is_file() for path in files.values())
        assert files["config.yaml"].read_text() == (tracked / "config.yaml").read_text()
        record = json.loads(files["run.json"].read_text())
        assert files["code.diff"].read_text().startswith(f"# commit {(record['git'] or {}).get('commit', 'unknown')}\n")
        assert json.loads(files["environment.json"].read_text())["packages"]["torch"]

    def test_losses_and_metrics_are_there_per_iteration(self, wandb_run, tracked):
        logged = {}
        for line in wandb_run.history:
            logged |= line
        final = json.loads((tracked / "metrics.json").read_text())
        for row in final["iterations"]:
            t = row["iteration"]
            for name in ("mpjpe", "pa_mpjpe", "pve"):
                assert logged[f"val/synthetic_val/iter_{t}/{name}"] == pytest.approx(row[name], rel=1e-5)
        losses = [key for key in logged if key.startswith("train/")]
        assert all(any(f"iter_{t}" in key for key in losses) for t in (1, 2, 3)), losses
        assert "train/loss" in losses

    def test_people_by_iterations_are_a_table_with_pictures(self, wandb_run, tracked):
        (entry,) = (line for line in wandb_run.history if "val/synthetic_val/people._type" in line)
        assert entry["val/synthetic_val/people._type"] == "table-file"
        files = wandb_run.artifacts["run_table"]
        (name,) = (name for name in files if name.endswith(".table.json"))
        table = json.loads(files[name].read_text())
        columns = table["columns"]
        assert columns[:7] == ["person", "chosen as", "photo", *(f"iteration {t}" for t in range(4))]
        assert "MPJPE mm, iteration 3" in columns
        assert len(table["data"]) == 2
        for row in table["data"]:
            for cell in row[2:7]:
                picture = files[cell["path"]]
                assert picture.is_relative_to(tracked.resolve())
                assert cv2.imread(str(picture)).shape == (64, 64, 3)
            assert row[columns.index("MPJPE mm, iteration 3")] > 0

    def test_the_last_mesh_is_there(self, wandb_run, tracked):
        (entry,) = (line for line in wandb_run.history if "val/synthetic_val/mesh._type" in line)
        assert entry["val/synthetic_val/mesh._type"] == "object3D-file"
        (mesh,) = tracked.glob("wandb/offline-run-*/files/" + entry["val/synthetic_val/mesh.path"])
        (points,) = (a for a in header(mesh)["accessors"] if a["type"] == "VEC3" and "max" in a)
        assert points["count"] == 6890
        assert 1.2 < points["max"][1] - points["min"][1] < 2.5  # m, a standing body from head to toe

    def test_a_sweeps_jobs_are_one_group(self, wandb_run, tracked):
        assert (wandb_run.group, wandb_run.job_type) == (f"demo {tracked.parent.name}", "sweep")
        assert wandb_run.name == "seed=1"
        assert set(wandb_run.tags) == {"seed=1", "trainer.max_steps=2"}

    def test_system_figures_are_taken_and_the_run_has_ended_well(self, wandb_run):
        assert {"environment", "stats"} <= wandb_run.kinds
        assert wandb_run.exit_code == 0

    def test_a_run_that_goes_on_keeps_its_id(self, wandb_run, tracked, train_apart):
        assert train_apart(tracked, "logger=wandb", "seed=1", "trainer.max_steps=3", "report_people=0") == 0
        found = [read_offline(path).run_id for path in tracked.glob("wandb/offline-run-*/*.wandb")]
        assert found == [wandb_run.run_id] * 2

    def test_the_folder_tells_the_same_without_wandb(self, tracked):
        meshes = sorted(path.name for path in (tracked / "meshes").iterdir())
        assert len(meshes) == 2
        assert meshes[0].startswith("01_")
        assert (tracked / "report.html").read_text().count("data-iteration=") >= 8
        assert "val/synthetic_val/iter_3/mpjpe" in (tracked / "metrics.csv").read_text()


class TestCost:
    def test_it_is_told_by_metrics_and_record(self, run_dir):
        extra = json.loads((run_dir / "metrics.json").read_text())["extra"]
        assert extra["flops"] > 2 * extra["parameters"] / 100
        assert extra["ms_per_image"] > 0
        assert extra["measured_on"].startswith("cpu")
        cost = json.loads((run_dir / "run.json").read_text())["cost"]
        assert cost["training_seconds"] > 0
        assert (cost["processes"], cost["device"]) == (1, "cpu")


class TestIdentity:
    def test_a_run_by_itself_is_called_by_its_folder(self, tmp_path):
        words = ["experiment=demo", "hydra.run.dir=x", "logger=wandb", "+run=train"]
        found = identity("demo", tmp_path / "demo", words)
        assert found == ("demo", "train", "demo", ["experiment=demo"])

    def test_trials_of_a_search_say_so(self, tmp_path):
        Ledger(tmp_path, [], [Job(0, ["a=1"]), Job(1, ["a=2"])], {"a": "interval(1,2)"}).save()
        assert identity("demo", tmp_path / "0", []) == (f"demo {tmp_path.name}", "search", "a=1", ["a=1"])

    def test_a_damaged_ledger_ends_no_run(self, tmp_path):
        (tmp_path / "sweep.json").write_text("{")
        assert identity("demo", tmp_path / "0", []).group == "demo"


def test_tensorboard_holds_scalars_and_pictures(train, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    options = ["logger=tensorboard", "trainer.max_steps=2", "report_people=1"]
    assert train(tmp_path / "run", *options) == 0
    events = accumulator.EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert "val/synthetic_val/iter_3/mpjpe" in events.Tags()["scalars"]
    assert [tag.rpartition("/")[2] for tag in sorted(events.Tags()["images"])] == [f"iter_{t}" for t in range(4)]


def test_mlflow_holds_parameters_metrics_and_files(train, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    assert train(tmp_path / "run", "logger=mlflow", "trainer.max_steps=2", "report_people=1") == 0
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("demo").experiment_id])
    final = json.loads((tmp_path / "run" / "metrics.json").read_text())["final"]
    assert run.data.metrics["val/synthetic_val/iter_3/mpjpe"] == pytest.approx(final["mpjpe"], rel=1e-5)
    assert run.data.params["model/num_iterations"] == "3"
    names = {path.name for path in (tmp_path / "mlflow_files").rglob("*") if path.is_file()}
    assert {"config.yaml", "run.json", "metrics.json", "report.html"} <= names
    assert any(name.endswith(".glb") for name in names)


@pytest.mark.parametrize("logger", ["wandb", "tensorboard", "mlflow"])
def test_a_missing_package_is_one_line_before_anything_is_loaded(logger, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(tracker_packages, "find_spec", lambda name: None)
    assert cli.main(["train", "experiment=demo", f"logger={logger}", f"hydra.run.dir={tmp_path}/run"]) == 2
    error = capsys.readouterr().err.strip()
    assert f"logger={logger} needs the package {logger}: pip install" in error
    assert "\n" not in error
    assert not (tmp_path / "run").exists()


def test_wandbs_own_sweep_file_speaks_of_what_there_is():
    sweep = yaml.safe_load(SWEEP_FILE.read_text())
    words = [word for word in sweep["command"] if "=" in word]
    assert sweep["command"][:2] == ["pymaf", "train"]
    assert "${args_no_hyphens}" in sweep["command"]
    for key, choice in sweep["parameters"].items():
        for value in choice.get("values", [choice.get("min"), choice.get("max")]):
            compose_config("train", [*words, f"{key}={value}"])
    assert sweep["metric"] == {"name": "val/synthetic_val/iter_3/mpjpe", "goal": "minimize"}
    assert compose_config("train", words).model.num_iterations == 3
