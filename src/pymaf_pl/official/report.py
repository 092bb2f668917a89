"""What became of every key of a published checkpoint."""

from collections import Counter
from enum import StrEnum
from typing import NamedTuple


class Fate(StrEnum):
    """What became of a key; the first two are as it should be."""

    LOADED = "loaded"
    DROPPED = "dropped"
    MISSING = "missing"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class Key(NamedTuple):
    """One key of theirs: its fate and a few words about it."""

    name: str
    fate: Fate
    note: str


class Report(list[Key]):
    """All keys in the order of the published network, what is too much at the end."""

    def add(self, name: str, fate: Fate, note: str = "") -> None:
        """Add a key."""
        self.append(Key(name, fate, note))

    @property
    def counts(self) -> Counter[Fate]:
        """How many keys met which fate."""
        return Counter(key.fate for key in self)

    @property
    def faults(self) -> list[str]:
        """What keeps the file from being used, one clause per key; empty if nothing does."""
        clauses = {
            Fate.MISSING: "it has no '{0.name}'",
            Fate.WRONG: "'{0.name}' {0.note}",
            Fate.UNKNOWN: "'{0.name}' is not a key of it",
        }
        return [clauses[key.fate].format(key) for key in self if key.fate in clauses]

    def summary(self) -> str:
        """Return the counts in words: loaded, dropped and missing always, the rest where there is any."""
        counts = self.counts
        told = [fate for fate in Fate if counts[fate] or fate in (Fate.LOADED, Fate.DROPPED, Fate.MISSING)]
        present = len(self) - counts[Fate.MISSING]
        return f"{present} keys: " + ", ".join(f"{counts[fate]} {fate}" for fate in told)
