"""Files of other people, read as data, with one-line complaints."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pymaf_pl.body.smpl_pickle import UnsafePickleError, read_plain_pickle
from pymaf_pl.errors import InputError

FloatArray = npt.NDArray[np.float64]
_MOST_NUMBERS = 10**9  # in one HDF5 data set
_EXTRA = "pip install 'pymaf-pl[datasets]'"


def need(path: Path, what: str) -> Path:
    """Return ``path`` if it is there.

    Raises:
        InputError: says what was expected, and what similar is there instead.
    """
    if path.exists():
        return path
    beside = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
    shown = f"{path.parent} holds {', '.join(beside[:6])}{' ...' if len(beside) > 6 else ''}" if beside else "empty"
    raise InputError(
        f"{path}: not found; expected {what} ({shown if beside else f'{path.parent} is not there or empty'})"
    )


@contextmanager
def complaining(path: Path, what: str) -> Iterator[None]:
    """Turn whatever a parser raises on a broken file into one line that names the file."""
    try:
        yield
    except InputError:
        raise
    except UnsafePickleError as error:
        raise InputError(f"{path}: refused to read this pickle: {error}; {what} needs nothing of the kind") from None
    except ImportError as error:
        raise InputError(f"{path}: reading {what} needs {error.name}: {_EXTRA}") from None
    except Exception as error:  # parsers of foreign formats fail in any way they like
        told = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: not readable as {what} ({type(error).__name__}: {told})") from None


def read_json(path: Path, what: str) -> Any:
    """Return a JSON file's content."""
    need(path, what)
    with complaining(path, what):
        return json.loads(path.read_text(encoding="utf-8"))


def read_pickle(path: Path, what: str) -> dict[str, Any]:
    """Return the dictionary in a pickle that is made of numbers, text and arrays."""
    need(path, what)
    with complaining(path, what), path.open("rb") as stream:
        value = read_plain_pickle(stream)
        if not isinstance(value, dict):
            raise InputError(f"{path}: holds a {type(value).__name__}, expected a dictionary ({what})")
        return {str(key): item for key, item in value.items()}


def read_mat(path: Path, key: str, what: str) -> npt.NDArray[Any]:
    """Return a variable of a MATLAB file up to version 7."""
    need(path, what)
    with complaining(path, what):
        from scipy.io import loadmat

        content = loadmat(str(path), variable_names=[key])
    if key not in content:
        raise InputError(f"{path}: no variable '{key}'; expected {what}")
    return np.asarray(content[key])


@contextmanager
def open_hdf5(path: Path, what: str) -> Iterator[Any]:
    """Open an HDF5 file (MATLAB 7.3 included)."""
    need(path, what)
    with complaining(path, what):
        import h5py

        with h5py.File(path, "r") as file:
            yield file


def hdf5_array(dataset: Any, path: Path) -> npt.NDArray[Any]:
    """Return an HDF5 data set's values; its shape is only a claim until they are read, so it has a limit."""
    if math.prod(dataset.shape) > _MOST_NUMBERS:
        raise InputError(f"{path}: {dataset.name.strip('/')} claims the shape {dataset.shape}, which no data set has")
    return np.asarray(dataset)


def read_cdf(path: Path, what: str, width: int) -> FloatArray:
    """Return the poses (T, width) of one of Human3.6M's ``.cdf`` files."""
    need(path, what)
    with complaining(path, what):
        from cdflib import CDF

        poses = np.asarray(CDF(str(path)).varget("Pose"), dtype=np.float64)
    poses = poses.reshape(poses.shape[-2:]) if poses.ndim >= 2 else poses
    if poses.ndim != 2 or poses.shape[1] != width:
        raise InputError(f"{path}: 'Pose' has the shape {poses.shape}, expected (frames, {width})")
    return poses


def array(value: Any, shape: tuple[int, ...], path: Path, what: str) -> FloatArray:
    """Return numbers of a file in a shape; -1 matches any length.

    Raises:
        InputError: names file and field.
    """
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{path}: {what} is not an array of numbers") from None
    wrong = numbers.ndim != len(shape) or any(
        want not in (-1, have) for have, want in zip(numbers.shape, shape, strict=False)
    )
    if wrong:
        told = ", ".join("any" if side == -1 else str(side) for side in shape)
        raise InputError(f"{path}: {what} has the shape {numbers.shape}, expected ({told})")
    return numbers


def listing(folder: Path, pattern: str) -> list[Path]:
    """Return the matching files of a folder, sorted by name."""
    return sorted(folder.glob(pattern))
