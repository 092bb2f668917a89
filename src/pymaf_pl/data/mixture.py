"""The curriculum: which source each sample of each epoch comes from, in an order that can be resumed anywhere."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from torch.utils.data import Sampler

from pymaf_pl.data.dataset import SampleKey
from pymaf_pl.data.passes import IndexArray, Passes
from pymaf_pl.errors import InputError

Groups = Mapping[str, Sequence[str]]
_GOLDEN = (5**0.5 - 1) / 2  # its multiples fill the unit interval most evenly, however many there are


@dataclass(frozen=True)
class Stage:
    """A stretch of the training.

    Args:
        name: how it is called in logs.
        epochs: how long it lasts.
        mix: source, or group of sources, to weight; weights are normalised.
        lr: factor of the learning rate.
        restart: the learning-rate schedule begins anew with this stage.
        losses: loss term to weight, where it differs from the run's.
        samples: in each of its epochs, over all devices; None for the run's.
    """

    name: str
    epochs: int
    mix: Mapping[str, float]
    lr: float = 1.0
    restart: bool = False
    losses: Mapping[str, float] = field(default_factory=dict)
    samples: int | None = None

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise InputError(f"data.stages: stage '{self.name}' lasts {self.epochs} epochs; a stage needs at least 1")
        if not self.mix or min(self.mix.values()) < 0 or sum(self.mix.values()) <= 0:
            raise InputError(f"data.stages: stage '{self.name}' needs a mix of sources with positive weights")
        if not self.lr > 0:
            raise InputError(f"data.stages: stage '{self.name}' has lr={self.lr}; it is a factor above 0")
        if self.samples is not None and self.samples < 1:
            raise InputError(f"data.stages: stage '{self.name}' has samples={self.samples}; an epoch needs at least 1")


def check_sources(stages: Sequence[Stage], sources: Collection[str], groups: Groups | None = None) -> None:
    """Make sure that groups and stages name nothing unknown, and no name means two things.

    Raises:
        InputError: names the group or stage, the source and those that exist.
    """
    known = ", ".join(sorted(sources))
    for group, members in (groups or {}).items():
        if group in sources:
            raise InputError(f"data.groups: '{group}' is also a source; give the group another name")
        if not members:
            raise InputError(f"data.groups: '{group}' has no members; the sources are {known}")
        for name in members:
            if name not in sources:
                raise InputError(f"data.groups: '{group}' holds '{name}'; the sources are {known}")
    for stage in stages:
        for name in stage.mix:
            if name not in sources and name not in (groups or {}):
                also = f", the groups {', '.join(groups)}" if groups else ""
                raise InputError(f"data.stages: stage '{stage.name}' mixes in '{name}'; the sources are {known}{also}")


def members_of(mix: Mapping[str, float], groups: Groups) -> list[str]:
    """Return the sources of a mix that have a weight, sorted, groups taken apart."""
    names: set[str] = set()
    for name, weight in mix.items():
        if weight > 0:
            names |= set(groups.get(name, (name,)))
    return sorted(names)


def shares_of(mix: Mapping[str, float], groups: Groups, lengths: Mapping[str, int]) -> dict[str, float]:
    """Return every source's share of a mix: a group's is split by the number of rows of its members."""
    shares = dict.fromkeys(members_of(mix, groups), 0.0)
    wanted = {name: weight for name, weight in mix.items() if weight > 0}
    for name, weight in wanted.items():
        members = set(groups.get(name, (name,)))
        rows = sum(lengths[member] for member in members)
        for member in members:
            shares[member] += weight / sum(wanted.values()) * lengths[member] / rows
    return shares


def stage_number(stages: Sequence[Stage], epoch: int) -> tuple[int, int]:
    """Return which stage an epoch belongs to, and which of its epochs it is; the last stage goes on for ever."""
    for number, stage in enumerate(stages[:-1]):
        if epoch < stage.epochs:
            return number, epoch
        epoch -= stage.epochs
    return len(stages) - 1, epoch


def stage_of_epoch(stages: Sequence[Stage], epoch: int) -> Stage:
    """Return the stage that an epoch belongs to; the last one goes on for ever."""
    return stages[stage_number(stages, epoch)[0]]


class CurriculumSampler(Sampler[SampleKey]):
    """Draw sources by the stage's weights and rows without replacement, the same for the same seed and epoch.

    An epoch holds each source as often as its share says, to the sample; what cannot be divided is made up for in
    later epochs. Rows come in passes that run on from epoch to epoch (:class:`Passes`), so that a large source of which
    an epoch takes a part is gone through as evenly as a small one. Both follow from (seed, epoch) alone, then the ranks
    take every world_size-th position, so any epoch can be entered at any position at the same world size.

    Args:
        stages: the curriculum.
        lengths: rows of each source.
        samples_per_epoch: over all ranks, where a stage does not say.
        seed: of the order.
        rank, world_size: of this process.
        first_epoch: epoch of the first ``iter``; each further one gives the next.
        skip: samples of this rank to leave out of the first epoch, already trained on.
        groups: name to sources that share a weight by their size.
        position: asked at every ``iter`` for the epoch and how much of it to skip, if somebody else keeps count.
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
        groups: Groups | None = None,
        position: Callable[[], tuple[int, int]] | None = None,
    ) -> None:
        groups = groups or {}
        plain = [replace(stage, mix=dict.fromkeys(members_of(stage.mix, groups), 1.0)) for stage in stages]
        check_sources(plain, lengths)
        self.stages, self.seed, self.position = tuple(stages), seed, position
        self.rank, self.world_size = rank, world_size
        self.epoch, self.skip = first_epoch, skip
        self._first_epoch, self._samples = first_epoch, samples_per_epoch
        self._passes = {name: Passes(name, length, seed) for name, length in lengths.items()}
        self._shares = [shares_of(stage.mix, groups, lengths) for stage in stages]

    def length_of(self, epoch: int) -> int:
        """Return the samples of this rank in an epoch: as many as every other's, or DDP would wait for ever."""
        return (stage_of_epoch(self.stages, epoch).samples or self._samples) // self.world_size

    def __len__(self) -> int:
        """Samples of the next epoch; with ``position``, of the epoch that the sampler was made for."""
        return self.length_of(self.epoch if self.position is None else self._first_epoch)

    def __iter__(self) -> Iterator[SampleKey]:
        if self.position is not None:
            self.epoch, self.skip = self.position()
        epoch, skip = self.epoch, self.skip
        self.epoch, self.skip = epoch + 1, 0
        return self._keys(epoch, self.rank + skip * self.world_size, self.world_size)

    def order(self, epoch: int) -> list[SampleKey]:
        """Return the epoch's samples over all ranks."""
        return list(self._keys(epoch, 0, 1))

    def _keys(self, epoch: int, start: int, step: int) -> Iterator[SampleKey]:
        names, sources, rows = self.draw(epoch)
        chosen = zip(sources[start::step].tolist(), rows[start::step].tolist(), strict=True)
        return (SampleKey(epoch, start + k * step, names[i], row) for k, (i, row) in enumerate(chosen))

    def draw(self, epoch: int) -> tuple[list[str], IndexArray, IndexArray]:
        """Return an epoch as arrays: names of sources, then for each position which of them and which row."""
        stage, within = stage_number(self.stages, epoch)
        names = list(self._shares[stage])
        counts = self._counts(stage, within, within + 1)[0]
        sources = np.repeat(np.arange(len(names)), counts)
        np.random.default_rng([self.seed, epoch]).shuffle(sources)
        seen = self._seen(stage, within)
        rows = np.empty(len(sources), dtype=np.int64)
        for i, name in enumerate(names):
            rows[sources == i] = self._passes[name].rows(seen.get(name, 0), int(counts[i]))
        return names, sources, rows

    def _seen(self, stage: int, within: int) -> dict[str, int]:
        """Rows of each source that were drawn before an epoch of a stage."""
        seen: dict[str, int] = {}
        for number in range(stage + 1):
            epochs = within if number == stage else self.stages[number].epochs
            for name, count in zip(self._shares[number], self._counts(number, 0, epochs).sum(axis=0), strict=True):
                seen[name] = seen.get(name, 0) + int(count)
        return seen

    def _counts(self, stage: int, start: int, stop: int) -> IndexArray:
        """Return how often each source comes in epochs ``start`` to ``stop`` of a stage, (epochs, sources)."""
        samples = (self.stages[stage].samples or self._samples) // self.world_size * self.world_size
        ends = np.concatenate([[0.0], np.cumsum(list(self._shares[stage].values()))])
        ends[-1] = 1.0  # or rounding would lose a sample
        # systematic sampling: a grid of whole numbers over the shares laid end to end, shifted from epoch to epoch
        shift = (np.arange(start, stop)[:, None] + 1) * _GOLDEN % 1.0
        return np.diff(np.floor(samples * ends - shift), axis=1).astype(np.int64)
