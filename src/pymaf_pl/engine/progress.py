"""progress.json, as other processes see it; imports no Lightning."""

import json
from pathlib import Path
from typing import Any

from pymaf_pl.engine.run_files import write_json

PROGRESS = "progress.json"


def forget_stop(run_dir: Path) -> None:
    """Take back that a run was stopped, before it is started again."""
    if (known := read_progress(run_dir))["stopped"]:
        write_json(run_dir / PROGRESS, known | {"stopped": False})


def read_progress(run_dir: Path) -> dict[str, Any]:
    """Read a run's ``progress.json``; zero steps if there is none yet."""
    try:
        content = json.loads((run_dir / PROGRESS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = {}
    known = {"step": 0, "total_steps": 0, "stopped": False, "validations": []}
    return known | (content if isinstance(content, dict) else {})
