"""SMPL pickles: old ones are read without chumpy, hostile ones are refused before anything runs."""

import codecs
import copyreg
import importlib.util
import io
import os
import pickle
import subprocess
import sys
import types
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import scipy.sparse

from pymaf_pl.body import BodyModel, load_body
from pymaf_pl.body.smpl_pickle import load_smpl_pickle
from pymaf_pl.errors import InputError

DATA = {
    "rows": np.arange(6.0).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6.0, dtype=np.float32).reshape(3, 2)),
    "faces": np.arange(6, dtype=np.uint32).reshape(2, 3),
    "bs_style": "lbs",
}


class Python2Pickler(pickle._Pickler):  # type: ignore[misc, name-defined]
    """Write what Python 2.7 and numpy 1 wrote: byte strings, and the module names of their time."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def save_string(self, value: Any) -> None:
        data = value.encode("latin1") if isinstance(value, str) else bytes(value)
        self.write(pickle.BINSTRING + len(data).to_bytes(4, "little") + data)
        self.memoize(value)

    def save_global(self, value: Any, name: str | None = None) -> None:
        if getattr(value, "__module__", None) == "numpy._core.multiarray":
            self.write(b"cnumpy.core.multiarray\n" + value.__name__.encode() + b"\n")
            self.memoize(value)
        else:
            super().save_global(value, name)

    dispatch[str] = dispatch[bytes] = save_string
    dispatch[types.FunctionType] = dispatch[types.BuiltinFunctionType] = save_global


def python2_bytes(value: Any) -> bytes:
    stream = io.BytesIO()
    Python2Pickler(stream, protocol=2).dump(value)
    return stream.getvalue()


@pytest.fixture
def chumpy(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """Stand-ins for the classes that official files name, there while a file is written and gone when it is read."""

    class Holder:
        def __init__(self, **state: Any) -> None:
            self.__dict__ |= state

    made = {}
    for module, name in (("chumpy.ch", "Ch"), ("chumpy.reordering", "Select"), ("scipy.sparse.csc", "csc_matrix")):
        made[name] = type(name, (Holder,), {"__module__": module})
        fake = types.ModuleType(module)
        setattr(fake, name, made[name])
        monkeypatch.setitem(sys.modules, module, fake)
    monkeypatch.setitem(sys.modules, "chumpy", types.ModuleType("chumpy"))
    return types.SimpleNamespace(undo=monkeypatch.undo, **made)


def refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_smpl_pickle(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("sparse", [scipy.sparse.csc_matrix, scipy.sparse.csr_matrix])
def test_plain_pickles_of_every_protocol_are_read(protocol: int, sparse: type, tmp_path: Path) -> None:
    dense = np.diag([1.0, 0, 2])[:2]
    path = tmp_path / "body.pkl"
    path.write_bytes(pickle.dumps(OrderedDict(DATA, J=sparse(dense), scale=np.float64(2.5)), protocol=protocol))
    loaded = load_smpl_pickle(path)
    for key in ("rows", "columns", "faces"):
        assert loaded[key].dtype == DATA[key].dtype
        np.testing.assert_array_equal(loaded[key], DATA[key])
    assert loaded["bs_style"] == "lbs"
    assert loaded["scale"] == 2.5
    np.testing.assert_array_equal(loaded["J"], dense)


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_chumpy_leaves_and_slices_become_arrays(protocol: int, tmp_path: Path, chumpy: types.SimpleNamespace) -> None:
    whole = np.arange(24.0).reshape(2, 3, 4)
    kept = np.arange(24).reshape(2, 3, 4)[:, :, :2].ravel()
    leaf = chumpy.Ch(x=whole, _dirty_vars={"x"}, _itr=None)
    content = pickle.dumps(
        {
            "leaf": leaf,
            "slice": chumpy.Select(a=leaf, idxs=kept, preferred_shape=(2, 3, 2), _dirty_vars=set()),
            "flat": chumpy.Select(a=leaf, idxs=np.array([5, 0])),
            "nested": chumpy.Ch(x=chumpy.Ch(x=whole)),
        },
        protocol=protocol,
    )
    chumpy.undo()
    assert importlib.util.find_spec("chumpy") is None
    (tmp_path / "body.pkl").write_bytes(content)
    loaded = load_smpl_pickle(tmp_path / "body.pkl")
    np.testing.assert_array_equal(loaded["leaf"], whole)
    np.testing.assert_array_equal(loaded["slice"], whole[:, :, :2])
    np.testing.assert_array_equal(loaded["flat"], [5, 0])
    np.testing.assert_array_equal(loaded["nested"], whole)


def test_a_chumpy_expression_is_refused_rather_than_guessed(tmp_path: Path, chumpy: types.SimpleNamespace) -> None:
    content = pickle.dumps({"sum": chumpy.Ch(b=np.ones(2), c=np.ones(2))}, protocol=2)
    chumpy.undo()
    assert "a chumpy object with the fields ['b', 'c']" in refusal(tmp_path / "body.pkl", content)


def test_official_style_python_2_file_is_the_same_body(
    smpl_folder: Path, smpl_dict, body: BodyModel, people, chumpy: types.SimpleNamespace
) -> None:
    sparse = scipy.sparse.csc_matrix(smpl_dict["J_regressor"])
    wide = chumpy.Ch(x=smpl_dict["shapedirs"].astype(np.float64))
    kept = np.arange(6890 * 3 * 12).reshape(6890, 3, 12)[:, :, :10]
    content = python2_bytes(
        smpl_dict
        | {
            "v_template": chumpy.Ch(x=smpl_dict["v_template"].astype(np.float64)),
            "shapedirs": chumpy.Select(a=wide, idxs=kept.ravel(), preferred_shape=kept.shape),
            "J_regressor": chumpy.csc_matrix(
                _shape=sparse.shape, data=sparse.data, indices=sparse.indices, indptr=sparse.indptr, maxprint=50
            ),
            "bs_type": "lrotmin",
        }
    )
    chumpy.undo()
    assert b"numpy.core.multiarray" in content
    assert b"_codecs" not in content
    (smpl_folder / "SMPL_NEUTRAL.npz").unlink()
    (smpl_folder / "SMPL_NEUTRAL.pkl").write_bytes(content)
    rotmat, betas = people(2)
    smpl = load_body("smpl", directory=smpl_folder)
    torch_difference = smpl(rotmat, betas).vertices - body(rotmat, betas).vertices
    assert torch_difference.abs().max() < 1e-6


class Reduce:
    """Pickle as a call."""

    def __init__(self, call: Callable[..., object], *arguments: object) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call, self.arguments


class PersistentPickler(pickle.Pickler):
    def persistent_id(self, value: object) -> str | None:
        return "anything" if isinstance(value, Reduce) else None


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    ("call", "code"),
    [
        (os.system, "touch {marker}"),
        (eval, "open('{marker}', 'w')"),
        (exec, "open('{marker}', 'w')"),
        (subprocess.getoutput, "touch {marker}"),
        (Path.touch, None),
        (np.load, "{marker}"),
        (getattr, "x"),
    ],
    ids=["os.system", "eval", "exec", "subprocess", "pathlib", "numpy.load", "getattr"],
)
def test_a_pickle_that_calls_something_is_refused_and_nothing_runs(
    call: Callable[..., object], code: str | None, protocol: int, tmp_path: Path
) -> None:
    marker = tmp_path / "executed"
    argument = marker if code is None else code.format(marker=marker)
    hostile = pickle.dumps(DATA | {"v_template": Reduce(call, argument)}, protocol=protocol)
    if call in (os.system, eval, exec):  # it does what it says where nobody looks
        pickle.loads(hostile)
        assert marker.exists()
        marker.unlink()
    message = refusal(tmp_path / "body.pkl", hostile)
    assert "refused to read this pickle: it names " in message
    assert not marker.exists()


def test_persistent_ids_are_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    PersistentPickler(stream, protocol=2).dump({"v_template": Reduce(print)})
    assert "it uses persistent ids" in refusal(tmp_path / "body.pkl", stream.getvalue())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a method through a dotted name", b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93."),
        ("a sibling in an allowed module", b"ccollections\nnamedtuple\n."),
    ],
)
def test_neighbours_of_allowed_names_are_refused(name: str, content: bytes, tmp_path: Path) -> None:
    assert "it names" in refusal(tmp_path / "body.pkl", content), name


multiarray, numeric = np._core.multiarray, np._core.numeric  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("call", "arguments", "said"),
    [
        (multiarray.scalar, (np.dtype(object), b"\0" * 8), "object scalars"),
        (numeric._frombuffer, (b"\0" * 8, np.dtype(object), (1,), "C"), "only arrays of numbers"),
        (multiarray._reconstruct, (np.dtype, (0,), b"b"), "only numpy.ndarray"),
        (copyreg._reconstructor, (np.ndarray, object, None), "copyreg may only rebuild stubs"),
        (codecs.encode, ("x", "rot13"), "only latin1"),
    ],
)
def test_rebuild_helpers_do_only_what_smpl_files_need(
    call: Callable[..., object], arguments: tuple[object, ...], said: str, tmp_path: Path
) -> None:
    assert said in refusal(tmp_path / "body.pkl", pickle.dumps({"x": Reduce(call, *arguments)}, protocol=2))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "EOFError"),
        (b"<html>404 not found</html>", "not a readable SMPL pickle"),
        (pickle.dumps(DATA)[:60], "not a readable SMPL pickle"),
        (pickle.dumps([1, 2]), "it holds a list, not a dictionary"),
        (b"\x80\x02}U\x01xcchumpy.ch\nCh\n)\x81K\x05bs.", "the state of a _Chumpy is a int, not a dict"),
        (b"\x80\x02}U\x01xcchumpy.ch\nCh\n)\x81s.", "a chumpy object with the fields []"),
        (b"\x80\x02}U\x01xcscipy.sparse.csc\ncsc_matrix\n)\x81s.", "not a readable SMPL pickle"),
    ],
)
def test_broken_content_is_refused_in_one_line(content: bytes, said: str, tmp_path: Path) -> None:
    assert said in refusal(tmp_path / "body.pkl", content)
