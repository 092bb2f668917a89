"""A run's loggers, and what a run is called in them: a job of a sweep is found beside the others of its sweep."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hydra.core.hydra_config import HydraConfig
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig

from pymaf_pl.commands.sweep_ledger import LEDGER, Ledger
from pymaf_pl.commands.sweep_plan import label
from pymaf_pl.errors import InputError

_NO_TAG = ("hydra.", "hydra/", "logger", "resume=", "+run=")


class Identity(NamedTuple):
    """How a tracker lists a run.

    Attributes:
        group: the sweep, or what it is called where it is alone.
        job_type: ``train``, ``sweep`` or ``search``.
        name: what sets it apart in its group.
        tags: its overrides.
    """

    group: str
    job_type: str
    name: str
    tags: list[str]


def build_loggers(config: DictConfig, run_dir: Path) -> list[Any]:
    """Build the loggers of ``config.logger``; what the user left open of a run's identity is filled in."""
    if not config.logger:
        return []
    known = identity(str(config.name), run_dir, list(HydraConfig.get().overrides.task))._asdict()
    loggers = []
    for node in config.logger.values():
        takes = inspect.signature(get_object(node._target_)).parameters
        filled = {key: value for key, value in known.items() if key in takes and node.get(key) is None}
        loggers.append(instantiate(node, save_dir=str(run_dir), _convert_="all", **filled))
    return loggers


def identity(name: str, run_dir: Path, overrides: Sequence[str]) -> Identity:
    """Return how a run is listed.

    Args:
        name: of its configuration.
        run_dir: its folder; of a job of a sweep, the ledger lies one folder up.
        overrides: of its command line.
    """
    folder = run_dir.resolve()
    tags = [word for word in overrides if not word.startswith(_NO_TAG)]
    ledger = _ledger(folder.parent)
    job = next((job for job in ledger.jobs if str(job.number) == folder.name), None) if ledger else None
    if ledger is None or job is None:
        return Identity(name, "train", folder.name, tags)
    shared = common_words(ledger)
    return Identity(
        group=f"{name} {folder.parent.name}",
        job_type="search" if ledger.space else "sweep",
        name=label(job.overrides, shared),
        tags=[word for word in job.overrides if not word.startswith(_NO_TAG)],
    )


def common_words(ledger: Ledger) -> list[str]:
    """Return the overrides that all jobs of a sweep share."""
    first, *others = (job.overrides for job in ledger.jobs)
    return [word for word in first if others and all(word in words for words in others)]


def _ledger(folder: Path) -> Ledger | None:
    if not (folder / LEDGER).is_file():
        return None
    try:
        return Ledger.read(folder)
    except InputError:
        return None  # a run does not end because of how it is listed
