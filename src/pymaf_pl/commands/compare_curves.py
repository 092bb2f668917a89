"""Learning curves of groups, from their runs' ``metrics.csv``: the mean over seeds between the lowest and highest."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pymaf_pl.commands.compare_groups import Group
from pymaf_pl.commands.compare_numbers import Summary
from pymaf_pl.commands.figures import label
from pymaf_pl.report.bands import Band, Panel

_STRETCHES = 60  # of a curve, each the mean of what was logged in it
Curve = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]  # steps, values


def learning_panels(summaries: Sequence[Summary], figure: str) -> list[tuple[str, Panel]]:
    """Return a titled panel each for training loss and the figure after the last iteration, if they were logged."""
    groups = [summary.group for summary in summaries]
    found = []
    for title, figure_curve in (("Training loss", False), (f"{label(figure)} on held-out people", True)):
        bands = []
        for group in groups:
            last = next(iter(group.runs[0].people.figures.values())).shape[0] - 1
            column = f"val/{group.runs[0].people.protocol}/iter_{last}/{figure}" if figure_curve else "train/loss"
            bands.append(curve_band(group, column))
        if any(band.x for band in bands):
            found.append((title, Panel("Mean over seeds; the band reaches from the lowest to the highest.", bands)))
    return found


def curve_band(group: Group, column: str) -> Band:
    """Return a group's curve; empty if none of its runs logged the column."""
    curves = [curve for run in group.runs if len((curve := read_curve(run.folder / "metrics.csv", column))[0])]
    if not curves:
        return Band(group.label, [], [], [], [])
    steps = np.unique(np.concatenate([steps for steps, _ in curves]))
    stretches = np.array_split(steps, min(_STRETCHES, len(steps)))
    middle, rows = [], []
    for stretch in stretches:
        inside = [values[(steps >= stretch[0]) & (steps <= stretch[-1])] for steps, values in curves]
        means = [float(values.mean()) for values in inside if len(values)]
        middle.append(round(float(stretch.mean())))
        rows.append((sum(means) / len(means), min(means), max(means)))
    mean, low, high = (list(column) for column in zip(*rows, strict=True))
    return Band(group.label, middle, mean, low, high)


def read_curve(path: Path, column: str) -> Curve:
    """Read a column over steps, without lines that lack it or hold no finite number; empty if there is no file."""
    points = []
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as stream:
            for line in csv.DictReader(stream):
                text = line.get(column)
                if text and math.isfinite(value := float(text)):
                    points.append((float(line["step"]), value))
    table = np.array(points, np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
