"""``pymaf train -m``: a sweep that can be killed and typed again."""

import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from hydra.utils import instantiate
from rich.console import Console
from rich.progress import track

from pymaf_pl.commands.launch import Launcher
from pymaf_pl.commands.sweep_drive import Driver, summary
from pymaf_pl.commands.sweep_ledger import LEDGER, Job, Ledger, find_sweep
from pymaf_pl.commands.sweep_plan import Plan, compose_job, label, list_jobs, read_plan
from pymaf_pl.errors import InputError

_T = TypeVar("_T")


def sweep(words: Sequence[str]) -> int:
    """Run every combination of a command line's choices; return the exit code.

    Every job is composed, checked and its network built before the first one starts. What is done is skipped, what was
    cut off goes on.

    Raises:
        InputError: a job is impossible, or the folder holds another sweep's results.
    """
    plan = read_plan(words)
    wanted = list_jobs(plan)
    fingerprints = check_jobs(wanted, plan.common)
    settings: Any = plan.config.sweep
    folder = plan.folder
    if not plan.named and not settings.new:
        folder = find_sweep(plan.folder.parent, wanted) or folder
    launcher = build_launcher(plan)
    ledger = Ledger(folder)
    with terminated_as_interrupted(), ledger.held() as lock:
        if (folder / LEDGER).is_file():
            ledger = Ledger.read(folder)
        jobs = enter(ledger, words, wanted, fingerprints)
        source = InOrder([job for job in jobs if _is_due(job, settings.retry_failed)])
        driver = Driver(ledger, launcher, plan.common, lock, fail_fast=settings.fail_fast)
        done = sum(job.state == "done" for job in jobs)
        driver.say(f"sweep of {len(jobs)} jobs in {folder}" + (f": {done} done already" if done else ""))
        driver.run(source, len(jobs))
    driver.say(summary(ledger, folder))
    failed = [job for job in jobs if job.state == "failed"]
    for job in failed:
        driver.say(f"  job {job.number}, {driver.name(job)}: {job.reason}")
    if failed:
        driver.say("the same command with sweep.retry_failed=true starts them again")
    if any(job.state == "done" for job in jobs):
        driver.say(f"pymaf compare {folder}")
    return int(any(job.state != "done" for job in jobs))


def check_jobs(wanted: Sequence[Sequence[str]], common: Sequence[str]) -> list[str]:
    """Compose and check all jobs, and build their networks; return the configurations' fingerprints.

    Raises:
        InputError: one is impossible; says which and why.
    """
    composed = []
    for overrides in _tracked(wanted, f"checking {len(wanted)} jobs"):
        try:
            composed.append(compose_job(overrides))
        except InputError as error:
            raise InputError(f"job {len(composed)}, {label(overrides, common)}: {error}") from None
    from pymaf_pl.commands.checking import JobChecker  # torch and Lightning, once the cheap checks have passed

    checker = JobChecker()
    for number, (config, _) in enumerate(_tracked(composed, "building their networks")):
        try:
            checker.check(config)
        except InputError as error:
            raise InputError(f"job {number}, {label(wanted[number], common)}: {error}") from None
    return [fingerprint for _, fingerprint in composed]


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Answer SIGTERM as Ctrl-C, so that the jobs save themselves before the sweep ends."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def build_launcher(plan: Plan) -> Launcher:
    """Build the launcher that the command line chose."""
    return instantiate(plan.config.launcher, _convert_="all")


def enter(
    ledger: Ledger, words: Sequence[str], wanted: Sequence[Sequence[str]], fingerprints: Sequence[str]
) -> list[Job]:
    """Find the jobs in the ledger, or add them to its end; return them in order.

    Raises:
        InputError: a job that has results was made by another configuration.
    """
    jobs = []
    for overrides, fingerprint in zip(wanted, fingerprints, strict=True):
        job = ledger.find(overrides)
        if job is None:
            job = Job(max((other.number for other in ledger.jobs), default=-1) + 1, list(overrides))
            ledger.jobs.append(job)
        elif job.state in ("done", "running") and job.config != fingerprint:
            raise InputError(
                f"{ledger.run_dir(job)}: made by another configuration, though by the same overrides: files in conf/ "
                "have changed since; sweep.new=true or another hydra.sweep.dir begins afresh"
            )
        job.config = fingerprint
        jobs.append(job)
    ledger.command = ["train", "-m", *words]
    ledger.save()
    return jobs


def _tracked(items: Sequence[_T], title: str) -> Iterable[_T]:
    console = Console()
    return track(items, title, transient=True, console=console) if console.is_terminal else items


def _is_due(job: Job, retry_failed: bool) -> bool:
    return job.state in ("pending", "running") or (job.state == "failed" and retry_failed)


class InOrder:
    """A source that gives one job after the other."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = list(jobs)
        self._given: set[int] = set()

    def next(self) -> Job | None:
        """Return the first job that nobody has taken up."""
        for job in self._jobs:
            taken = job.number in self._given or job.state in ("done", "pruned") or job.handle is not None
            if not taken:
                self._given.add(job.number)
                return job
        return None

    def hopeless(self, job: Job) -> bool:
        """No job is given up."""
        return False

    def settled(self, job: Job) -> None:
        """Start a job again that was stopped from outside."""
        if job.state == "pending":
            self._given.discard(job.number)
