"""Is a data set whole, and is it what its record says?"""

import hashlib
import json
from pathlib import Path
from typing import Any

from rich.progress import track

from pymaf_pl.checksums import sha256
from pymaf_pl.data.annotations import Annotations, load_annotations
from pymaf_pl.data.images import read_image
from pymaf_pl.errors import InputError


def verify(path: Path, image_root: Path) -> int:
    """Open every image of a table, compare a synthetic world with its record, print the table's checksum.

    Raises:
        InputError: the first image that does not open, or the first thing that differs from the record.
    """
    table = load_annotations(path)
    record_path = path.with_suffix(".json")
    record = _read_record(record_path) if record_path.is_file() else None
    if record is not None:
        _compare(table, record, record_path)
    names = [*dict.fromkeys(table.imgname.tolist())]
    masks = [name for name in (*table.maskname.tolist(), *table.partname.tolist()) if name]
    for name in track([*names, *masks], description="opening images", transient=True):
        shape = read_image(image_root / name).shape
        if record is not None and shape[:2] != (record["size"], record["size"]):
            raise InputError(f"{image_root / name}: {shape[1]}x{shape[0]} px, {record_path.name} says {record['size']}")
    print(f"sha256 {sha256(path)}  {path}")
    print(f"{len(table)} rows, {len(names)} images and {len(masks)} masks open")
    told = f"matches {record_path.name}" if record is not None else "no record beside it: not a synthetic world of ours"
    print(told)
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
