"""Keep a launcher busy until no job is left, and say what happens when it happens."""

import time
from datetime import datetime
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from pymaf_pl.commands.figures import label as heading
from pymaf_pl.commands.figures import number
from pymaf_pl.commands.launch import Launcher, Running, job_words
from pymaf_pl.commands.sweep_ledger import OUTPUT, Job, Ledger, last_lines, now, outcome
from pymaf_pl.commands.sweep_plan import label
from pymaf_pl.engine.progress import forget_stop, read_progress

_SHOWN_LINES = 6


class Source(Protocol):
    """Where jobs come from, and who wants to know what became of them."""

    def next(self) -> Job | None:
        """Return the next job to start; None if there is none at the moment."""

    def hopeless(self, job: Job) -> bool:
        """Whether a running job should be ended because it promises nothing."""

    def settled(self, job: Job) -> None:
        """Take notice of how a job ended."""


class Driver:
    """Runs the jobs of a source.

    Args:
        ledger: written whenever a job starts or ends.
        launcher: runs them.
        common: overrides that all jobs share, left out of their names.
        lock: descriptor that says this sweep is taken.
        fail_fast: end everything when a job fails.
        poll_seconds: between looks.
    """

    def __init__(
        self,
        ledger: Ledger,
        launcher: Launcher,
        common: tuple[str, ...],
        lock: int,
        fail_fast: bool = False,
        poll_seconds: float = 0.5,
    ) -> None:
        self.ledger, self.launcher, self.common, self.lock = ledger, launcher, common, lock
        self.fail_fast, self.poll_seconds = fail_fast, poll_seconds
        self.console = Console(soft_wrap=True, highlight=False)
        self.running: dict[int, tuple[Job, Running]] = {}
        self.failed = False

    def run(self, source: Source, total: int) -> None:
        """Run until the source has no more; jobs that are left running when this is interrupted stay ``running``."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as self._bars:
            settled = sum(job.state in ("done", "pruned") for job in self.ledger.jobs)
            self._all = self._bars.add_task("jobs", total=total, completed=settled)
            self._own: dict[int, TaskID] = {}
            try:
                self._adopt(source)
                while self._start(source) or self.running:
                    self._look(source)
                    if self.failed and self.fail_fast:
                        break
                    if self.running:
                        time.sleep(self.poll_seconds)
            finally:
                for _, running in self.running.values():
                    running.stop()

    def _adopt(self, source: Source) -> None:
        """Take up jobs that an earlier process of this sweep started and that did not end with it."""
        for job in [job for job in self.ledger.jobs if job.state == "running"]:
            run_dir = self.ledger.run_dir(job)
            if outcome(run_dir) is not None:
                self._settle(job, "", source)
            elif living := self.launcher.adopt(run_dir, job.handle):
                job.handle = living.handle
                self._watch(job, living)
            else:
                job.handle = None

    def _start(self, source: Source) -> bool:
        while len(self.running) < self.launcher.capacity and (job := source.next()) is not None:
            run_dir = self.ledger.run_dir(job)
            job.state, job.started, job.ended, job.reason = "running", now(), None, None
            job.attempts += 1
            forget_stop(run_dir)
            self.ledger.save()  # before it runs, so that no job runs that nobody knows of
            running = self.launcher.start(run_dir, job_words(run_dir, job.overrides), self.lock)
            job.handle = running.handle
            self.ledger.save()
            self._watch(job, running)
            went = read_progress(run_dir)["step"]
            again = f", goes on at step {went}" if went else ""
            self.say(f"job {job.number} starts: {self.name(job)}{again}")
        return bool(self.running)

    def _watch(self, job: Job, running: Running) -> None:
        self.running[job.number] = (job, running)
        self._own[job.number] = self._bars.add_task(f"  {job.number}: {escape(self.name(job))[:60]}", total=None)

    def _look(self, source: Source) -> None:
        for job, running in list(self.running.values()):
            run_dir = self.ledger.run_dir(job)
            how = running.ended()
            progress = read_progress(run_dir)
            self._bars.update(self._own[job.number], completed=progress["step"], total=progress["total_steps"] or None)
            if how is None and source.hopeless(job):
                running.stop()
                self._leave(job)
                self._close(job, "pruned")
                self.say(f"job {job.number} pruned after step {read_progress(run_dir)['step']}: {self.name(job)}")
                source.settled(job)
            elif how is not None:
                self._leave(job)
                self._settle(job, how, source)

    def _leave(self, job: Job) -> None:
        del self.running[job.number]
        self._bars.remove_task(self._own.pop(job.number))

    def _settle(self, job: Job, how: str, source: Source) -> None:
        run_dir = self.ledger.run_dir(job)
        result = outcome(run_dir)
        if result is not None:
            job.figure = {str(result["figure"]): float(result["value"])}
            self._close(job, "done")
            name, value = next(iter(job.figure.items()))
            took = f"{job.seconds / 60:.1f} min"
            self.say(f"job {job.number} done: {self.name(job)}  {heading(name)} {number(name, value)}  ({took})")
        elif read_progress(run_dir)["stopped"]:
            job.reason = "stopped by a signal, to go on from its checkpoint"
            self._close(job, "pending")
            self.say(f"job {job.number} {job.reason}: {self.name(job)}")
        else:
            path = run_dir / OUTPUT
            lines = last_lines(path, _SHOWN_LINES)
            answer = next((line for line in reversed(lines) if line.startswith("pymaf train: ")), None)
            said = answer or (lines[-1] if lines else "")
            job.reason = (said.removeprefix("pymaf train: ") + (f" ({how})" if how and not answer else "")).strip()
            self._close(job, "failed")
            self.failed = True
            told = "\n".join(f"  | {escape(line)}" for line in lines or [job.reason])
            self.say(f"[red]job {job.number} failed[/red]: {self.name(job)}\n  log: {escape(str(path))}\n{told}")
        source.settled(job)

    def _close(self, job: Job, state: str) -> None:
        job.state, job.ended = state, now()
        if job.started:
            began, ended = datetime.fromisoformat(job.started), datetime.fromisoformat(job.ended)
            job.seconds += (ended - began).total_seconds()
        job.handle = None
        self.ledger.save()
        if state in ("done", "pruned", "failed"):
            self._bars.advance(self._all)

    def name(self, job: Job) -> str:
        """Return what a job has beyond the others."""
        return escape(label(job.overrides, self.common))

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self.console.print(text)
        self.console.file.flush()  # at once, also into a file


def summary(ledger: Ledger, folder: Path) -> str:
    """Return how many jobs there are of each state."""
    counts = {state: sum(job.state == state for job in ledger.jobs) for state in ("done", "pruned", "failed")}
    left = sum(job.state in ("pending", "running") for job in ledger.jobs)
    words = [f"{count} {state}" for state, count in counts.items() if count] + ([f"{left} left"] if left else [])
    return f"{folder}: {', '.join(words) or 'no jobs'}"
