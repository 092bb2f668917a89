"""From one command line to the jobs of a sweep, and what belongs to the sweep alone.

Imports neither torch nor Lightning, so that a typo costs a second.
"""

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict

from pymaf_pl.commands.combinations import check_combinations
from pymaf_pl.commands.composing import compose_config
from pymaf_pl.errors import InputError
from pymaf_pl.paths import conf_dir

OF_SWEEPS = ("sweep", "search", "launcher")  # root keys that say how runs are made and are no part of a run
_NOT_OURS = ("hydra/launcher", "hydra/sweeper", "hydra.launcher", "hydra.sweep.subdir")
_HYDRAS = ("hydra.sweep.", "hydra.sweeper.", "hydra.run.", "hydra.mode", "hydra.launcher")


@dataclass(frozen=True)
class Plan:
    """What a command line asks for.

    Attributes:
        folder: of the sweep, if it is new.
        named: whether the user named the folder.
        config: of the first job, with the node ``hydra`` and what is of sweeps.
        common: overrides that all jobs share.
        axes: the choices, by key.
        variants: overrides by name, one of which every job has.
    """

    folder: Path
    named: bool
    config: DictConfig
    common: tuple[str, ...]
    axes: Mapping[str, Override]
    variants: Mapping[str, tuple[str, ...]]


def read_plan(words: Sequence[str]) -> Plan:
    """Read the command line of ``pymaf train -m`` or ``pymaf search``.

    Raises:
        InputError: a key is unknown, or Hydra's own launchers, sweepers or job folders are asked for.
    """
    typed = _parse(words)
    for override in typed:
        if override.get_key_element().startswith(_NOT_OURS):
            raise InputError(
                f"{override.input_line}: sweeps are run by pymaf itself; launcher=local or slurm says where, "
                "pymaf search looks for the best values"
            )
    config = compose_config("train", words, with_hydra=True)
    listed = _parse([f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()])
    found = {override.get_key_element(): override for override in [*listed, *typed]}  # the command line wins
    ours = {key: o for key, o in found.items() if not _of_sweeps(o) and not key.startswith(_HYDRAS)}
    variants: Any = OmegaConf.to_container(config.sweep.variants, resolve=True)
    for name, overrides in variants.items():
        if not isinstance(overrides, list) or not all(isinstance(word, str) for word in overrides):
            raise InputError(f"sweep.variants.{name}: a list of overrides is wanted, such as [losses.dense=null]")
    return Plan(
        folder=Path(config.hydra.sweep.dir),
        named="hydra.sweep.dir" in found,
        config=config,
        common=tuple(str(o.input_line) for key, o in _first(typed, ours).items() if not o.is_sweep_override()),
        axes={key: o for key, o in ours.items() if o.is_sweep_override()},
        variants={str(name): tuple(overrides) for name, overrides in variants.items()},
    )


def list_jobs(plan: Plan) -> list[tuple[str, ...]]:
    """Return the overrides of every job: all combinations of the choices, the last one changing fastest.

    Raises:
        InputError: a choice is an interval.
    """
    choices: list[list[tuple[str, ...]]] = []
    for key, override in plan.axes.items():
        if not override.is_discrete_sweep():
            raise InputError(f"{override.input_line}: a sweep wants values one by one; intervals are for pymaf search")
        choices.append([(f"{key}={value}",) for value in override.sweep_string_iterator()])
    if plan.variants:
        choices.append([tuple(overrides) for overrides in plan.variants.values()])
    return [(*plan.common, *itertools.chain(*chosen)) for chosen in itertools.product(*choices)]


def compose_job(overrides: Sequence[str]) -> tuple[DictConfig, str]:
    """Return a job's configuration, checked as far as it can be cheaply, and its fingerprint.

    Raises:
        InputError: the configuration is impossible.
    """
    config = without_sweep(compose_config("train", overrides))
    check_combinations(config)
    return config, hashlib.sha256(OmegaConf.to_yaml(config, resolve=True).encode()).hexdigest()[:16]


def without_sweep(config: DictConfig) -> DictConfig:
    """Take out, in place, what is no part of a run."""
    with open_dict(config):
        for key in (*OF_SWEEPS, "hydra"):
            config.pop(key, None)
    return config


def label(overrides: Sequence[str], common: Sequence[str]) -> str:
    """Name a job by what it has beyond the others."""
    return " ".join(word for word in overrides if word not in common) or "as it is"


def is_sweep(words: Sequence[str]) -> str | None:
    """Return what in a command line belongs to a sweep, if anything does."""
    for override in _parse(words):
        if override.is_sweep_override() or _of_sweeps(override):
            return str(override.input_line)
    return None


def _first(typed: Sequence[Override], found: Mapping[str, Override]) -> dict[str, Override]:
    """Put what was typed first, in its order."""
    keys = dict.fromkeys([*(override.get_key_element() for override in typed), *found])
    return {key: found[key] for key in keys if key in found}


def _of_sweeps(override: Override) -> bool:
    """Whether it sets one of the keys; ``+sweep=NAME`` chooses from a group and is part of the run."""
    key = str(override.key_or_group)
    return key == "launcher" or key.startswith(tuple(f"{name}." for name in OF_SWEEPS))


def _parse(words: Sequence[str]) -> list[Override]:
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())):
        try:  # the loader knows the options that glob(*) stands for
            parsed = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader()).parse_overrides(
                list(words)
            )
            for override in parsed:
                if override.is_sweep_override() and override.is_discrete_sweep():
                    list(override.sweep_string_iterator())
        except HydraException as error:
            raise InputError(f"override not understood: {str(error).splitlines()[0]}") from None
    return parsed
