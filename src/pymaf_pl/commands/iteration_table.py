"""One run's figures per iteration with their intervals: laid out for metrics.json, and printed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pymaf_pl.commands.figures import label, number, span
from pymaf_pl.metrics.intervals import mean_interval, paired_interval


def chance_rows(figures: Mapping[str, np.ndarray]) -> dict[str, list[dict[str, Any]]]:
    """Lay out the intervals over people for ``metrics.json``.

    Args:
        figures: name to (T+1, N).

    Returns:
        ``interval_95``: T+1 rows ``{figure: [low, high]}``. ``change``: T rows ``{figure: [mean, low, high]}``, what
        iterations 1 to T changed in their predecessor, paired by person.
    """
    names = list(figures)
    values = np.stack([figures[name] for name in names], axis=1)  # (T+1, F, N)
    around, change = mean_interval(values), paired_interval(values[1:], values[:-1])

    def rows(*parts: np.ndarray) -> list[dict[str, Any]]:
        return [dict(zip(names, row, strict=True)) for row in np.stack(parts, axis=-1).tolist()]

    return {"interval_95": rows(around.low, around.high), "change": rows(*change)}


def print_table(
    rows: Sequence[Mapping[str, float]], chance: Mapping[str, Sequence[Mapping[str, Any]]], monitor: str, title: str
) -> None:
    """Print the mean after each iteration with its interval below it, then what each iteration changed."""
    names = [name for name in rows[0] if name != "iteration"]
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False)
    table.add_column("iteration", justify="right")
    for name in names:
        table.add_column(label(name), justify="right")
    for row, ends in zip(rows, chance["interval_95"], strict=True):
        # narrower than in brackets: five figures fit into 80 columns
        cells = [Text(number(n, row[n])).append("\n" + _ends(n, ends[n]), style="dim") for n in names]
        table.add_row(str(int(row["iteration"])), *cells)
    console = Console()
    console.print(table)
    console.print("Below each mean: 95 % interval over people.")
    console.print(f"Change in {label(monitor)}, paired by person:")
    for t, change in enumerate(chance["change"], start=1):
        mean, *ends = change[monitor]
        line = f"  iteration {t} against {t - 1}: {number(monitor, mean, True)} {span(monitor, ends, True)}"
        console.print(Text(line))


def _ends(name: str, ends: Sequence[float]) -> str:
    """Write an interval narrowly; nothing where there is none."""
    return "" if any(end != end for end in ends) else "–".join(number(name, end) for end in ends)
