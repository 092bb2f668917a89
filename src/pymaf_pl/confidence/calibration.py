"""From disagreement to an expected error and to a chance, by maps that were fitted to labelled people.

Per joint: a weighted sum of the disagreements, no weight below zero, so that more disagreement is never more
trust; then two monotone, piecewise linear maps of that sum. The maps belong to one file of weights, and lie beside it:
``FILE.pt`` and ``FILE.confidence.json``.

Shapes:  N people, 49 joints, K knots.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pymaf_pl.atomic import replacing
from pymaf_pl.body.joints import JOINTS_49
from pymaf_pl.checksums import sha256
from pymaf_pl.confidence.disagreement import FEATURES
from pymaf_pl.errors import InputError

FloatArray = npt.NDArray[np.floating]
KIND = "pymaf_pl confidence"
WITHIN_MM = 100.0
"""What ``confidence`` is the chance of: that the joint lies within this distance of the truth, hips aligned."""


class Confidence(NamedTuple):
    """How far to trust joints; both (N, 49)."""

    chance: FloatArray
    """That the joint is off by less than ``WITHIN_MM``, in [0, 1]."""
    error_mm: FloatArray
    """By how much it will be off on average."""


@dataclass(frozen=True)
class Calibration:
    """The maps.

    Attributes:
        weights: (49, 1 + 4) a constant and one weight for each of ``FEATURES``.
        scores: (49, K) growing; where the maps have their knots.
        errors: (49, K) mm, never falling.
        chances: (49, K) never rising.
        sha256: of the weights that they belong to.
        facts: how they were fitted, and what they reach on people who had no part in it.
    """

    weights: FloatArray
    scores: FloatArray
    errors: FloatArray
    chances: FloatArray
    sha256: str
    facts: Mapping[str, Any]

    def __call__(self, features: FloatArray) -> Confidence:
        """Judge (N, 49, 4) disagreements."""
        scores = self.score(features)
        per_joint = range(len(JOINTS_49))
        chance = np.stack([np.interp(scores[:, j], self.scores[j], self.chances[j]) for j in per_joint], axis=1)
        error = np.stack([np.interp(scores[:, j], self.scores[j], self.errors[j]) for j in per_joint], axis=1)
        return Confidence(chance.astype(np.float32), error.astype(np.float32))

    def score(self, features: FloatArray) -> FloatArray:
        """Return the weighted sums (N, 49)."""
        return self.weights[:, 0] + np.einsum("njf,jf->nj", features, self.weights[:, 1:])


def calibration_path(weights: Path) -> Path:
    """Return where the calibration of a file of weights lies."""
    return weights.with_name(f"{weights.stem}.confidence.json")


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write plain JSON, whole or not at all."""
    columns = ("weights", "scores", "errors", "chances")
    rows = {
        joint: {name: [float(f"{v:.5g}") for v in getattr(calibration, name)[j]] for name in columns}
        for j, joint in enumerate(JOINTS_49)
    }
    document = {
        "kind": KIND,
        "schema": 1,
        "sha256": calibration.sha256,
        "features": FEATURES,
        "within_mm": WITHIN_MM,
        "facts": calibration.facts,
        "joints": rows,
    }
    text = json.dumps(document, indent=1)
    with replacing(path) as draft:
        draft.write_text(_rows_on_lines(text) + "\n", encoding="utf-8")


def read_calibration(weights: Path) -> Calibration | None:
    """Return the calibration beside a file of weights; None if there is none.

    Raises:
        InputError: it is unreadable, or was fitted to other weights.
    """
    path = calibration_path(weights)
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["kind"] != KIND or tuple(document["features"]) != FEATURES or document["within_mm"] != WITHIN_MM:
            raise ValueError("of another kind")
        rows = [document["joints"][joint] for joint in JOINTS_49]
        columns = {name: np.array([row[name] for row in rows]) for name in ("weights", "scores", "errors", "chances")}
        calibration = Calibration(**columns, sha256=document["sha256"], facts=document["facts"])
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(f"{path}: not a readable calibration ({type(error).__name__}: {error})") from None
    if calibration.sha256 != sha256(weights):
        raise InputError(f"{path}: fitted to other weights than {weights.name}; `pymaf checkpoint confidence` makes it")
    return calibration


def _rows_on_lines(text: str) -> str:
    """Put every list of numbers on one line."""
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        if inside:
            lines[-1] += line.strip() + (" " if line.rstrip().endswith(",") else "")
            inside = not line.strip().startswith("]")
        else:
            lines.append(line)
            inside = line.endswith("[")
    return "\n".join(lines)
