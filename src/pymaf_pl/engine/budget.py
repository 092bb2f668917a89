"""A wall-clock budget for short runs on machines whose speed nobody knows beforehand."""

import time
from typing import Any

import pytorch_lightning as pl
from torch.optim.lr_scheduler import LRScheduler


class TimeBudget(pl.Callback):
    """End training within a time, with its learning rate annealed all the same.

    While training is on schedule nothing happens. When the share of the time spent exceeds the share of the steps done,
    the schedule jumps ahead to the former, so that a slow machine takes fewer steps but still finishes its descent.

    Args:
        minutes: of training, over all resumed parts of a run.
    """

    def __init__(self, minutes: float) -> None:
        self.minutes = minutes
        self.spent = 0.0  # seconds, before the current process started training
        self._start: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds of training so far."""
        return self.spent + (time.monotonic() - self._start if self._start is not None else 0.0)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock; a run that has used its time up does not go on."""
        trainer.should_stop = trainer.strategy.broadcast(self.spent >= 60 * self.minutes)
        self._start = time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any) -> None:
        """Move the schedule ahead, or stop."""
        share = self.elapsed / (60 * self.minutes)
        # all ranks must agree, or DDP would wait for ever
        share = float(trainer.strategy.broadcast(share))
        total_steps: Any = pl_module.total_steps
        for config in trainer.lr_scheduler_configs:
            scheduler = config.scheduler
            assert isinstance(scheduler, LRScheduler)
            scheduler.last_epoch = max(scheduler.last_epoch, int(min(1.0, share) * total_steps))
        if share >= 1:
            trainer.should_stop = True

    def state_dict(self) -> dict[str, float]:
        """Keep the time spent."""
        return {"spent": self.elapsed}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Go on from there."""
        self.spent = state_dict["spent"]
