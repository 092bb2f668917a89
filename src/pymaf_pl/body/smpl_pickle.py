"""Read an SMPL pickle as data: no chumpy, and no code of the file's choosing.

Official SMPL files are Python-2 pickles with chumpy-wrapped arrays and a scipy.sparse joint regressor. Every class
that the file names becomes one of numpy's rebuild helpers or an inert stub that only keeps its state; any other name
is refused. Covers what chumpy 0.70 writes with protocols 0, 1 and 2, and plain arrays of any protocol.
"""

import collections
import pickle
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse

from pymaf_pl.errors import InputError


class UnsafePickleError(pickle.UnpicklingError):
    """The file names something that is not on the allow-list."""


class _Stub:
    """Hold the pickled state only; no foreign ``__init__``, ``__setstate__`` or ``__reduce__`` ever runs."""

    state: dict[str, Any]

    def __init__(self, *_: Any) -> None:
        self.state = {}

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise UnsafePickleError(f"the state of a {type(self).__name__} is a {type(state).__name__}, not a dict")
        self.state = state

    def array(self) -> Any:
        raise UnsafePickleError("a plain object holds no array")


class _Chumpy(_Stub):
    def array(self) -> npt.NDArray[Any]:
        state = self.__dict__.get("state", {})
        if "idxs" in state and "a" in state:  # chumpy.reordering.Select: a view a[idxs], reshaped
            flat = np.asarray(_plain(state["a"])).ravel()[np.asarray(state["idxs"]).ravel()]
            shape = state.get("preferred_shape")
            return flat if shape is None else flat.reshape(shape)
        if "x" in state:  # chumpy.ch.Ch: a leaf
            return np.asarray(_plain(state["x"]))
        raise UnsafePickleError(f"a chumpy object with the fields {sorted(state)} is not a leaf or a slice")


class _SparseColumns(_Stub):
    matrix: Any = scipy.sparse.csc_matrix

    def array(self) -> npt.NDArray[Any]:
        state = self.state
        shape = tuple(state.get("_shape", state.get("shape", ())))
        return np.asarray(self.matrix((state["data"], state["indices"], state["indptr"]), shape=shape).toarray())


class _SparseRows(_SparseColumns):
    matrix = scipy.sparse.csr_matrix


def _reconstruct(cls: type, shape: tuple[int, ...], _typecode: Any) -> npt.NDArray[Any]:
    if cls is not np.ndarray:
        raise UnsafePickleError("only numpy.ndarray may be rebuilt")
    return np.ndarray.__new__(np.ndarray, shape, np.dtype("b"))


def _frombuffer(raw: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: str) -> npt.NDArray[Any]:  # protocol 5
    if not isinstance(dtype, np.dtype) or dtype.hasobject:
        raise UnsafePickleError("only arrays of numbers may be rebuilt from bytes")
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if order == "F" else "C")


def _scalar(dtype: np.dtype[Any], raw: Any) -> Any:
    if dtype.hasobject:
        raise UnsafePickleError("object scalars are refused")
    return np.frombuffer(raw if isinstance(raw, bytes) else raw.encode("latin1"), dtype)[0]


def _encode(text: Any, encoding: str = "latin1") -> bytes:  # how Python 3 writes bytes with protocol 2
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise UnsafePickleError("only latin1 text may be encoded")
    return text.encode("latin1")


def _copyreg(cls: type, base: type, state: Any) -> _Stub:  # protocols 0 and 1
    if not (isinstance(cls, type) and issubclass(cls, _Stub) and base is object and state is None):
        raise UnsafePickleError("copyreg may only rebuild stubs")
    return cls()


_ALLOWED: dict[str, Any] = {
    "numpy.ndarray": np.ndarray,
    "numpy.dtype": np.dtype,
    "_codecs.encode": _encode,
    "collections.OrderedDict": collections.OrderedDict,
    "chumpy.ch.Ch": _Chumpy,
    "chumpy.reordering.Select": _Chumpy,
}
for _module in ("__builtin__", "builtins"):
    _ALLOWED |= {f"{_module}.{kind.__name__}": kind for kind in (set, frozenset, object)}
for _module in ("copy_reg", "copyreg"):
    _ALLOWED[f"{_module}._reconstructor"] = _copyreg
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _ALLOWED |= {f"{_module}._reconstruct": _reconstruct, f"{_module}.scalar": _scalar}
for _module in ("numpy.core.numeric", "numpy._core.numeric"):
    _ALLOWED[f"{_module}._frombuffer"] = _frombuffer
for _format, _stub in (("csc", _SparseColumns), ("csr", _SparseRows)):
    for _module in (f"scipy.sparse.{_format}", f"scipy.sparse._{_format}"):
        _ALLOWED[f"{_module}.{_format}_matrix"] = _stub


class _RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[f"{module}.{name}"]
        except KeyError:
            raise UnsafePickleError(f"it names {module}.{name}") from None

    def persistent_load(self, _pid: Any) -> Any:
        raise UnsafePickleError("it uses persistent ids")


def _plain(value: Any) -> Any:
    return value.array() if isinstance(value, _Stub) else value


def read_plain_pickle(stream: IO[bytes]) -> Any:
    """Return what a pickle holds when it is made of numbers, text, lists, dictionaries and arrays of these.

    Raises:
        UnsafePickleError: it names something else. A broken pickle raises whatever it likes.
    """
    return _RestrictedUnpickler(stream, encoding="latin1").load()


def load_smpl_pickle(path: str | Path) -> dict[str, Any]:
    """Return the dictionary in an SMPL ``.pkl``, chumpy and sparse arrays as plain numpy arrays.

    Raises:
        InputError: the file is no pickle, holds no dictionary, or names something that an SMPL file has no need of.
    """
    try:
        with open(path, "rb") as file:
            raw = _RestrictedUnpickler(file, encoding="latin1").load()
        if not isinstance(raw, dict):
            raise UnsafePickleError(f"it holds a {type(raw).__name__}, not a dictionary")
        return {str(key): _plain(value) for key, value in raw.items()}
    except UnsafePickleError as error:
        raise InputError(f"{path}: refused to read this pickle: {error}; SMPL files need nothing of the kind") from None
    except Exception as error:  # a broken pickle fails in any way it likes
        raise InputError(f"{path}: not a readable SMPL pickle ({type(error).__name__}: {error})") from None
