"""What is known about each group: means over seeds, intervals, and the difference to the baseline."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pymaf_pl.commands.compare_groups import Group
from pymaf_pl.commands.figures import more_is_better
from pymaf_pl.metrics.intervals import Spread, system_difference, system_interval

FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Summary:
    """The numbers of one group.

    Shapes: S seeds, T+1 rows, F figures in the order of ``figures``.

    Attributes:
        group: whose.
        figures: names.
        seed_means: (S, T+1, F) mean over people of each run.
        around: (T+1, F) mean and interval.
        change: (T, F) what iterations 1 to T changed in their predecessor.
        difference: (F,) last iteration minus the baseline's last; None for the baseline itself.
        differences: (min(T, baseline's T) + 1, F) each iteration minus the baseline's same one; None likewise.
    """

    group: Group
    figures: tuple[str, ...]
    seed_means: FloatArray
    around: Spread
    change: Spread
    difference: Spread | None
    differences: Spread | None

    @property
    def means(self) -> FloatArray:
        """(T+1, F)."""
        return self.around.interval.mean

    @property
    def deviation(self) -> FloatArray:
        """(T+1, F) standard deviation over seeds; NaN for a single one."""
        if len(self.seed_means) < 2:
            return np.full(self.seed_means.shape[1:], np.nan)
        return self.seed_means.std(axis=0, ddof=1)


def common_figures(groups: Sequence[Group]) -> tuple[str, ...]:
    """Return the figures that every run has, in the first one's order."""
    everywhere = [run.people.figures for group in groups for run in group.runs]
    return tuple(name for name in everywhere[0] if all(name in figures for figures in everywhere))


def summarise(groups: Sequence[Group], baseline: Group, figure: str) -> list[Summary]:
    """Compute every group's numbers, best group first by a figure's mean after the last iteration."""
    figures = common_figures(groups)
    reference = _values(baseline, figures)
    summaries = []
    for group in groups:
        values = _values(group, figures)
        known = ~np.isnan(values)
        with np.errstate(invalid="ignore"):
            seed_means = np.where(known, values, 0.0).sum(axis=-1) / known.sum(axis=-1)
        both = min(values.shape[1], reference.shape[1])
        itself = group is baseline
        summaries.append(
            Summary(
                group,
                figures,
                seed_means,
                around=system_interval(values),
                change=system_interval(values[:, 1:] - values[:, :-1]),
                difference=None if itself else system_difference(values[:, -1], reference[:, -1]),
                differences=None if itself else system_difference(values[:, :both], reference[:, :both]),
            )
        )
    column, sign = figures.index(figure), -1 if more_is_better(figure) else 1
    return sorted(summaries, key=lambda summary: float(np.nan_to_num(sign * summary.means[-1, column], nan=np.inf)))


def _values(group: Group, figures: Sequence[str]) -> FloatArray:
    """Return (S, T+1, F, N)."""
    return np.stack([group.values(name) for name in figures], axis=2)
