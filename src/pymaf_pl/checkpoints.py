"""Checkpoints: weights and how to rebuild their network, read as data.

A checkpoint of ours is Lightning's, with one more entry ``pymaf_pl`` of plain values:
``{"version", "body": {"name", "gender", "topology"}, "image_size", "network": {"backbone": {...}, "model": {...}}}``.
It holds no buffer of a body model.

A slim file (``pymaf checkpoint slim``) keeps ``state_dict``, usually in float16, ``pymaf_pl``, ``epoch`` and
``global_step`` of a checkpoint, and ``card: True``: it is not to be used without the card beside it.

The published code's files (:mod:`pymaf_pl.official`) are read as if they had been imported before; what an import
writes is a checkpoint without training state, with an ``origin`` in its record.
"""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pymaf_pl.atomic import replacing
from pymaf_pl.errors import InputError
from pymaf_pl.official import Report, read_official, recognise
from pymaf_pl.shipped import SHIPPED, demand_card, locate, read_card

PREFIX = "network."  # of the network's keys in ``state_dict``
_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds for inference.

    Attributes:
        path: the file.
        state: the network's weights, in float32 also where the file has float16.
        record: the ``pymaf_pl`` entry.
        epoch, step: where training stood.
        card: of a slim file; None for a checkpoint of ``pymaf train``.
        report: of a file of the published code, what became of its keys.
    """

    path: Path
    state: dict[str, Tensor]
    record: dict[str, Any]
    epoch: int
    step: int
    card: dict[str, Any] | None = None
    report: Report | None = None

    @property
    def name(self) -> str:
        """What its figures are listed under: the model's name, else the run folder's."""
        if self.card is not None:
            return str(self.card.get("name", self.path.stem))
        if self.origin is not None:
            return self.path.stem
        return self.path.parent.parent.name or self.path.stem

    @property
    def origin(self) -> str | None:
        """Whose weights they are, if not ours."""
        return self.record.get("origin")

    @property
    def body_name(self) -> str:
        """The body model it was trained on."""
        return str(self.record["body"]["name"])

    def check_body_name(self, name: str | None) -> None:
        """Refuse the name of a body that was asked for, if it is not the one that the weights know.

        Raises:
            InputError: names both bodies.
        """
        if name not in (None, self.body_name):
            raise InputError(f"{self.path}: trained on the '{self.body_name}' body, not on '{name}'")

    def check_body(self, name: str, topology: str) -> None:
        """Refuse a body whose vertices do not correspond to the one that the weights know.

        Raises:
            InputError: names both bodies.
        """
        trained = self.record["body"]
        known = trained["topology"]
        if known is None:  # a file of the published code without body buffers
            self.check_body_name(name)
        elif known != topology:
            way_out = f"use body={trained['name']}" if trained["name"] != name else "give the files that belong to it"
            raise InputError(
                f"{self.path}: trained on the '{trained['name']}' body (topology {known}), not on "
                f"'{name}' (topology {topology}); {way_out}"
            )


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint, a slim file or a file of the published code with ``weights_only=True``.

    Args:
        path: the file, or the name of a shipped model.

    Raises:
        InputError: no such file, not a checkpoint, one that another program wrote, weights without their card, or a
            published checkpoint that is not complete.
    """
    path = locate(path)
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint; give a path, or {' or '.join(SHIPPED)}")
    card = read_card(path)
    try:
        with warnings.catch_warnings(action="ignore"):  # of formats that are refused anyway
            raw = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load fails in many ways on what is not a checkpoint
        raise InputError(f"{path}: not a readable checkpoint ({_reason(error)})") from None
    if (published := recognise(raw)) is not None:
        official = read_official(raw, published, path)
        return Checkpoint(path, official.state, official.record, 0, 0, report=official.report)
    record = raw.get("pymaf_pl") if isinstance(raw, dict) else None
    if not isinstance(record, dict) or "body" not in record or "state_dict" not in raw:
        kind = (
            "it has the keys " + ", ".join(sorted(map(str, raw))[:5]) if isinstance(raw, dict) else type(raw).__name__
        )
        raise InputError(f"{path}: not a checkpoint of pymaf_pl ({kind}); one comes from `pymaf train`")
    state = {key.removeprefix(PREFIX): value for key, value in raw["state_dict"].items() if key.startswith(PREFIX)}
    if raw.get("card"):
        card, state = demand_card(path, card), cast(state, torch.float32)
    return Checkpoint(path, state, record, int(raw.get("epoch", 0)), int(raw.get("global_step", 0)), card)


def _reason(error: Exception) -> str:
    """Say in one line why torch.load refused a file; its own advice is to switch the refusal off."""
    if code := re.search(r"GLOBAL (\S+)", str(error)):
        return f"it asks to run {code[1]}; weights are data and need no code"
    if "weights_only" in str(error):
        return "it holds something else than weights"
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__


def write_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write weights and record, without a training state, as :func:`read_checkpoint` reads them."""
    content = {
        "state_dict": {PREFIX + key: value for key, value in checkpoint.state.items()},
        "pymaf_pl": checkpoint.record,
        "epoch": checkpoint.epoch,
        "global_step": checkpoint.step,
    }
    with replacing(path) as draft:
        torch.save(content, draft)


def cast(state: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """Copy weights, floating-point ones as ``dtype``; what shared memory (HMR's iterations do) shares it again."""
    copies: dict[tuple[Any, ...], Tensor] = {}
    result = {}
    for key, tensor in state.items():
        identity = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        if identity not in copies:
            target = dtype if tensor.is_floating_point() else tensor.dtype
            copies[identity] = tensor.to(target, copy=True, memory_format=torch.contiguous_format)
        result[key] = copies[identity]
    return result


def count_parameters(checkpoint: Checkpoint) -> int:
    """Count trainable numbers, once each: the weights that HMR shares between iterations stand in the file T times."""
    unique = {
        (tensor.data_ptr(), tensor.shape): tensor.numel()
        for key, tensor in checkpoint.state.items()
        if key != "mean" and key.rsplit(".", 1)[-1] not in _BUFFERS
    }
    return sum(unique.values())


def load_weights(network: torch.nn.Module, checkpoint: Checkpoint) -> None:
    """Load weights that must fit exactly.

    Raises:
        InputError: names the first parameter that is missing, unknown or of another shape.
    """
    ours = network.state_dict()
    for key in sorted(ours.keys() | checkpoint.state.keys()):
        if key not in checkpoint.state:
            raise InputError(f"{checkpoint.path}: it has no '{key}'; it is a checkpoint of another model")
        if key not in ours:
            raise InputError(f"{checkpoint.path}: '{key}' is not in this network; it is a checkpoint of another model")
        if ours[key].shape != checkpoint.state[key].shape:
            raise InputError(
                f"{checkpoint.path}: '{key}' has the shape {tuple(checkpoint.state[key].shape)}, this network's has "
                f"{tuple(ours[key].shape)}; it is a checkpoint of another model"
            )
    network.load_state_dict(checkpoint.state)
