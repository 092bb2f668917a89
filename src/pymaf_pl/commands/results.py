"""What a finished measurement leaves behind: per_sample.npz, metrics.json and report.html, and what it prints."""

import csv
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from rich.console import Console
from torch.utils.data import default_collate

from pymaf_pl.commands.figures import label, more_is_better, number
from pymaf_pl.commands.iteration_table import chance_rows, print_table
from pymaf_pl.commands.meshes import write_meshes
from pymaf_pl.data.dataset import PersonDataset
from pymaf_pl.engine.module import PyMAFModule
from pymaf_pl.engine.run_files import metrics_document, write_json
from pymaf_pl.geometry.rotation import rotmat_from_axis_angle
from pymaf_pl.metrics.people import PER_SAMPLE, PeopleFigures, mean_rows
from pymaf_pl.report import Curve, write_page
from pymaf_pl.report.people import person_view
from pymaf_pl.report.views import PersonView
from pymaf_pl.types import Batch

BEST, WORST, SPREAD = "Best", "Worst", "Evenly spread over the data set"


class Shown(NamedTuple):
    """Whom a report shows, and their last meshes' files."""

    people: list[PersonView]
    meshes: list[Path]


def publish_results(
    run_dir: Path,
    module: PyMAFModule,
    people: PersonDataset,
    shown: int,
    title: str,
    steps: int,
    cost: Mapping[str, Any] | None = None,
) -> Shown:
    """Write the run's files and print the table of errors per iteration.

    Args:
        run_dir: where to.
        module: just validated; what it measured is published.
        people: whom it was validated on.
        shown: how many of them the report draws: a quarter the best, a quarter the worst, the rest evenly spread; 0 for
            no report.
        title: of the report.
        steps: that the network was trained for.
        cost: of the network, for ``metrics.json``.
    """
    protocol = module.protocol
    parameters = sum(p.numel() for p in module.network.parameters())
    measured = people_figures(module, people)
    measured.save(run_dir / PER_SAMPLE)
    main = {name: measured.figures[name] for name in protocol.figures}
    chance = chance_rows(main)
    extra = {"steps": steps, "parameters": parameters, **(cost or {}), **chance, **protocol_extra(module, measured)}
    write_json(run_dir / "metrics.json", metrics_document(protocol.name, len(measured), module.rows, extra))
    print_table(module.rows, chance, protocol.monitor, f"{title}: {protocol.name}, {len(measured)} people")
    console = Console()
    for line in _remarks(module, extra):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    views: list[PersonView] = []
    meshes: list[Path] = []
    if shown > 0:
        chosen = choose_people(module, measured, shown)
        views = [view_of(module, people, row, group) for row, group in chosen]
        faces = module.losses.body.faces.cpu().numpy()
        meshes = write_meshes(run_dir, views, faces)
        page = write_page(
            run_dir / "report.html",
            title=title,
            facts={
                "Network": f"{module.network.num_iterations} iterations, {parameters / 1e6:.1f} M parameters",
                "Protocol": protocol.name,
                "People": f"{len(measured)} held out, {len(chosen)} shown",
                "Body": module.losses.body.name,
                "Steps": f"{steps:,}",
            },
            iterations=[_renamed(row) for row in module.rows],
            people=views,
            faces=faces,
            curves=learning_curves(run_dir / "metrics.csv"),
            notes=[f"Not comparable to published figures: {reason}." for reason in protocol.reservations],
        )
        console.print(f"report: {page}", soft_wrap=True)
    console.print(f"numbers: {run_dir / 'metrics.json'}", soft_wrap=True)
    return Shown(views, meshes)


def protocol_extra(module: PyMAFModule, measured: PeopleFigures) -> dict[str, Any]:
    """Lay out what the protocol has to say beside its table, for ``metrics.json``.

    Returns:
        The last iteration's figures that are no millimetres by their names; ``variants``, one row per iteration, and
        ``variants_interval_95``; ``groups``, the last iteration's means of each group; ``definition``; ``comparable``
        and ``reservations``.
    """
    protocol = module.protocol
    extra: dict[str, Any] = {
        name: value for name, value in module.rows[-1].items() if more_is_better(name) and name != "iteration"
    }
    if protocol.variants:
        variants = {name: measured.figures[name] for name in protocol.variants}
        extra["variants"] = mean_rows(variants)
        extra["variants_interval_95"] = chance_rows(variants)["interval_95"]
    groups = protocol.groups(measured.row)
    if groups is not None:
        extra["groups"] = {}
        for group in sorted(set(groups.tolist())):
            last = mean_rows({name: measured.figures[name][:, groups == group] for name in protocol.figures})[-1]
            extra["groups"][group] = {name: last[name] for name in protocol.figures} | {
                "num_samples": int((groups == group).sum())
            }
    return extra | {
        "definition": protocol.definition(),
        "comparable": not protocol.reservations,
        "reservations": list(protocol.reservations),
    }


