"""Jobs of a sweep that have no result: failed, pruned, or not run yet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pymaf_pl.commands.compare_runs import SKIPPED, folder_of
from pymaf_pl.commands.sweep_ledger import LEDGER, Ledger
from pymaf_pl.commands.sweep_plan import label
from pymaf_pl.commands.tracking import common_words


@dataclass(frozen=True)
class LostJob:
    """A job without a result.

    Attributes:
        folder: its run folder, which need not exist.
        name: what sets it apart from the sweep's other jobs.
        state: ``failed``, ``pruned``, ``running`` or ``pending``.
        reason: why it failed, if it has.
    """

    folder: Path
    name: str
    state: str
    reason: str

    def line(self) -> str:
        """Tell about it in one line."""
        return f"{self.state}: {self.folder}, {self.name}" + (f": {self.reason}" if self.reason else "")


def lost_jobs(words: Sequence[str]) -> list[LostJob]:
    """Read the ledgers under folders of the command line, each ledger once.

    Raises:
        InputError: a ledger is damaged, or a folder does not exist.
    """
    found: dict[Path, Path] = {}
    for word in words:
        for path in _ledgers(folder_of(word)):
            found.setdefault(path.resolve(), path)
    return [job for path in found.values() for job in _lost(Ledger.read(path))]


def _lost(ledger: Ledger) -> Iterator[LostJob]:
    shared = common_words(ledger) if ledger.jobs else []
    for job in ledger.jobs:
        if job.state != "done":
            yield LostJob(ledger.run_dir(job), label(job.overrides, shared), job.state, job.reason or "")


def _ledgers(folder: Path) -> Iterator[Path]:
    if (folder / LEDGER).is_file():
        yield folder
    elif not (folder / "config.yaml").is_file():
        for child in sorted(folder.iterdir()):
            if child.is_dir() and child.name not in SKIPPED:
                yield from _ledgers(child)
