"""What a card says: facts of the training run, measured figures, and prose."""

import difflib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import yaml

from pymaf_pl.checkpoints import Checkpoint
from pymaf_pl.errors import InputError

ABOUT_KEYS = ("summary", "trained_on", "poses", "good_for", "not_good_for", "licence")
_ABSOLUTE = re.compile(r"(?<![\w.~:/-])/(?:[^/\s,\]}']+/)+")


def training_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return how a checkpoint was trained, from its run folder as far as that is there.

    ``samples_seen`` counts a person as often as it was shown; ``epochs`` counts the last one, which may be partial.
    """
    if checkpoint.origin is not None:
        return {"origin": checkpoint.origin}
    facts: dict[str, Any] = {"epochs": checkpoint.epoch + 1, "steps": checkpoint.step}
    folder = run_folder(checkpoint.path)
    if folder is None:
        return facts
    config = _read_mapping(folder / "config.yaml")
    record = _read_mapping(folder / "run.json") if (folder / "run.json").is_file() else {}
    data, trainer = _mapping(config.get("data")), _mapping(config.get("trainer"))
    stages = [stage for stage in data.get("stages") or [] if isinstance(stage, Mapping)]
    groups = _mapping(data.get("groups"))
    used = {member for stage in stages for name in _mapping(stage.get("mix")) for member in groups.get(name) or (name,)}
    sources = {name: node for name, node in _mapping(data.get("sources")).items() if name in used}
    device = str(record.get("device", ""))
    per_device, accumulated = data.get("batch_size"), trainer.get("accumulate_grad_batches") or 1
    devices = _count(device) * int(trainer.get("num_nodes") or 1)
    return facts | {
        "experiment": config.get("name"),
        "seed": config.get("seed"),
        "image_size": config.get("image_size"),
        "samples_seen": checkpoint.step * per_device * accumulated * devices if per_device else None,
        "sources": {name: {"kind": _kind(node), "people": _people(node)} for name, node in sources.items()},
        "planned_stages": stages,
        "device": device or None,
        "command": _command(record.get("command") or []),
    }


def run_folder(checkpoint: Path) -> Path | None:
    """Return the folder of the run that a checkpoint lies in, if it does."""
    folder = checkpoint.parent.parent if checkpoint.parent.name == "checkpoints" else checkpoint.parent
    return folder if (folder / "config.yaml").is_file() else None


def read_figures(paths: Sequence[Path], measured: Mapping[str, str], run: Path | None) -> dict[str, Any]:
    """Return the content of ``metrics.json`` files by protocol, each with what it was measured on if that is known.

    Args:
        paths: of ``pymaf eval`` or of the run itself.
        measured: SHA-256 of a file of weights, and what to call it.
        run: folder of the run itself.

    Raises:
        InputError: a file is not a ``metrics.json``, or two are of the same protocol.
    """
    figures: dict[str, Any] = {}
    for path in paths:
        document = _read_mapping(path)
        protocol, rows = document.get("protocol"), document.get("iterations")
        if not isinstance(protocol, str) or not isinstance(rows, list) or not all(isinstance(r, Mapping) for r in rows):
            raise InputError(f"{path}: not a metrics.json of `pymaf eval` or `pymaf train`")
        if protocol in figures:
            raise InputError(f"{path}: there are figures of '{protocol}' already; give one file per protocol")
        beside = path.parent / "run.json"
        hashes = _mapping(_read_mapping(beside).get("data")).values() if beside.is_file() else ()
        on = next((measured[digest] for digest in hashes if digest in measured), None)
        if on is None and run is not None and path.parent.resolve() == run.resolve():
            on = "the run's last weights"
        figures[protocol] = document | {"measured_on": on}
    return figures


def read_about(path: Path) -> dict[str, Any]:
    """Return the prose of a card.

    Raises:
        InputError: not YAML, or a key or value that a card does not have.
    """
    about = _read_mapping(path)
    for key, value in about.items():
        if key not in ABOUT_KEYS:
            close = difflib.get_close_matches(str(key), ABOUT_KEYS, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            raise InputError(f"{path}: unknown key '{key}'{hint}; a card has {', '.join(ABOUT_KEYS)}")
        lines = value if isinstance(value, list) else [value]
        if not all(isinstance(line, str) for line in lines):
            raise InputError(f"{path}: '{key}' is a text or a list of texts")
    return {key: about[key] for key in ABOUT_KEYS if key in about}


def _read_mapping(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())[:120]})") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: keys and values are expected, this is {type(content).__name__}")
    return content


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(device: str) -> int:
    """Number of devices in a run's record of them, such as ``cuda:0 x 4``."""
    count = device.rpartition(" x ")[2]
    return int(count) if count.isdecimal() else 1


def _kind(node: Any) -> str:
    return str(_mapping(node).get("_target_", "")).rpartition(".")[2]


def _people(node: Any) -> int | None:
    """Rows of a source, as far as its configuration or its table tells."""
    node = _mapping(node)
    if isinstance(node.get("num"), int):
        return int(node["num"])
    if isinstance(rows := node.get("rows"), list) and len(rows) == 2:
        return int(rows[1]) - int(rows[0])
    if isinstance(children := node.get("sources"), list):
        counts = [_people(child) for child in children]
        return None if None in counts else sum(filter(None, counts))
    try:
        with np.load(Path(str(node["table"]))) as table:
            return len(table["imgname"])
    except (KeyError, OSError, ValueError, BadZipFile):
        return None


def _command(words: Sequence[str]) -> str | None:
    """The command line as one would type it; absolute folders mean nothing to those who read a card elsewhere."""
    if not words:
        return None
    program = Path(words[0]).name
    typed = [program if program.startswith("pymaf") else "pymaf", *map(shlex.quote, words[1:])]
    return _ABSOLUTE.sub(".../", " ".join(typed))
