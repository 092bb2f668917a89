"""`pymaf compare` as one HTML page, and as a section of a Markdown document."""

from collections.abc import Sequence
from pathlib import Path

from pymaf_pl.commands.compare_chart import iteration_chart
from pymaf_pl.commands.compare_curves import learning_panels
from pymaf_pl.commands.compare_jobs import LostJob
from pymaf_pl.commands.compare_numbers import Summary
from pymaf_pl.commands.compare_tables import Grid, group_grid, iteration_grid, markdown
from pymaf_pl.commands.figures import label
from pymaf_pl.engine.run_files import write_text
from pymaf_pl.errors import InputError
from pymaf_pl.report.bands import band_chart
from pymaf_pl.report.comparison import Drawing, PlainTable, Section, write_comparison


def write_html(
    path: Path, summaries: Sequence[Summary], figure: str, title: str, notes: Sequence[str], lost: Sequence[LostJob]
) -> Path:
    """Write the page: table, error per iteration, learning curves, jobs without a result.

    Args:
        path: the file.
        summaries: of the groups, in the order of the table.
        figure: that is drawn and compared.
        title: of the page.
        notes: what the numbers mean.
        lost: jobs without a result.
    """
    grid, iterations = group_grid(summaries, figure), iteration_grid(summaries, figure)
    baseline = next((summary.group.label for summary in summaries if summary.difference is None), "")
    people = summaries[0].group.runs[0].people
    facts = {
        "Protocol": people.protocol,
        "People": f"{len(people)}",
        "Runs": f"{sum(len(summary.group.runs) for summary in summaries)} in {len(summaries)} groups",
        "Compared by": label(figure),
        "Baseline": baseline,
    }
    curves = [
        Drawing(
            band_chart([panel], title=name, x_label="step", discrete=False), f"{name} over steps, one line per group."
        )
        for name, panel in learning_panels(summaries, figure)
    ]
    chart = Drawing(
        iteration_chart(summaries, figure, title),
        f"{label(figure)} after each iteration; the table below has the numbers.",
    )
    sections = [
        Section("Groups", "One row per configuration, over its seeds; after the last iteration.", [_plain(grid)]),
        Section("After each iteration", "What each pass through the loop gains.",
                [chart, _plain(iterations, "The numbers")]),
        Section("Learning curves", "As logged while training.", curves),
        Section("Jobs without a result", "They are missing from everything above.",
                [_plain(lost_grid(lost), texts=(1, 2, 3))] if lost else []),
    ]  # fmt: skip
    return write_comparison(path, title=f"Comparison: {title}", facts=facts, sections=sections, notes=notes)


def lost_grid(lost: Sequence[LostJob]) -> Grid:
    """One row per job without a result."""
    return Grid(["job", "state", "folder", "reason"], [[j.name, j.state, str(j.folder), j.reason or "–"] for j in lost])


def write_section(
    document: Path, name: str, grids: Sequence[Grid], title: str, notes: Sequence[str], lost: Sequence[LostJob]
) -> Path:
    """Write the tables into a Markdown document, in place of the section of that name, or at its end.

    What people write between two sections stays. A section stands between two comments that nobody sees.

    Args:
        document: made if it is not there.
        name: of the section.
        grids: tables.
        title: above them.
        notes: what the numbers mean.
        lost: jobs without a result.

    Raises:
        InputError: the document has the section's beginning without its end, or more than one.
    """
    start, end = f"<!-- compare: {name} -->", f"<!-- end of {name} -->"
    tables = [markdown(grid) for grid in grids]
    if lost:
        tables.append("Without a result:\n\n" + markdown(lost_grid(lost)))
    section = "\n\n".join([start, f"**{title}**", *(text.rstrip("\n") for text in tables), " ".join(notes), end])
    known = document.read_text(encoding="utf-8") if document.is_file() else ""
    if (known.count(start), known.count(end)) == (0, 0):
        gap = "\n\n" if known.strip() else ""
        return write_text(document, f"{known.rstrip()}{gap}{section}\n")
    head, _, rest = known.partition(start)
    _, found, tail = rest.partition(end)
    if known.count(start) != 1 or known.count(end) != 1 or not found:
        raise InputError(f"{document}: section '{name}' wants one '{start}' and after it one '{end}'")
    return write_text(document, head + section + tail)


def _plain(grid: Grid, folded: str = "", texts: Sequence[int] = ()) -> PlainTable:
    return PlainTable(grid.head, grid.rows, texts, folded)
