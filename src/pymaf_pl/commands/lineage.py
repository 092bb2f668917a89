"""What a run's record says beyond its configuration, so that `pymaf compare` can name what made two runs differ."""

import json
from pathlib import Path
from typing import Any

import yaml
from hydra.core.hydra_config import HydraConfig

from pymaf_pl.checkpoints import Checkpoint


def chosen(repeats: Path | None = None) -> dict[str, Any]:
    """Return this job's overrides, one value each also in a sweep, and the option of every configuration group.

    Args:
        repeats: folder of the run that this one repeats: its choices are this one's, and its overrides come first.
    """
    hydra = HydraConfig.get()
    overrides = list(hydra.overrides.task)
    choices = {group: option for group, option in hydra.runtime.choices.items() if not group.startswith("hydra/")}
    if repeats is None:
        return {"overrides": overrides, "choices": choices}
    run = _read(repeats / "run.json") or {}
    ours = [word for word in overrides if word != "+run=train"]
    before = {"overrides": [*run.get("overrides", []), *ours], "choices": run.get("choices", {})}
    return before | {"repeats": str(repeats)}


def training_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return how a checkpoint was trained: ``config``, and ``overrides`` and ``choices`` where they were kept.

    The run folder around the checkpoint knows everything; a file that was taken out of it knows its network, body and
    losses, but neither seed nor data.
    """
    record = checkpoint.record
    folder = checkpoint.path.resolve().parent.parent
    config = _read(folder / "config.yaml")
    network = record.get("network", {})
    if config is not None and {key: config.get(key) for key in ("model", "image_size")} == {
        "model": network.get("model"), "image_size": record.get("image_size")
    }:  # fmt: skip
        run = _read(folder / "run.json") or {}
        return {"config": config} | {key: run[key] for key in ("overrides", "choices", "cost") if key in run}
    known = {key: record[key] for key in ("image_size", "body", "losses") if key in record}
    return {"config": network | known}


def _read(path: Path) -> dict[str, Any] | None:
    """Read a mapping from YAML or JSON; None if there is none."""
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    return content if isinstance(content, dict) else None
