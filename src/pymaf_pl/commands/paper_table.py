"""A table of the paper with our rows next to the published ones: as text, CSV and LaTeX."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pymaf_pl.commands.compare import print_grid
from pymaf_pl.commands.compare_tables import Grid, latex
from pymaf_pl.commands.eval_plan import EvalPlan
from pymaf_pl.commands.figures import more_is_better
from pymaf_pl.engine.run_files import write_text

PUBLISHED, OURS = "published", "ours"
NOT_FOUND, NOT_MEASURED = "not found", "–"
_MARK = "‡"  # figures that are not comparable


class Row(NamedTuple):
    """One system: whose figures, and a value, its interval and whether it is comparable for each column."""

    system: str
    whose: str
    values: tuple[float | None, ...]
    ends: tuple[tuple[float, float] | None, ...]
    comparable: tuple[bool, ...]
    num_samples: tuple[int | None, ...]


def publish_table(plan: EvalPlan) -> list[Path]:
    """Print the table of a plan that was carried out, and write it beside its folders.

    Returns:
        ``NAME.txt``, ``NAME.csv`` and ``NAME.tex``.
    """
    assert plan.table is not None
    table, columns = plan.table, plan.table["columns"]
    rows = rows_of(plan)
    grid = Grid(["system", "", *(column["head"] for column in columns)], [_cells(row, columns) for row in rows])
    notes = [f"Published: {table['source']}.", *map(str, table.get("notes", []))]
    if not all(all(row.comparable) for row in rows):
        why = "measured on other people" if _elsewhere(columns) else "metrics.json of that protocol says why"
        notes.append(f"{_MARK} not comparable to the published figure: {why}.")
    if any(None in row.values for row in rows if row.whose == PUBLISHED):
        notes.append(f"'{NOT_FOUND}': we know of no published figure.")
    print_grid(grid, str(table["title"]))
    for note in notes:
        print(note)
    text = "\n".join([str(table["title"]), "", *_aligned(grid), "", *notes]) + "\n"
    name, folder = str(table["name"]), plan.folder
    paths = [
        write_text(folder / f"{name}.txt", text),
        write_text(folder / f"{name}.csv", numbers(rows, columns)),
        write_text(folder / f"{name}.tex", latex(grid, [str(table["title"]), *notes]).replace(_MARK, r"$\ddagger$")),
    ]
    for path in paths:
        print(f"wrote {path}")
    return paths


def rows_of(plan: EvalPlan) -> list[Row]:
    """Return the published rows, each followed by ours of the same kind of system."""
    assert plan.table is not None
    columns, published = plan.table["columns"], plan.table["published"]
    ours: list[tuple[str, Row]] = []
    for checkpoint in dict.fromkeys(job.checkpoint for job in plan.jobs):
        folders = {job.protocol: job.folder for job in plan.jobs if job.checkpoint == checkpoint}
        documents = {name: _read(folder / "metrics.json") for name, folder in folders.items()}
        records = [record for folder in folders.values() if (record := _read(folder / "run.json"))]
        found: dict[str, str] = next((record["measured"] for record in records if "measured" in record), {})
        cells = [_ours(documents[column["protocol"]], column) for column in columns]
        values, ends, comparable, counts = zip(*cells, strict=True)
        ours.append(
            (found.get("system", ""), Row(found.get("name", checkpoint), OURS, values, ends, comparable, counts))
        )
    rows = []
    for entry in published:
        nothing = tuple(None for _ in columns)
        values = tuple(entry["values"])
        rows.append(Row(entry["system"], PUBLISHED, values, nothing, tuple(True for _ in columns), nothing))
        rows += [row for system, row in ours if system == entry["system"]]
    known = {entry["system"] for entry in published}
    return rows + [row for system, row in ours if system not in known]


def _elsewhere(columns: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a column is measured on other people than the published figures that it stands beside."""
    return any("stands_for" in column for column in columns)


def _ours(
    document: Mapping[str, Any] | None, column: Mapping[str, Any]
) -> tuple[float | None, tuple[float, float] | None, bool, int | None]:
    if document is None:
        return None, None, True, None
    figure = column["figure"]
    factor = 100.0 if more_is_better(figure) else 1.0
    value = document["final"].get(figure)
    ends = document["extra"]["interval_95"][-1].get(figure, [None, None])
    whole = None if None in ends else (factor * ends[0], factor * ends[1])
    comparable = bool(document["extra"].get("comparable", True)) and not _elsewhere([column])
    return None if value is None else factor * value, whole, comparable, int(document["num_samples"])


def _cells(row: Row, columns: Sequence[Mapping[str, Any]]) -> list[str]:
    missing = NOT_FOUND if row.whose == PUBLISHED else NOT_MEASURED
    cells = []
    for value, ends, comparable, _ in zip(row.values, row.ends, row.comparable, columns, strict=True):
        text = missing if value is None else f"{value:.1f}"
        text += "" if ends is None else f" [{ends[0]:.1f}, {ends[1]:.1f}]"
        cells.append(text + ("" if comparable or value is None else f" {_MARK}"))
    return [row.system, row.whose, *cells]


def _aligned(grid: Grid) -> list[str]:
    widths = [max(len(line[n]) for line in (grid.head, *grid.rows)) for n in range(len(grid.head))]
    return [
        "  ".join(
            cell.ljust(w) if n < 2 else cell.rjust(w) for n, (cell, w) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (grid.head, *grid.rows)
    ]


def numbers(rows: Sequence[Row], columns: Sequence[Mapping[str, Any]]) -> str:
    """Write CSV: one line for each system and column."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        ["system", "whose", "protocol", "figure", "value", "low_95", "high_95", "num_samples", "comparable"]
    )
    for row in rows:
        cells = zip(columns, row.values, row.ends, row.num_samples, row.comparable, strict=True)
        for column, value, ends, count, comparable in cells:
            low, high = ends or (None, None)
            plain = ["" if number is None else f"{number:.6g}" for number in (value, low, high)]
            protocol = column["protocol"] if row.whose == OURS else column.get("stands_for", column["protocol"])
            about = [row.system, row.whose, protocol, column["figure"]]
            writer.writerow([*about, *plain, count or "", str(comparable).lower()])
    return stream.getvalue()


def _read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
