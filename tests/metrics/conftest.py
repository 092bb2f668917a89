from functools import partial
from pathlib import Path

import pytest

from measured_world import MakeWorld, build_world
from pymaf_pl.body import BodyModel


@pytest.fixture
def make_world(body: BodyModel, tmp_path: Path) -> MakeWorld:
    """Return ``make_world(count)``: people in boxes of different places and sizes."""
    return partial(build_world, body, tmp_path)
