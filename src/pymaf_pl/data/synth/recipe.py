"""What decides a data set, and the side-car file that remembers it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymaf_pl.data.synth.anatomy import shipped_anatomy
from pymaf_pl.data.synth.options import WORLDS, World, WorldOptions
from pymaf_pl.data.synth.stage import photographs
from pymaf_pl.errors import InputError

GENERATOR_VERSION = 2
"""Raise it whenever the same parameters would give other pictures or labels."""
SPLITS = ("train", "val", "test")
SIZES = (32, 512)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a data set looks like."""

    world: World
    split: str
    num: int
    seed: int
    size: int
    options: WorldOptions

    @property
    def folder(self) -> str:
        """Name of the folder of pictures, and of the table."""
        return f"{self.world}_{self.split}"

    @property
    def has_masks(self) -> bool:
        """Whether silhouettes and part pictures are written too."""
        return self.split != "train"


def check(recipe: Recipe, workers: int) -> None:
    """Refuse parameters that are out of range."""
    if recipe.world not in WORLDS:
        raise InputError(f"world '{recipe.world}' is unknown; there are {' and '.join(WORLDS)}")
    if recipe.split not in SPLITS:
        raise InputError(f"split '{recipe.split}' is unknown; there are {', '.join(SPLITS)}")
    for name, value, least in (("num", recipe.num, 1), ("seed", recipe.seed, 0), ("workers", workers, 1)):
        if value < least:
            raise InputError(f"{name} is {value}, but must be at least {least}")
    if not SIZES[0] <= recipe.size <= SIZES[1]:
        raise InputError(f"size is {recipe.size}, but must be between {SIZES[0]} and {SIZES[1]} px")
    if recipe.options.backgrounds is not None:
        photographs(Path(recipe.options.backgrounds))


def record_of(recipe: Recipe) -> dict[str, Any]:
    """Return what decides the pictures, ready for JSON."""
    body = shipped_anatomy()[0]
    made_by = {
        "world": recipe.world,
        "split": recipe.split,
        "num": recipe.num,
        "seed": recipe.seed,
        "size": recipe.size,
        "options": recipe.options.as_plain(),
        "generator_version": GENERATOR_VERSION,
        "body_model": body.name,
        "body_topology": body.topology,
    }
    if recipe.options.backgrounds is not None:
        folder = Path(recipe.options.backgrounds)
        names = [f"{p.relative_to(folder)}:{p.stat().st_size}" for p in photographs(folder)]
        made_by["backgrounds_digest"] = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    text = json.dumps(made_by, sort_keys=True)
    return {**made_by, "parameters_hash": hashlib.sha256(text.encode()).hexdigest()[:12]}


def same_as_before(record: dict[str, Any], path: Path) -> bool:
    """Compare with what is there; refuse to mix two recipes in one folder."""
    if not path.exists():
        return False
    try:
        before = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); delete it to make the data set afresh") from error
    if before.get("parameters_hash") == record["parameters_hash"]:
        return True
    there, now = _flat(before), _flat(record)
    differs = [
        f"{key} {there.get(key, 'not set')} there, {now.get(key, 'not set')} now"
        for key in now | there
        if there.get(key) != now.get(key)
    ]
    raise InputError(
        f"{path.with_suffix('')} was made with other parameters ({'; '.join(differs) or 'unknown'}): choose another"
        f" folder, or delete it and {path.name}"
    )


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    options = {f"options.{key}": value for key, value in record.get("options", {}).items()}
    rest = {key: value for key, value in record.items() if key not in ("options", "parameters_hash")}
    return rest | options
