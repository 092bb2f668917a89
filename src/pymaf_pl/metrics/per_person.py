"""Every person's numbers for each of body[0..T], gathered over batches and ranks in memory that does not grow."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchmetrics import Metric

_UNSEEN = -torch.inf  # loses against everything in the maximum over ranks, NaN included


class Measured(NamedTuple):
    """What :class:`PerPerson` has gathered, in the data set's order.

    Attributes:
        row: (N,) places in the data set, ascending, none twice.
        figures: name to (T+1, N) float32; NaN where a person has no label.
        pieces: name to (T+1, N, K) float64, of which figures of the whole set are made.
    """

    row: npt.NDArray[np.int64]
    figures: dict[str, npt.NDArray[np.float32]]
    pieces: dict[str, npt.NDArray[np.float64]]


class PerPerson(Metric):
    """Keep named numbers of every person and iteration.

    The state has one row for each person of the data set from the start: 4 (T+1) bytes for a figure, 8 (T+1) for a
    number of a piece, and no more at the end of an epoch than at its beginning. Nothing is ever summed over people
    here, so what is made of it does not depend on batches or ranks: a person counts once, by the first copy, whether
    each rank sees everyone, a share of the people, or a share that is filled up with people of another rank.

    Args:
        num_people: rows of the data set.
        num_rows: T + 1.
        names: the figures, e.g. ``mpjpe``.
        pieces: name to K, how many numbers; for counts of pixels, keypoints.
    """

    full_state_update = False
    values: Tensor  # (people, T+1, figures)

    def __init__(
        self, num_people: int, num_rows: int, names: Sequence[str], pieces: Mapping[str, int] | None = None
    ) -> None:
        super().__init__()
        self.num_people, self.num_rows = num_people, num_rows
        self.names, self.pieces = tuple(names), dict(pieces or {})
        self.add_state("values", torch.full((num_people, num_rows, len(self.names)), _UNSEEN), dist_reduce_fx="max")
        for name, width in self.pieces.items():
            empty = torch.full((num_people, num_rows, width), _UNSEEN, dtype=torch.float64)
            self.add_state(f"piece_{name}", empty, dist_reduce_fx="max")

    @property
    def num_bytes(self) -> int:
        """Size of the state."""
        states = [self.values, *(getattr(self, f"piece_{name}") for name in self.pieces)]
        return sum(state.numel() * state.element_size() for state in states)

    def update(self, row: Tensor, iterations: Sequence[Mapping[str, Tensor]]) -> None:
        """Add a batch.

        Args:
            row: (B,) place of each person in the data set.
            iterations: for each of body[0..T] the (B,) figures and the (B, K) pieces by name.
        """
        if len(iterations) != self.num_rows:
            raise ValueError(f"{len(iterations)} iterations, expected {self.num_rows}")
        if len(row) and not 0 <= int(row.min()) <= int(row.max()) < self.num_people:
            raise ValueError(f"rows {int(row.min())} to {int(row.max())} of a data set of {self.num_people}")
        figures = [torch.stack([given[name] for name in self.names], -1) for given in iterations]
        self._keep("values", row, torch.stack(figures, 1))
        for name in self.pieces:
            self._keep(f"piece_{name}", row, torch.stack([given[name] for given in iterations], 1))

    def _keep(self, name: str, row: Tensor, values: Tensor) -> None:
        state: Tensor = getattr(self, name)
        known = state[row] != _UNSEEN
        state[row] = torch.where(known, state[row], values.to(state.device, state.dtype))

    def compute(self) -> Measured:
        """Return the people who were seen."""
        values = self.values.cpu().numpy()
        row = np.flatnonzero((values != _UNSEEN).all(axis=(1, 2)))
        figures = {name: np.ascontiguousarray(values[row, :, column].T) for column, name in enumerate(self.names)}
        pieces = {name: getattr(self, f"piece_{name}").cpu().numpy()[row].swapaxes(0, 1) for name in self.pieces}
        return Measured(row, figures, pieces)
