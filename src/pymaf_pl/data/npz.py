"""Read an ``.npz`` as data: big columns are mapped, not copied, and nothing in it can run.

A member that numpy stored uncompressed is an ordinary array at some offset of the file, so it can be mapped from there.
A mapped file must not be written in place while it is in use; replace it under its name, as our own writers do.
Shapes are read from the headers before anything is allocated; pickled members go through the restricted unpickler.
"""

import math
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from pymaf_pl.body.smpl_pickle import UnsafePickleError, read_plain_pickle
from pymaf_pl.errors import InputError

Array = npt.NDArray[Any]
_LOCAL_HEADER = 30  # bytes before the name in a zip member's local header (APPNOTE.TXT 4.3.7)
_WORTH_MAPPING = 1 << 16  # bytes; smaller members are copied, and do not mind when their file is written anew
_BROKEN = (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, struct.error)


@dataclass(frozen=True)
class Header:
    """What a member says about itself.

    Attributes:
        shape: of the array.
        dtype: of the array; ``object`` for a pickled one.
        fortran: columns first.
        offset: where the numbers begin in the uncompressed member.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    offset: int


class NpzFile:
    """An open ``.npz``; a context manager.

    Raises:
        InputError: the file is no ``.npz``, or a part of it is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        try:
            self._zip = zipfile.ZipFile(path)
        except _BROKEN as error:
            raise self._broken(error) from None
        self._headers: dict[str, Header] = {}
        self.keys = tuple(name[:-4] for name in self._zip.namelist() if name.endswith(".npy"))

    def __enter__(self) -> "NpzFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._zip.close()

    def __contains__(self, key: str) -> bool:
        return key in self.keys

    def header(self, key: str) -> Header:
        """Return shape and type of a member; nothing but its header is read."""
        if key not in self._headers:
            try:
                with self._zip.open(f"{key}.npy") as stream:
                    self._headers[key] = self._read_header(key, stream)
            except _BROKEN as error:
                raise self._broken(error) from None
            except ValueError as error:
                raise InputError(f"{self.path}: '{key}' is not a numpy array ({_line(error)})") from None
        return self._headers[key]

    def read(self, key: str, mapped: bool = True) -> Array:
        """Return a member; where ``mapped`` and possible as a copy-on-write view of the file, else in memory.

        Raises:
            InputError: it is damaged, or a pickle that holds more than numbers, text, lists and dictionaries.
        """
        header = self.header(key)
        info = self._zip.getinfo(f"{key}.npy")
        try:
            plain = info.compress_type == zipfile.ZIP_STORED and not header.dtype.hasobject
            if mapped and plain and info.file_size >= _WORTH_MAPPING:
                return self._map(info, header)
            with self._zip.open(info) as stream:
                if header.dtype.hasobject:
                    stream.read(header.offset)
                    return self._unpickle(key, stream)
                return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
        except _BROKEN as error:
            raise self._broken(error) from None
        except (ValueError, MemoryError) as error:
            raise InputError(f"{self.path}: not a readable .npz ('{key}': {_line(error)})") from None

    def damage(self) -> str | None:
        """Return the name of the first member whose checksum is wrong."""
        try:
            return self._zip.testzip()
        except _BROKEN as error:
            raise self._broken(error) from None

    def _read_header(self, key: str, stream: IO[bytes]) -> Header:
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
        if read is None:
            raise ValueError(f"format version {version}")
        shape, fortran, dtype = read(stream)
        offset = stream.tell()
        claimed, there = math.prod(shape) * dtype.itemsize, self._zip.getinfo(f"{key}.npy").file_size - offset
        if min(shape, default=0) < 0 or (not dtype.hasobject and claimed != there):
            raise InputError(f"{self.path}: '{key}' claims the shape {shape}, {claimed} bytes, but has {there}")
        return Header(shape, dtype, fortran, offset)

    def _map(self, info: zipfile.ZipInfo, header: Header) -> Array:
        with self.path.open("rb") as file:
            file.seek(info.header_offset)
            local = file.read(_LOCAL_HEADER)
        name, extra = struct.unpack("<26x2H", local)
        offset = info.header_offset + _LOCAL_HEADER + name + extra + header.offset
        # mode c: what is written to the array stays in memory, and torch does not warn of read-only numbers
        mapped = np.memmap(self.path, header.dtype, "c", offset, header.shape, "F" if header.fortran else "C")
        return mapped.view(np.ndarray)  # the plain class is faster to index

    def _unpickle(self, key: str, stream: IO[bytes]) -> Array:
        try:
            value = read_plain_pickle(stream)
        except UnsafePickleError as error:
            raise InputError(f"{self.path}: '{key}' is a pickled object array, which is refused: {error}") from None
        except _BROKEN:
            raise
        except Exception as error:  # a broken pickle fails in any way it likes
            raise InputError(f"{self.path}: '{key}' is not a readable object array ({_line(error)})") from None
        return np.asarray(value, dtype=object) if not isinstance(value, np.ndarray) else value

    def _broken(self, error: Exception) -> InputError:
        return InputError(f"{self.path}: not a readable .npz, perhaps cut off while copying ({_line(error)})")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
