"""``pymaf compare``: systems side by side, with intervals over people and seeds."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pymaf_pl.errors import InputError

if TYPE_CHECKING:
    from pymaf_pl.commands.compare_jobs import LostJob
    from pymaf_pl.commands.compare_numbers import Summary
    from pymaf_pl.commands.compare_tables import Grid

_EXAMPLES = """examples:
  pymaf train -m experiment=demo model=pymaf_small,hmr_small seed=0,1,2 hydra.sweep.dir=runs/baseline
  pymaf compare runs/baseline --baseline model=hmr_small      everything in a sweep's folder
  pymaf compare runs/baseline --iterations --figure pa_mpjpe
  pymaf compare feedback=runs/a global=runs/b --out table/   your own labels; writes compare.csv, .md, .tex, .svg, .html
  pymaf compare runs/baseline --html page.html          one page: table, error per iteration, learning curves
  pymaf compare runs/a --into docs/ablations.md --section iterations

Runs that differ in nothing but seed, name and paths are one group; what tells groups apart is their label. A group's
figures are mean ± standard deviation over its seeds. The difference to the baseline is paired by person, and its 95 %
interval is over people and seeds; where either side has a single seed it is over people only, and marked †. Jobs of a
sweep that failed, were pruned or have not run are named below the table."""
_SORTS = ("parameters", "flops", "ms", "hours")


def main(arguments: Sequence[str]) -> int:
    """Run ``pymaf compare``."""
    options = _parser().parse_args(list(arguments))
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise InputError(f"--out {options.out}: not a folder")
    if options.html is not None and options.html.is_dir():
        raise InputError(f"--html {options.html}: a folder; give a file such as {options.html}/compare.html")
    if options.section is not None and options.into is None:
        raise InputError(f"--section {options.section}: --into says of which document")
    from pymaf_pl.commands.compare_costs import sort_by_cost
    from pymaf_pl.commands.compare_groups import find_group, group_runs
    from pymaf_pl.commands.compare_jobs import lost_jobs
    from pymaf_pl.commands.compare_numbers import common_figures, summarise
    from pymaf_pl.commands.compare_runs import find_runs
    from pymaf_pl.commands.compare_tables import footnotes, group_grid, iteration_grid

    runs, left_out = find_runs(options.runs)
    lost = lost_jobs(options.runs)
    left_out = [line for line in left_out if not line.startswith(tuple(f"{job.folder}: " for job in lost))]
    if not runs:
        raise InputError(f"no finished run to compare: {'; '.join([*left_out, *(job.line() for job in lost)])}")
    groups, repeated = group_runs(runs)
    baseline = find_group(groups, options.baseline)
    figure = _figure(options.figure, common_figures(groups))
    summaries = sort_by_cost(summarise(groups, baseline, figure), options.sort)

    people = runs[0].people
    title = f"{people.protocol}, {len(people)} people"
    notes = footnotes(summaries, baseline.label)
    print_grid(group_grid(summaries, figure), title)
    if options.iterations:
        print_grid(iteration_grid(summaries, figure), f"{title}, after every iteration")
    told = [*(job.line() for job in lost), *(f"left out: {line}" for line in (*left_out, *repeated))]
    for line in [*notes, *told]:
        print(line)
    written = write_files(options.out, summaries, figure, title, notes, lost) if options.out is not None else []
    if options.html is not None:
        from pymaf_pl.commands.compare_page import write_html

        written.append(write_html(options.html, summaries, figure, title, notes, lost))
    if options.into is not None:
        from pymaf_pl.commands.compare_page import write_section

        grids = [group_grid(summaries, figure), iteration_grid(summaries, figure)]
        section = options.section or runs[0].name
        written.append(write_section(options.into, section, grids, title, notes, lost))
    for path in written:
        print(f"wrote {path}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pymaf compare",
        description="Compare the networks of run folders: one row per configuration, over its seeds.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="a run folder, a folder with some in it, or LABEL=FOLDER"
    )
    parser.add_argument(
        "--baseline", metavar="NAME", help="label of the group to compare with, or a part of it; default: the first"
    )
    parser.add_argument("--figure", metavar="NAME", help="that sorts, and is compared; default: mpjpe")
    parser.add_argument("--iterations", action="store_true", help="also print the figure after every iteration")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write compare.csv, compare.md, compare.tex, compare.svg, compare.html"
    )
    parser.add_argument("--html", type=Path, metavar="PAGE", help="write the page alone, to this file")
    parser.add_argument("--sort", choices=_SORTS, metavar="COST", help=f"cheapest first: {', '.join(_SORTS)}")
    parser.add_argument(
        "--into", type=Path, metavar="FILE", help="write the tables into a Markdown document, in place of older ones"
    )
    parser.add_argument("--section", metavar="NAME", help="of that document; default: the name of the runs")
    return parser


def _figure(wanted: str | None, figures: Sequence[str]) -> str:
    if not figures:
        raise InputError("the runs have no figure in common")
    if wanted is None:
        return "mpjpe" if "mpjpe" in figures else figures[0]
    if wanted not in figures:
        raise InputError(f"--figure {wanted}: these runs have {', '.join(figures)}")
    return wanted


def print_grid(grid: "Grid", title: str) -> None:
    """Print a table; not squeezed where the output is no terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False)
    for number, head in enumerate(grid.head):
        table.add_column(Text(head), justify="right" if number else "left", overflow="fold")
    for row in grid.rows:
        table.add_row(*map(Text, row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(console.width, console.measure(table).maximum, 400))
    console.print(table)


def write_files(
    folder: Path,
    summaries: Sequence["Summary"],
    figure: str,
    title: str,
    notes: Sequence[str],
    lost: Sequence["LostJob"] = (),
) -> list[Path]:
    """Write the comparison as numbers, Markdown, LaTeX, a chart and a page."""
    from pymaf_pl.commands.compare_chart import iteration_chart
    from pymaf_pl.commands.compare_page import lost_grid, write_html
    from pymaf_pl.commands.compare_tables import group_grid, iteration_grid, latex, markdown, plain_numbers
    from pymaf_pl.engine.run_files import write_text

    grid, iterations = group_grid(summaries, figure), iteration_grid(summaries, figure)
    text = f"# {title}\n\n{markdown(grid)}\n{' '.join(notes)}\n\n## After every iteration\n\n{markdown(iterations)}"
    if lost:
        text += f"\n## Jobs without a result\n\n{markdown(lost_grid(lost))}"
    notes_and_lost = [*notes, *(job.line() for job in lost)]
    return [
        write_text(folder / "compare.csv", plain_numbers(summaries)),
        write_text(folder / "compare.md", text),
        write_text(folder / "compare.tex", latex(grid, [title, *notes_and_lost])),
        write_text(folder / "compare.svg", iteration_chart(summaries, figure, title)),
        write_html(folder / "compare.html", summaries, figure, title, notes, lost),
    ]
