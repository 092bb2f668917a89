"""SPIN's annotation table (the format of its datasets/base_dataset.py), read once and checked.

One ``.npz`` per data set and split. Files made for SPIN, PyMAF or PARE load unchanged; what we add are
extra optional keys: ``body_model`` (whose betas these are, ``smpl`` if absent) and ``has_3d`` (N,) per row.
"""

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pymaf_pl.errors import InputError

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
TextArray = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Annotations:
    """The columns of a table; N rows, one person each. What a table lacks is zeros with its mask off.

    Attributes:
        path: the file.
        imgname: (N,) image paths relative to the image root.
        center: (N, 2) box centre, image px.
        scale: (N,) box side / 200.
        part: (N, 24, 3) annotated 2D joints x, y, confidence, image px.
        openpose: (N, 25, 3) detected 2D joints.
        S: (N, 24, 4) 3D joints in metres, camera axes, and confidence.
        pose: (N, 72) axis-angle, root in the camera frame.
        shape: (N, 10) betas.
        has_smpl: (N,) pose and shape are valid.
        has_3d: (N,) S is valid.
        maskname: (N,) silhouettes relative to the image root, empty where there is none.
        partname: (N,) part masks likewise.
        body_model: the body that ``shape`` belongs to.
        files: all files that the rows come from.
    """

    path: Path
    imgname: TextArray
    center: FloatArray
    scale: FloatArray
    part: FloatArray
    openpose: FloatArray
    S: FloatArray
    pose: FloatArray
    shape: FloatArray
    has_smpl: BoolArray
    has_3d: BoolArray
    maskname: TextArray
    partname: TextArray
    body_model: str
    files: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.imgname)

    def rows(self, start: int, stop: int) -> "Annotations":
        """Return rows ``start`` to ``stop`` (exclusive) as a table of their own."""
        if not 0 <= start < stop <= len(self):
            raise InputError(f"{self.path}: rows {start}:{stop} are not within its {len(self)} rows")
        cut: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            cut[field.name] = value[start:stop] if isinstance(value, np.ndarray) else value
        return Annotations(**cut)

    @classmethod
    def concatenate(cls, tables: Sequence["Annotations"]) -> "Annotations":
        """Stack the rows of several tables; path and body model are the first one's."""
        first = tables[0]
        if len(tables) == 1:
            return first
        stacked: dict[str, Any] = {}
        for field in fields(cls):
            values = [getattr(table, field.name) for table in tables]
            stacked[field.name] = np.concatenate(values) if isinstance(values[0], np.ndarray) else values[0]
        return cls(**stacked | {"files": tuple(file for table in tables for file in table.files)})


_KEYS = {f.name for f in fields(Annotations)} - {"path", "files"}  # other columns are not read, and may be anything


def load_annotations(path: str | Path) -> Annotations:
    """Read and check a table.

    Raises:
        InputError: names the file, the key, the row and what was expected.
    """
    path = Path(path)
    raw = _read(path)
    for key in ("imgname", "center", "scale"):
        if key not in raw:
            raise InputError(f"{path}: no key '{key}'; an annotation table needs imgname, center and scale")
    count = raw["imgname"].size
    if count == 0:
        raise InputError(f"{path}: the table has no rows")

    def column(key: str, *shape: int) -> FloatArray:
        if key not in raw:
            return np.zeros((count, *shape), np.float32)
        return _checked(path, key, raw[key], (count, *shape))

    def mask(key: str, *needs: str) -> BoolArray:
        """Rows whose labels are valid: none if the table lacks one of the columns, all if it does not say."""
        if any(column not in raw for column in needs):
            return np.zeros(count, dtype=bool)
        return column(key).astype(bool) if key in raw else np.ones(count, dtype=bool)

    def names(key: str) -> TextArray:
        if key not in raw:
            return np.full(count, "", dtype=str)
        _check_shape(path, key, raw[key], (count,))
        if raw[key].dtype.kind not in "US":
            raise InputError(f"{path}: '{key}' holds {raw[key].dtype}, expected file names")
        return raw[key].astype(str)

    table = Annotations(
        path=path,
        imgname=names("imgname"),
        center=column("center", 2),
        scale=column("scale"),
        part=column("part", 24, 3),
        openpose=column("openpose", 25, 3),
        S=column("S", 24, 4),
        pose=column("pose", 72),
        shape=column("shape", 10),
        has_smpl=mask("has_smpl", "pose", "shape"),
        has_3d=mask("has_3d", "S"),
        maskname=names("maskname"),
        partname=names("partname"),
        body_model=str(raw.get("body_model", "smpl")),
        files=(path,),
    )
    bad = np.flatnonzero(table.scale <= 0)
    if len(bad):
        raise InputError(f"{path}: 'scale' of row {bad[0]} is {table.scale[bad[0]]:g}; a box needs a positive size")
    return table


def check_images(table: Annotations, image_root: Path) -> None:
    """Make sure that every image of a table is there.

    Raises:
        InputError: names the first missing file and how many there are.
    """
    missing = [name for name in dict.fromkeys(table.imgname.tolist()) if not (image_root / name).is_file()]
    if missing:
        raise InputError(
            f"{image_root / missing[0]}: image not found ({len(missing)} of the images of {table.path.name} are "
            "missing); check the image root"
        )


def _read(path: Path) -> dict[str, npt.NDArray[Any]]:
    if not path.is_file():
        raise InputError(f"{path}: no such annotation table")
    raw, key = {}, ""
    try:
        if not zipfile.is_zipfile(path):
            raise zipfile.BadZipFile("not a zip archive")
        with np.load(path, allow_pickle=False) as archive:
            for key in _KEYS.intersection(archive.files):
                raw[key] = archive[key]
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise InputError(
                f"{path}: '{key}' is a pickled object array, which is refused; save it as a plain array"
            ) from None
        raise InputError(f"{path}: not a readable .npz ({error})") from None
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InputError(f"{path}: not a readable .npz, perhaps cut off while copying ({error})") from None
    return raw


def _check_shape(path: Path, key: str, values: npt.NDArray[Any], shape: tuple[int, ...]) -> None:
    rows = len(values) if values.ndim else 0
    if rows != shape[0]:
        raise InputError(f"{path}: '{key}' ends at row {rows}, the table has {shape[0]} rows")
    if values.shape != shape:
        raise InputError(f"{path}: '{key}' has rows of shape {values.shape[1:]} (row 0), expected {shape[1:]}")


def _checked(path: Path, key: str, values: npt.NDArray[Any], shape: tuple[int, ...]) -> FloatArray:
    _check_shape(path, key, values, shape)
    if values.dtype.kind not in "fiub":
        raise InputError(f"{path}: '{key}' holds {values.dtype}, expected numbers")
    values = values.astype(np.float32)
    finite = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if not finite.all():
        raise InputError(f"{path}: '{key}' is not finite in row {int(np.flatnonzero(~finite)[0])}")
    return values
