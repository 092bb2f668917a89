"""From one stage of the curriculum to the next, while training."""

import logging
from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl

from pymaf_pl.data.mixture import Stage, stage_number
from pymaf_pl.engine.datamodule import CurriculumData

log = logging.getLogger(__name__)


class StageSwitch(pl.Callback):
    """Say when a stage begins, and let Lightning know when its epochs are of another length.

    Args:
        stages: the curriculum.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)
        self._said: int | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the epoch to go on with."""
        _close_finished_epoch(trainer)
        self._expect(trainer, trainer.current_epoch)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log which stage it is, if it is another one."""
        number, within = stage_number(self.stages, trainer.current_epoch)
        if number != self._said:
            stage = self.stages[number]
            log.info(
                "stage '%s' (%d of %d): epoch %d of %d, %s batches each; %s",
                stage.name, number + 1, len(self.stages), within + 1, stage.epochs, trainer.num_training_batches,
                ", ".join(f"{name} {weight:g}" for name, weight in stage.mix.items()),
            )  # fmt: skip
            self._said = number

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the epoch to come."""
        self._expect(trainer, trainer.current_epoch + 1)

    @staticmethod
    def _expect(trainer: pl.Trainer, epoch: int) -> None:
        data = getattr(trainer, "datamodule", None)
        if isinstance(data, CurriculumData):
            data.expect_epoch(epoch)


def _close_finished_epoch(trainer: pl.Trainer) -> None:
    """Begin the next epoch properly if the checkpoint is of the last batch of one.

    Lightning (2.6, ``_TrainingEpochLoop.reset``) sees that such an epoch is over by the number of batches of the epoch
    to come, which may have more, and counts that one as begun already, so that a second resume would go wrong.
    """
    epochs = trainer.fit_loop
    batches = epochs.epoch_loop
    current: Any = batches.batch_progress.current
    ended = current.processed >= trainer.num_training_batches
    if ended and epochs.restarted_mid_epoch and batches.restarted_on_train_batch_end:
        batches.batch_progress.increment_completed()
        for progress in (
            batches.batch_progress, batches.scheduler_progress, batches.automatic_optimization.optim_progress,
        ):  # fmt: skip
            progress.reset_on_run()
        batches.val_loop.batch_progress.total.reset()
        batches.reset_restart_stage()
        epochs.reset_restart_stage()
