"""Sources, stages and loaders for Lightning."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import DataLoader

from pymaf_pl.data.augment import Augmentation
from pymaf_pl.data.cropping import Crop
from pymaf_pl.data.dataset import EvaluationDataset, MixtureDataset, PersonDataset, one_thread_per_worker
from pymaf_pl.data.mixture import CurriculumSampler, Groups, Stage, check_sources, members_of
from pymaf_pl.data.packed import PackedTable
from pymaf_pl.data.sources import Source, SyntheticWorld, check_files
from pymaf_pl.errors import InputError


def read_stages(
    stages: Sequence[Mapping[str, Any]], sources: Collection[str], groups: Groups | None = None
) -> list[Stage]:
    """Turn the plain values of ``data.stages`` into stages.

    Raises:
        InputError: there are none, or one lacks a key, has an unknown one, or mixes in an unknown source.
    """
    known = [field.name for field in fields(Stage)]
    needed = known[:3]
    for number, stage in enumerate(stages):
        if not set(needed) <= set(stage) <= set(known):
            raise InputError(
                f"data.stages: stage {number} has {', '.join(stage)}; "
                f"it needs {', '.join(needed)} and may have {', '.join(known[3:])}"
            )
    if not stages:
        raise InputError("data.stages is empty; training needs at least one stage")
    read = [Stage(**stage) for stage in stages]
    check_sources(read, sources, groups)
    return read


class CurriculumData(pl.LightningDataModule):
    """Train through stages of weighted mixtures, validate on one held-out source.

    The order of samples and their augmentation depend on seed, epoch and position alone, so a run that resumes in the
    middle of an epoch goes on at the next unseen sample.

    Args:
        sources: name to source, for training.
        validation: held-out source.
        stages: the curriculum; each is ``{name, epochs, mix}``, and what else :class:`Stage` knows.
        body_model: name of the body in use; shape labels of another one are masked.
        image_size: side of the crops in px; a multiple of 32.
        batch_size: people per step and device.
        eval_batch_size: people per validation step.
        samples_per_epoch: over all devices, where a stage does not say; None for the largest source.
        augmentation: of training crops; None for none.
        crop: how boxes become crops, in training and validation; None for exact ones.
        num_workers: loader processes.
        seed: of order and augmentation.
        groups: name to sources that share a weight of a mix by their size.
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
        crop: Crop | None = None,
        num_workers: int = 2,
        seed: int = 0,
        groups: Groups | None = None,
    ) -> None:
        super().__init__()
        if image_size % 32 or image_size < 32:
            raise InputError(f"image_size={image_size}: the backbone needs a multiple of 32")
        self.sources, self.validation = dict(sources), validation
        if isinstance(validation, PackedTable):
            raise InputError("protocol.source: people are measured and drawn on whole pictures; give the plain table")
        self.groups = dict(groups or {})
        self.stages = read_stages(stages, self.sources, self.groups)
        self._used = sorted({name for stage in self.stages for name in members_of(stage.mix, self.groups)})
        self.body_model, self.image_size = body_model, image_size
        self.batch_size, self.eval_batch_size = batch_size, eval_batch_size
        self.augmentation, self.crop = augmentation, crop
        self.num_workers, self.seed = num_workers, seed
        self._samples_per_epoch = samples_per_epoch
        self._train: dict[str, PersonDataset] = {}
        self._val: PersonDataset | None = None
        self._batches_loaded = 0
        self._reload: int | None = None  # what was set before we asked for a reload

    def check_files(self) -> None:
        """Look for every table that must be there; nothing is read.

        Raises:
            InputError: names those that are missing, or no world will have the silhouettes that are asked for.
        """
        used = [self.sources[name] for name in self._used]
        check_files([*used, self.validation])
        if all(isinstance(source, SyntheticWorld) for source in used):
            self._check_silhouettes([source.has_silhouettes for source in used if isinstance(source, SyntheticWorld)])

    def _check_silhouettes(self, there: Sequence[bool]) -> None:
        if self.augmentation is not None and self.augmentation.backdrops is not None and not any(there):
            raise InputError(
                f"augmentation.backdrops: no source has silhouettes ({', '.join(self._used)}); tables name them under "
                "maskname, synthetic worlds make them with options: {silhouettes: true}; or set "
                "augmentation.backdrops=null"
            )

    def prepare_data(self) -> None:
        """Look for every file that must be there, then read the tables, then render the worlds that are missing.

        Raises:
            InputError: a table is missing; said before anything is read.
        """
        used = {name: self.sources[name] for name in self._used}
        self.check_files()
        for name in sorted(used, key=lambda name: not used[name].needs()):  # the quick ones first
            if name not in self._train:
                used[name].prepare()
                self._train[name] = self._dataset(used[name], self.augmentation)
        self._check_silhouettes([bool(self._train[name].table.maskname.any()) for name in used])
        self.validation.prepare()

    @property
    def train_sets(self) -> dict[str, PersonDataset]:
        """The training sources that a stage mixes in, read on first use."""
        for name in self._used:
            if name not in self._train:
                self._train[name] = self._dataset(self.sources[name], self.augmentation)
        return {name: self._train[name] for name in self._used}

    @property
    def val_set(self) -> PersonDataset:
        """The held-out people, read on first use."""
        if self._val is None:
            self._val = self._dataset(self.validation, None)
        return self._val

    def _dataset(self, source: Source, augmentation: Augmentation | None) -> PersonDataset:
        table, root = source.load()
        pictures = source.open(augmentation, self.image_size, self.crop) if isinstance(source, PackedTable) else None
        return PersonDataset(table, root, self.image_size, self.body_model, augmentation, self.crop, pictures)

    @property
    def num_epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    def steps_per_epoch(self, world_size: int = 1, accumulate: int = 1) -> list[int]:
        """Return the optimiser steps in an epoch of each stage: its batches on each device, gathered into steps."""
        sampler = self._sampler(world_size)
        return [-(-(sampler.length_of(epoch) // self.batch_size) // accumulate) for epoch in self._first_epochs()]

    def total_steps(self, epochs: int, world_size: int = 1, accumulate: int = 1) -> int:
        """Return the optimiser steps of so many epochs."""
        steps, ends = self.steps_per_epoch(world_size, accumulate), [*self._first_epochs()[1:], epochs]
        lengths = [max(0, min(end, epochs) - start) for start, end in zip(self._first_epochs(), ends, strict=True)]
        return sum(count * length for count, length in zip(steps, lengths, strict=True))

    def _first_epochs(self) -> list[int]:
        return [sum(stage.epochs for stage in self.stages[:number]) for number in range(len(self.stages))]

    def expect_epoch(self, epoch: int) -> None:
        """Let Lightning ask for the loader again before an epoch that is longer or shorter than it knows."""
        trainer: Any = self.trainer  # Lightning sets the attribute from outside of its class
        assert trainer is not None
        if self._sampler(trainer.world_size).length_of(epoch) // self.batch_size != self._batches_loaded:
            self._reload = trainer.reload_dataloaders_every_n_epochs
            trainer.reload_dataloaders_every_n_epochs = 1  # taken back as soon as it has asked

    def _sampler(self, world_size: int, rank: int = 0, epoch: int = 0, follow: bool = False) -> CurriculumSampler:
        lengths = {name: len(dataset) for name, dataset in self.train_sets.items()}
        sampler = CurriculumSampler(
            self.stages,
            lengths,
            self._samples_per_epoch or max(lengths.values()),
            seed=self.seed,
            rank=rank,
            world_size=world_size,
            first_epoch=epoch,
            groups=self.groups,
            position=self._position if follow else None,
        )
        for stage, first in zip(self.stages, self._first_epochs(), strict=True):
            if (samples := sampler.length_of(first)) < self.batch_size:
                raise InputError(
                    f"data.batch_size={self.batch_size} is more than the {samples} samples of an epoch on each device "
                    f"in stage '{stage.name}'"
                )
        return sampler

    def _position(self) -> tuple[int, int]:
        """Return the epoch to go on in and how many of its samples are done, wherever a checkpoint was written."""
        assert self.trainer is not None
        epoch, loop = self.trainer.current_epoch, self.trainer.fit_loop
        # .processed, not .completed: the latter lags one behind in a checkpoint saved at a step's end
        batches: Any = loop.epoch_loop.batch_progress.current
        epochs: Any = loop.epoch_progress.current
        done = batches.processed
        if epochs.started <= epoch:  # between two epochs; the count is of the one before
            return epoch, 0
        return (epoch, done * self.batch_size) if done < self._batches_loaded else (epoch + 1, 0)

    def train_dataloader(self) -> DataLoader[dict[str, Any]]:
        """Return the loader that walks the curriculum; its length is that of the trainer's epoch."""
        trainer: Any = self.trainer
        if trainer is None:
            sampler = self._sampler(1)
        else:
            if self._reload is not None:
                trainer.reload_dataloaders_every_n_epochs, self._reload = self._reload, None
            sampler = self._sampler(trainer.world_size, trainer.global_rank, trainer.current_epoch, follow=True)
        self._batches_loaded = len(sampler) // self.batch_size
        return DataLoader(
            MixtureDataset(self.train_sets, self.seed),
            batch_size=self.batch_size,
            sampler=sampler,
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
