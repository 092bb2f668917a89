"""SPIN's annotation table (the format of its datasets/base_dataset.py), read once and checked.

One ``.npz`` per data set and split. Files made for SPIN, PyMAF or PARE load unchanged; what we add are extra optional
keys: ``body_model`` (whose betas these are, ``smpl`` if absent), ``has_3d`` (N,) per row, and the camera. Big columns
that are stored uncompressed in float32, as our converters write them, stay in the file and are mapped.
"""

import ntpath
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pymaf_pl.data.npz import NpzFile
from pymaf_pl.errors import InputError

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
TextArray = npt.NDArray[np.str_]

_CHUNK = 65536  # rows looked at together; a mapped column is never wholly in memory


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
        gender: (N,) whose body ``shape`` belongs to: ``m``, ``f``, ``n`` for neutral, empty where it is not said.
        cam_intrinsics: (N, 4) focal lengths and principal point fx, fy, cx, cy in image px, zeros where unknown.
        transl: (N, 3) what to add to ``S`` for camera coordinates in metres, zeros where unknown.
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
    gender: TextArray
    cam_intrinsics: FloatArray
    transl: FloatArray
    body_model: str
    files: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.imgname)

    def rows(self, start: int, stop: int) -> "Annotations":
        """Return rows ``start`` to ``stop`` (exclusive) as a table of their own."""
        if not 0 <= start < stop <= len(self):
            raise InputError(f"{self.path}: rows {start}:{stop} are not within its {len(self)} rows")
        return self.take(slice(start, stop))

    def take(self, chosen: slice | BoolArray) -> "Annotations":
        """Return some rows as a table of their own."""
        cut: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            cut[field.name] = value[chosen] if isinstance(value, np.ndarray) else value
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


_FOREIGN = {  # a key that SPIN's format does not have: whose it is, and what converts it
    "extra_keypoints_2d": ("4D-Humans", "hmr2"),
    "body_keypoints_2d": ("4D-Humans", "hmr2"),
    "has_betas": ("4D-Humans", "hmr2"),
    "bbox_xywh": ("mmhuman3d (HumanData)", "humandata"),
}
# where a table has it, PARE reads it in the place of `pose` (pare/dataset/base_dataset.py)
_PARE_POSE = "pose_0yaw_inverseyz"
_GENDERS = {
    "m": "m",
    "f": "f",
    "n": "n",
    "male": "m",
    "female": "f",
    "neutral": "n",
    "": "",
    "0": "m",
    "1": "f",
    "-1": "",
}


