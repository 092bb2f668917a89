"""Sources, stages and loaders for Lightning."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import DataLoader

from pymaf_pl.data.augment import Augmentation
from pymaf_pl.data.dataset import EvaluationDataset, MixtureDataset, PersonDataset, one_thread_per_worker
from pymaf_pl.data.mixture import CurriculumSampler, Stage, check_sources
from pymaf_pl.data.sources import Source, SpinTable
from pymaf_pl.errors import InputError


def read_stages(stages: Sequence[Mapping[str, Any]], sources: Collection[str]) -> list[Stage]:
    """Turn the plain values of ``data.stages`` into stages.

    Raises:
        InputError: there are none, or one has a key too few or too many or mixes in an unknown source.
    """
    expected = [field.name for field in fields(Stage)]
    for number, stage in enumerate(stages):
        if set(stage) != set(expected):
            raise InputError(f"data.stages: stage {number} has {', '.join(stage)}; it takes {', '.join(expected)}")
    if not stages:
        raise InputError("data.stages is empty; training needs at least one stage")
    read = [Stage(**stage) for stage in stages]
    check_sources(read, sources)
    return read


class CurriculumData(pl.LightningDataModule):
    """Train through stages of weighted mixtures, validate on one held-out source.

    The order of samples and their augmentation depend on seed, epoch and position alone, so a run that resumes in the
    middle of an epoch goes on at the next unseen sample.

    Args:
        sources: name to source, for training.
        validation: held-out source.
        stages: the curriculum; each is ``{name, epochs, mix}``.
        body_model: name of the body in use; shape labels of another one are masked.
        image_size: side of the crops in px; a multiple of 32.
        batch_size: people per step and device.
        eval_batch_size: people per validation step.
        samples_per_epoch: over all devices; None for the largest source.
        augmentation: of training crops; None for none.
        num_workers: loader processes.
        seed: of order and augmentation.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        validation: Source,
        stages: Sequence[Mapping[str, Any]],
        body_model: str,
        image_size: int = 224,
        batch_size: int = 64,
        eval_batch_size: int = 32,
        samples_per_epoch: int | None = None,
        augmentation: Augmentation | None = None,
        num_workers: int = 2,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if image_size % 32 or image_size < 32:
            raise InputError(f"image_size={image_size}: the backbone needs a multiple of 32")
        self.sources, self.validation = dict(sources), validation
        self.stages = read_stages(stages, self.sources)
        self.body_model, self.image_size = body_model, image_size
        self.batch_size, self.eval_batch_size = batch_size, eval_batch_size
        self.augmentation, self.num_workers, self.seed = augmentation, num_workers, seed
        self._samples_per_epoch = samples_per_epoch
        self._train: dict[str, PersonDataset] | None = None
        self._val: PersonDataset | None = None

    def prepare_data(self) -> None:
        """Render synthetic worlds that are missing; one process only, so nothing is kept in self."""
        used = {name for stage in self.stages for name in stage.mix}
        sources = [*(self.sources[name] for name in sorted(used)), self.validation]
        for source in sorted(sources, key=lambda source: not isinstance(source, SpinTable)):  # the quick ones first
            source.prepare()

    @property
    def train_sets(self) -> dict[str, PersonDataset]:
        """The training sources that a stage mixes in, read on first use."""
        if self._train is None:
            used = {name for stage in self.stages for name in stage.mix}
            self._train = {
                name: self._dataset(source, self.augmentation) for name, source in self.sources.items() if name in used
            }
        return self._train

    @property
    def val_set(self) -> PersonDataset:
        """The held-out people, read on first use."""
        if self._val is None:
            self._val = self._dataset(self.validation, None)
        return self._val

    def _dataset(self, source: Source, augmentation: Augmentation | None) -> PersonDataset:
        table, root = source.load()
        return PersonDataset(table, root, self.image_size, self.body_model, augmentation)

    @property
    def num_epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of one epoch on each device."""
        return len(self._sampler()) // self.batch_size

    def _sampler(self) -> CurriculumSampler:
        lengths = {name: len(dataset) for name, dataset in self.train_sets.items()}
        trainer = self.trainer
        samples = self._samples_per_epoch or max(lengths.values())
        world_size = trainer.world_size if trainer is not None else 1
        first_epoch, skip = self._position(samples // world_size // self.batch_size)
        sampler = CurriculumSampler(
            self.stages,
            lengths,
            samples,
            seed=self.seed,
            rank=trainer.global_rank if trainer is not None else 0,
            world_size=world_size,
            first_epoch=first_epoch,
            skip=skip * self.batch_size,
        )
        if len(sampler) < self.batch_size:
            raise InputError(
                f"data.batch_size={self.batch_size} is more than the {len(sampler)} samples of an epoch on each device"
            )
        return sampler

    def _position(self, steps_per_epoch: int) -> tuple[int, int]:
        """Return the epoch to go on in and how many of its batches are done, wherever a checkpoint was written."""
        if self.trainer is None:
            return 0, 0
        epoch, loop = self.trainer.current_epoch, self.trainer.fit_loop
        # .processed, not .completed: the latter lags one behind in a checkpoint saved at a step's end
        batches: Any = loop.epoch_loop.batch_progress.current
        epochs: Any = loop.epoch_progress.current
        done = batches.processed
        if epochs.started <= epoch:  # between two epochs; the count is of the one before
            return epoch, 0
        return (epoch, done) if done < steps_per_epoch else (epoch + 1, 0)

    def train_dataloader(self) -> DataLoader[dict[str, Any]]:
        """Return the loader that walks the curriculum."""
        return DataLoader(
            MixtureDataset(self.train_sets, self.seed),
            batch_size=self.batch_size,
            sampler=self._sampler(),
            drop_last=True,
            **self._workers(),
        )

    def val_dataloader(self) -> DataLoader[dict[str, Any]]:
        """Return the loader over the held-out people, in order."""
        return DataLoader(EvaluationDataset(self.val_set), batch_size=self.eval_batch_size, **self._workers())

    def _workers(self) -> dict[str, Any]:
        return {
            "num_workers": self.num_workers,
            "worker_init_fn": one_thread_per_worker,
            "persistent_workers": self.num_workers > 0,
            "pin_memory": self.trainer is not None and self.trainer.strategy.root_device.type == "cuda",
        }
