"""Every person's figures for each of body[0..T], gathered over batches and ranks."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


class Measured(NamedTuple):
    """What :class:`PerPerson` has gathered, in the data set's order.

    Attributes:
        row: (N,) places in the data set, ascending, none twice.
        figures: name to (T+1, N) float32; NaN where a person has no label.
    """

    row: npt.NDArray[np.int64]
    figures: dict[str, npt.NDArray[np.float32]]


class PerPerson(Metric):
    """Keep named figures of every person and iteration: 4 (T+1) bytes for each figure of a person.

    Exact over ranks whether each of them sees everyone, a share of the people, or a share filled up with people of
    another rank: a person counts once, by the first copy.

    Args:
        num_rows: T + 1.
        names: the figures, e.g. ``mpjpe``.
    """

    full_state_update = False
    row: list[Tensor]
    values: list[Tensor]

    def __init__(self, num_rows: int, names: Sequence[str]) -> None:
        super().__init__()
        self.num_rows, self.names = num_rows, tuple(names)
        self.add_state("row", [], dist_reduce_fx="cat")
        self.add_state("values", [], dist_reduce_fx="cat")

    def update(self, row: Tensor, iterations: Sequence[Mapping[str, Tensor]]) -> None:
        """Add a batch.

        Args:
            row: (B,) place of each person in the data set.
            iterations: for each of body[0..T] the (B,) figures by name.
        """
        if len(iterations) != self.num_rows:
            raise ValueError(f"{len(iterations)} iterations, expected {self.num_rows}")
        values = torch.stack([torch.stack([figures[name] for name in self.names], -1) for figures in iterations], 1)
        self.row.append(row)
        self.values.append(values.float())  # (B, T+1, F)

    def compute(self) -> Measured:
        """Sort the people and drop repeated ones."""
        row, first = np.unique(dim_zero_cat(self.row).cpu().numpy(), return_index=True)
        values = dim_zero_cat(self.values).cpu().numpy()[first]
        figures = {name: np.ascontiguousarray(values[:, :, column].T) for column, name in enumerate(self.names)}
        return Measured(row, figures)
