"""From a checkpoint to a file of weights alone, small enough to ship."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from pymaf_pl.checkpoints import PREFIX, Checkpoint, cast
from pymaf_pl.errors import InputError

PRECISIONS = {"float16": torch.float16, "float32": torch.float32}


@dataclass(frozen=True)
class Rounding:
    """The weight that a conversion moved furthest.

    Attributes:
        error: distance to the original.
        key: the tensor it is in.
        value: the original.
    """

    error: float = 0.0
    key: str = ""
    value: float = 0.0


def slim_state(checkpoint: Checkpoint, precision: str) -> tuple[dict[str, Tensor], Rounding]:
    """Return a checkpoint's weights in ``float16`` or ``float32`` and what that cost; whole numbers stay as they are.

    Raises:
        InputError: names the first tensor with a value that is not finite, or that the precision cannot hold.
    """
    state = cast(checkpoint.state, PRECISIONS[precision])
    worst = Rounding()
    for key, original in checkpoint.state.items():
        if not original.is_floating_point() or original.numel() == 0:
            continue
        if not original.isfinite().all():
            raise InputError(f"{checkpoint.path}: '{key}' has values that are not finite; training went wrong")
        errors = (state[key].double() - original.double()).abs().flatten()
        if not errors.isfinite().all():
            raise InputError(
                f"{checkpoint.path}: '{key}' reaches {original.abs().max():.3g}, too much for {precision}; "
                "--precision float32 keeps it"
            )
        index = errors.argmax()
        if errors[index] > worst.error:
            worst = Rounding(float(errors[index]), key, float(original.flatten()[index]))
    return state, worst


def slim_bytes(checkpoint: Checkpoint, state: Mapping[str, Tensor]) -> bytes:
    """Return the content of a slim file; equal weights give equal bytes, whatever the file is called."""
    content = {
        "state_dict": {PREFIX + key: tensor for key, tensor in state.items()},
        "pymaf_pl": checkpoint.record,
        "epoch": checkpoint.epoch,
        "global_step": checkpoint.step,
        "card": True,
    }
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()
