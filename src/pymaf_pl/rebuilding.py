"""From a checkpoint's record back to its network and losses, without Hydra and without code of the record's choice.

A record names what it was built from, as a configuration does (``_target_`` and arguments). A stranger's checkpoint is
data: it may choose among our networks and losses, and nothing else is ever called.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from pymaf_pl.body import BodyModel, load_body
from pymaf_pl.checkpoints import Checkpoint, load_weights
from pymaf_pl.errors import InputError
from pymaf_pl.losses import FeedbackLoss
from pymaf_pl.models import FeedbackNetwork

_RECORDED = {"network": "pymaf_pl.models", "losses": "pymaf_pl.losses"}  # what may be built, from where
_MOVED = {  # names in records of version 0.1.0, where the kinds of feedback stood beside their points
    f"pymaf_pl.models.points.{name}": f"pymaf_pl.models.feedback.{name}"
    for name in ("grid_then_mesh", "mesh_only", "grid_only")
}


def network_from_checkpoint(
    checkpoint: Checkpoint, directory: str | Path | None = None
) -> tuple[FeedbackNetwork, BodyModel]:
    """Rebuild a checkpoint's network on its body and load the weights.

    Args:
        checkpoint: as read.
        directory: folder of SMPL files, for a checkpoint trained on them.

    Raises:
        InputError: the record asks for something that is not ours, the body's files are missing or of another
            topology, or the weights do not fit.
    """
    record = checkpoint.record
    for key in ("body", "image_size", *_RECORDED):
        if key not in record:
            raise InputError(f"{checkpoint.path}: its record has no '{key}'; it cannot be built again")
    for key in _RECORDED:
        _check(record[key], checkpoint.path, _RECORDED[key])  # all of it, before anything is built
    body = load_body(record["body"]["name"], record["body"]["gender"], directory)
    checkpoint.check_body(body.name, body.topology)
    backbone = _build(record["network"]["backbone"], checkpoint.path, _RECORDED["network"])
    network = _build(record["network"]["model"], checkpoint.path, _RECORDED["network"], backbone=backbone, body=body)
    load_weights(network, checkpoint)
    return network, body


def losses_from_checkpoint(checkpoint: Checkpoint, body: BodyModel) -> FeedbackLoss:
    """Rebuild the losses that a checkpoint was trained with."""
    losses, path, package = checkpoint.record["losses"], checkpoint.path, _RECORDED["losses"]
    return FeedbackLoss(
        body=body,
        terms={name: _build(term, path, package) for name, term in losses["terms"].items()},
        dense=None if losses["dense"] is None else _build(losses["dense"], path, package, body=body),
        iteration_weights=losses["iteration_weights"],
    )


def _build(node: Any, path: Path, package: str, **given: Any) -> Any:
    """Build a node and what is nested in it; plain values stay as they are."""
    if isinstance(node, Mapping):
        arguments = {key: _build(value, path, package) for key, value in node.items() if not key.startswith("_")}
        if "_target_" not in node:
            return arguments
        target = _resolve(str(node["_target_"]), path, package)
        try:
            return partial(target, **arguments) if node.get("_partial_") else target(**arguments, **given)
        except TypeError as error:
            raise InputError(f"{path}: its record does not fit {node['_target_']} ({error})") from error
    if isinstance(node, list | tuple):
        return [_build(value, path, package) for value in node]
    return node


def _check(node: Any, path: Path, package: str) -> None:
    if isinstance(node, Mapping):
        if "_target_" in node:
            _resolve(str(node["_target_"]), path, package)
        for value in node.values():
            _check(value, path, package)
    elif isinstance(node, list | tuple):
        for value in node:
            _check(value, path, package)


def _resolve(target: str, path: Path, package: str) -> Callable[..., Any]:
    """Find what a target names, if the package itself defines it: its modules also hold what they import."""
    found: Any = import_module(package) if target.startswith(f"{package}.") else None
    for name in _MOVED.get(target, target).removeprefix(f"{package}.").split("."):
        found = getattr(found, name, None)
    if not (inspect.isclass(found) or inspect.isfunction(found)) or not found.__module__.startswith(f"{package}."):
        raise InputError(f"{path}: asks to build '{target}', which is not one of {package}")
    return found
