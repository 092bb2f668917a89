"""The chart of `pymaf compare`: a figure over iterations, one line per group."""

from collections.abc import Sequence

import numpy as np

from pymaf_pl.commands.compare_numbers import Summary
from pymaf_pl.commands.figures import label, more_is_better, number
from pymaf_pl.metrics.intervals import Spread
from pymaf_pl.report.bands import Band, Panel, band_chart


def iteration_chart(summaries: Sequence[Summary], figure: str, title: str) -> str:
    """Draw a figure after every iteration: the means, and below them the differences to the baseline; an SVG document.

    Intervals of the means overlap even where one group is surely better, because they hold the spread between people
    that all groups share; the paired differences are without it. The mean body of iteration 0 is far off every other
    value and the same for all, so it is told instead of drawn.
    """
    column = summaries[0].figures.index(figure)
    start = np.array([summary.means[0, column] for summary in summaries])
    told = " to ".join(dict.fromkeys(number(figure, value) for value in (start.min(), start.max())))
    means = [_band(summary, summary.around, column) for summary in summaries]
    seeds = [summary.around.over_seeds for summary in summaries]
    over = "people and seeds" if all(seeds) else "people, and seeds if several" if any(seeds) else "people"
    panels = [Panel(f"Mean and 95 % interval over {over}. Iteration 0, the mean body: {told}.", means)]
    if len(summaries) > 1:
        differences = [_band(summary, summary.differences, column) for summary in summaries]
        better = "above" if more_is_better(figure) else "below"
        panels.append(Panel(f"Difference to the baseline, paired by person: {better} 0 is better.", differences))
    return band_chart(panels, title=f"{label(figure)} after each iteration: {title}", x_label="iteration")


def _band(summary: Summary, spread: Spread | None, column: int) -> Band:
    """One group's line from iteration 1 on; the baseline differs from itself by nothing."""
    seeds = len(summary.group.runs)
    baseline = ", the baseline" if summary.differences is None else ""
    name = f"{summary.group.label}, {seeds} seed{'s' * (seeds > 1)}{baseline}"
    if spread is None:
        nothing = [0.0] * (len(summary.means) - 1)
        return Band(name, range(1, len(summary.means)), nothing, nothing, nothing)
    mean, low, high = (part[1:, column].tolist() for part in spread.interval)
    return Band(name, range(1, 1 + len(mean)), mean, low, high)
