"""Loggers that others wrote, built for a run folder: wandb, TensorBoard and MLflow."""

import fcntl
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import MLFlowLogger, TensorBoardLogger, WandbLogger
from pytorch_lightning.utilities import rank_zero_only

from pymaf_pl.engine.tracker_packages import require

_LONGEST_TAG = 64  # characters that wandb takes


def wandb_logger(
    save_dir: str,
    project: str = "pymaf_pl",
    group: str | None = None,
    job_type: str | None = None,
    name: str | None = None,
    tags: Sequence[str] = (),
    offline: bool = True,
    **more: Any,
) -> WandbLogger:
    """Build a Weights & Biases logger whose files lie in the run folder.

    A run that goes on keeps its id, so that all its offline parts become one run when they are synchronised. An agent
    of a wandb sweep gives the id itself, in ``WANDB_RUN_ID``.

    Args:
        save_dir: the run folder.
        project: of the run.
        group: runs that belong together, such as a sweep.
        job_type: what the run is to its group.
        name: of the run.
        tags: words to find it by; cut off at 64 characters, wandb's limit.
        offline: write files alone; ``wandb sync`` sends them later.
        more: for ``wandb.init``.

    Raises:
        InputError: wandb is not installed.
    """
    require("wandb")
    if "id" not in more and "WANDB_RUN_ID" not in os.environ:
        more["id"] = _known_id(Path(save_dir))
    short = list(dict.fromkeys(tag[:_LONGEST_TAG] for tag in tags))
    about: dict[str, Any] = {"project": project, "group": group, "job_type": job_type, "tags": short}
    return WandbLogger(name=name, save_dir=save_dir, offline=offline, **about, **more)


def tensorboard_logger(save_dir: str) -> TensorBoardLogger:
    """Build a TensorBoard logger that writes to ``tensorboard/`` in the run folder.

    Args:
        save_dir: the run folder.

    Raises:
        InputError: TensorBoard is not installed.
    """
    require("tensorboard")
    return TensorBoardLogger(save_dir=save_dir, name="", version="tensorboard", default_hp_metric=False)


def mlflow_logger(
    save_dir: str,
    group: str | None = None,
    name: str | None = None,
    tags: Sequence[str] = (),
    tracking_uri: str | None = None,
    artifact_location: str | None = None,
) -> MLFlowLogger:
    """Build an MLflow logger.

    Args:
        save_dir: the run folder.
        group: the experiment.
        name: of the run.
        tags: overrides; kept as one tag, ``overrides``.
        tracking_uri: of a server or a database; None for ``mlflow.db`` beside the run folder, which all runs of a sweep
            share. MLflow gave up its plain files.
        artifact_location: address of the experiment's files; None for ``mlflow_files`` beside the run folder.

    Raises:
        InputError: MLflow is not installed.
    """
    require("mlflow")
    folder = Path(save_dir).resolve().parent
    labels: Mapping[str, str] = {"overrides": " ".join(tags), "run_dir": str(Path(save_dir).resolve())}
    if tracking_uri is None:
        tracking_uri = f"sqlite:///{folder / 'mlflow.db'}"
        artifact_location = artifact_location or (folder / "mlflow_files").as_uri()
    logger = MLFlowLogger(
        experiment_name=group or "pymaf_pl", run_name=name, tracking_uri=tracking_uri, tags=dict(labels),
        artifact_location=artifact_location,
    )  # fmt: skip
    _create_alone(logger, folder)
    return logger


@rank_zero_only
def _create_alone(logger: MLFlowLogger, folder: Path) -> None:
    """Let jobs that start together create their common database one after the other."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".mlflow.lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        _ = logger.experiment


def _known_id(run_dir: Path) -> str | None:
    """Return the id under which wandb knows a run folder already; its folders are named ``...run-TIME-ID``."""
    folders = [path for path in (run_dir / "wandb").glob("*run-*-*") if path.is_dir() and not path.is_symlink()]
    newest = max(folders, key=lambda path: path.name.partition("run-")[2], default=None)
    return None if newest is None else newest.name.rpartition("-")[2]
