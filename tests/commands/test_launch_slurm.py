"""Slurm: what a task does by itself, and, where there is a cluster, sweeps through the real thing."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pymaf_pl.commands import launch
from pymaf_pl.commands.launch_slurm import SlurmLauncher, SlurmTask
from pymaf_pl.commands.sweep import InOrder
from pymaf_pl.commands.sweep_drive import Driver
from pymaf_pl.commands.sweep_ledger import OUTPUT, Job, Ledger
from pymaf_pl.errors import InputError

pytest.importorskip("submitit")
# stands for `pymaf train`: counts to ten, each step once, over however many processes; saves itself when it is told to
JOB = """
import json, os, pathlib, signal, sys, time
run_dir = pathlib.Path(sys.argv[-1].split("=", 1)[1].strip("'"))
saved = run_dir / "saved"
asked = []
for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM): signal.signal(number, lambda *a: asked.append(a))
print("process", os.environ.get("SLURM_RESTART_COUNT", "0"), flush=True)
for step in range(int(saved.read_text()) if saved.exists() else 0, 10):
    time.sleep(float(sys.argv[1]))
    with (run_dir / "steps").open("a") as stream: stream.write(f"{step}\\n")
    saved.write_text(str(step + 1))
    (run_dir / "progress.json").write_text(json.dumps({"step": step + 1, "stopped": bool(asked)}))
    if asked: sys.exit(1)
(run_dir / "run.json").write_text(json.dumps({"outcome": {"figure": "mpjpe", "value": 1.0}}))
"""


def command(words: list[str]) -> list[str]:
    return [sys.executable, "-c", JOB, *words]


def test_a_task_lets_its_process_save_itself_inside_of_a_signal(tmp_path: Path) -> None:
    """As submitit does: the handler interrupts the very code that waits for the process."""
    task = SlurmTask(str(tmp_path / "0"), command(["0.1", f"hydra.run.dir='{tmp_path}/0'"]))
    again = []

    class Requeued(BaseException):
        pass

    def handler(number: int, frame: object) -> None:
        again.append(task.checkpoint())
        raise Requeued

    before = signal.signal(signal.SIGUSR2, handler)
    until = time.monotonic() + 60

    def preempt() -> None:
        while not (tmp_path / "0" / "steps").exists() and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGUSR2)

    try:
        threading.Thread(target=preempt).start()
        with pytest.raises(Requeued):
            task()
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert len((tmp_path / "0" / "steps").read_text().split()) < 10
    assert again[0].function() == 0  # the requeued one
    assert (tmp_path / "0" / "steps").read_text().split() == [str(step) for step in range(10)]
    assert (tmp_path / "0" / OUTPUT).read_text() == "process 0\n" * 2


def test_without_slurm_one_line_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="there is no sbatch here"):
        SlurmLauncher()
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(InputError, match=r"pymaf-pl\[cluster\]"):
        SlurmLauncher()


def drive(ledger: Ledger, **options) -> None:  # type: ignore[no-untyped-def]
    with ledger.held() as lock:
        driver = Driver(ledger, SlurmLauncher(minutes=30, cpus_per_task=1, **options), (), lock, poll_seconds=0.1)
        driver.run(InOrder(ledger.jobs), len(ledger.jobs))


def queue() -> list[list[str]]:
    lines = subprocess.run(["squeue", "-h", "-o", "%A %T %j"], capture_output=True, text=True, check=True).stdout
    return [line.split() for line in lines.splitlines()]


@pytest.fixture
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        subprocess.run(["sinfo", "-h"], capture_output=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("no Slurm that answers here")
    monkeypatch.setattr(launch, "command", command)


@pytest.mark.slurm
@pytest.mark.usefixtures("_stand_in")
class TestOnACluster:
    def test_a_sweep_of_four_jobs(self, tmp_path: Path) -> None:
        ledger = Ledger(tmp_path, [], [Job(k, ["0.01"]) for k in range(4)])
        drive(ledger, at_once=2)
        assert [job.state for job in Ledger.read(tmp_path).jobs] == ["done"] * 4

    def test_a_pre_empted_job_is_requeued_and_takes_every_step_once(self, tmp_path: Path) -> None:
        ledger = Ledger(tmp_path, [], [Job(0, ["0.5"])])
        thread = threading.Thread(target=self.preempt, args=(tmp_path / "0",))
        thread.start()
        drive(ledger)
        thread.join()
        assert ledger.jobs[0].state == "done"
        assert ledger.jobs[0].attempts == 1  # Slurm started it again, not the sweep
        assert (tmp_path / "0" / "steps").read_text().split() == [str(step) for step in range(10)]
        assert (tmp_path / "0" / OUTPUT).read_text() == "process 0\nprocess 1\n"

    def preempt(self, run_dir: Path) -> None:
        until = time.monotonic() + 120
        while not (run_dir / "steps").exists() and time.monotonic() < until:
            time.sleep(0.1)
        (number,) = [words[0] for words in queue() if words[2].startswith("pymaf-0-")]
        for name in ("TERM", "USR2"):
            subprocess.run(["scancel", f"--signal={name}", number], check=True)
        while [words[1] for words in queue() if words[0] == number] != ["PENDING"] and time.monotonic() < until:
            time.sleep(0.2)
        subprocess.run(["scontrol", "update", f"jobid={number}", "StartTime=now"], check=True)

    def test_jobs_outlive_the_sweep_and_are_found_again(self, tmp_path: Path) -> None:
        ledger = Ledger(tmp_path, [], [Job(0, ["0.3"]), Job(1, ["0.3"])])
        launcher = SlurmLauncher(minutes=30, cpus_per_task=1)
        for job in ledger.jobs:  # what a sweep does before it is killed; of the second it never knew the number
            run_dir = ledger.run_dir(job)
            running = launcher.start(run_dir, launch.job_words(run_dir, job.overrides), -1)
            job.state, job.handle = "running", running.handle if job.number == 0 else None
        ledger.save()
        again = Ledger.read(tmp_path)
        drive(again)
        assert [(job.state, job.attempts) for job in again.jobs] == [("done", 0)] * 2  # adopted, not started again
        for job in again.jobs:
            assert (again.run_dir(job) / "steps").read_text().split() == [str(step) for step in range(10)]
        assert json.loads((tmp_path / "sweep.json").read_text())["jobs"][1]["state"] == "done"
