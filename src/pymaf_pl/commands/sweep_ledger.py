"""sweep.json: what a sweep consists of and how far each of its jobs is; whole on disk at any moment."""

import fcntl
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pymaf_pl.engine.run_files import write_json
from pymaf_pl.errors import InputError

LEDGER = "sweep.json"
OUTPUT = "output.txt"
_SCHEMA = 1


@dataclass
class Job:
    """One run of a sweep.

    Attributes:
        number: and name of its folder.
        overrides: that make it.
        config: fingerprint of the configuration that they gave.
        state: ``pending``, ``running``, ``done``, ``failed`` or ``pruned``.
        attempts: how often it was started.
        started: and ended: when, last.
        seconds: of all attempts together.
        reason: why it failed, in a line.
        figure: name to value, of the last iteration.
        handle: by which its launcher knows it; None for processes of this machine.
    """

    number: int
    overrides: list[str]
    config: str = ""
    state: str = "pending"
    attempts: int = 0
    started: str | None = None
    ended: str | None = None
    seconds: float = 0.0
    reason: str | None = None
    figure: dict[str, float] = field(default_factory=dict)
    handle: str | None = None


class Ledger:
    """The jobs of one sweep, kept in ``sweep.json``.

    Args:
        folder: of the sweep.
        command: that made it.
        jobs: by number.
        space: of a search: key to what is searched; empty for a sweep.
    """

    def __init__(
        self,
        folder: Path,
        command: Sequence[str] = (),
        jobs: Sequence[Job] = (),
        space: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self.command, self.jobs = folder, list(command), list(jobs)
        self.space = dict(space or {})

    @classmethod
    def read(cls, folder: Path) -> "Ledger":
        """Read a sweep's file.

        Raises:
            InputError: it is damaged or of another version.
        """
        path = folder / LEDGER
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["schema"] != _SCHEMA:
                raise ValueError(f"schema {content['schema']}")
            return cls(folder, content["command"], [Job(**job) for job in content["jobs"]], content.get("space"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not the file of a sweep ({error}); another hydra.sweep.dir starts one") from None

    def save(self) -> None:
        """Write the file whole."""
        jobs = [asdict(job) for job in self.jobs]
        content = {"schema": _SCHEMA, "command": self.command, "jobs": jobs}
        write_json(self.folder / LEDGER, content | ({"space": self.space} if self.space else {}))

    def run_dir(self, job: Job) -> Path:
        """Return a job's run folder."""
        return self.folder / str(job.number)

    def find(self, overrides: Sequence[str]) -> Job | None:
        """Return the job with these overrides, in any order."""
        wanted = sorted(overrides)
        return next((job for job in self.jobs if sorted(job.overrides) == wanted), None)

    @contextmanager
    def held(self, patience: float = 20.0) -> Iterator[int]:
        """Keep other processes off this sweep; yields the lock's descriptor, which its local jobs inherit.

        A lock ends with the last process that holds it, however that ends. So a sweep that was killed can be started
        again at once, but not before its last job is gone.

        Raises:
            InputError: another process keeps the sweep.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("a") as stream:
            until = time.monotonic() + patience
            while True:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if time.monotonic() > until:
                        raise InputError(f"{self.folder}: another process is running this sweep") from None
                    time.sleep(0.2)
            yield stream.fileno()


def find_sweep(parent: Path, jobs: Sequence[Sequence[str]], space: Mapping[str, str] | None = None) -> Path | None:
    """Return the newest folder under ``parent`` that holds a sweep of just these jobs, or a search of this space."""
    wanted = sorted(sorted(job) for job in jobs)
    for path in sorted(parent.glob(f"*/{LEDGER}"), reverse=True):
        try:
            known = Ledger.read(path.parent)
        except InputError:
            continue
        if space is not None and known.space == dict(space):
            return path.parent
        if space is None and not known.space and sorted(sorted(job.overrides) for job in known.jobs) == wanted:
            return path.parent
    return None


def now() -> str:
    """Return the time as text."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def outcome(run_dir: Path) -> dict[str, Any] | None:
    """Return what a finished run says of itself: ``figure`` and ``value``; None if it has not finished."""
    try:
        content = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    found = content.get("outcome") if isinstance(content, dict) else None
    return found if isinstance(found, dict) else None


def last_lines(path: Path, count: int) -> list[str]:
    """Return the end of a text file without empty lines; nothing if there is no such file."""
    try:
        text = path.read_bytes()[-20_000:].decode("utf-8", "replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.replace("\r", "\n").splitlines() if line.strip()][-count:]
