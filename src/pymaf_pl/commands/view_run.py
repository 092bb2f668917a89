"""The page of a run: people it was measured on, predicted again by its checkpoint, beside the figures it left."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from rich.progress import track

from pymaf_pl.commands.figures import label, more_is_better
from pymaf_pl.commands.results import learning_curves, people_to_show
from pymaf_pl.data.images import read_image
from pymaf_pl.errors import InputError
from pymaf_pl.inference import Box, Predictor
from pymaf_pl.metrics.people import PER_SAMPLE, PeopleFigures
from pymaf_pl.report import PersonView, write_page
from pymaf_pl.report.people import view_of_arrays


def write_run_page(run: Path, out: Path, photos: Path | None, most: int) -> tuple[int, int]:
    """Write the page of a run folder of `pymaf train` or `pymaf eval`.

    Args:
        run: the folder.
        out: the page.
        photos: folder that the names of the pictures are relative to; by default where the run's configuration says.
        most: people to show: a quarter the best, a quarter the worst, the rest evenly spread.

    Returns:
        How many people are shown, and how many were measured.

    Raises:
        InputError: the run has not finished, or checkpoint or pictures are gone.
    """
    config = _mapping(run / "config.yaml")
    if not (run / PER_SAMPLE).is_file():
        raise InputError(f"{run}: no {PER_SAMPLE}; the run has not finished, or `pymaf eval` measures it again")
    measured = PeopleFigures.load(run / PER_SAMPLE)
    rows = _mapping(run / "metrics.json").get("iterations") or measured.means()
    ranking = next((name for name in ("pa_mpjpe", "mpjpe") if name in measured.figures), next(iter(measured.figures)))
    chosen = people_to_show(measured.figures[ranking][-1], most, lowest_is_best=not more_is_better(ranking))
    root = photos or _image_root(config, measured, run)
    checkpoint = _checkpoint(run, config)
    body_dir = config.get("body", {}).get("directory")
    predictor = Predictor.from_checkpoint(checkpoint, body_dir)
    views = [
        _view(predictor, measured, root, place, group)
        for place, group in track(chosen, "predicting", transient=True)
    ]  # fmt: skip
    write_page(
        out,
        title=str(config.get("name") or run.resolve().name),
        facts={
            "Checkpoint": checkpoint.name,
            "Protocol": measured.protocol,
            "People": f"{len(measured)} held out, {len(views)} shown",
            "Body": predictor.body.name,
        },
        iterations=[{label(key): value for key, value in row.items()} for row in rows],
        people=views,
        faces=predictor.faces,
        curves=learning_curves(run / "metrics.csv"),
        looking_first=True,
    )
    return len(views), len(measured)


def _view(predictor: Predictor, measured: PeopleFigures, root: Path, place: int, group: str) -> PersonView:
    x, y = measured.bbox_center[place].tolist()
    name = str(measured.imgname[place])
    box = Box((x, y), float(measured.bbox_size[place]))
    (person,) = predictor.predict(read_image(root / name), [box])
    count = len(person.vertices)
    figures = [
        {label(key): float(values[t, place]) for key, values in measured.figures.items()}
        for t in range(count if all(len(values) == count for values in measured.figures.values()) else 0)
    ]
    return view_of_arrays(
        Path(name).stem, person.picture, person.vertices, person.weak_cam, person.faces, figures, name, group
    )


def _checkpoint(run: Path, config: Mapping[str, Any]) -> Path:
    """Return what was measured: a training's last weights, or the checkpoint of an evaluation."""
    from pymaf_pl.shipped import locate

    own = run / "checkpoints" / "last.ckpt"
    if own.is_file():
        return own
    if config.get("checkpoint"):
        path = locate(str(config["checkpoint"]))
        if path.is_file():
            return path
        raise InputError(f"{run}: its checkpoint {path} is gone")
    raise InputError(f"{run}: no checkpoints/last.ckpt in it")


def _image_root(config: Mapping[str, Any], measured: PeopleFigures, run: Path) -> Path:
    protocol = config.get("protocol") or {}
    source = protocol.get("source") or {}
    for given in (source.get("image_root"), protocol.get("root")):
        if given and (Path(given) / str(measured.imgname[0])).is_file():
            return Path(given)
    where = source.get("image_root") or protocol.get("root")
    raise InputError(f"{run}: {measured.imgname[0]} is not in {where}; --photos says which folder it is in")


def _mapping(path: Path) -> dict[str, Any]:
    """Return a JSON or YAML mapping.

    Raises:
        InputError: it is missing or something else.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; the run has not finished")
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, OSError, yaml.YAMLError):
        content = None
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a {path.suffix[1:].upper()} file of a run")
    return content
