"""What a protocol is: which numbers of whom, what they are made of, and what would make them not comparable.

Shapes:  N people, T feedback iterations.
"""

import re
import typing
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.errors import InputError
from pymaf_pl.metrics.per_person import Measured
from pymaf_pl.types import Batch, BodyState


class Table(typing.Protocol):
    """What a protocol may ask of a table of annotations beyond a batch."""

    @property
    def path(self) -> Path: ...  # noqa: D102
    @property
    def imgname(self) -> npt.NDArray[np.str_]: ...  # noqa: D102
    @property
    def part(self) -> npt.NDArray[np.float32]: ...  # noqa: D102
    @property
    def maskname(self) -> npt.NDArray[np.str_]: ...  # noqa: D102
    @property
    def partname(self) -> npt.NDArray[np.str_]: ...  # noqa: D102
    @property
    def gender(self) -> npt.NDArray[np.str_]: ...  # noqa: D102
    @property
    def body_model(self) -> str: ...  # noqa: D102
    def __len__(self) -> int: ...


class Protocol(ABC):
    """What is measured for one estimate of a batch of people.

    :meth:`attach` comes first, once per data set; then for each batch :meth:`prepare`, and :meth:`evaluate` for each of
    body[0..T]; at the end :meth:`pool`, for what only the whole set has.

    Args:
        name: how the numbers are quoted and logged.
        figures: what is reported for every iteration.
        variants: other readings, reported beside them.
        expected: people of the published set; None if no number is known.
        body: name of the body that the ground truth is of; None if any body may be measured.
        group: regular expression with one group, searched in a picture's file name: means are given per group too.

    Attributes:
        monitor: the figure that selects checkpoints.
        monitor_mode: ``min`` if lower is better, else ``max``.
        reservations: why the figures are not comparable to published ones; empty if they are.
        per_person: names of what :meth:`evaluate` returns for each person.
        pieces: names of further numbers of it and how many of each, for :meth:`pool`.
    """

    default_name: ClassVar[str]
    default_figures: ClassVar[tuple[str, ...]]
    pooled: ClassVar[frozenset[str]] = frozenset()
    known: ClassVar[frozenset[str] | None] = None  # all names that there are; None if a subclass looks itself
    monitor_mode: ClassVar[str] = "min"

    def __init__(
        self,
        name: str | None = None,
        figures: Sequence[str] | None = None,
        variants: Sequence[str] = (),
        expected: int | None = None,
        body: str | None = None,
        group: str | None = None,
    ) -> None:
        self.name = self.default_name if name is None else name
        self.figures = self.default_figures if figures is None else tuple(figures)
        self.variants, self.expected, self.body, self.group = tuple(variants), expected, body, group
        self.monitor = self.figures[0]
        self.reservations: list[str] = []
        self._table: Table | None = None
        if self.known is not None:
            self._refuse_unknown(self.known)

    def _refuse_unknown(self, known: Collection[str]) -> None:
        if unknown := [name for name in self.everything if name not in known]:
            raise InputError(f"protocol {self.name}: no figure '{unknown[0]}'; there are {', '.join(sorted(known))}")

    @property
    def everything(self) -> tuple[str, ...]:
        """Figures and variants."""
        return self.figures + self.variants

    @property
    def per_person(self) -> tuple[str, ...]:
        """Names of what :meth:`evaluate` returns for each person."""
        return tuple(name for name in self.everything if name not in self.pooled)

    @property
    def pieces(self) -> dict[str, int]:
        """Names of further numbers of :meth:`evaluate`, and how many of each."""
        return {}

    @property
    def ranking(self) -> str:
        """The figure by which the best and the worst people are found: the first that each person has alone."""
        return next(name for name in self.everything if name not in self.pooled)

    def attach(self, table: Table, image_root: Path, body: BodyModel) -> None:
        """Get to know the people; a second time with the same table and body costs nothing.

        Args:
            table: their labels.
            image_root: folder that its file names are relative to.
            body: of the estimates.

        Raises:
            InputError: something that the protocol needs is missing.
        """
        if self._table is table:
            return
        self.reservations = []
        if self.expected is not None and len(table) != self.expected:
            self.reservations.append(
                f"{table.path} gives {len(table):,} people, the published set has {self.expected:,}; "
                "take the whole of it, or convert it again"
            )
        if self.body is not None:
            whose = {"the estimates are": body.name, f"{table.path.name} is": table.body_model}
            self.reservations += [
                f"{what} of the '{name}' body, the ground truth is of the '{self.body}' body; "
                + (f"take a checkpoint trained on body={self.body}" if name == body.name else "take its own labels")
                for what, name in whose.items()
                if name != self.body
            ]
        self.inspect(table, image_root, body)
        self._table = table

    @property
    def table(self) -> Table:
        """The people that :meth:`attach` was given."""
        assert self._table is not None, f"{self.name} is not attached to a data set"
        return self._table

    def inspect(self, table: Table, image_root: Path, body: BodyModel) -> None:  # noqa: B027 - most need nothing
        """Read what the protocol needs beyond a batch, and add to ``reservations``."""

    @abstractmethod
    def prepare(self, body: BodyModel, batch: Batch) -> dict[str, Any]:
        """Decode the labels once per batch."""

    @abstractmethod
    def evaluate(self, body: BodyModel, state: BodyState, truth: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return ``per_person`` figures, (N,), NaN where a label is missing, and ``pieces``, (N, K)."""

    def pool(self, measured: Measured) -> dict[str, npt.NDArray[np.floating[Any]]]:
        """Return the figures of the whole set as everybody's share (T+1, N): their mean is the figure."""
        return {}

    def groups(self, row: npt.NDArray[np.int64]) -> npt.NDArray[np.str_] | None:
        """Return which group each row belongs to; None if the protocol has no groups."""
        if self.group is None:
            return None
        found = [re.search(self.group, Path(name).name) for name in self.table.imgname[row]]
        return np.array([match[1] if match else "other" for match in found])

    @abstractmethod
    def definition(self) -> dict[str, str]:
        """Say in words what the figures mean."""
