"""Several measurements behind one `pymaf eval`: a list of protocols, several checkpoints, a table of the paper.

Imports neither torch nor Lightning, so that a typo in any of them is answered before the first one starts.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from pymaf_pl.commands.composing import compose_config
from pymaf_pl.errors import InputError
from pymaf_pl.paths import conf_dir

FOLDER_KEYS = ("hydra.run.dir", "hydra.sweep.dir")


@dataclass(frozen=True)
class EvalJob:
    """One checkpoint by one protocol.

    Attributes:
        checkpoint: as it was given.
        protocol: its name in conf/protocol.
        folder: where its files go.
        overrides: of the single run.
    """

    checkpoint: str
    protocol: str
    folder: Path
    overrides: tuple[str, ...]


@dataclass(frozen=True)
class EvalPlan:
    """Several measurements.

    Attributes:
        folder: that holds all of theirs.
        jobs: in their order.
        table: what to make of them, the node ``table`` of a configuration; None if nothing.
    """

    folder: Path
    jobs: tuple[EvalJob, ...]
    table: dict[str, Any] | None


def plan_of(overrides: Sequence[str], several: bool) -> EvalPlan | None:
    """Return what is to be measured, every part of it composed and checked; None for a single measurement.

    Files of one checkpoint go to ``FOLDER/PROTOCOL``, of several to ``FOLDER/NUMBER/PROTOCOL``.

    Args:
        overrides: of ``pymaf eval``.
        several: whether ``-m`` was given, without which a comma is no choice.

    Raises:
        InputError: a typo in any of them, or a key that none of the protocols has.
    """
    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except HydraException:
        return None  # compose_config explains it
    values = {override.get_key_element(): override for override in parsed}
    protocols = _listed(values.get("protocol"))
    table = _table(overrides, parsed) if "experiment" in values else None
    if protocols is None and table is None:
        return None
    if table is not None:
        if "protocol" in values:
            given = values["protocol"].input_line
            raise InputError(f"{given}: experiment={table['name']} says which protocols are measured")
        protocols = list(dict.fromkeys(column["protocol"] for column in table["columns"]))
    names = protocols or []
    if not names or len(set(names)) < len(names):
        raise InputError(f"protocol={names}: name each protocol once, such as protocol=[synthetic_val,coco_synthetic]")
    checkpoints = _checkpoints(values, several)
    folder = _folder(values)
    kept = [
        override
        for override in parsed
        if override.get_key_element() not in ("protocol", "checkpoint", "experiment", *FOLDER_KEYS)
    ]
    jobs = []
    for number, checkpoint in enumerate(checkpoints):
        for name in names:
            where = folder / name if len(checkpoints) == 1 else folder / str(number) / name
            jobs.append(_job(checkpoint, name, where, kept, names))
    _check_used(kept, jobs)
    return EvalPlan(folder, tuple(jobs), table)


def _listed(override: Override | None) -> list[str] | None:
    """Return the protocols of ``protocol=[a,b]``; None if it is no list."""
    value: Any = None if override is None or override.is_sweep_override() else override.value()
    return [str(name) for name in value] if isinstance(value, list) else None


def _table(overrides: Sequence[str], parsed: Sequence[Override]) -> dict[str, Any] | None:
    words = [word for word, o in zip(overrides, parsed, strict=True) if not o.get_key_element().startswith("protocol")]
    table: Any = OmegaConf.to_container(compose_config("eval", words).table) if words else None
    return table


def _checkpoints(values: dict[str, Override], several: bool) -> list[str]:
    for key, override in values.items():
        if override.is_sweep_override() and (key != "checkpoint" or not several):
            way_out = "add -m" if key == "checkpoint" else "only checkpoint may have several values here"
            raise InputError(f"{override.input_line}: {way_out}")
    given = values.get("checkpoint")
    if given is None:
        return [str(compose_config("eval", []).checkpoint)]
    if given.is_sweep_override():
        return [str(text).strip("'\"") for text in given.sweep_string_iterator()]
    return [str(given.value())]


def _folder(values: dict[str, Override]) -> Path:
    for key in FOLDER_KEYS:
        if key in values:
            return Path(str(values[key].value()))
    # other ranks are started with the folder that the first one chose
    return Path("runs/eval") / datetime.now().strftime("%Y-%m-%d_%H-%M-%S")


def _job(checkpoint: str, name: str, folder: Path, kept: Sequence[Override], names: Sequence[str]) -> EvalJob:
    own = _protocol(name)
    lines = [
        str(override.input_line)
        for override in kept
        if len(names) == 1 or override.is_add() or _has(own, override.get_key_element())
    ]
    words = [*lines, f"checkpoint={quoted(checkpoint)}", f"protocol={name}", f"hydra.run.dir={quoted(folder)}"]
    compose_config("eval", words)
    return EvalJob(checkpoint, name, folder, tuple(words))


@cache
def _protocol(name: str) -> DictConfig:
    """Compose with a protocol alone, whatever of it is not set yet."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir().resolve())):
        try:
            return compose(config_name="eval", overrides=[f"protocol={name}"])
        except HydraException:
            pass
    return compose_config("eval", [f"protocol={name}"])  # says what is wrong


def _has(config: DictConfig, key: str) -> bool:
    """Whether a configuration has a key; keys of other nodes than the protocol's are left to be explained later."""
    if not key.startswith("protocol."):
        return True
    parent, _, last = key.rpartition(".")
    node = OmegaConf.select(config, parent)
    return isinstance(node, DictConfig) and last in node.keys()  # noqa: SIM118 - `in node` is False for what is not set


def _check_used(kept: Sequence[Override], jobs: Sequence[EvalJob]) -> None:
    for override in kept:
        if not any(override.input_line in job.overrides for job in jobs):
            names = ", ".join(dict.fromkeys(job.protocol for job in jobs))
            raise InputError(f"unknown key '{override.get_key_element()}': none of {names} has it")


def quoted(value: str | os.PathLike[str]) -> str:
    """Write a text so that Hydra reads it back whatever is in it."""
    text = os.fspath(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"
