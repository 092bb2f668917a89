"""Who stands upright by 2D joints."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pymaf_pl.body.joints import JOINTS_24
from pymaf_pl.data.annotations import load_annotations
from pymaf_pl.data.sources import Standing
from pymaf_pl.data.standing import has_straight_legs, stands_upright
from pymaf_pl.errors import InputError

Columns = dict[str, Any]
SOMEBODY = {  # 200 px tall, the torso is 60 px long
    "head_top": (100, 0), "neck": (100, 30), "right_shoulder": (80, 35), "left_shoulder": (120, 35),
    "right_hip": (90, 90), "left_hip": (110, 90), "right_knee": (90, 145), "left_knee": (110, 145),
    "right_ankle": (90, 200), "left_ankle": (110, 200),
}  # fmt: skip


def people(**moved: tuple[float, float]) -> np.ndarray:
    """One person, some joints elsewhere."""
    joints = np.zeros((1, 24, 3))
    for name, at in (SOMEBODY | moved).items():
        joints[0, JOINTS_24.index(name)] = (*at, 1)
    return joints


def test_somebody_who_stands_is_found() -> None:
    assert stands_upright(people()).tolist() == [True]
    assert has_straight_legs(people()).tolist() == [True]


@pytest.mark.parametrize(
    "moved",
    [
        {"head_top": (145, 0)},  # leans by 45 of 200 px
        {"head_top": (100, 40)},  # looks down, head below the neck
        {"left_ankle": (110, 170)},  # one foot up by 30 of 200 px
        {"right_knee": (90, 85)},  # sits: a knee above its hip
        {"left_hip": (110, 20)},  # bends over: a hip above the neck
    ],
)
def test_who_leans_sits_bends_or_lifts_a_foot_does_not_stand(moved: dict[str, tuple[float, float]]) -> None:
    assert stands_upright(people(**moved)).tolist() == [False]


@pytest.mark.parametrize("name", SOMEBODY)
def test_every_joint_that_is_looked_at_must_be_labelled(name: str) -> None:
    joints = people()
    joints[0, JOINTS_24.index(name), 2] = 0
    assert stands_upright(joints).tolist() == [False]


@pytest.mark.parametrize(
    "moved",
    [
        {"right_knee": (60, 145)},  # 30 px aside on 55: the knee bends by 57 degrees
        {"right_ankle": (90, 150), "right_knee": (90, 120)},  # 60 px from hip to ankle are less than 72
        {"right_ankle": (60, 200), "left_ankle": (140, 200), "right_knee": (75, 145), "left_knee": (125, 145)},
    ],
)
def test_bent_foreshortened_and_striding_legs_are_not_straight(moved: dict[str, tuple[float, float]]) -> None:
    assert has_straight_legs(people(**moved)).tolist() == [False]


def test_a_source_gives_those_who_stand(columns: Columns, save: Callable[[Columns], Path], images: Path) -> None:
    class Source:
        prepared = 0

        def needs(self) -> list[Path]:
            return [images]

        def prepare(self) -> None:
            self.prepared += 1

        def load(self) -> Any:
            return load_annotations(save(columns)), images

    columns["part"][:, :, 2] = 0
    columns["part"][2] = people()[0]
    columns["part"][4] = people(right_knee=(60, 145))[0]
    source = Source()
    everybody, straight = Standing(source), Standing(source, straight_legs=True)
    everybody.prepare()
    assert source.prepared == 1
    assert list(everybody.needs()) == [images]
    table, root = everybody.load()
    assert root == images
    assert table.imgname.tolist() == ["images/2.png", "images/4.png"]
    assert straight.load()[0].imgname.tolist() == ["images/2.png"]
    columns["part"][:, :, 2] = 0
    with pytest.raises(InputError, match="nobody stands upright"):
        everybody.load()
