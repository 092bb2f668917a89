"""The curriculum: which source each sample of each epoch comes from, in an order that can be resumed anywhere."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler

from pymaf_pl.data.dataset import SampleKey
from pymaf_pl.errors import InputError


@dataclass(frozen=True)
class Stage:
    """A stretch of the training.

    Args:
        name: how it is called in logs.
        epochs: how long it lasts.
        mix: source to weight; weights are normalised.
    """

    name: str
    epochs: int
    mix: Mapping[str, float]

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise InputError(f"data.stages: stage '{self.name}' lasts {self.epochs} epochs; a stage needs at least 1")
        if not self.mix or min(self.mix.values()) < 0 or sum(self.mix.values()) <= 0:
            raise InputError(f"data.stages: stage '{self.name}' needs a mix of sources with positive weights")


def check_sources(stages: Sequence[Stage], sources: Collection[str]) -> None:
    """Make sure that stages mix in nothing unknown.

    Raises:
        InputError: names the stage, the source and those that exist.
    """
    for stage in stages:
        for name in stage.mix:
            if name not in sources:
                known = ", ".join(sorted(sources))
                raise InputError(f"data.stages: stage '{stage.name}' mixes in '{name}'; the sources are {known}")


def stage_of_epoch(stages: Sequence[Stage], epoch: int) -> Stage:
    """Return the stage that an epoch belongs to; the last one goes on for ever."""
    for stage in stages:
        if epoch < stage.epochs:
            return stage
        epoch -= stage.epochs
    return stages[-1]


class CurriculumSampler(Sampler[SampleKey]):
    """Draw sources by the stage's weights and rows without replacement, the same for the same seed and epoch.

    Every call of ``iter`` gives the next epoch. Each epoch's order is drawn whole from (seed, epoch), then the ranks
    take every world_size-th position, so any epoch can be entered at any position at the same world size.

    Args:
        stages: the curriculum.
        lengths: rows of each source.
        samples_per_epoch: over all ranks.
        seed: of the order.
        rank, world_size: of this process.
        first_epoch: epoch of the first ``iter``.
        skip: samples of this rank to leave out of the first epoch, already trained on.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        lengths: Mapping[str, int],
        samples_per_epoch: int,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        first_epoch: int = 0,
        skip: int = 0,
    ) -> None:
        check_sources(stages, lengths)
        self.stages, self.lengths, self.seed = tuple(stages), dict(lengths), seed
        self.rank, self.world_size = rank, world_size
        # every rank the same number of samples, or DDP would wait for ever
        self.per_rank = samples_per_epoch // world_size
        self.epoch, self.skip = first_epoch, skip

    def __len__(self) -> int:
        return self.per_rank

    def __iter__(self) -> Iterator[SampleKey]:
        order = self.order(self.epoch)[self.rank :: self.world_size][self.skip : self.per_rank]
        self.epoch, self.skip = self.epoch + 1, 0
        return iter(order)

    def order(self, epoch: int) -> list[SampleKey]:
        """Return the epoch's samples over all ranks."""
        mix = stage_of_epoch(self.stages, epoch).mix
        names = sorted(mix)
        weights = np.array([mix[name] for name in names], dtype=np.float64)
        rng = np.random.default_rng([self.seed, epoch])
        count = self.per_rank * self.world_size
        chosen = rng.choice(len(names), size=count, p=weights / weights.sum())
        rows = np.empty(count, dtype=np.int64)
        for i, name in enumerate(names):
            mine = np.flatnonzero(chosen == i)
            passes = -(-len(mine) // self.lengths[name])
            drawn = [rng.permutation(self.lengths[name]) for _ in range(passes)]
            rows[mine] = np.concatenate(drawn)[: len(mine)] if drawn else []
        return [SampleKey(epoch, k, names[i], int(row)) for k, (i, row) in enumerate(zip(chosen, rows, strict=True))]
