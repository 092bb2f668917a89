"""Find run folders and read what `pymaf compare` needs of them; folders of training and of evaluation are alike."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pymaf_pl.commands.sweep_ledger import LEDGER
from pymaf_pl.errors import InputError
from pymaf_pl.metrics.people import PER_SAMPLE, PeopleFigures

SKIPPED = ("wandb", "checkpoints", "tensorboard", "meshes", "mlflow_files")  # trackers keep a config.yaml of their own
_NO_SETTING = ("seed", "name", "resume", "report_people", "logger", "protocol", "callbacks.progress")
_NO_SETTING_LAST = ("root", "synthetic_root", "image_root", "directory", "num_workers", "eval_batch_size")
_FILES = ("checkpoint", "init_from", "table", "weights")  # of these the file's name is a setting, its folder is not


class UnusableError(Exception):
    """Why a run folder is left out."""


@dataclass(frozen=True)
class Run:
    """One measured network.

    Attributes:
        folder: the run folder.
        given: the user's name for it, if any.
        name: of its configuration.
        seed: that it was trained with; None if unknown.
        settings: dotted key to text, of how it was trained, without seed, paths and names.
        named: keys that its command line set.
        choices: option of each configuration group; empty if unknown.
        steps: that it was trained for.
        parameters: trainable numbers.
        people: what was measured.
        flops: of one picture.
        ms_per_image: of one picture by itself.
        measured_on: which device.
        hours: of training, summed over processes.
        device: on which it was trained, ``cpu`` or ``cuda``.
    """

    folder: Path
    given: str
    name: str
    seed: int | None
    settings: Mapping[str, str]
    named: frozenset[str]
    choices: Mapping[str, str]
    steps: int | None
    parameters: int | None
    people: PeopleFigures
    flops: int | None = None
    ms_per_image: float | None = None
    measured_on: str = ""
    hours: float | None = None
    device: str = ""


def find_runs(words: Sequence[str]) -> tuple[list[Run], list[str]]:
    """Read the runs that words of the command line name.

    Args:
        words: a run folder, a folder that contains some at any depth, or either as ``LABEL=FOLDER``.

    Returns:
        The usable runs, and a line for each one that is left out.

    Raises:
        InputError: a folder does not exist or contains no run.
    """
    labels: dict[Path, str] = {}
    for word in words:
        label, folder = _parts(word)
        found = list(_run_folders(folder))
        if not found and not (folder / LEDGER).is_file():
            raise InputError(
                f"{folder}: no run in it; a run folder has a config.yaml, as pymaf train and eval write it"
            )
        known = {path.resolve(): path for path in labels}
        for path in found:
            path = known.get(path.resolve(), path)
            labels[path] = label or labels.get(path, "")
    runs, left_out = [], []
    for path, label in labels.items():
        try:
            runs.append(_read(path, label))
        except UnusableError as error:
            left_out.append(f"{path}: {error}")
    return runs, left_out


def folder_of(word: str) -> Path:
    """Return the folder that a word of the command line names."""
    return _parts(word)[1]


def _parts(word: str) -> tuple[str, Path]:
    """Split LABEL=FOLDER; both may hold further equals signs."""
    if Path(word).is_dir():
        return "", Path(word)
    pieces = word.split("=")
    for cut in range(1, len(pieces)):
        label, folder = "=".join(pieces[:cut]), "=".join(pieces[cut:])
        if label and folder and Path(folder).is_dir():
            return label, Path(folder)
    raise InputError(f"{word}: no such folder; give a run folder, a folder with some in it, or LABEL=FOLDER")


def _run_folders(folder: Path) -> Iterator[Path]:
    if (folder / "config.yaml").is_file():
        yield folder
        return
    for child in sorted(folder.iterdir(), key=_place):
        if child.is_dir() and child.name not in SKIPPED:
            yield from _run_folders(child)


def _place(path: Path) -> tuple[int, str]:
    """Jobs of a sweep by their number, 10 after 9."""
    return (int(path.name) if path.name.isdigit() else -1, path.name)


def _read(folder: Path, given: str) -> Run:
    if not (folder / "metrics.json").is_file():
        raise UnusableError("not finished, no metrics.json")
    if not (folder / PER_SAMPLE).is_file():
        checkpoint = folder / "checkpoints" / "last.ckpt"
        again = f"pymaf eval checkpoint={checkpoint}" if checkpoint.is_file() else "pymaf eval"
        raise UnusableError(f"no {PER_SAMPLE}; {again} measures it again")
    metrics, config = _mapping(folder / "metrics.json"), _mapping(folder / "config.yaml")
    record = _mapping(folder / "run.json") if (folder / "run.json").is_file() else {}
    try:
        people = PeopleFigures.load(folder / PER_SAMPLE)
    except InputError as error:
        raise UnusableError(str(error).removeprefix(f"{folder}/")) from None
    if people.protocol != metrics.get("protocol") or len(people) != metrics.get("num_samples"):
        raise UnusableError(f"{PER_SAMPLE} and metrics.json do not belong together")
    evaluated = {"checkpoint": config["checkpoint"]} if "checkpoint" in config else {}
    made = record.get("trained", {}) if evaluated else record | {"config": config}
    trained, extra = made.get("config", {}), metrics.get("extra", {})
    if not trained:
        raise UnusableError("its run.json does not say how the network was trained; pymaf eval again writes it")
    return Run(
        folder=folder,
        given=given,
        name=str(trained.get("name", folder.name)),
        seed=trained.get("seed"),
        settings=dict(_settings(trained | evaluated)),
        named=frozenset(word.partition("=")[0].lstrip("+~") for word in made.get("overrides", [])),
        choices={group: str(option) for group, option in made.get("choices", {}).items()},
        steps=extra.get("steps"),
        parameters=extra.get("parameters"),
        people=people,
        flops=extra.get("flops"),
        ms_per_image=extra.get("ms_per_image"),
        measured_on=str(extra.get("measured_on", "")),
        hours=_hours(made.get("cost") or {}),
        device=str((made.get("cost") or {}).get("device", "")),
    )


def _hours(cost: Mapping[str, Any]) -> float | None:
    seconds = cost.get("training_seconds")
    return None if seconds is None else float(seconds) * int(cost.get("processes", 1)) / 3600


def _mapping(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UnusableError(f"{path.name} cannot be read ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise UnusableError(f"{path.name} holds no mapping")
    return content


def _settings(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Flatten a configuration, without what says where or as what a run was stored."""
    last = key.rpartition(".")[2]
    if key in _NO_SETTING or last in _NO_SETTING_LAST:
        return
    if isinstance(node, dict | list) and node:
        children = node.items() if isinstance(node, dict) else enumerate(node)
        for name, child in children:
            yield from _settings(child, f"{key}.{name}".lstrip("."))
    else:
        yield key, _text(Path(node).name if last in _FILES and isinstance(node, str) else node)


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
