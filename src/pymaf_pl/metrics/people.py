"""Every person's figures after every iteration: what intervals and comparisons are made from, and their file.

Shapes:  T feedback iterations, N people.
"""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pymaf_pl.atomic import replacing
from pymaf_pl.errors import InputError

FloatArray = npt.NDArray[np.floating[Any]]
PER_SAMPLE = "per_sample.npz"
_ABOUT = ("protocol", "row", "imgname", "bbox_center", "bbox_size")
_SAME_BOX_PX = 0.1  # the same labels made on two machines differ by less


@dataclass(frozen=True)
class PeopleFigures:
    """The figures of one network on N people; rows are in the data set's order, each person once.

    Attributes:
        protocol: by which it was measured.
        row: (N,) place in the data set.
        imgname: (N,) picture.
        bbox_center: (N, 2) of the person in the picture, px.
        bbox_size: (N,) px.
        figures: name to (T+1, N) float32 for body[0..T]; NaN where a person has no label.
    """

    protocol: str
    row: npt.NDArray[np.int64]
    imgname: npt.NDArray[np.str_]
    bbox_center: FloatArray
    bbox_size: FloatArray
    figures: Mapping[str, FloatArray]

    def __len__(self) -> int:
        return len(self.row)

    def save(self, path: Path) -> Path:
        """Write ``per_sample.npz``: one array per figure, beside ``protocol``, ``row``, ``imgname`` and the boxes."""
        about = {key: np.asarray(getattr(self, key)) for key in _ABOUT}
        arrays: dict[str, Any] = about | {name: values.astype(np.float32) for name, values in self.figures.items()}
        with replacing(path) as draft:
            np.savez_compressed(draft, **arrays)
        return path

    @classmethod
    def load(cls, path: Path) -> "PeopleFigures":
        """Read what :meth:`save` wrote.

        Raises:
            InputError: the file is missing, damaged or something else.
        """
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"{path}: not readable as per-person results ({error})") from None
        missing = [key for key in _ABOUT if key not in arrays]
        if missing:
            raise InputError(f"{path}: no key '{missing[0]}'; not per-person results of pymaf train or pymaf eval")
        about = {key: arrays.pop(key) for key in _ABOUT}
        wrong = [name for name, values in arrays.items() if values.ndim != 2 or values.shape[1] != len(about["row"])]
        if wrong or not arrays:
            raise InputError(f"{path}: {wrong[:1] or 'no figure'} is not of shape (T+1, {len(about['row'])})")
        return cls(**about | {"protocol": str(about["protocol"])}, figures=arrays)

    def means(self) -> list[dict[str, float]]:
        """Return one row per iteration: ``{"iteration": t, name: mean, ...}``; NaN where nobody has a label."""
        return mean_rows(self.figures)

    def check_same_people(self, other: "PeopleFigures", ours: str, theirs: str) -> None:
        """Make sure that row by row both are about the same person, measured the same way.

        Args:
            other: the other results.
            ours: what to call these in a message.
            theirs: what to call the others.

        Raises:
            InputError: protocols, pictures or boxes differ.
        """
        if self.protocol != other.protocol:
            raise InputError(
                f"{ours} was measured by {self.protocol}, {theirs} by {other.protocol}; compare one protocol at a time"
            )
        if len(self) != len(other):
            raise InputError(f"{ours} was measured on {len(self)} people, {theirs} on {len(other)}; measure both alike")
        far = np.abs(self.bbox_center - other.bbox_center).max(axis=1) > _SAME_BOX_PX
        far |= np.abs(self.bbox_size - other.bbox_size) > _SAME_BOX_PX
        differ = np.flatnonzero((self.row != other.row) | (self.imgname != other.imgname) | far)
        if len(differ):
            n = differ[0]
            raise InputError(
                f"{ours} and {theirs} were measured on different people, first at row {self.row[n]} "
                f"({self.imgname[n]} and {other.imgname[n]}); measure both alike"
            )


def mean_rows(figures: Mapping[str, FloatArray]) -> list[dict[str, float]]:
    """Average (T+1, N) figures over the people who have them; one row per iteration."""
    columns: dict[str, Sequence[float]] = {}
    for name, values in figures.items():
        known = ~np.isnan(values)
        total = np.where(known, values, 0.0).sum(axis=1, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            columns[name] = (total / known.sum(axis=1)).tolist()
    rows = zip(*columns.values(), strict=True)
    return [{"iteration": t, **dict(zip(columns, row, strict=True))} for t, row in enumerate(rows)]