def load_annotations(path: str | Path) -> Annotations:
    """Read and check a table.

    Raises:
        InputError: names the file, the key, the row and what was expected.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such annotation table")
    with NpzFile(path) as file:
        return _Reader(path, file).table()


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


def climbs_out(name: str) -> bool:
    """Return whether a relative path leaves the folder that it is relative to, on any system."""
    plain = posixpath.normpath(name.replace("\\", "/"))
    return plain.startswith(("/", "../")) or plain == ".." or bool(ntpath.splitdrive(name)[0])


class _Reader:
    """One table; shapes are checked from the headers before any column is read."""

    def __init__(self, path: Path, file: NpzFile) -> None:
        self.path, self.file = path, file
        for key in ("imgname", "center", "scale"):
            if key in file:
                continue
            for foreign in file.keys:
                if foreign in _FOREIGN:
                    whose, name = _FOREIGN[foreign]
                    raise InputError(
                        f"{path}: a table of {whose}; convert it first: pymaf data convert {name} --root {path} "
                        "--out TABLE.npz"
                    )
            raise InputError(f"{path}: no key '{key}'; an annotation table needs imgname, center and scale")
        shape = file.header("imgname").shape
        self.count = shape[0] if len(shape) == 1 else 1 if not shape else -1
        if self.count < 0:
            raise InputError(f"{path}: 'imgname' has the shape {shape}, expected one name per row")
        if self.count == 0:
            raise InputError(f"{path}: the table has no rows")

    def table(self) -> Annotations:
        pose = _PARE_POSE if _PARE_POSE in self.file else "pose"
        table = Annotations(
            path=self.path,
            imgname=self.files("imgname"),
            center=self.numbers("center", 2),
            scale=self.numbers("scale"),
            part=self.numbers("part", 24, 3),
            openpose=self.numbers("openpose", 25, 3),
            S=self.numbers("S", 24, 4),
            pose=self.numbers(pose, 72),
            shape=self.numbers("shape", 10),
            has_smpl=self.mask(("has_smpl", "valid_fit"), pose, "shape"),
            has_3d=self.mask(("has_3d",), "S"),
            maskname=self.files("maskname"),
            partname=self.files("partname"),
            gender=self.genders(),
            cam_intrinsics=self.numbers("cam_intrinsics", 4),
            transl=self.numbers("transl", 3),
            body_model=self.body_model(),
            files=(self.path,),
        )
        bad = np.flatnonzero(table.scale <= 0)
        if len(bad):
            raise InputError(
                f"{self.path}: 'scale' of row {bad[0]} is {table.scale[bad[0]]:g}; a box needs a positive size"
            )
        return table

    def numbers(self, key: str, *shape: int) -> FloatArray:
        """Return a column of numbers; zeros if there is none."""
        expected = (self.count, *shape)
        if key not in self.file:
            return np.zeros(expected, np.float32)
        header = self.file.header(key)
        self.check_shape(key, header.shape, expected)
        if not header.dtype.hasobject and header.dtype.kind not in "fiub":
            raise InputError(f"{self.path}: '{key}' holds {header.dtype}, expected numbers")
        values = self.file.read(key)
        if values.dtype.hasobject:
            try:
                values = np.array(values.tolist(), dtype=np.float32)
            except (TypeError, ValueError, OverflowError):
                raise InputError(f"{self.path}: '{key}' holds objects, expected numbers") from None
            self.check_shape(key, values.shape, expected)
        with np.errstate(over="ignore"):
            values = values.astype(np.float32, copy=False)
        for start in range(0, self.count, _CHUNK):
            finite = np.isfinite(values[start : start + _CHUNK]).reshape(-1, int(np.prod(shape))).all(axis=1)
            if not finite.all():
                row = start + int(np.flatnonzero(~finite)[0])
                raise InputError(f"{self.path}: '{key}' is not finite in row {row}")
        return values

    def mask(self, keys: tuple[str, ...], *needs: str) -> BoolArray:
        """Rows whose labels are valid: none if the table lacks one of the columns, all if it does not say."""
        if any(column not in self.file for column in needs):
            return np.zeros(self.count, dtype=bool)
        for key in keys:
            if key in self.file:
                return self.numbers(key).astype(bool)
        return np.ones(self.count, dtype=bool)

    def text(self, key: str) -> TextArray:
        """Return a column of text; empty if there is none."""
        if key not in self.file:
            return np.full(self.count, "", dtype=str)
        header = self.file.header(key)
        self.check_shape(key, header.shape or (1,), (self.count,))
        values = self.file.read(key).reshape(-1)
        if values.dtype.hasobject and all(isinstance(value, str | bytes) for value in values):
            values = np.array([v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values], dtype=str)
        if values.dtype.kind not in "US":
            raise InputError(f"{self.path}: '{key}' holds {values.dtype}, expected file names or text")
        self.check_shape(key, values.shape, (self.count,))
        try:
            return values.astype(str, copy=False)
        except UnicodeDecodeError:
            raise InputError(f"{self.path}: '{key}' holds bytes that are not ASCII; save it as text") from None

    def files(self, key: str) -> TextArray:
        """Return a column of paths, none of which leaves the image root."""
        names = self.text(key)
        for row, name in enumerate(names.tolist()):
            if (name.startswith(("/", "\\")) or ".." in name or ":" in name) and climbs_out(name):
                raise InputError(f"{self.path}: '{key}' of row {row} is {name!r}, which leaves the image root")
        return names

    def genders(self) -> TextArray:
        """Return m, f, n or nothing per row."""
        if "gender" in self.file and self.file.header("gender").dtype.kind in "iuf":
            values: npt.NDArray[Any] = self.numbers("gender").astype(int).astype(str)
        else:
            values = self.text("gender")
        known = {value: _GENDERS.get(value.lower()) for value in np.unique(values).tolist()}
        for value, meant in known.items():
            if meant is None:
                row = int(np.flatnonzero(values == value)[0])
                raise InputError(f"{self.path}: 'gender' of row {row} is {value!r}; expected m, f or n")
        return np.array([known[value] for value in values.tolist()], dtype="<U1")

    def body_model(self) -> str:
        if "body_model" not in self.file:
            return "smpl"
        header = self.file.header("body_model")
        if header.shape or header.dtype.kind not in "US":
            raise InputError(f"{self.path}: 'body_model' should be one word, such as smpl")
        return str(self.file.read("body_model"))

    def check_shape(self, key: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
        rows = found[0] if found else 0
        if rows != expected[0]:
            raise InputError(f"{self.path}: '{key}' ends at row {rows}, the table has {expected[0]} rows")
        if found != expected:
            raise InputError(f"{self.path}: '{key}' has rows of shape {found[1:]} (row 0), expected {expected[1:]}")
