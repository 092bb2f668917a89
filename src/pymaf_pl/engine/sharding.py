"""Weights and optimiser shared out over processes, and how a network is put together again."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import WeightAveraging
from pytorch_lightning.strategies import FSDPStrategy
from torch.distributed.fsdp import FullyShardedDataParallel, MixedPrecision

from pymaf_pl.checkpoints import read_checkpoint
from pymaf_pl.engine.module import PyMAFModule
from pymaf_pl.errors import InputError
from pymaf_pl.rebuilding import network_from_checkpoint


class ShardedStrategy(FSDPStrategy):
    """Lightning's FSDP, but for two things.

    With half precision Lightning also keeps weights and buffers in it, and the body's surface would move by
    millimetres. Here they stay float32, and autocast chooses what is computed in half precision, as it does without
    sharding. And it runs on a CPU too, for those who want to try it.

    Args:
        options: of Lightning's.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"mixed_precision": MixedPrecision(), **options})

    def setup(self, trainer: pl.Trainer) -> None:
        """Share out the module.

        Raises:
            InputError: something is asked for that needs whole weights.
        """
        precision = self.precision_plugin.precision
        if self.root_device.type == "cpu" and precision != "32-true":
            raise InputError(
                f"trainer.precision={precision}: trainer=fsdp on a CPU knows trainer.precision=32-true only"
            )
        if any(isinstance(callback, WeightAveraging) for callback in trainer.callbacks):  # type: ignore[attr-defined]
            raise InputError("callbacks=ema: not with trainer=fsdp, where no process has whole weights to average")
        if trainer.gradient_clip_val and trainer.gradient_clip_algorithm != "value":
            raise InputError(
                f"trainer.gradient_clip_val={trainer.gradient_clip_val}: with trainer=fsdp no process knows the whole "
                "norm; +trainer.gradient_clip_algorithm=value clips each number"
            )
        super().setup(trainer)

    def _setup_model(self, model: torch.nn.Module) -> torch.nn.Module:
        if self.root_device.type != "cpu":
            return super()._setup_model(model)
        return FullyShardedDataParallel(
            model,
            device_id=self.root_device,  # Lightning names no device here, and torch then wants an accelerator
            mixed_precision=self.mixed_precision_config,
            sharding_strategy=self.sharding_strategy,
            **self.kwargs,
        )


def put_together(trainer: pl.Trainer, module: PyMAFModule, whole: Path, body_directory: str | Path | None) -> None:
    """Give a module that was shared out a whole network again, from a file, and leave it on the CPU.

    A process holds its own part of the weights, so what the first process does alone with the network afterwards, its
    report and its cost, would fail.

    Args:
        trainer: that has just fitted or validated the module.
        module: left as it is if nothing was sharded.
        whole: checkpoint with its weights as they are now: a run's last one.
        body_directory: folder of SMPL files, for a network on that body.
    """
    if not isinstance(trainer.strategy, FSDPStrategy):
        return
    module.network, _ = network_from_checkpoint(read_checkpoint(whole), body_directory)
    module.network.to(memory_format=module.memory_format)
    module.cpu()  # where Lightning leaves what was not sharded
