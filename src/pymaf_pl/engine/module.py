"""One training step, one validation, what is logged and what a checkpoint holds."""

from collections.abc import Callable, Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from pymaf_pl.data.images import normalise
from pymaf_pl.losses import FeedbackLoss
from pymaf_pl.metrics.people import mean_rows
from pymaf_pl.metrics.per_person import Measured, PerPerson
from pymaf_pl.metrics.protocols import Protocol
from pymaf_pl.models import FeedbackNetwork
from pymaf_pl.types import Batch, NetworkOutput


class PyMAFModule(pl.LightningModule):
    """Fit a feedback network.

    Args:
        network: PyMAF or a baseline.
        losses: the training loss; it carries the body model.
        protocol: what validation measures, for each of body[0..T].
        optimizer: ``network -> Optimizer``.
        scheduler: ``(optimizer, total_steps) -> LRScheduler``, stepped every step.
        total_steps: of the run, for the schedule.
        record: plain values kept in every checkpoint: configuration, body, version.
        channels_last: memory layout of the convolutions; faster on CPUs and tensor cores.
    """

    def __init__(
        self,
        network: FeedbackNetwork,
        losses: FeedbackLoss,
        protocol: Protocol,
        optimizer: Callable[[FeedbackNetwork], Optimizer],
        scheduler: Callable[[Optimizer, int], LRScheduler],
        total_steps: int = 1,
        record: Mapping[str, Any] | None = None,
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        self.network, self.losses, self.protocol = network, losses, protocol
        self.make_optimizer, self.make_scheduler, self.total_steps = optimizer, scheduler, total_steps
        self.record = dict(record or {})
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.network.to(memory_format=self.memory_format)
        self.validation = PerPerson(network.num_iterations + 1, protocol.figures)
        self.measured: Measured | None = None
        self.rows: list[dict[str, float]] = []
        self.rows_step = -1

    def forward(self, images: Tensor) -> NetworkOutput:
        """Return body[0..T] for uint8 crops."""
        return self.network(normalise(images).contiguous(memory_format=self.memory_format))

    def training_step(self, batch: Batch, _index: int) -> Tensor:
        """Return the total loss; log every term of every iteration."""
        output = self(batch["image"])
        with torch.autocast(device_type=self.device.type, enabled=False):
            total, parts = self.losses(output, batch)
        size = len(batch["image"])
        self.log("train/loss", total, prog_bar=True, batch_size=size)
        self.log_dict({f"train/{name}": value for name, value in parts.items()}, batch_size=size)
        return total

    def validation_step(self, batch: Batch, _index: int) -> None:
        """Measure every person after every iteration."""
        output, body = self(batch["image"]), self.losses.body
        with torch.autocast(device_type=self.device.type, enabled=False):
            truth = self.protocol.prepare(body, batch)
            figures = [self.protocol.evaluate(body, state, truth) for state in output.iterations]
        self.validation.update(batch["index"], figures)

    def on_validation_epoch_end(self) -> None:
        """Log ``val/<protocol>/iter_<t>/<figure>`` and keep what was measured, and its step, for the run's files."""
        self.measured, self.rows_step = self.validation.compute(), self.global_step
        self.rows = mean_rows(self.measured.figures)
        self.validation.reset()
        prefix = f"val/{self.protocol.name}"
        named = {
            f"{prefix}/iter_{t}/{name}": row[name] for t, row in enumerate(self.rows) for name in self.protocol.figures
        }
        # every rank holds the same gathered people
        self.log_dict({name: value for name, value in named.items() if value == value}, rank_zero_only=True)
        self.log("val/monitor", self.rows[-1][self.protocol.monitor], prog_bar=True, rank_zero_only=True)

    def configure_optimizers(self) -> Any:
        """Build the optimiser and its schedule."""
        optimizer = self.make_optimizer(self.network)
        scheduler = self.make_scheduler(optimizer, self.total_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the network's weights and how to rebuild it; body models hold no persistent buffer."""
        checkpoint["pymaf_pl"] = self.record
