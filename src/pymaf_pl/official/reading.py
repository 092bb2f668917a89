"""From a published checkpoint to weights and record of ours, checked key by key."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pymaf_pl.errors import InputError
from pymaf_pl.official.buffers import body_note, body_topology
from pymaf_pl.official.layout import (
    MAX_ITERATIONS,
    MEAN_PARTS,
    TITLES,
    Entry,
    Kind,
    Layout,
    pymaf_layout,
    spin_layout,
)
from pymaf_pl.official.points import picked_vertices, points_grid
from pymaf_pl.official.record import official_record
from pymaf_pl.official.report import Fate, Report

_ITERATION = re.compile(r"(?:regressor|maf_extractor)\.(\d+)\.")
_MOST_NAMED = 3  # faults in one line


class OfficialWeights(NamedTuple):
    """A published checkpoint as ours: kind, weights and record, and what became of every key."""

    kind: Kind
    state: dict[str, Tensor]
    record: dict[str, Any]
    report: Report


class OfficialWeightsError(InputError):
    """A published checkpoint with keys that are missing, wrong or too many; ``report`` has them all."""

    def __init__(self, path: Path, kind: Kind, report: Report) -> None:
        faults = report.faults
        more = f"; and {len(faults) - _MOST_NAMED} more" if len(faults) > _MOST_NAMED else ""
        super().__init__(f"{path}: this looks like an {TITLES[kind]}, but {'; '.join(faults[:_MOST_NAMED])}{more}")
        self.report = report


def recognise(content: Any) -> Kind | None:
    """Return which published network a file's content belongs to, judging by most of its keys; None if to none."""
    weights = content.get("model") if isinstance(content, Mapping) else None
    if not isinstance(weights, Mapping):
        return None
    for layout in (pymaf_layout(), spin_layout()):
        if len(layout.entries.keys() & weights.keys()) > len(layout.entries) / 2:
            return layout.kind
    return None


def read_official(content: Mapping[str, Any], kind: Kind, path: Path) -> OfficialWeights:
    """Read a published checkpoint.

    Args:
        content: of the file; it was recognised.
        kind: as what.
        path: for messages.

    Raises:
        OfficialWeightsError: names the keys that do not fit.
    """
    weights: Mapping[str, Any] = content["model"]
    reader = _Reader(_layout(weights, kind))
    for name, entry in reader.layout.entries.items():
        if name not in weights:
            reader.report.add(name, Fate.MISSING)
        elif fault := _fault(weights[name], entry):
            reader.report.add(name, Fate.WRONG, fault)
        else:
            reader.take(name, entry, weights[name])
    for name in map(str, weights):
        if name not in reader.layout.entries:
            note = body_note(name) if kind == "pymaf" else None
            reader.report.add(name, Fate.UNKNOWN if note is None else Fate.DROPPED, note or "")
    if reader.report.faults:
        raise OfficialWeightsError(path, kind, reader.report)
    reader.state["mean"] = torch.cat([reader.mean[name] for name in MEAN_PARTS], dim=1)
    record = official_record(reader.layout, reader.vertices, body_topology(weights))
    return OfficialWeights(kind, reader.state, record, reader.report)


class _Reader:
    """Goes through a file once and remembers what later keys are compared with."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.report = Report()
        self.state: dict[str, Tensor] = {}
        self.mean: dict[str, Tensor] = {}
        self.vertices: list[int] | None = None

    def take(self, name: str, entry: Entry, value: Tensor) -> None:
        """Take one tensor of the right shape."""
        last = name.rsplit(".", 1)[-1]
        if entry.ours:
            self.state |= dict.fromkeys(entry.ours, value)
            self.report.add(name, Fate.LOADED, ", ".join(entry.ours))
        elif last in MEAN_PARTS:
            self._take_mean(name, last, value)
        elif last == "Dmap":
            self._take_vertices(name, value)
        elif torch.allclose(value, points_grid(), atol=1e-6):
            self.report.add(name, Fate.DROPPED, "a constant, built anew")
        else:
            self.report.add(name, Fate.WRONG, "is not the 21 x 21 grid from -1 to 1, x varying slowest")

    def _take_mean(self, name: str, part: str, value: Tensor) -> None:
        # the loop starts from the first regressor's; the others are never read (PyMAF models/pymaf_net.py)
        first = self.mean.setdefault(part, value)
        same = first.equal(value)
        self.report.add(
            name, Fate.LOADED if same else Fate.DROPPED, "mean" if same else "not regressor.0's, where the loop starts"
        )

    def _take_vertices(self, name: str, value: Tensor) -> None:
        picked = picked_vertices(value)
        self.vertices = self.vertices or picked
        if picked is None:
            self.report.add(name, Fate.WRONG, "has a row that does not pick exactly one vertex")
        elif picked != self.vertices:
            self.report.add(name, Fate.WRONG, "picks other vertices than the one before it")
        else:
            self.report.add(name, Fate.LOADED, f"{len(picked)} vertex indices")


def _layout(weights: Mapping[str, Any], kind: Kind) -> Layout:
    if kind == "spin":
        return spin_layout()
    found = [int(match[1]) + 1 for match in map(_ITERATION.match, map(str, weights)) if match]
    num_iterations = min(max(found, default=MAX_ITERATIONS), MAX_ITERATIONS)
    return pymaf_layout(num_iterations, dense_head=any(str(name).startswith("dp_head.") for name in weights))


def _fault(value: Any, entry: Entry) -> str | None:
    if not isinstance(value, Tensor):
        return f"is a {type(value).__name__}, not a tensor"
    if tuple(value.shape) != entry.shape:
        return f"has the shape {tuple(value.shape)}, expected {entry.shape}"
    if value.dtype != entry.dtype:
        return f"holds {value.dtype}, expected {entry.dtype}"
    return None
