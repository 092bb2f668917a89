"""A table as it grows, and how it is written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pymaf_pl.atomic import replacing
from pymaf_pl.checksums import sha256
from pymaf_pl.data.annotations import climbs_out
from pymaf_pl.errors import InputError

Array = npt.NDArray[Any]
WIDTHS: dict[str, tuple[int, ...]] = {
    "imgname": (), "center": (2,), "scale": (), "part": (24, 3), "openpose": (25, 3), "S": (24, 4), "pose": (72,),
    "shape": (10,), "has_smpl": (), "has_3d": (), "maskname": (), "partname": (), "gender": (), "cam_intrinsics": (4,),
    "transl": (3,),
}  # fmt: skip
_TEXT = {"imgname", "maskname", "partname", "gender"}
_MASKS = {"has_smpl", "has_3d"}


class Rows:
    """Blocks of rows, and remarks that their reader should see.

    Attributes:
        notes: one line each: what was missing, what was left out.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._blocks: list[dict[str, Array]] = []

    def __len__(self) -> int:
        return sum(len(block["imgname"]) for block in self._blocks)

    def add(self, imgname: Sequence[str] | Array, **columns: npt.ArrayLike) -> None:
        """Append rows; columns that some blocks lack are filled with zeros or empty names.

        Raises:
            ValueError: a column of another length or width; the converter's own mistake.
        """
        if len(imgname) == 0:
            return
        block: dict[str, Array] = {"imgname": np.asarray(imgname, dtype=str)}
        for key, given in columns.items():
            values = np.asarray(given, dtype=str if key in _TEXT else np.uint8 if key in _MASKS else np.float64)
            expected = (len(imgname), *WIDTHS[key])
            if values.shape != expected:
                raise ValueError(f"column {key} has the shape {values.shape}, expected {expected}")
            with np.errstate(over="ignore"):  # what becomes infinite is refused when the table is written
                block[key] = values if key in _TEXT or key in _MASKS else values.astype(np.float32)
        self._blocks.append(block)

    def columns(self) -> dict[str, Array]:
        """Return whole columns, in the order of the format."""
        present = {key for block in self._blocks for key in block}
        whole: dict[str, Array] = {}
        for key in (key for key in WIDTHS if key in present):
            whole[key] = np.concatenate([self._of(block, key) for block in self._blocks])
        return whole

    @staticmethod
    def _of(block: dict[str, Array], key: str) -> Array:
        if key in block:
            return block[key]
        kind: Any = np.str_ if key in _TEXT else np.uint8 if key in _MASKS else np.float32
        return np.zeros((len(block["imgname"]), *WIDTHS[key]), kind)


def unusable(columns: dict[str, Array]) -> list[tuple[int, str]]:
    """Return rows that cannot be used and why: boxes without size, numbers that are not finite, names that climb."""
    bad: dict[int, str] = {}
    for row, name in enumerate(columns["imgname"].tolist()):
        if not name or climbs_out(name):
            bad[row] = f"imgname is {name!r}, which leaves the image root"
    for key, values in columns.items():
        if values.dtype.kind == "f":
            finite = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
            bad |= {int(index): f"{key} is not finite" for index in np.flatnonzero(~finite) if int(index) not in bad}
    empty = np.flatnonzero(~(columns["scale"] > 0))
    bad |= {int(index): "its box has no size" for index in empty if int(index) not in bad}
    return sorted(bad.items())


def write_table(rows: Rows, out: Path, source: Path, skip_bad: bool = False) -> dict[str, Array]:
    """Check the rows, write ``out`` and its ``.sha256`` beside it, whole or not at all, and return what was written.

    Numbers are float32 and stored uncompressed, so that they can be mapped.

    Raises:
        InputError: there are no rows, or a row cannot be used and ``skip_bad`` is off.
    """
    if not len(rows):
        raise InputError(f"{source}: no usable person found; nothing was written")
    columns = rows.columns()
    bad = unusable(columns)
    if bad:
        row, reason = bad[0]
        named = f"row {row} ({columns['imgname'][row]}): {reason}"
        if not skip_bad:
            more = f"; {len(bad)} such rows" if len(bad) > 1 else ""
            raise InputError(f"{source}: {named}{more}; mend them, or leave them out with --skip-bad")
        rows.notes.append(f"{len(bad)} unusable rows left out, the first: {named}")
        keep = np.ones(len(columns["imgname"]), bool)
        keep[[index for index, _ in bad]] = False
        columns = {key: values[keep] for key, values in columns.items()}
        if not keep.any():
            raise InputError(f"{source}: no usable row; the first was {named}")
    with replacing(out) as draft:
        np.savez(draft, allow_pickle=False, **columns)
    with replacing(out.with_suffix(".sha256")) as draft:  # in the format of sha256sum
        draft.write_text(f"{sha256(out)}  {out.name}\n", encoding="utf-8")
    return columns
