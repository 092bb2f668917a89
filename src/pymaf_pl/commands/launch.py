"""Where the jobs of a sweep run: what every launcher does, and the one for this machine."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Protocol

from pymaf_pl.commands.parent import PARENT
from pymaf_pl.commands.sweep_ledger import OUTPUT
from pymaf_pl.errors import InputError


class Running(Protocol):
    """A job that has been started."""

    handle: str | None

    def ended(self) -> str | None:
        """Return None while it runs; then how it ended, empty if it says so itself."""

    def stop(self) -> None:
        """End it; it goes on from its last checkpoint when it is started again."""


class Launcher(Protocol):
    """Starts jobs.

    Attributes:
        capacity: how many at a time.
    """

    capacity: int

    def start(self, run_dir: Path, words: Sequence[str], lock: int) -> Running:
        """Start ``pymaf train WORDS``, whose output goes to ``output.txt`` in the run folder."""

    def adopt(self, run_dir: Path, handle: str | None) -> Running | None:
        """Return a job that was started by a process that is gone, if it still lives."""


def job_words(run_dir: Path, overrides: Sequence[str]) -> list[str]:
    """Return the words after ``pymaf train`` that make one job in its folder."""
    quoted = str(run_dir).replace("\\", "\\\\").replace("'", "\\'")
    return [*overrides, "hydra.mode=RUN", f"hydra.run.dir='{quoted}'"]


def command(words: Sequence[str]) -> list[str]:
    """Return the command line of a job."""
    return [sys.executable, "-m", "pymaf_pl.cli", "train", *words]


class LocalProcess:
    """A job as a process of this machine; it ends when the process that started it does."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: IO[bytes], slot: int, free: list[int]) -> None:
        self.handle: str | None = None
        self.process, self._output, self._slot, self._free = process, output, slot, free

    def ended(self) -> str | None:
        """Return None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        if not self._output.closed:
            self._output.close()
            self._free.append(self._slot)
        if code >= 0:
            return "" if code == 0 else f"exit code {code}"
        why = ", perhaps for want of memory" if -code == signal.SIGKILL else ""
        return f"killed by {signal.Signals(-code).name}{why}"

    def stop(self) -> None:
        """Let it save itself; after half a minute, end it."""
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.ended()


class LocalLauncher:
    """Runs jobs as processes of this machine.

    Args:
        workers: jobs at a time.
        devices: what each worker's jobs see of the GPUs (CUDA_VISIBLE_DEVICES), used in turn; None for one GPU each
            where there are several workers, and for all of them where there is one.
    """

    def __init__(self, workers: int = 1, devices: Sequence[int | str] | None = None) -> None:
        if workers < 1:
            raise InputError(f"launcher.workers={workers}: at least one is needed")
        self.capacity = workers
        self.devices = _gpus() if devices is None and workers > 1 else [str(d) for d in devices or ()]
        self._free = list(range(workers - 1, -1, -1))

    def start(self, run_dir: Path, words: Sequence[str], lock: int) -> LocalProcess:
        """Start a job."""
        run_dir.mkdir(parents=True, exist_ok=True)
        slot = self._free.pop()
        output = (run_dir / OUTPUT).open("ab")
        process = subprocess.Popen(
            command(words), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, pass_fds=(lock,),
            env=self.environment(slot),
        )  # fmt: skip
        return LocalProcess(process, output, slot, self._free)

    def adopt(self, run_dir: Path, handle: str | None) -> LocalProcess | None:
        """Jobs end with the process that started them: there is none left."""
        return None

    def environment(self, slot: int) -> dict[str, str]:
        """Return the variables of a worker's jobs."""
        env = {**os.environ, PARENT: str(os.getpid())}
        if self.devices:
            env["CUDA_VISIBLE_DEVICES"] = self.devices[slot % len(self.devices)]
        if self.capacity > 1:  # or every job would take all cores
            env.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // self.capacity)))
        return env


def _gpus() -> list[str]:
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible:
        return [name.strip() for name in visible.split(",") if name.strip()]
    return [str(number) for number in range(torch.cuda.device_count())]
