"""How long a run will take, said once, as soon as it can be known."""

import logging
import time
from typing import Any

import pytorch_lightning as pl

log = logging.getLogger(__name__)


class Forecast(pl.Callback):
    """Log the speed and the time left after a few steps of this process.

    Args:
        after_steps: timed, once as many others have warmed caches and workers up.
    """

    def __init__(self, after_steps: int = 25) -> None:
        self.after_steps = after_steps
        self._steps = 0
        self._start = 0.0
        self._samples = 0

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count, and say it when enough is known."""
        self._steps += 1
        if self._steps == self.after_steps:
            self._start = time.monotonic()
        elif self.after_steps < self._steps <= 2 * self.after_steps:
            self._samples += len(batch["image"]) * trainer.world_size
            if self._steps == 2 * self.after_steps:
                self._say(trainer, pl_module)

    def _say(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        seconds = time.monotonic() - self._start
        per_step = seconds / self.after_steps * trainer.accumulate_grad_batches
        total_steps: Any = pl_module.total_steps
        left = max(0, total_steps - trainer.global_step)
        log.info(
            "step %d of %d at %.0f samples/s: about %s to go, validation not counted",
            trainer.global_step, total_steps, self._samples / seconds, _readable(left * per_step),
        )  # fmt: skip


def _readable(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "a minute"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
