"""Backbones that start from weights: ImageNet's if they can be had, or a file on this machine.

A file may be an encoder alone or a whole pose network (Simple Baselines, HRNet, mmpose), whose encoder is taken: the
training program's wrappings and prefixes are recognised, its head is left out.
"""

import logging
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from pymaf_pl.errors import InputError

log = logging.getLogger(__name__)
IMAGENET = "imagenet"
_WRAPPINGS = ("state_dict", "model")  # of training programs: {"state_dict": {...}, "epoch": ...}
_PREFIXES = ("module.", "backbone.", "feature_extractor.")  # DistributedDataParallel, mmpose, PyMAF
# no network, a broken download, a broken file in the cache
_UNAVAILABLE = (OSError, HTTPException, RuntimeError, UnpicklingError, EOFError)


def load_imagenet(network: nn.Module, fetch: Callable[[], Mapping[str, Tensor]], source: str) -> None:
    """Load what ``fetch`` gets from ``source``; if it cannot be had, warn in one line and keep the random weights."""
    try:
        state = fetch()
    except _UNAVAILABLE as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        log.warning("no ImageNet weights: %s (%s); the backbone starts from random weights", source, reason)
        return
    network.load_state_dict(state)


def load_file(network: nn.Module, path: str, may_lack: tuple[str, ...] = ()) -> None:
    """Load an encoder's weights from a file, read as data.

    Args:
        network: the encoder.
        path: the file.
        may_lack: beginnings of keys that pose networks have no use for and the file may lack; they stay random.

    Raises:
        InputError: no such file, not a file of weights, or weights of another encoder; names the first key.
    """
    state, ours = _read(path), network.state_dict()
    for key, value in ours.items():
        if key not in state:
            if key.startswith(may_lack) or key.endswith("num_batches_tracked"):
                continue
            raise InputError(f"backbone.weights={path}: it has no '{key}'; it is not of this backbone")
        if state[key].shape != value.shape:
            shapes = f"the shape {tuple(state[key].shape)}, this backbone's has {tuple(value.shape)}"
            raise InputError(f"backbone.weights={path}: '{key}' has {shapes}")
    network.load_state_dict({key: value for key, value in state.items() if key in ours}, strict=False)
    extra = sorted({key.split(".")[0] for key in state.keys() - ours.keys()})
    missing = sorted({start for start in may_lack if any(k.startswith(start) for k in ours.keys() - state.keys())})
    log.info(
        "backbone: %d of %d tensors from %s; left out: %s; random: %s",
        *(len(ours.keys() & state.keys()), len(ours), path, ", ".join(extra) or "nothing"),
        ", ".join(name.rstrip(".") for name in missing) or "nothing",
    )


def check_weights(weights: str | None) -> None:
    """Refuse what is neither ImageNet, nor none, nor a file.

    Raises:
        InputError: names the three.
    """
    if weights not in (IMAGENET, None) and not Path(str(weights)).is_file():
        raise InputError(
            f"backbone.weights={weights}: there are imagenet and null, which is random, and files; no such file"
        )


def _read(path: str) -> dict[str, Tensor]:
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load fails in many ways on what is not a file of weights
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"backbone.weights={path}: not a readable file of weights ({reason[:120]})") from None
    for name in _WRAPPINGS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping):
        raise InputError(f"backbone.weights={path}: it holds a {type(content).__name__}, not named weights")
    return {_bare(str(key)): value for key, value in content.items() if isinstance(value, Tensor)}


def _bare(key: str) -> str:
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    return key
