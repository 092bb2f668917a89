"""The tables of `pymaf compare`, and how they are written: for a screen, Markdown, LaTeX and as plain numbers."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from pymaf_pl.commands.compare_costs import COSTS, cost_notes, known_costs
from pymaf_pl.commands.compare_numbers import Summary
from pymaf_pl.commands.figures import label, number, span
from pymaf_pl.metrics.intervals import Interval, Spread

_PEOPLE_ONLY = "†"  # not an asterisk, which tables use for significance
_TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "_": r"\_", "%": r"\%",
        "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}", "±": r"$\pm$", "−": r"$-$", "–": "--",
        "†": r"$\dagger$"}  # fmt: skip


_COST_KEYS = {"parameters": "parameters", "flops": "flops", "ms": "ms_per_image", "hours": "hours"}


class Grid(NamedTuple):
    """A table of text; the first column is left-aligned, the others right-aligned."""

    head: list[str]
    rows: list[list[str]]


def group_grid(summaries: Sequence[Summary], figure: str) -> Grid:
    """One row per group: what it is, costs, every figure after its last iteration, the difference to the baseline."""
    figures = summaries[0].figures
    column = figures.index(figure)
    costs = known_costs([summary.group for summary in summaries])
    head = ["group", "seeds", "steps", *(cost.head for cost in costs), *map(label, figures)]
    rows = []
    for summary in summaries:
        cells = [
            _with_deviation(name, summary.means[-1, n], summary.deviation[-1, n]) for n, name in enumerate(figures)
        ]
        runs = summary.group.runs
        spent = [cost.cell(summary.group) for cost in costs]
        row = [summary.group.label, str(len(runs)), _steps(summary), *spent, *cells]
        rows.append([*row, _difference(summary, figure, column)] if len(summaries) > 1 else row)
    return Grid([*head, f"{label(figure)} against the baseline"] if len(summaries) > 1 else head, rows)


def iteration_grid(summaries: Sequence[Summary], figure: str) -> Grid:
    """One row per group and iteration: a figure's mean, its interval, what the iteration changed."""
    rows = []
    for summary in summaries:
        column = summary.figures.index(figure)
        around, change = _column(summary.around.interval, column), _column(summary.change.interval, column)
        for t, mean in enumerate(around.mean):
            step = ""
            if t:
                ends = (change.low[t - 1], change.high[t - 1])
                step = f"{number(figure, change.mean[t - 1], True)} {span(figure, ends, True)}"
            ends = (around.low[t], around.high[t])
            mark = "" if summary.around.over_seeds else f" {_PEOPLE_ONLY}"
            shown = _with_deviation(figure, mean, summary.deviation[t, column])
            rows.append([summary.group.label if t == 0 else "", str(t), shown, span(figure, ends) + mark, step])
    return Grid(["group", "iteration", label(figure), "95 % interval", "change"], rows)


def footnotes(summaries: Sequence[Summary], baseline: str) -> list[str]:
    """Say what the numbers of both tables mean."""
    notes = ["Last iteration; mean ± standard deviation over seeds."]
    several = len(summaries) > 1
    if several:
        notes.append(f"Baseline: {baseline}. Differences are paired by person; in brackets the 95 % interval.")
    spreads = [s for summary in summaries for s in (summary.around, summary.difference) if s is not None]
    if any(spread.over_seeds for spread in spreads):
        notes.append("Intervals are over people and seeds.")
    if not all(spread.over_seeds for spread in spreads):
        notes.append(f"{_PEOPLE_ONLY} With a single seed the interval is over people only and speaks of these runs.")
    return notes + cost_notes([summary.group for summary in summaries])


def markdown(grid: Grid) -> str:
    """Write a table in Markdown."""
    lines = [grid.head, ["---", *["---:"] * (len(grid.head) - 1)], *grid.rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def latex(grid: Grid, notes: Sequence[str]) -> str:
    """Write a table for LaTeX with booktabs, the notes as comments above it."""
    lines = [" & ".join(map(_tex, line)) + r" \\" for line in (grid.head, *grid.rows)]
    comments = [f"% {note}" for note in notes]
    start = rf"\begin{{tabular}}{{l{'r' * (len(grid.head) - 1)}}}"
    body = [start, r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule", r"\end{tabular}"]
    return "\n".join([r"% needs \usepackage{booktabs}", *comments, *body]) + "\n"


def plain_numbers(summaries: Sequence[Summary]) -> str:
    """Write every number as CSV: one line per group, iteration and figure."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(next(_lines(summaries[0]))), lineterminator="\n")
    writer.writeheader()
    for summary in summaries:
        writer.writerows(_lines(summary))
    return stream.getvalue()


def _lines(summary: Summary) -> Iterator[dict[str, object]]:
    around, last = summary.around.interval, len(summary.means) - 1
    steps = [run.steps for run in summary.group.runs if run.steps is not None]
    for t in range(last + 1):
        for n, name in enumerate(summary.figures):
            spread = summary.difference if t == last else None
            yield {
                "group": summary.group.label,
                "seeds": len(summary.group.runs),
                "steps_least": min(steps, default=""),
                "steps_most": max(steps, default=""),
                **{_COST_KEYS[cost.name]: _plain_or_empty(cost.mean(summary.group)) for cost in COSTS},
                "iteration": t,
                "figure": name,
                "mean": _plain(around.mean[t, n]),
                "std_over_seeds": _plain(summary.deviation[t, n]),
                "low_95": _plain(around.low[t, n]),
                "high_95": _plain(around.high[t, n]),
                "interval_over": _over(summary.around),
                "difference_to_baseline": _plain(spread.interval.mean[n]) if spread else "",
                "difference_low_95": _plain(spread.interval.low[n]) if spread else "",
                "difference_high_95": _plain(spread.interval.high[n]) if spread else "",
                "difference_over": _over(spread) if spread else "",
            }


def _over(spread: Spread) -> str:
    return "people and seeds" if spread.over_seeds else "people"


def _plain_or_empty(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def _plain(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6g}"


def _column(interval: Interval, column: int) -> Interval:
    return Interval(*(part[:, column] for part in interval))


def _with_deviation(name: str, mean: float, deviation: float) -> str:
    return number(name, mean) if np.isnan(deviation) else f"{number(name, mean)} ± {number(name, deviation)}"


def _difference(summary: Summary, figure: str, column: int) -> str:
    if summary.difference is None:
        return "baseline"
    mean, low, high = (part[column] for part in summary.difference.interval)
    mark = "" if summary.difference.over_seeds else f" {_PEOPLE_ONLY}"
    return f"{number(figure, mean, True)} {span(figure, (low, high), True)}{mark}"


def _steps(summary: Summary) -> str:
    steps = sorted({run.steps for run in summary.group.runs if run.steps is not None})
    return "–".join(f"{count:,}" for count in dict.fromkeys([*steps[:1], *steps[-1:]])) or "–"


def _tex(text: str) -> str:
    return "".join(_TEX.get(character, character) for character in text)
