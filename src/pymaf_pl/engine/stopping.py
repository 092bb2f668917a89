"""A run that is told to make room saves, leaves, and can be gone on with at the next unseen sample."""

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from pytorch_lightning.callbacks import Checkpoint

_SIGNALS = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM)


class StoppedError(Exception):
    """The run was asked to end, and has saved itself."""


class StopOnSignal(Checkpoint):
    """Save a checkpoint and end when SIGUSR1, SIGUSR2 or SIGTERM arrives: what clusters send before they take a node.

    The signal is answered once the step that it falls into is done, by all ranks together, also if it reached one of
    them only. As a :class:`Checkpoint` it comes after all other callbacks, so that what they count is in the file.
    Where Lightning requeues Slurm jobs by itself, it is left to.

    Args:
        path: of the checkpoint.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.received: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}
        self._step = 0
        self._leaving: str | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen from here on; before, there is nothing to save."""
        environment = getattr(trainer.strategy, "cluster_environment", None)
        theirs = isinstance(environment, SLURMEnvironment) and environment.auto_requeue
        if not theirs and threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Leave, or remember the step, to know a finished one from one that still gathers gradients.

        Raises:
            StoppedError: a checkpoint has been written.
        """
        self._leave()
        self._step = trainer.global_step

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if asked to; Lightning has yet to log this step, so leaving waits for what comes next."""
        asked = self.received is not None
        if trainer.world_size > 1:
            asked = trainer.strategy.reduce_boolean_decision(asked, all=False)
        if asked and trainer.global_step > self._step:
            trainer.save_checkpoint(self.path)
            name = self.received.name if self.received is not None else "a signal to another process"
            self._leaving = f"stopped by {name} after step {trainer.global_step}, which is in {self.path}"

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave."""
        self._leave()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave."""
        self._leave()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen no more."""
        self._restore()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Listen no more."""
        self._restore()

    def _leave(self) -> None:
        if self._leaving is not None:
            raise StoppedError(self._leaving)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.received = signal.Signals(number)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before = {}
