"""Jobs of a sweep on a Slurm cluster, through submitit; they survive the process that started them."""

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pymaf_pl.commands import launch
from pymaf_pl.commands.parent import PARENT
from pymaf_pl.commands.sweep_ledger import OUTPUT, outcome
from pymaf_pl.engine.progress import forget_stop, read_progress
from pymaf_pl.errors import InputError

_LOOK_SECONDS = 30.0  # between questions to Slurm itself; ends in good order are seen at once


class SlurmTask:
    """What one Slurm task runs: a job's process, or one rank of it.

    When submitit catches the signal that Slurm sends before it takes a node or the time is up, it calls
    :meth:`checkpoint` and requeues the job; the requeued one finds the checkpoint in its run folder.

    Args:
        run_dir: of the job.
        command: of the process.
    """

    def __init__(self, run_dir: str, command: Sequence[str]) -> None:
        self.run_dir, self.command = Path(run_dir), list(command)
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> int:
        """Run it; return its exit code."""
        self.run_dir.mkdir(parents=True, exist_ok=True)
        rank = os.environ.get("SLURM_PROCID", "0")
        if rank == "0":
            forget_stop(self.run_dir)
        output = self.run_dir / (OUTPUT if rank == "0" else f"rank{rank}_{OUTPUT}")
        with output.open("ab") as stream:
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
                env={**os.environ, PARENT: str(os.getpid())},
            )  # fmt: skip
            while (code := self._process.poll()) is None:
                time.sleep(0.5)
        if code in (-signal.SIGTERM, -signal.SIGUSR1, -signal.SIGUSR2) or read_progress(self.run_dir)["stopped"]:
            time.sleep(20)  # Slurm's signals reach the process and submitit in any order: wait to be requeued
        return code

    def checkpoint(self) -> Any:
        """Let the process save itself, and ask to be started again."""
        from submitit.helpers import DelayedSubmission

        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGUSR1)
            with suppress(ChildProcessError):  # not Popen.wait: this runs inside of a signal, which may hold its lock
                os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        return DelayedSubmission(SlurmTask(str(self.run_dir), self.command))


class SlurmRunning:
    """A job in Slurm's hands.

    Args:
        job: submitit's.
        run_dir: of the job.
    """

    def __init__(self, job: Any, run_dir: Path) -> None:
        self.handle: str | None = str(job.job_id)
        self._job, self._run_dir, self._looked = job, run_dir, time.monotonic()

    def ended(self) -> str | None:
        """Return None while it waits, runs or is requeued."""
        first = self._job.task(0)  # the rank that writes a run's files
        if not first.paths.result_pickle.exists():
            if time.monotonic() - self._looked < _LOOK_SECONDS:
                return None
            self._looked = time.monotonic()
            if not first.done(force_check=True):
                return None
        if outcome(self._run_dir) is not None:
            return ""
        log = first.paths.stdout
        return f"Slurm job {self.handle} ended as {first.get_info().get('State', 'unknown')}, see {log}"

    def stop(self) -> None:
        """Cancel it."""
        self._job.cancel(check=False)


class SlurmLauncher:
    """Submits jobs to Slurm.

    Args:
        at_once: jobs queued or running at a time.
        minutes: of each job, until it is requeued.
        requeues: how often a job may run out of its minutes; pre-emptions do not count.
        signal_seconds: warning before the end.
        nodes, tasks_per_node, cpus_per_task, gpus_per_node: of each job.
        memory_gb: of each node; None for the cluster's default.
        partition, account, qos: None for the cluster's defaults.
        extra: any other option of sbatch.
    """

    def __init__(
        self,
        at_once: int = 64,
        minutes: int = 240,
        requeues: int = 20,
        signal_seconds: int = 120,
        nodes: int = 1,
        tasks_per_node: int = 1,
        cpus_per_task: int = 2,
        gpus_per_node: int | None = None,
        memory_gb: float | None = None,
        partition: str | None = None,
        account: str | None = None,
        qos: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        try:
            import submitit  # noqa: F401
        except ImportError:
            raise InputError("launcher=slurm needs submitit: pip install 'pymaf-pl[cluster]'") from None
        missing = [name for name in ("sbatch", "srun", "squeue", "sacct") if shutil.which(name) is None]
        if missing:
            raise InputError(f"launcher=slurm: there is no {missing[0]} here; is this a machine of a Slurm cluster?")
        self.capacity, self.requeues, self._tasks = at_once, requeues, nodes * tasks_per_node
        given = {
            "time": minutes,
            "signal_delay_s": signal_seconds,
            "nodes": nodes,
            "ntasks_per_node": tasks_per_node,
            "cpus_per_task": cpus_per_task,
            "gpus_per_node": gpus_per_node,
            "mem": None if memory_gb is None else f"{memory_gb:g}GB",
            "partition": partition,
            "account": account,
            "qos": qos,
            "additional_parameters": dict(extra or {}),
            "stderr_to_stdout": True,
        }
        self._parameters = {key: value for key, value in given.items() if value is not None}

    def start(self, run_dir: Path, words: Sequence[str], lock: int) -> SlurmRunning:
        """Submit a job."""
        import submitit

        executor = submitit.SlurmExecutor(run_dir / "slurm", max_num_timeout=self.requeues)
        executor.update_parameters(job_name=_job_name(run_dir), **self._parameters)
        try:
            job = executor.submit(SlurmTask(str(run_dir), launch.command(words)))
        except submitit.core.utils.FailedJobError as error:
            raise InputError(f"sbatch refuses the job: {_last_line(str(error))}") from None
        return SlurmRunning(job, run_dir)

    def adopt(self, run_dir: Path, handle: str | None) -> SlurmRunning | None:
        """Return a job that is still in the queue, also if it is known by its name only."""
        import submitit

        which = ["--jobs", handle] if handle is not None else ["--name", _job_name(run_dir)]
        asked = subprocess.run(
            ["squeue", "--noheader", "--format=%A %T", *which], capture_output=True, text=True, check=False
        )
        for line in asked.stdout.splitlines():
            number, state = line.split()
            if state not in ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"):
                return SlurmRunning(submitit.SlurmJob(run_dir / "slurm", number, tasks=range(self._tasks)), run_dir)
        return None


def _job_name(run_dir: Path) -> str:
    """A name by which a job is found again, if the process that submitted it died before it knew the job's number."""
    return f"pymaf-{run_dir.name}-{hashlib.sha256(str(run_dir.resolve()).encode()).hexdigest()[:8]}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
