"""Driving jobs: small real processes stand for trainings, so that a sweep takes a second."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from pymaf_pl.commands import launch
from pymaf_pl.commands.launch import LocalLauncher, job_words
from pymaf_pl.commands.parent import PARENT
from pymaf_pl.commands.sweep import InOrder
from pymaf_pl.commands.sweep_drive import Driver
from pymaf_pl.commands.sweep_ledger import Job, Ledger
from pymaf_pl.errors import InputError

# stands for `pymaf train`: adds a line to its file, then does as its first override says
JOB = """
import json, os, pathlib, signal, sys, time
from pymaf_pl.commands.parent import follow_parent
follow_parent()
how, run_dir = sys.argv[1], pathlib.Path(sys.argv[-1].split("=", 1)[1].strip("'"))
with (run_dir / "starts").open("a") as stream: stream.write(os.environ.get("CUDA_VISIBLE_DEVICES", "-") + "\\n")
again = (run_dir / "starts").read_text().count("\\n") > 1
if how == "do=fail" or (how == "do=fail_once" and not again):
    print("reading", flush=True); print("pymaf train: data/x.npz: no such table", file=sys.stderr); sys.exit(2)
if how == "do=crash": raise RuntimeError("out of luck")
if how == "do=killed": os.kill(os.getpid(), signal.SIGKILL)
if how == "do=stop" and not again:
    (run_dir / "progress.json").write_text('{"step": 4, "stopped": true}'); sys.exit(1)
