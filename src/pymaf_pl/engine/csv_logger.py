"""metrics.csv: every logged scalar over steps, in a table that grows when a run resumes."""

import csv
import math
import time
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

from pymaf_pl.atomic import replacing


class CsvLogger(Logger):
    """Write ``metrics.csv``, one line per step that logged something.

    Lightning's own CSVLogger deletes the file when a run goes on; this one keeps its lines and goes on after them.

    Args:
        save_dir: the run folder.
        flush_seconds: between writes; the end of a run always writes.
    """

    def __init__(self, save_dir: str, flush_seconds: float = 10.0) -> None:
        super().__init__()
        self.path, self.flush_seconds = Path(save_dir) / "metrics.csv", flush_seconds
        self.lines: dict[int, dict[str, float]] = self._read()
        self._written = 0.0

    @property
    def name(self) -> str:
        """Part of no path."""
        return ""

    @property
    def version(self) -> str:
        """Part of no path."""
        return ""

    @property
    def save_dir(self) -> str:
        """The run folder."""
        return str(self.path.parent)

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing to keep: config.yaml has them."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add values to a step's line; a step that is logged again is overwritten."""
        self.lines.setdefault(step or 0, {}).update({key: float(value) for key, value in metrics.items()})
        if time.monotonic() - self._written > self.flush_seconds:
            self.save()

    @rank_zero_only
    def save(self) -> None:
        """Write the whole table under a temporary name, then rename it."""
        self._written = time.monotonic()
        if not self.lines:
            return
        columns = list(dict.fromkeys(key for line in self.lines.values() for key in line))
        with replacing(self.path) as draft, draft.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, ["step", *columns], restval="")
            writer.writeheader()
            for step in sorted(self.lines):
                writer.writerow({"step": step, **self.lines[step]})

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what is left."""
        self.save()

    def _read(self) -> dict[int, dict[str, float]]:
        if not self.path.is_file():
            return {}
        with self.path.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        kept = {int(row.pop("step")): {k: float(v) for k, v in row.items() if v} for row in rows}
        return {step: {k: v for k, v in line.items() if not math.isnan(v)} for step, line in kept.items()}
