"""What a finished measurement leaves behind: per_sample.npz, metrics.json and report.html, and what it prints."""

import csv
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import torch
from rich.console import Console
from torch.utils.data import default_collate

from pymaf_pl.commands.figures import label
from pymaf_pl.commands.iteration_table import chance_rows, print_table
from pymaf_pl.data.dataset import PersonDataset
from pymaf_pl.engine.module import PyMAFModule
from pymaf_pl.engine.run_files import metrics_document, write_json
from pymaf_pl.geometry.rotation import rotmat_from_axis_angle
from pymaf_pl.metrics.people import PER_SAMPLE, PeopleFigures
from pymaf_pl.report import Curve, write_page
from pymaf_pl.report.people import person_view
from pymaf_pl.report.views import PersonView
from pymaf_pl.types import Batch


def publish_results(
    run_dir: Path, module: PyMAFModule, people: PersonDataset, shown: int, title: str, steps: int
) -> None:
    """Write the run's files and print the table of errors per iteration.

    Args:
        run_dir: where to.
        module: just validated; what it measured is published.
        people: whom it was validated on.
        shown: how many of them the report draws, evenly spread; 0 for no report.
        title: of the report.
        steps: that the network was trained for.
    """
    protocol = module.protocol
    parameters = sum(p.numel() for p in module.network.parameters())
    measured = people_figures(module, people)
    measured.save(run_dir / PER_SAMPLE)
    chance = chance_rows(measured.figures)
    extra = {"steps": steps, "parameters": parameters, **chance}
    write_json(run_dir / "metrics.json", metrics_document(protocol.name, len(measured), module.rows, extra))
    print_table(module.rows, chance, protocol.monitor, f"{title}: {protocol.name}, {len(measured)} people")
    console = Console()
    if shown > 0:
        rows = np.unique(np.linspace(0, len(people) - 1, min(shown, len(people))).round().astype(int))
        page = write_page(
            run_dir / "report.html",
            title=title,
            facts={
                "Network": f"{module.network.num_iterations} iterations, {parameters / 1e6:.1f} M parameters",
                "Protocol": protocol.name,
                "People": f"{len(measured)} held out, {len(rows)} shown",
                "Body": module.losses.body.name,
                "Steps": f"{steps:,}",
            },
            iterations=[_renamed(row) for row in module.rows],
            people=[view_of(module, people, int(row)) for row in rows],
            faces=module.losses.body.faces.cpu().numpy(),
            curves=_curves(run_dir / "metrics.csv"),
        )
        console.print(f"report: {page}", soft_wrap=True)
    console.print(f"numbers: {run_dir / 'metrics.json'}", soft_wrap=True)


def people_figures(module: PyMAFModule, people: PersonDataset) -> PeopleFigures:
    """Put names and boxes to what a module has measured."""
    assert module.measured is not None, "the module has not been validated"
    (row, figures), table = module.measured, people.table
    return PeopleFigures(
        module.protocol.name, row, table.imgname[row], table.center[row], 200 * table.scale[row], figures
    )


@torch.no_grad()
def view_of(module: PyMAFModule, people: PersonDataset, row: int) -> PersonView:
    """Predict one held-out person and draw every iteration, with that person's own errors."""
    module.eval()
    batch = default_collate([people.sample(row)])
    batch = cast(Batch, {key: value.to(module.device) for key, value in batch.items()})
    states, body, protocol = module(batch["image"]).iterations, module.losses.body, module.protocol
    truth = protocol.prepare(body, batch)
    figures = [protocol.evaluate(body, state, truth) for state in states]
    labelled = bool(batch["has_pose"] & batch["has_betas"])
    return person_view(
        name=Path(people.table.imgname[row]).stem,
        crop=batch["image"][0].permute(1, 2, 0).cpu().numpy(),
        states=states,
        body=body,
        figures=[{label(k): float(v) for k, v in row_figures.items()} for row_figures in figures],
        target=(rotmat_from_axis_angle(batch["pose"]), batch["betas"]) if labelled else None,
        caption=people.table.imgname[row],
    )


def _renamed(row: Mapping[str, float]) -> dict[str, float]:
    return {label(key): value for key, value in row.items()}


def _curves(metrics_csv: Path) -> dict[str, list[Curve]]:
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
