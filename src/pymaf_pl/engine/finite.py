"""A run whose numbers have stopped being numbers ends at once, with its last good checkpoint as it was."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.strategies import FSDPStrategy
from torch import Tensor

from pymaf_pl.errors import InputError


class FiniteLoss(pl.Callback):
    """End training at the first loss that is not finite, and never let such weights into a checkpoint.

    The loss is looked at after every batch, on all ranks together; the weights whenever a checkpoint is about to be
    written, because a finite loss can come before weights that are not.

    Args:
        checkpoint: the run's last one, for the message.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at the loss."""
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        broken = not bool(torch.isfinite(loss).all())
        if trainer.world_size > 1:  # all ranks must leave together, or the others would wait for ever
            broken = trainer.strategy.reduce_boolean_decision(broken, all=False)
        if broken:
            raise InputError(self._message(trainer, "the loss is not finite"))

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Look at the weights."""
        for name, value in checkpoint["state_dict"].items():
            if isinstance(value, Tensor) and value.is_floating_point() and not bool(torch.isfinite(value).all()):
                raise InputError(self._message(trainer, f"{name} is not finite"))

    def _message(self, trainer: pl.Trainer, what: str) -> str:
        kept = f"{self.checkpoint} is from before" if self.checkpoint.is_file() else "there is no checkpoint yet"
        clip = "trainer.gradient_clip_val=1"
        if isinstance(trainer.strategy, FSDPStrategy):  # where no process knows the whole norm
            clip += " +trainer.gradient_clip_algorithm=value"
        return f"{what} after step {trainer.global_step}; {kept}; a lower optimizer.lr or {clip} may help"
