"""Checkpoints: weights and how to rebuild their network, read as data.

A checkpoint of ours is Lightning's, with one more entry ``pymaf_pl`` of plain values:
``{"version", "body": {"name", "gender", "topology"}, "image_size", "network": {"backbone": {...}, "model": {...}}}``.
It holds no buffer of a body model.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pymaf_pl.errors import InputError


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds for inference.

    Attributes:
        path: the file.
        state: the network's weights.
        record: the ``pymaf_pl`` entry.
        epoch, step: where training stood.
    """

    path: Path
    state: dict[str, Tensor]
    record: dict[str, Any]
    epoch: int
    step: int

    @property
    def body_name(self) -> str:
        """The body model it was trained on."""
        return str(self.record["body"]["name"])

    def check_body(self, name: str, topology: str) -> None:
        """Refuse a body whose vertices do not correspond to the one that the weights know.

        Raises:
            InputError: names both bodies.
        """
        trained = self.record["body"]
        if trained["topology"] != topology:
            raise InputError(
                f"{self.path}: trained on the '{trained['name']}' body (topology {trained['topology']}), not on "
                f"'{name}' (topology {topology}); use body={trained['name']}"
            )


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint with ``weights_only=True``.

    Raises:
        InputError: no such file, not a checkpoint, or one that another program wrote.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint")
    try:
        raw = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load fails in many ways on what is not a checkpoint
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: not a readable checkpoint ({reason[:120]})") from None
    record = raw.get("pymaf_pl") if isinstance(raw, dict) else None
    if not isinstance(record, dict) or "body" not in record or "state_dict" not in raw:
        kind = (
            "it has the keys " + ", ".join(sorted(map(str, raw))[:5]) if isinstance(raw, dict) else type(raw).__name__
        )
        raise InputError(f"{path}: not a checkpoint of pymaf_pl ({kind}); one comes from `pymaf train`")
    prefix = "network."
    state = {key.removeprefix(prefix): value for key, value in raw["state_dict"].items() if key.startswith(prefix)}
    return Checkpoint(path, state, record, int(raw.get("epoch", 0)), int(raw.get("global_step", 0)))


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
