"""Means over people of several figures for each of body[0..T], in constant memory and exact over ranks."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torchmetrics import Metric


class PerIterationMean(Metric):
    """Average named figures per iteration.

    Args:
        num_rows: T + 1.
        names: the figures, e.g. ``mpjpe``.
    """

    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self, num_rows: int, names: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(names)
        shape = (num_rows, len(self.names))
        self.add_state("total", torch.zeros(shape, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros(shape, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, iteration: int, figures: Mapping[str, Tensor]) -> None:
        """Add the (N,) figures of one iteration; NaN entries do not count."""
        for column, name in enumerate(self.names):
            values = figures[name].double()
            known = ~values.isnan()
            self.total[iteration, column] += torch.where(known, values, torch.zeros_like(values)).sum()
            self.count[iteration, column] += known.sum()

    def compute(self) -> list[dict[str, float]]:
        """Return one row per iteration: ``{"iteration": t, name: mean, ...}``; NaN where nothing was counted."""
        means = (self.total / self.count).tolist()
        return [{"iteration": t, **dict(zip(self.names, row, strict=True))} for t, row in enumerate(means)]
