"""What a page is made from, and how figures are named and written in it."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

KNOWN_COLUMNS = {"mpjpe": "MPJPE mm", "pa_mpjpe": "PA-MPJPE mm", "pve": "PVE mm"}
MISSING = "–"


@dataclass(frozen=True)
class PersonView:
    """One person on one photo, after every feedback iteration.

    ``overlays``, ``vertices`` and ``figures`` hold one entry per body[0..T]; each of the three may be left out
    (an empty sequence, or None for ``vertices``), but those that are given must agree on T.
    """

    name: str
    photo: np.ndarray
    """(H, W, 3) uint8, RGB"""
    overlays: Sequence[np.ndarray]
    """T+1 pictures of (H, W, 3) uint8, RGB"""
    vertices: np.ndarray | None
    """(T+1, V, 3) metres, camera axes: x right, y down, z forward"""
    target_vertices: np.ndarray | None
    """(V, 3) the ground truth in the same axes; shown beside the prediction, needs ``vertices``"""
    figures: Sequence[Mapping[str, float]]
    """per iteration, for example ``{"MPJPE mm": 123.4}``"""
    caption: str = ""
    group: str = ""
    """heading under which neighbours of the same group are shown"""


@dataclass(frozen=True)
class Curve:
    """One line of a chart; values that are not finite leave a gap."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def split_unit(column: str) -> tuple[str, str]:
    """Name and unit of a column: ``"pa_mpjpe"`` and ``"PA-MPJPE mm"`` are both ``("PA-MPJPE", "mm")``."""
    text = KNOWN_COLUMNS.get(column, column)
    match = re.fullmatch(r"(.*\S)[\s_]+[\[(]?(mm|°)[\])]?", text)
    return (match.group(1), match.group(2)) if match else (text, "")


def format_value(value: float | None, unit: str = "") -> str:
    """One decimal for millimetres and degrees, four significant digits for the rest, a dash for what is missing."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{value:.1f}" if unit in ("mm", "°") else f"{value:.4g}"
    return text.replace("-", "−")


def columns_of(rows: Iterable[Mapping[str, float]]) -> list[str]:
    """All keys of ``rows`` but ``iteration``, in the order in which they first appear."""
    return list(dict.fromkeys(key for row in rows for key in row if key != "iteration"))
