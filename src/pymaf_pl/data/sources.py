"""Where a table and its images come from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from pymaf_pl.data.annotations import Annotations, check_images, load_annotations
from pymaf_pl.data.standing import has_straight_legs, stands_upright
from pymaf_pl.data.synth.generate import generate_world
from pymaf_pl.data.synth.options import WorldOptions, default_options
from pymaf_pl.errors import InputError


class Source(Protocol):
    """Something that can be made ready and then read."""

    def needs(self) -> Sequence[Path]:
        """Return the files that somebody else must have made."""
        ...

    def prepare(self) -> None:
        """Make the files, if they are ours to make; runs in one process only."""
        ...

    def load(self) -> tuple[Annotations, Path]:
        """Return the checked table and the image root."""
        ...


def check_files(sources: Iterable[Source]) -> None:
    """Make sure that every file is there that sources cannot make.

    Raises:
        InputError: names all that are missing.
    """
    missing = [path for path in dict.fromkeys(p for source in sources for p in source.needs()) if not path.is_file()]
    if missing:
        what, maker = ("annotation table", "convert") if missing[0].suffix == ".npz" else ("index of shards", "pack")
        others = f"; nor are there {', '.join(map(str, missing[1:]))}" if missing[1:] else ""
        raise InputError(f"{missing[0]}: no such {what}{others} (`pymaf data {maker}` makes it)")


@dataclass(frozen=True)
class SpinTable:
    """A table of one's own in SPIN's format.

    Args:
        table: the ``.npz``.
        image_root: folder that its ``imgname`` is relative to.
        rows: first row and end, exclusive, to use only a part of it.
    """

    table: str
    image_root: str
    rows: tuple[int, int] | None = None

    def needs(self) -> Sequence[Path]:
        """Return the table; its images are looked for when it is read."""
        return (Path(self.table),)

    def prepare(self) -> None:
        """Nothing to make."""

    def load(self) -> tuple[Annotations, Path]:
        """Read and check the table, and make sure that its images are there."""
        table, root = load_annotations(self.table), Path(self.image_root)
        if self.rows is not None:
            table = table.rows(*self.rows)
        check_images(table, root)
        return table, root


@dataclass(frozen=True)
class SyntheticWorld:
    """A synthetic data set, rendered on first use and kept.

    Args:
        world: ``studio`` or ``wild``.
        root: folder that holds the data sets.
        num: people.
        split: ``train`` or ``val``; other people and other clothes.
        seed: of everything in it.
        size: side of the pictures in px.
        workers: rendering processes.
        options: effects that differ from the world's defaults.
    """

    world: Literal["studio", "wild"]
    root: str
    num: int
    split: str = "train"
    seed: int = 0
    size: int = 144
    workers: int = 2
    options: dict[str, Any] | None = None

    @property
    def has_silhouettes(self) -> bool:
        """Whether people can be cut out of its pictures."""
        return self.split != "train" or bool((self.options or {}).get("silhouettes", False))

    def needs(self) -> Sequence[Path]:
        """Nothing: it is rendered."""
        return ()

    def prepare(self) -> None:
        """Render what is missing."""
        self._generate()

    def load(self) -> tuple[Annotations, Path]:
        """Read the table."""
        return load_annotations(self._generate()), Path(self.root)

    def _options(self) -> WorldOptions:
        given = dict(self.options or {})
        unknown = sorted(given.keys() - {field.name for field in fields(WorldOptions)})
        if unknown:
            known = ", ".join(field.name for field in fields(WorldOptions))
            raise InputError(f"world option '{unknown[0]}' is unknown; there are {known}")
        return replace(default_options(self.world), **given)

    def _generate(self) -> Path:
        return generate_world(
            self.world,
            Path(self.root),
            self.num,
            self.split,
            self.seed,
            size=self.size,
            workers=self.workers,
            options=self._options(),
        )


@dataclass(frozen=True)
class Standing:
    """Those people of a source who stand upright, see :func:`pymaf_pl.data.standing.stands_upright`.

    Args:
        source: of whom.
        straight_legs: only those whose legs are straight below them.
    """

    source: Source
    straight_legs: bool = False

    def needs(self) -> Sequence[Path]:
        """Return what the source needs."""
        return self.source.needs()

    def prepare(self) -> None:
        """Make the source ready."""
        self.source.prepare()

    def load(self) -> tuple[Annotations, Path]:
        """Read the source and choose."""
        table, root = self.source.load()
        chosen = stands_upright(table.part)
        if self.straight_legs:
            chosen &= has_straight_legs(table.part)
        if not chosen.any():
            raise InputError(f"{table.path}: nobody stands upright in it, by the 2D joints of 'part'")
        return table.take(chosen), root


@dataclass(frozen=True)
class Joined:
    """Several sources under one image root, one after another.

    Args:
        sources: at least one; the same body model and the same image root.
    """

    sources: Sequence[Source]

    def needs(self) -> Sequence[Path]:
        """Return what any of them needs."""
        return [path for source in self.sources for path in source.needs()]

    def prepare(self) -> None:
        """Make all of them ready."""
        for source in self.sources:
            source.prepare()

    def load(self) -> tuple[Annotations, Path]:
        """Read all of them and stack their rows."""
        tables, roots = zip(*(source.load() for source in self.sources), strict=True)
        if len(set(roots)) != 1 or len({table.body_model for table in tables}) != 1:
            raise InputError("joined sources need the same image root and the same body model")
        return Annotations.concatenate(tables), roots[0]
