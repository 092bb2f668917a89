"""Writes progress.json: how far a run is, for whoever watches it from another process."""

import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_only

from pymaf_pl.engine.progress import PROGRESS, read_progress
from pymaf_pl.engine.run_files import write_json
from pymaf_pl.engine.stopping import StoppedError


class ProgressFile(pl.Callback):
    """Keep the step, the last one, every validation's figure, and whether the run was stopped, in ``progress.json``.

    Args:
        run_dir: of the run; a file that is there already is gone on with.
        every_seconds: between writes; validations and ends always write.
    """

    def __init__(self, run_dir: Path, every_seconds: float = 5.0) -> None:
        self.path, self.every_seconds = run_dir / PROGRESS, every_seconds
        self.total_steps, self.stopped = 0, False
        self.validations: list[tuple[int, float]] = []
        self._written = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin anew, but for what earlier processes have measured up to here."""
        self.total_steps = int(getattr(pl_module, "total_steps", 0))
        self.validations = [v for v in read_progress(self.path.parent)["validations"] if v[0] <= trainer.global_step]
        self._write(trainer)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write now and then."""
        if time.monotonic() - self._written > self.every_seconds:
            self._write(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add the figure that sweeps and searches go by."""
        if trainer.state.fn != "fit" or "val/monitor" not in trainer.callback_metrics:
            return
        step, figure = trainer.global_step, float(trainer.callback_metrics["val/monitor"])
        self.validations = [v for v in self.validations if v[0] < step] + [(step, figure)]
        self._write(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the last step."""
        self._write(trainer)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Say whether the run left in good order."""
        if isinstance(exception, StoppedError):
            self.stopped = True
            self._write(trainer)

    @rank_zero_only
    def _write(self, trainer: pl.Trainer) -> None:
        self._written = time.monotonic()
        write_json(
            self.path,
            {
                "step": trainer.global_step,
                "total_steps": self.total_steps,
                "stopped": self.stopped,
                "validations": self.validations,
            },
        )
