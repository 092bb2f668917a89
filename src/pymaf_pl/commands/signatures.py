"""Keys next to a ``_target_`` against the arguments of what is built, before it is built."""

import inspect
import json
import types
import typing
from collections.abc import Iterator
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from pymaf_pl.errors import InputError

_WANTED = {bool: "true or false", int: "a whole number", float: "a number"}


def check_signatures(config: DictConfig) -> None:
    """Make sure that every key next to a ``_target_`` is an argument of it, and a number where it takes a number.

    Raises:
        InputError: names the key, the target and its arguments, or what the value should be.
    """
    plain = OmegaConf.to_container(config, resolve=True)
    for path, node in _nodes(plain):
        try:
            target = get_object(node["_target_"])
            parameters = inspect.signature(target).parameters
        except (ImportError, ValueError, TypeError) as error:
            raise InputError(f"{path}._target_={node['_target_']}: nothing to build by that name") from error
        open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        hints = _hints(target)
        for key, value in node.items():
            if key.startswith("_"):
                continue
            if key not in parameters and not open_ended:
                names = ", ".join(parameters)
                raise InputError(f"unknown key '{path}.{key}'; {node['_target_']} takes {names}")
            wanted = _misfit(value, hints.get(key))
            if wanted:
                raise InputError(f"{path}.{key}={json.dumps(value) if value is None else value}: expected {wanted}")


def _hints(target: Any) -> dict[str, Any]:
    # only ours: other libraries' annotations say less, or name types that are not imported
    if not str(getattr(target, "__module__", "")).startswith("pymaf_pl."):
        return {}
    return typing.get_type_hints(target.__init__ if inspect.isclass(target) else target)


def _misfit(value: Any, hint: Any) -> str | None:
    """Say what ``value`` should be where the annotation is a number, a switch, or one of these or nothing."""
    is_union = isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
    allowed = set(typing.get_args(hint)) if is_union else {hint}
    optional = type(None) in allowed
    allowed -= {type(None)}
    if len(allowed) != 1 or (kind := allowed.pop()) not in _WANTED or (value is None and optional):
        return None
    if type(value) is kind or (kind is float and type(value) is int):
        return None
    return _WANTED[kind] + (" or null" if optional else "")


def _nodes(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if "_target_" in node:
            yield path, node
        for key, value in node.items():
            yield from _nodes(value, f"{path}.{key}".lstrip("."))
    elif isinstance(node, list | tuple):
        for index, value in enumerate(node):
            yield from _nodes(value, f"{path}.{index}")
