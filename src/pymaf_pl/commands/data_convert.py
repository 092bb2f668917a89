"""``pymaf data convert``: raw files of a data set to an annotation table."""

import argparse
import hashlib
import shutil
from pathlib import Path

from pymaf_pl.data.catalogue import explain_count
from pymaf_pl.data.convert.registry import CONVERTERS, Converter, table_stem
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import write_table
from pymaf_pl.errors import InputError

# option of a converter: its word on the command line
_WORDS = {
    "spin": "--compat", "protocol": "--protocol", "mosh": "--mosh", "extract": "--extract", "masks": "--masks",
    "table": "--table", "boxes": "--boxes",
}  # fmt: skip
_IMAGES_ELSEWHERE = {"eft", "spin_fits", "humandata", "hmr2"}


def convert(options: argparse.Namespace) -> int:
    """Convert one split of one data set, say how many rows it has and what was missing.

    Raises:
        InputError: a file is missing or wrong, or an option does not belong to the data set.
    """
    converter = CONVERTERS[options.name]
    request = _request(options, converter)
    out = _out(options, request)
    parts = out.parent / f".{out.stem}.{hashlib.sha256(str(request.root.resolve()).encode()).hexdigest()[:8]}.parts"
    rows = converter.run(Request(**{**vars(request), "parts": parts}))
    written = write_table(rows, out, request.root, request.skip_bad)["imgname"].tolist()
    shutil.rmtree(parts, ignore_errors=True)
    notes = rows.notes
    if options.name not in _IMAGES_ELSEWHERE:
        notes += _missing_images(written, request.root.parent if converter.single_file else request.root)
    for note in notes:
        print(f"note: {note}")
    print(f"{out}  {explain_count(table_stem(options.name, request), len(written))}")
    return 0


def _request(options: argparse.Namespace, converter: Converter) -> Request:
    name = options.name
    split = options.split or next(iter(converter.tables))
    if split not in converter.tables:
        raise InputError(f"{name} has no split '{split}'; it has {', '.join(converter.tables)}")
    given = {
        "spin": options.compat == "spin" or None, "protocol": options.protocol, "mosh": options.mosh,
        "extract": options.extract or None, "masks": options.masks, "table": options.table, "boxes": options.boxes,
    }  # fmt: skip
    given = {key: value for key, value in given.items() if value is not None}
    for key in given:
        if key not in converter.options:
            takes = ", ".join(_WORDS[one] for one in sorted(converter.options)) or "no option of its own"
            raise InputError(f"{_WORDS[key]} is not for {name}; it takes {takes}")
    if name == "h36m" and split == "train" and options.protocol is not None:
        raise InputError("--protocol is for the split valid; training uses all four cameras")
    root: Path = options.root
    if not root.exists():
        raise InputError(f"{root}: not found; --root is the {'file' if converter.single_file else 'folder'} to convert")
    if root.is_file() and not converter.single_file and name != "eft":
        raise InputError(f"{root}: a file; --root of {name} is the folder that it was unpacked to")
    for key in ("mosh", "masks"):
        if key in given and not given[key].is_dir():
            raise InputError(f"{given[key]}: no such folder ({_WORDS[key]})")
    return Request(root=root, split=split, skip_bad=options.skip_bad, **given)


def _out(options: argparse.Namespace, request: Request) -> Path:
    out: Path = options.out
    if out.suffix != ".npz":
        if out.suffix and not out.is_dir():
            raise InputError(f"{out}: --out is a folder or a file that ends in .npz")
        out = out / f"{table_stem(options.name, request)}.npz"
    for source in (request.root, request.table):
        if source is not None and out.resolve() == source.resolve():
            raise InputError(f"{out}: would overwrite what it is made from; choose another --out")
    return out


def _missing_images(names: list[str], root: Path) -> list[str]:
    """Return the remark about images that are not there, if any are missing."""
    images = dict.fromkeys(names)
    missing = [name for name in images if not (root / name).is_file()]
    if not missing:
        return []
    return [f"{len(missing)} of {len(images)} images are not there (first: {root / missing[0]})"]