if how == "do=long": time.sleep(60)
if how == "do=slow": time.sleep(1)
(run_dir / "run.json").write_text(json.dumps({"outcome": {"figure": "mpjpe", "value": 12.5}}))
"""


@pytest.fixture(autouse=True)
def _quick_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "command", lambda words: [sys.executable, "-c", JOB, *words])


def drive(
    folder: Path, kinds: Sequence[str] = (), workers: int = 1, devices: list[int] | None = None, **options
) -> Ledger:  # type: ignore[no-untyped-def]
    """Drive jobs of those kinds; without any, those of an earlier call."""
    ledger = (
        Ledger(folder, [], [Job(k, [f"do={kind}"]) for k, kind in enumerate(kinds)]) if kinds else Ledger.read(folder)
    )
    with ledger.held() as lock:
        driver = Driver(ledger, LocalLauncher(workers, devices), (), lock, poll_seconds=0.02, **options)
        due = [job for job in ledger.jobs if job.state in ("pending", "running")]
        driver.run(InOrder(due), len(ledger.jobs))
    return Ledger.read(folder)


def states(ledger: Ledger) -> list[str]:
    return [job.state for job in ledger.jobs]


def starts(ledger: Ledger) -> list[int]:
    files = [ledger.run_dir(job) / "starts" for job in ledger.jobs]
    return [len(file.read_text().splitlines()) if file.exists() else 0 for file in files]


def test_done_and_failed_jobs_are_told_apart_and_explained_at_once(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    ledger = drive(tmp_path, ["well", "fail", "crash", "killed", "well"])
    assert states(ledger) == ["done", "failed", "failed", "failed", "done"]
    assert ledger.jobs[0].figure == {"mpjpe": 12.5}
    assert [job.reason for job in ledger.jobs[1:4]] == [
        "data/x.npz: no such table",
        "RuntimeError: out of luck (exit code 1)",
        "(killed by SIGKILL, perhaps for want of memory)",
    ]
    assert all(job.started and job.ended and job.attempts == 1 for job in ledger.jobs)
    told = capsys.readouterr().out
    assert told.index("job 1 failed") < told.index("job 2 starts")  # when it happens, not at the end
    assert f"log: {tmp_path}/1/output.txt" in told
    assert "| reading" in told
    assert "job 0 done: do=well  MPJPE mm 12.5" in told


def test_fail_fast_starts_no_more_and_ends_what_runs(tmp_path: Path) -> None:
    began = time.monotonic()
    ledger = drive(tmp_path, ["long", "fail", "well"], workers=2, fail_fast=True)
    assert time.monotonic() - began < 30
    assert states(ledger) == ["running", "failed", "pending"]  # the one that was ended goes on next time


def test_done_jobs_are_not_started_again_and_the_rest_is(tmp_path: Path) -> None:
    first = drive(tmp_path, ["well", "fail_once", "well"])
    assert states(first) == ["done", "failed", "done"]
    first.jobs[1].state, first.jobs[2].state = "pending", "running"  # retried; finished, but killed before it was noted
    first.save()
    again = drive(tmp_path)
    assert states(again) == ["done", "done", "done"]
    assert starts(again) == [1, 2, 1]


def test_a_job_that_was_stopped_from_outside_goes_on(tmp_path: Path) -> None:
    ledger = drive(tmp_path, ["stop", "well"])
    assert states(ledger) == ["done", "done"]
    assert starts(ledger) == [2, 1]
    assert ledger.jobs[0].attempts == 2


def test_workers_take_jobs_side_by_side_and_a_gpu_each(tmp_path: Path) -> None:
    began = time.monotonic()
    ledger = drive(tmp_path, ["slow"] * 4, workers=4, devices=[5, 7])
    assert states(ledger) == ["done"] * 4
    seen = sorted((ledger.run_dir(job) / "starts").read_text().strip() for job in ledger.jobs)
    assert seen == ["5", "5", "7", "7"]
    assert sum(job.seconds for job in ledger.jobs) >= 3  # one after the other would have taken the sum
    assert time.monotonic() - began < 60


def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert LocalLauncher(4, [0]).environment(0)["OMP_NUM_THREADS"] == "2"
    assert "OMP_NUM_THREADS" not in LocalLauncher(1).environment(0)
    with pytest.raises(InputError, match="at least one"):
        LocalLauncher(0)


def test_a_folder_of_any_name_is_written_so_that_hydra_reads_it() -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    words = job_words(Path("/tmp/it's a=sweep, {odd}/3"), ["seed=1"])
    parsed = OverridesParser.create().parse_overrides(words)
    assert [o.key_or_group for o in parsed] == ["seed", "hydra.mode", "hydra.run.dir"]
    assert parsed[2].value() == "/tmp/it's a=sweep, {odd}/3"


def test_killed_at_any_moment_it_loses_no_finished_job_and_leaves_no_orphan(tmp_path: Path) -> None:
    script = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import test_sweep_drive as t
t.launch.command = lambda words: [sys.executable, "-c", t.JOB, *words]
folder = Path({str(tmp_path)!r})
t.drive(folder, [] if (folder / "sweep.json").exists() else ["well", "slow", "slow", "well", "slow", "well"])
"""
    done: list[int] = []
    for _ in range(12):
        driver = subprocess.Popen([sys.executable, "-c", script])
        while driver.poll() is None and done == (now := finished(tmp_path)):
            time.sleep(0.02)
        time.sleep(0.3)  # into the next job
        over = driver.poll() is not None
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        now = finished(tmp_path)
        assert set(done) <= set(now)
        done = now
        if over:
            break
    ledger = Ledger.read(tmp_path)
    assert states(ledger) == ["done"] * 6
    assert sum(job.attempts for job in ledger.jobs) >= 7  # it was cut off at least once
    for job, count in zip(ledger.jobs, starts(ledger), strict=True):
        assert 1 <= count <= job.attempts  # a process that is killed at once leaves no trace


def finished(folder: Path) -> list[int]:
    try:
        jobs = json.loads((folder / "sweep.json").read_text())["jobs"]
    except OSError:
        return []
    return [job["number"] for job in jobs if job["state"] == "done"]


def test_a_job_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    job = f"""
import os, pathlib, time
from pymaf_pl.commands.parent import follow_parent
follow_parent()
pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(os.getpid()))
time.sleep(60)
"""
    parent = f"""
import os, subprocess, sys
subprocess.Popen([sys.executable, "-c", {job!r}], env={{**os.environ, {PARENT!r}: str(os.getpid())}}).wait()
"""
    process = subprocess.Popen([sys.executable, "-c", parent])
    until = time.monotonic() + 30
    while not (tmp_path / "pid").exists() and time.monotonic() < until:
        time.sleep(0.05)
    pid = int((tmp_path / "pid").read_text())
    process.kill()
    process.wait()
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(pid)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has reaped does not."""
    try:
        return re.search(r"^State:\s+Z", Path(f"/proc/{pid}/status").read_text(), re.M) is None
    except OSError:
        return False
