"""How and when a run's checkpoints reach the disk."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO
from pytorch_lightning.callbacks import ModelCheckpoint

from pymaf_pl.atomic import replacing


class WholeCheckpoints(TorchCheckpointIO):
    """Write beside the old checkpoint, then rename.

    Lightning writes to the system's temporary folder and moves; onto another file system that is a copy, and one that
    meets a full disk leaves neither the old file nor the new one.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write one file."""
        with replacing(Path(path)) as draft, draft.open("wb") as stream:
            torch.save(checkpoint, stream)


class LastCheckpoint(ModelCheckpoint):
    """A :class:`ModelCheckpoint` that never falls between two batches whose gradients are gathered for one step."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._step = 0

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Remember the step."""
        self._step = trainer.global_step

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if it is time and a step was taken."""
        if trainer.global_step > self._step:
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
