"""``pymaf body``: what body-model files are there, and from one format to another."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pymaf_pl.atomic import replacing
from pymaf_pl.commands.subcommands import VerbParser
from pymaf_pl.errors import InputError

if TYPE_CHECKING:
    from pymaf_pl.body.files import BodyArrays

_EXAMPLES = """examples:
  pymaf body info
  pymaf body info --body smpl --body-dir ~/smpl
  pymaf body convert basicModel_neutral_lbs_10_207_0_v1.0.0.pkl ~/smpl/SMPL_NEUTRAL.npz
  pymaf body export --gender neutral --out SMPL_NEUTRAL.pkl     the open body, for tools that read SMPL files"""
_GENDERS: tuple[Literal["neutral", "male", "female"], ...] = ("neutral", "male", "female")
_LICENCES = {
    "open": "CC0 1.0, built from MakeHuman's CC0 assets; no data of SMPL in it",
    "smpl": "SMPL's own: registration, non-commercial research, no redistribution",
}


def main(arguments: Sequence[str]) -> int:
    """Run ``pymaf body``."""
    return _parser().run(arguments)


def _parser() -> VerbParser:
    parser = VerbParser("body", "Body-model files: what is found, and from one format to another.", _EXAMPLES)
    add = parser.add
    info = add("info", "the genders, files and licence of a body model", _info)
    info.add_argument("--body", choices=tuple(_LICENCES), default="open", help="default: open")
    info.add_argument("--body-dir", type=Path, metavar="DIR", help="folder of your SMPL files, for --body smpl")
    convert = add(
        "convert", "an SMPL file, old chumpy pickles included, to a plain .npz; no code of the file is run", _convert
    )
    convert.add_argument("source", type=Path, metavar="IN.pkl")
    convert.add_argument("out", type=Path, metavar="OUT.npz")
    export = add("export", "the open body in SMPL's file format, for other tools", _export)
    export.add_argument("--gender", choices=_GENDERS, default="neutral", help="default: neutral")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help=".npz or .pkl")
    for command in (convert, export):
        command.add_argument("--force", action="store_true", help="overwrite")
    return parser


def _info(options: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    if options.body == "open" and options.body_dir is not None:
        raise InputError("--body-dir is for --body smpl; the open body ships with the project")
    found, complaints = _open_bodies() if options.body == "open" else _smpl_bodies(options.body_dir)
    table = Table(title=f"body '{options.body}'", title_justify="left")
    for heading in ("", *_GENDERS):
        table.add_column(heading, overflow="fold")
    for name in next(iter(found.values()), {"file": ""}):
        table.add_row(name, *(found.get(gender, {"file": "not found"}).get(name, "") for gender in _GENDERS))
    Console().print(table)
    print(f"licence: {_LICENCES[options.body]}")
    print("loaded through the smplx package, whose own licence is non-commercial")
    for complaint in complaints:
        print(f"not usable: {complaint}")
    return 2 if complaints else 0


def _open_bodies() -> tuple[dict[str, dict[str, str]], list[str]]:
    from pymaf_pl.body.files import read_open_body

    return {gender: _facts(read_open_body(gender)) for gender in _GENDERS}, []


def _smpl_bodies(directory: Path | None) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Return the genders that are complete, and what keeps those that are not from being used."""
    from pymaf_pl.body.files import find_smpl_file, read_smpl_body

    if directory is None:
        raise InputError("--body smpl needs --body-dir FOLDER, the folder with your own SMPL files")
    directory = directory.expanduser()
    if not directory.is_dir():
        raise InputError(f"{directory}: no such folder")
    found: dict[str, dict[str, str]] = {}
    complaints, missing = [], []
    for gender in _GENDERS:
        try:
            file = find_smpl_file(directory, gender)
        except InputError as error:
            missing.append(error)
            continue
        try:
            found[gender] = _facts(read_smpl_body(directory, gender))
        except InputError as error:
            found[gender] = {"file": f"{file} (not usable)"}
            complaints.append(str(error))
    if not found:
        raise missing[0]
    whole_first = dict(sorted(found.items(), key=lambda item: -len(item[1])))
    return whole_first, list(dict.fromkeys(complaints))


def _facts(arrays: "BodyArrays") -> dict[str, str]:
    return {
        "file": arrays.source,
        "topology": arrays.topology,
        "vertices": str(len(arrays.v_template)),
        "faces": str(len(arrays.faces)),
        "joints": str(len(arrays.j_regressor)),
        "betas": str(arrays.shapedirs.shape[2]),
        "extra regressor": f"{len(arrays.extra_regressor)} joints",
        "H36M regressor": f"{len(arrays.h36m_regressor)} joints",
    }


def _convert(options: argparse.Namespace) -> int:
    from pymaf_pl.body.files import read_smpl_file

    if not options.source.is_file():
        raise InputError(f"{options.source}: no such file")
    if options.out.suffix != ".npz":
        raise InputError(
            f"{options.out}: the result is an .npz; name it SMPL_NEUTRAL.npz, SMPL_MALE.npz or SMPL_FEMALE.npz"
        )
    _check_target(options.out, options.force)
    _write(options.out, _with_tree(read_smpl_file(options.source)))
    print(f"{options.out}  {options.out.stat().st_size / 1e6:.1f} MB, plain arrays, 10 shape directions")
    return 0


def _export(options: argparse.Namespace) -> int:
    from pymaf_pl.body.files import read_open_body

    if options.out.suffix not in (".npz", ".pkl"):
        raise InputError(f"{options.out}: --out ends in .npz or .pkl")
    _check_target(options.out, options.force)
    body = read_open_body(options.gender)
    _write(
        options.out,
        _with_tree(
            {
                "v_template": body.v_template,
                "shapedirs": body.shapedirs,
                "posedirs": body.posedirs,
                "J_regressor": body.j_regressor,
                "weights": body.weights,
                "f": body.faces.astype("uint32"),
            }
        ),
    )
    print(f"{options.out}  the open body ({options.gender}); not SMPL, only its format")
    return 0


def _with_tree(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Add the kinematic tree as SMPL files spell it, the root's parent being the largest uint32."""
    import numpy as np

    from pymaf_pl.body.joints import PARENTS

    tree = np.stack([np.array(PARENTS, dtype=np.int64) % 2**32, np.arange(len(PARENTS))]).astype(np.uint32)
    return {**arrays, "kintree_table": tree}


def _check_target(path: Path, force: bool) -> None:
    if path.exists() and not force:
        raise InputError(f"{path}: is there already; --force overwrites it")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: no such folder")


def _write(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write under a temporary name, read it back as an SMPL file, then rename."""
    import pickle

    import numpy as np

    from pymaf_pl.body.files import read_smpl_file

    try:
        with replacing(path) as draft:
            with draft.open("wb") as stream:
                if path.suffix == ".npz":
                    np.savez_compressed(stream, **arrays)
                else:
                    pickle.dump(dict(arrays), stream, protocol=2)
            read_smpl_file(draft)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
