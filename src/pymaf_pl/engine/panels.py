"""What a run shows in a tracker beside its curves: its record as an artifact, people by iterations, the last mesh.

Everything here stands in the run folder too, whatever the logger.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import MLFlowLogger, TensorBoardLogger, WandbLogger
from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

from pymaf_pl.engine.run_files import write_text
from pymaf_pl.report.views import PersonView

_STAGING = "WANDB_DATA_DIR"  # wandb keeps pictures of tables there until they are sent
_CONFIG, _RECORD = "config.yaml", "run.json"
_RESULTS = ("metrics.json", "report.html", "metrics.csv", "per_sample.npz")


@rank_zero_only
def show_record(logger: Logger, run_dir: Path, config: dict[str, Any]) -> None:
    """Give a logger the resolved configuration, and those that keep files the run's record.

    Args:
        logger: any; what it cannot take it is not given.
        run_dir: with config.yaml and run.json.
        config: plain values, resolved.
    """
    logger.log_hyperparams(config)
    if isinstance(logger, WandbLogger):
        _wandb_record(logger.experiment, run_dir)
    elif isinstance(logger, MLFlowLogger):
        for name in (_CONFIG, _RECORD):
            logger.experiment.log_artifact(logger.run_id, str(run_dir / name))


@rank_zero_only
def show_people(
    logger: Logger, run_dir: Path, protocol: str, people: Sequence[PersonView], meshes: Sequence[Path], step: int
) -> None:
    """Give a logger the people of the report, after every iteration, and their last meshes.

    Args:
        logger: wandb gets a table and a mesh, TensorBoard pictures, MLflow the run's files; others nothing.
        run_dir: of the run.
        protocol: its name comes first in the names of all panels.
        people: as the report shows them.
        meshes: their ``.glb`` files.
        step: at which they were drawn.
    """
    if isinstance(logger, WandbLogger):
        _wandb_people(logger.experiment, run_dir, f"val/{protocol}", people, meshes, step)
    elif isinstance(logger, TensorBoardLogger):
        for number, person in enumerate(people, start=1):
            for t, picture in enumerate(person.overlays):
                tag = f"val/{protocol}/people/{number:02d}_{person.name}/iter_{t}"
                logger.experiment.add_image(tag, picture, step, dataformats="HWC")
    elif isinstance(logger, MLFlowLogger):
        for name in _RESULTS:
            if (run_dir / name).is_file():
                logger.experiment.log_artifact(logger.run_id, str(run_dir / name))
        for mesh in meshes:
            logger.experiment.log_artifact(logger.run_id, str(mesh), "meshes")


def _wandb_record(run: Any, run_dir: Path) -> None:
    """Keep configuration, code state and environment as an artifact whose files lie among the run's own."""
    import wandb

    folder = Path(run.dir) / "record"
    folder.mkdir(exist_ok=True)
    for name in (_CONFIG, _RECORD):
        shutil.copyfile(run_dir / name, folder / name)
    record = json.loads((run_dir / _RECORD).read_text(encoding="utf-8"))
    git = record.get("git") or {}
    write_text(folder / "code.diff", f"# commit {git.get('commit', 'unknown')}\n{git.get('diff', '')}")
    about = {key: record.get(key) for key in ("python", "platform", "device", "packages")}
    write_text(folder / "environment.json", json.dumps(about, indent=2) + "\n")
    artifact = wandb.Artifact(f"record-{run.id}", type="record", metadata={"commit": git.get("commit")})
    for path in sorted(folder.iterdir()):
        artifact.add_file(str(path), name=path.name, policy="immutable", skip_cache=True)
    run.log_artifact(artifact)


def _wandb_people(
    run: Any, run_dir: Path, prefix: str, people: Sequence[PersonView], meshes: Sequence[Path], step: int
) -> None:
    """Log a table, one row per person: photo, the overlay after each iteration, and the figures below it."""
    if not people:
        return
    import wandb

    with _staged_in(run_dir / "wandb" / "data"):
        iterations = range(len(people[0].overlays))
        figures = list(people[0].figures[0]) if people[0].figures else []
        columns: list[str | int] = ["person", "chosen as", "photo", *(f"iteration {t}" for t in iterations)]
        columns += [f"{name}, iteration {t}" for name in figures for t in iterations]
        table = wandb.Table(columns=columns)
        for person in people:
            pictures = [wandb.Image(picture) for picture in (person.photo, *person.overlays)]
            values = [person.figures[t].get(name) for name in figures for t in iterations]
            table.add_data(person.caption or person.name, person.group, *pictures, *values)
        panels: dict[str, Any] = {f"{prefix}/people": table, "trainer/global_step": step}
        if meshes:
            panels[f"{prefix}/mesh"] = wandb.Object3D(str(meshes[0]))
        run.log(panels)


@contextmanager
def _staged_in(folder: Path) -> Iterator[None]:
    """Let wandb stage files in the run folder instead of the user's home, unless the user has said where."""
    if _STAGING in os.environ:
        yield
        return
    os.environ[_STAGING] = str(folder.resolve())
    try:
        yield
    finally:
        del os.environ[_STAGING]
