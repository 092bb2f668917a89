"""Runs that differ in their seed only are one group; what tells two groups apart becomes their label."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pymaf_pl.commands.compare_runs import Run
from pymaf_pl.errors import InputError

_NO_CHOICE = ("logger", "protocol", "run", "local")  # configuration groups that train nothing
_CLASS = "._target_"
Column = tuple[str, tuple[str | None, ...]]  # a key, and its value in each group; None where there is no such key


@dataclass(frozen=True)
class Group:
    """The runs of one system.

    Attributes:
        label: what to call it.
        runs: one per seed.
    """

    label: str
    runs: tuple[Run, ...]

    def values(self, figure: str) -> npt.NDArray[np.float64]:
        """Return (S, T+1, N): every seed, iteration and person."""
        return np.stack([run.people.figures[figure] for run in self.runs]).astype(np.float64)


def group_runs(runs: Sequence[Run]) -> tuple[list[Group], list[str]]:
    """Group runs by configuration, in the order in which they were given.

    Returns:
        The groups, and a line for each run that repeats the seed of another one: it is no further evidence.

    Raises:
        InputError: two runs were measured by different protocols or on different people.
    """
    for run in runs[1:]:
        run.people.check_same_people(runs[0].people, str(run.folder), str(runs[0].folder))
    groups: dict[tuple[str, frozenset[tuple[str, str]]], list[Run]] = {}
    repeated = []
    for run in runs:
        group = groups.setdefault((run.given, frozenset(run.settings.items())), [])
        twin = next((other for other in group if run.seed is not None and other.seed == run.seed), None)
        if twin is None:
            group.append(run)
        else:
            repeated.append(f"{run.folder}: same configuration and seed as {twin.folder}")
    firsts = [group[0] for group in groups.values()]
    labels = _unique(_labels(firsts), firsts)
    return [Group(label, tuple(group)) for label, group in zip(labels, groups.values(), strict=True)], repeated


def find_group(groups: Sequence[Group], name: str | None) -> Group:
    """Return the group of that label, or the only one whose label contains the name; the first one for None.

    Raises:
        InputError: there is none, or more than one.
    """
    if name is None:
        return groups[0]
    fits = [g for g in groups if g.label == name]
    fits = fits or [g for g in groups if name in g.label.split()] or [g for g in groups if name in g.label]
    if len(fits) == 1:
        return fits[0]
    labels = [g.label for g in groups]
    close = difflib.get_close_matches(name, labels, n=1, cutoff=0.5)
    hint = f"; did you mean '{close[0]}'?" if close and not fits else ""
    wrong = "fits more than one group" if fits else "no such group"
    raise InputError(f"--baseline {name}: {wrong}{hint}; there are {', '.join(labels)}")


def _labels(firsts: Sequence[Run]) -> list[str]:
    """Name each group by what the command lines set differently, and by as little more as it takes."""
    named = frozenset().union(*(run.named for run in firsts))
    options, keys = _option_columns(firsts), _key_columns(firsts)
    shown = [column for column in options if column[0].removesuffix(_CLASS) in named]
    for column in (*options, *keys):
        asked_for = column[0] in named
        if column not in shown and (asked_for or not _follows(column, shown)):
            shown.append(column)
    texts = []
    for number, run in enumerate(firsts):
        words = [_word(key, value) for key, values in shown if (value := values[number]) is not None]
        alone = bool(run.given) and sum(other.given == run.given for other in firsts) == 1
        texts.append(run.given if alone else " ".join([run.given, *words]).strip())
    return texts


def _option_columns(firsts: Sequence[Run]) -> list[Column]:
    """Options of configuration groups that differ; the classes that they name where the options are not known."""
    if all(run.choices for run in firsts):
        keys = dict.fromkeys(key for run in firsts for key in run.choices if key not in _NO_CHOICE)
        return _differing(keys, [run.choices for run in firsts])
    keys = dict.fromkeys(key for run in firsts for key in sorted(run.settings) if key.endswith(_CLASS))
    return _differing(keys, [run.settings for run in firsts])


def _key_columns(firsts: Sequence[Run]) -> list[Column]:
    return _differing(sorted({key for run in firsts for key in run.settings}), [run.settings for run in firsts])


def _differing(keys: Iterable[str], mappings: Sequence[Mapping[str, str]]) -> list[Column]:
    columns = [(key, tuple(mapping.get(key) for mapping in mappings)) for key in keys]
    return [(key, values) for key, values in columns if len(set(values)) > 1]


def _follows(column: Column, shown: Sequence[Column]) -> bool:
    """Whether a column says nothing that those shown do not say already."""
    known: dict[tuple[str | None, ...], str | None] = {}
    rows = zip(*(values for _, values in shown), strict=True) if shown else [()] * len(column[1])
    return all(known.setdefault(row, value) == value for row, value in zip(rows, column[1], strict=True))


def _word(key: str, value: str) -> str:
    """Write a difference as the override that makes it."""
    if key.endswith(_CLASS):
        return f"{key.removesuffix(_CLASS)}={value.rpartition('.')[2]}"
    return f"{key}={'null' if value == 'None' else value}"


def _unique(labels: Sequence[str], firsts: Sequence[Run]) -> list[str]:
    """Fall back on names where nothing differs, and on folders where the names are the same too."""
    named = [label or run.name for label, run in zip(labels, firsts, strict=True)]
    return [
        f"{label} ({run.folder})" if named.count(label) > 1 else label for label, run in zip(named, firsts, strict=True)
    ]
