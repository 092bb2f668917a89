"""One training step, one validation, what is logged and what a checkpoint holds."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim import Optimizer

from pymaf_pl.data.images import normalise
from pymaf_pl.data.mixture import Stage, stage_of_epoch
from pymaf_pl.engine.curriculum import StageSwitch
from pymaf_pl.engine.optim import Schedule, Stretch, constant, scheduled, stretches
from pymaf_pl.engine.step_seed import seed_step
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
        schedule: ``(step, steps in all) -> factor`` of the learning rate, stepped every step.
        total_steps: of the run, for the schedule.
        stages: the curriculum, for its rates and loss weights; none keeps both as they are.
        steps_per_epoch: of each stage, to know in which steps it begins.
        seed: of what a training step draws.
        record: plain values kept in every checkpoint: configuration, body, version.
        channels_last: memory layout of the convolutions; faster on CPUs and tensor cores.
    """

    def __init__(
        self,
        network: FeedbackNetwork,
        losses: FeedbackLoss,
        protocol: Protocol,
        optimizer: Callable[[FeedbackNetwork], Optimizer],
        schedule: Schedule = constant,
        total_steps: int = 1,
        stages: Sequence[Stage] = (),
        steps_per_epoch: Sequence[int] = (),
        seed: int = 0,
        record: Mapping[str, Any] | None = None,
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        self.network, self.losses, self.protocol = network, losses, protocol
        self.make_optimizer, self.schedule, self.total_steps = optimizer, schedule, total_steps
        self.stages, self.steps_per_epoch, self.seed = tuple(stages), tuple(steps_per_epoch), seed
        for stage in self.stages:
            losses.check_weights(stage.losses, f"data.stages: stage '{stage.name}': losses")
        self.record = dict(record or {})
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.network.to(memory_format=self.memory_format)
        self.validation: PerPerson | None = None
        self.measured: Measured | None = None
        self.rows: list[dict[str, float]] = []
        self.rows_step = -1

    def forward(self, images: Tensor) -> NetworkOutput:
        """Return body[0..T] for uint8 crops."""
        return self.network(normalise(images).contiguous(memory_format=self.memory_format))

    def configure_callbacks(self) -> list[pl.Callback]:
        """Bring along what switches stages, so that no trainer goes without."""
        return [StageSwitch(self.stages)] if self.stages else []

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Return the total loss; log every term of every iteration."""
        seed_step(self.seed, self.current_epoch, index, self.global_rank)
        output = self(batch["image"])
        weights = stage_of_epoch(self.stages, self.current_epoch).losses if self.stages else {}
        with torch.autocast(device_type=self.device.type, enabled=False):
            total, parts = self.losses(output, batch, weights)
        size = len(batch["image"])
        self.log("train/loss", total, prog_bar=True, batch_size=size)
        self.log_dict({f"train/{name}": value for name, value in parts.items()}, batch_size=size)
        return total

    def on_validation_epoch_start(self) -> None:
        """Let the protocol look at the held-out people, and make room for their figures."""
        loader: Any = self.trainer.val_dataloaders
        people = loader.dataset.source  # of an EvaluationDataset
        body = self.losses.body
        self.protocol.attach(people.table, people.image_root, body)
        self.validation = PerPerson(
            len(people), self.network.num_iterations + 1, self.protocol.per_person, self.protocol.pieces
        ).to(self.device)

    def validation_step(self, batch: Batch, _index: int) -> None:
        """Measure every person after every iteration."""
        assert self.validation is not None
        output, body = self(batch["image"]), self.losses.body
        with torch.autocast(device_type=self.device.type, enabled=False):
            truth = self.protocol.prepare(body, batch)
            figures = [self.protocol.evaluate(body, state, truth) for state in output.iterations]
        self.validation.update(batch["index"], figures)

    def on_validation_epoch_end(self) -> None:
        """Log ``val/<protocol>/iter_<t>/<figure>`` and keep what was measured, and its step, for the run's files."""
        assert self.validation is not None
        gathered, self.rows_step = self.validation.compute(), self.global_step
        figures = gathered.figures | self.protocol.pool(gathered)
        self.measured = Measured(gathered.row, {name: figures[name] for name in self.protocol.everything}, {})
        self.rows = mean_rows({name: figures[name] for name in self.protocol.figures})
        self.validation = None  # its memory is free for training
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
        curriculum = stretches(self.stages, self.steps_per_epoch, self.total_steps) or [Stretch(self.total_steps)]
        scheduler = scheduled(optimizer, self.schedule, curriculum)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the network's weights and how to rebuild it; body models hold no persistent buffer."""
        checkpoint["pymaf_pl"] = self.record