def _remarks(module: PyMAFModule, extra: Mapping[str, Any]) -> list[str]:
    lines = []
    if "variants" in extra:
        last = extra["variants"][-1]
        lines.append(
            "Other readings: " + ", ".join(f"{label(n)} {number(n, last[n])}" for n in module.protocol.variants)
        )
    for group, row in extra.get("groups", {}).items():
        figures = ", ".join(f"{label(n)} {number(n, row[n])}" for n in module.protocol.figures)
        lines.append(f"  {group} ({row['num_samples']}): {figures}")
    return lines + [f"NOT COMPARABLE to published figures: {reason}" for reason in module.protocol.reservations]


def people_figures(module: PyMAFModule, people: PersonDataset) -> PeopleFigures:
    """Put names and boxes to what a module has measured."""
    assert module.measured is not None, "the module has not been validated"
    row, figures, table = module.measured.row, module.measured.figures, people.table
    return PeopleFigures(
        module.protocol.name, row, table.imgname[row], table.center[row], 200 * table.scale[row], figures
    )


def choose_people(module: PyMAFModule, measured: PeopleFigures, shown: int) -> list[tuple[int, str]]:
    """Return the rows of the people to draw and why each was chosen: the best, the worst, then evenly spread ones."""
    last = measured.figures[module.protocol.ranking][-1]
    chosen = people_to_show(last, shown, module.protocol.monitor_mode == "min")
    return [(int(measured.row[place]), group) for place, group in chosen]


def people_to_show(figure: np.ndarray, shown: int, lowest_is_best: bool) -> list[tuple[int, str]]:
    """Choose people by an (N,) figure, NaN where unknown; their places and why each was chosen."""
    ranked = np.argsort(figure if lowest_is_best else -figure, kind="stable")
    ranked = ranked[~np.isnan(figure[ranked])]
    quarter = min(shown // 4, len(ranked) // 2)
    chosen = [(int(place), BEST) for place in ranked[:quarter]]
    chosen += [(int(place), WORST) for place in ranked[::-1][:quarter]]
    taken = {place for place, _ in chosen}
    others = [place for place in range(len(figure)) if place not in taken]
    rest = min(shown - len(chosen), len(others))
    places = np.linspace(0, max(len(others) - 1, 0), rest).round().astype(int)
    return chosen + [(others[place], SPREAD) for place in dict.fromkeys(places.tolist())]


@torch.no_grad()
def view_of(module: PyMAFModule, people: PersonDataset, row: int, group: str = "") -> PersonView:
    """Predict one held-out person and draw every iteration, with that person's own errors."""
    module.eval()
    batch = default_collate([people.sample(row)])
    batch = cast(Batch, {key: value.to(module.device) for key, value in batch.items()})
    states, body, protocol = module(batch["image"]).iterations, module.losses.body, module.protocol
    protocol.attach(people.table, people.image_root, body)
    truth = protocol.prepare(body, batch)
    figures = [protocol.evaluate(body, state, truth) for state in states]
    own = [name for name in protocol.everything if name in protocol.per_person]
    labelled = bool(batch["has_pose"] & batch["has_betas"])
    return person_view(
        name=Path(people.table.imgname[row]).stem,
        crop=batch["image"][0].permute(1, 2, 0).cpu().numpy(),
        states=states,
        body=body,
        figures=[{label(name): float(row_figures[name]) for name in own} for row_figures in figures],
        target=(rotmat_from_axis_angle(batch["pose"]), batch["betas"]) if labelled else None,
        caption=people.table.imgname[row],
        group=group,
    )


def _renamed(row: Mapping[str, float]) -> dict[str, float]:
    return {label(key): value for key, value in row.items()}


def learning_curves(metrics_csv: Path) -> dict[str, list[Curve]]:
    """Read the training loss over steps from the run's metrics.csv, if it keeps one."""
    if not metrics_csv.is_file():
        return {}
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with metrics_csv.open(newline="") as stream:
        for line in csv.DictReader(stream):
            if line.get("train/loss"):
                points["total"].append((float(line["step"]), float(line["train/loss"])))
    if not points:
        return {}
    return {"Training loss": [Curve(name, *map(list, zip(*xy, strict=True))) for name, xy in points.items()]}
