"""Results of a video in pieces, each there whole or not at all, so that a killed run goes on at the last one.

A piece is a pair, ``000012.mp4``, the frames with the bodies drawn, and ``000012.npz``, what was found in them; the
second is written last and makes the piece count.

Shapes:  R sightings (one person in one frame) of a piece, F frames, D detections, P people.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pymaf_pl.atomic import replacing
from pymaf_pl.errors import InputError

Columns = dict[str, Any]
"""Arrays by ``table.column``."""


@dataclass
class Record:
    """What is found in some frames, gathered row by row.

    Tables: ``frame`` (index, pts), ``detection`` (frame, corners, score), ``row`` (frame, person, box, pose, raw_pose,
    betas, transl, raw_transl, and confidence if it was asked for), ``portrait`` (person, crop, states), ``memory``
    (person, state of the filters at the end of the piece).
    """

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: str, **values: Any) -> None:
        """Append one row to a table."""
        self.tables.setdefault(table, []).append(values)

    def columns(self) -> Columns:
        """Return ``table.column`` arrays, one entry per row."""
        return {
            f"{table}.{key}": np.stack([np.asarray(row[key]) for row in rows])
            for table, rows in self.tables.items()
            for key in rows[0]
        }


class Store:
    """The pieces of one video.

    Args:
        folder: for the pieces alone; made if need be.
        settings: plain values; whatever changes the result. Pieces that were made with others are refused.

    Raises:
        InputError: the folder holds pieces of other settings.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        path, wanted = folder / "settings.json", json.loads(json.dumps(dict(settings)))
        if path.is_file():
            found = json.loads(path.read_text(encoding="utf-8"))
            other = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
            if other:
                raise InputError(
                    f"{folder}: was begun with another {', '.join(other)}; give those again, remove the folder, or "
                    "take another --out"
                )
        else:
            with replacing(path) as draft:
                draft.write_text(json.dumps(wanted, indent=1), encoding="utf-8")

    def count(self) -> int:
        """Return how many pieces are finished, from the first on without a gap."""
        number = 0
        while self._path(number, ".npz").is_file() and self.segment(number).is_file():
            number += 1
        return number

    def segment(self, number: int) -> Path:
        """Return where the drawn frames of a piece lie."""
        return self._path(number, ".mp4")

    def finish(self, number: int, record: Record) -> None:
        """Write down what was found; the piece counts from now on."""
        with replacing(self._path(number, ".npz")) as draft, draft.open("wb") as stream:
            np.savez(stream, **record.columns())

    def read(self, number: int, *tables: str) -> Columns:
        """Return the columns of some tables of a piece; a table without rows has none."""
        with np.load(self._path(number, ".npz"), allow_pickle=False) as file:
            return {name: file[name] for name in file.files if name.split(".")[0] in tables}

    def pieces(self, *tables: str) -> Iterator[Columns]:
        """Read the finished pieces one at a time."""
        for number in range(self.count()):
            yield self.read(number, *tables)

    def remove(self) -> None:
        """Delete the pieces, when all that they are for is written."""
        shutil.rmtree(self.folder)

    def _path(self, number: int, suffix: str) -> Path:
        return self.folder / f"{number:06d}{suffix}"
