"""From overrides to a configuration, answering typos before anything heavy is imported.

Imports neither torch nor Lightning, so that a wrong key costs a second.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from pymaf_pl.errors import InputError
from pymaf_pl.paths import conf_dir

_OPEN = ("data.sources", "data.groups")  # keys are names of the user's own


def compose_config(
    name: str, overrides: Sequence[str], folder: Path | None = None, with_hydra: bool = False
) -> DictConfig:
    """Compose ``conf/<name>.yaml`` with overrides; of a sweep's choices the first one stands for all.

    Args:
        name: of the file.
        overrides: as Hydra writes them.
        folder: that the file is in, if not ``conf/``.
        with_hydra: keep the node ``hydra``, which says where runs go.

    Raises:
        InputError: an unknown key, group option or value; names the nearest one that exists.
    """
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str((folder or conf_dir()).resolve())):
        try:
            # the loader knows the options that glob(*) stands for
            parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
            parsed = parser.parse_overrides(list(overrides))
        except HydraException as error:
            raise InputError(f"override not understood: {_first_line(error)}; write key=value") from None
        plain = [line for line in map(_single, parsed) if line]
        try:
            config = compose(config_name=name, overrides=plain, return_hydra_config=with_hydra)
            _check_root(name, config, folder or conf_dir())
            _check_types(name, config, parsed, folder or conf_dir())
        except YAMLError as error:
            raise InputError(f"a file in {conf_dir()} is not YAML: {' '.join(str(error).split())}") from None
        except (HydraException, OmegaConfBaseException) as error:
            raise InputError(_explain(name, error, parsed)) from None
    missing = sorted(key for key in _missing(config) if not key.startswith("hydra."))
    if missing:
        raise InputError(f"{missing[0]} is not set; add {missing[0]}=...")
    return config


def at_home(word: str) -> str:
    """Write the home folder out in ``KEY=~/...``, which shells leave alone there and Hydra does not understand."""
    return re.sub(r"=~(?=/|$)", lambda _: f"={Path.home()}", word, count=1)


def available(group: str) -> list[str]:
    """Return the options of a group: the files in its folder."""
    return sorted(path.stem for path in (conf_dir() / group).glob("*.yaml"))


def _single(override: Override) -> str | None:
    if override.is_sweep_override():
        sweep = override.value()
        if isinstance(sweep, IntervalSweep):  # of a search
            return f"{override.get_key_element()}={sweep.start}"
        first = next(iter(override.sweep_string_iterator()), None)
        if first is None:
            options = available(str(override.key_or_group))
            known = f"; there are {', '.join(options)}" if options else ""
            raise InputError(f"{override.input_line}: nothing to sweep over{known}")
        return f"{override.get_key_element()}={first}"
    return override.input_line


def _group_choices(overrides: Sequence[Override]) -> list[str]:
    keyed = [(str(override.key_or_group), override) for override in overrides]
    lines = [_single(o) for key, o in keyed if (conf_dir() / key).is_dir() or key == "hydra.searchpath"]
    return [line for line in lines if line]


def _check_root(name: str, config: DictConfig, folder: Path) -> None:
    """Refuse keys that ``+key=value`` added at the root: nothing would read them."""
    known = _root_keys(name, folder)
    for key in map(str, config):
        if key not in known and key != "hydra":
            raise InputError(f"unknown key '{key}'{_nearest(key, known)}")


@cache
def _root_keys(name: str, _folder: Path) -> frozenset[str]:
    return frozenset(map(str, compose(config_name=name)))


@lru_cache(maxsize=32)
def _base(name: str, _folder: Path, choices: tuple[str, ...]) -> DictConfig:
    """Compose what the files hold; the jobs of a sweep mostly share it."""
    return compose(config_name=name, overrides=list(choices))


def _check_types(name: str, config: DictConfig, overrides: Sequence[Override], folder: Path) -> None:
    """Refuse a text where the configuration files hold a number, and a fraction where they hold a count."""
    base = _base(name, folder, tuple(_group_choices(overrides)))
    for override in overrides:
        key = str(override.key_or_group)
        if (
            override.is_delete() or (conf_dir() / key).is_dir() or key.startswith("trainer.")
        ):  # Lightning checks its own
            continue
        default, value = OmegaConf.select(base, key), OmegaConf.select(config, key)
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}.get(type(default))
        fits = isinstance(value, int | float) if type(default) is float else type(value) is type(default)
        if wanted and value is not None and not fits:
            raise InputError(f"{key}={value}: expected {wanted}, such as {default}")


def _missing(config: DictConfig) -> set[str]:
    # not OmegaConf.missing_keys, which follows interpolations and fails on those that lead to what is missing
    plain = OmegaConf.to_container(config, resolve=False)
    return {key for key, value in _dotted(plain) if isinstance(value, str) and value == "???"}


def _explain(name: str, error: Exception, overrides: Sequence[Override]) -> str:
    text = str(error)
    option = re.search(r"Could not find '([^']+)/([^'/]+)'", text) or re.search(
        r"Could not load '([^']+)/([^'/]+)'", text
    )
    if option:
        group, value = option.groups()
        choices = available(group)
        return f"{group}={value}: no such option{_nearest(value, choices)}; there are {', '.join(choices)}"
    key = re.search(r"Could not override '([^']+)'", text)
    if key and "/" in key[1]:
        return f"unknown group '{key[1]}'{_nearest(key[1], _groups())}"
    if key:
        found = str(getattr(error.__cause__, "full_key", ""))
        lacking = found if found.startswith(f"{key[1]}.") else key[1]  # of KEY={...} one inside of the braces
        if lacking.rpartition(".")[0] in _OPEN:
            return f"unknown key '{lacking}'; +{lacking}=... adds it"
        return f"unknown key '{lacking}'{_nearest(lacking, _all_keys(name, overrides))}"
    group = re.search(r"No match in the defaults list[^']*'([^']+)'", text)
    if group:
        return f"unknown group '{group[1]}'{_nearest(group[1], _groups())}"
    return _first_line(error)


def _all_keys(name: str, overrides: Sequence[Override]) -> list[str]:
    """Every dotted key of the configuration that the group choices alone give."""
    try:
        config = compose(config_name=name, overrides=_group_choices(overrides))
    except (HydraException, OmegaConfBaseException):
        config = compose(config_name=name)
    return [*(key for key, _ in _dotted(OmegaConf.to_container(config, resolve=False))), *_groups()]


def _dotted(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        yield f"{prefix}{key}", value
        if isinstance(value, dict):
            yield from _dotted(value, f"{prefix}{key}.")


def _groups() -> list[str]:
    root = conf_dir()
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_dir()]


def _nearest(word: str, choices: Any) -> str:
    close = difflib.get_close_matches(word, list(map(str, choices)), n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else ""


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
