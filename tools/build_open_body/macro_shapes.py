"""MakeHuman's macro parameters: a few traits of a person -> the vertices of the base mesh.

A trait such as weight is a slider over two or three named levels. A shape target belongs to a combination
of levels, and its coefficient is the product of the levels' interpolation weights, so a person is
``base + sum of coefficient * target``.
"""

import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from build_open_body.arrays import Float32Array, FloatArray
from build_open_body.makehuman import Assets, BaseMesh

GENDERS = ("male", "female")
AGES = ("young", "old")  # 25 and 90 years; adults only
MUSCLES = ("minmuscle", "averagemuscle", "maxmuscle")
WEIGHTS = ("minweight", "averageweight", "maxweight")
HEIGHTS = ("minheight", "maxheight")
PROPORTIONS = ("idealproportions", "uncommonproportions")
CUPS = ("mincup", "averagecup", "maxcup")
FIRMNESSES = ("minfirmness", "averagefirmness", "maxfirmness")
RACES = ("african", "asian", "caucasian")


@dataclass(frozen=True)
class Phenotype:
    """Traits of a person. All run from 0 to 1 with 0.5 the average, unless said otherwise."""

    gender: float = 0.5
    """0 male, 1 female."""
    age: float = 0.0
    """0 is 25 years, 1 is 90 years."""
    muscle: float = 0.5
    weight: float = 0.5
    """May exceed 1, which extrapolates."""
    height: float = 0.5
    """Far from symmetric: 0 takes 0.37 m off the average, 1 adds 0.72 m."""
    proportions: float = 0.5
    cup: float = 0.5
    firmness: float = 0.5
    race: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)
    """Shares of `RACES`; scaled to sum 1."""

    def levels(self) -> dict[str, float]:
        """Return the interpolation weight of every named level."""
        return {
            "male": 1 - self.gender,
            "female": self.gender,
            "young": 1 - self.age,
            "old": self.age,
            **_three_levels(MUSCLES, self.muscle),
            **_three_levels(WEIGHTS, self.weight),
            **_three_levels(CUPS, self.cup),
            **_three_levels(FIRMNESSES, self.firmness),
            "minheight": max(0, 1 - 2 * self.height),
            "maxheight": max(0, 2 * self.height - 1),
            "uncommonproportions": max(0, 1 - 2 * self.proportions),
            "idealproportions": max(0, 2 * self.proportions - 1),
            **dict(zip(RACES, np.array(self.race) / np.sum(self.race), strict=True)),
        }


class MacroShapes:
    """The base mesh and its macro targets."""

    FOLDER: ClassVar[str] = "targets/macrodetails/"

    def __init__(self, assets: Assets, base: BaseMesh) -> None:
        self.base = base
        self.combinations = [(levels, path) for levels, path in _target_files() if path in assets]
        self.targets: Float32Array = np.stack(
            [assets.target(path, len(base.vertices)) for _, path in self.combinations],
        )

    def coefficients(self, person: Phenotype) -> Float32Array:
        """Return one coefficient per target."""
        level = person.levels()
        return np.array([np.prod([level[name] for name in names]) for names, _ in self.combinations], np.float32)

    def vertices(self, person: Phenotype) -> FloatArray:
        """Return the base mesh's vertices, helpers included, in MakeHuman's relaxed pose."""
        return self.base.vertices + np.tensordot(self.coefficients(person), self.targets, 1)


def _three_levels(names: tuple[str, str, str], value: float) -> dict[str, float]:
    """Hat functions over 0, 0.5, 1; beyond the ends they extrapolate."""
    return dict(zip(names, (max(0, 1 - 2 * value), 1 - abs(2 * value - 1), max(0, 2 * value - 1)), strict=True))


def _target_files() -> list[tuple[tuple[str, ...], str]]:
    """List the levels of every macro target with its path. MakeHuman leaves some combinations out."""
    folder = MacroShapes.FOLDER
    files: list[tuple[tuple[str, ...], str]] = []
    for build in itertools.product(GENDERS, AGES, MUSCLES, WEIGHTS):
        stem = "-".join(build)
        files.append((build, f"{folder}universal-{stem}.target.gz"))
        files += [((*build, height), f"{folder}height/{stem}-{height}.target.gz") for height in HEIGHTS]
        files += [((*build, form), f"{folder}proportions/{stem}-{form}.target.gz") for form in PROPORTIONS]
        if build[0] == "female":
            files += [
                ((*build, cup, firmness), f"targets/breast/{stem}-{cup}-{firmness}.target.gz")
                for cup, firmness in itertools.product(CUPS, FIRMNESSES)
            ]
    for race, gender, age in itertools.product(RACES, GENDERS, AGES):
        files.append(((race, gender, age), f"{folder}{race}-{gender}-{age}.target.gz"))
    return files
