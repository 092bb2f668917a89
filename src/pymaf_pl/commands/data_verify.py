"""Is a data set whole, and is it what its record says?"""

import hashlib
import json
from pathlib import Path
from typing import Any

from rich.progress import track

from pymaf_pl.checksums import sha256
from pymaf_pl.data.annotations import Annotations, climbs_out, load_annotations
from pymaf_pl.data.image_files import open_image
from pymaf_pl.data.npz import NpzFile
from pymaf_pl.errors import InputError


def verify(path: Path, image_root: Path) -> int:
    """Open every image of a table, compare a synthetic world with its record and a table with its checksum.

    Raises:
        InputError: the first image that does not open, or the first thing that differs from the record.
    """
    table = load_annotations(path)
    with NpzFile(path) as file:
        if (member := file.damage()) is not None:
            raise InputError(f"{path}: '{member}' is damaged: its checksum is wrong; copy or convert the table again")
    sums = path.with_suffix(".sha256")
    if sums.is_file():
        verify_sums(sums)
    record_path = path.with_suffix(".json")
    record = _read_record(record_path) if record_path.is_file() else None
    if record is not None:
        _compare(table, record, record_path)
    names = [*dict.fromkeys(table.imgname.tolist())]
    masks = [name for name in (*table.maskname.tolist(), *table.partname.tolist()) if name]
    for name in track([*names, *masks], description="opening images", transient=True):
        shape = open_image(image_root / name).shape
        if record is not None and shape[:2] != (record["size"], record["size"]):
            raise InputError(f"{image_root / name}: {shape[1]}x{shape[0]} px, {record_path.name} says {record['size']}")
    print(f"sha256 {sha256(path)}  {path}")
    print(f"{len(table)} rows, {len(names)} images and {len(masks)} masks open")
    told = f"matches {record_path.name}" if record is not None else "no record beside it: not a synthetic world of ours"
    print(told)
    return 0


def verify_sums(path: Path) -> int:
    """Compare files with a list of checksums in the format of ``sha256sum``; names are relative to the list's folder.

    Raises:
        InputError: the list is not one, or names the first file that is missing or differs.
    """
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable list of checksums ({error})") from None
    pairs = []
    for number, line in enumerate(lines, start=1):
        digest, _, name = line.partition(" ")
        name = name.strip().removeprefix("*")
        if len(digest) != 64 or set(digest.lower()) - set("0123456789abcdef") or not name:
            raise InputError(f"{path}: line {number} is not 'SHA256  NAME'")
        if climbs_out(name):
            raise InputError(f"{path}: line {number} names {name!r}, which is outside of the list's folder")
        pairs.append((digest.lower(), path.parent / name))
    if not pairs:
        raise InputError(f"{path}: no checksum in it")
    for expected, file in track(pairs, description="checksums", transient=True):
        if not file.is_file():
            raise InputError(f"{file}: missing; {path.name} names it")
        found = sha256(file)
        if found != expected:
            raise InputError(f"{file}: sha256 is {found}, {path.name} says {expected}: changed or damaged")
    print(f"{len(pairs)} checksum{'s' * (len(pairs) > 1)} of {path.name} agree")
    return 0


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable record ({error})") from None
    if not isinstance(record, dict) or "parameters_hash" not in record:
        raise InputError(f"{path}: not the record of a synthetic world; it has no parameters_hash")
    return record


def _compare(table: Annotations, record: dict[str, Any], path: Path) -> None:
    from pymaf_pl.data.synth.anatomy import shipped_anatomy
    from pymaf_pl.data.synth.recipe import GENERATOR_VERSION

    parameters = {key: value for key, value in record.items() if key != "parameters_hash"}
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:12]
    if digest != record["parameters_hash"]:
        raise InputError(f"{path}: its parameters hash to {digest}, it says {record['parameters_hash']}: it was edited")
    body = shipped_anatomy()[0]
    stem = f"{record['world']}_{record['split']}"
    for what, found, expected in (
        ("name of the table", table.path.stem, stem),
        ("rows", len(table), record["num"]),
        ("body model", table.body_model, record["body_model"]),
        ("topology of the body", body.topology, record["body_topology"]),
        ("generator version", GENERATOR_VERSION, record["generator_version"]),
    ):
        if found != expected:
            raise InputError(f"{table.path}: {what} is {found}, {path.name} says {expected}")
