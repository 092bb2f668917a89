"""Finding people with OpenCV's detector, on people that the project draws itself."""

import numpy as np
import pytest
from street import street

from pymaf_pl.data.images import ImageArray
from pymaf_pl.detection import HogDetector
from pymaf_pl.inference import Box


def look(image: ImageArray) -> list[Box]:
    return [person.box for person in HogDetector()([image])[0]]


def test_nobody_is_found_on_an_empty_street() -> None:
    assert look(street([])) == []


@pytest.mark.parametrize("zoom", [1, 2])
def test_two_who_stand_are_found_where_they_are(zoom: int) -> None:
    image = np.kron(street([(180, 330), (450, 300)]), np.ones((zoom, zoom, 1), np.uint8))
    found = sorted(look(image), key=lambda box: box.center[0])
    assert len(found) == 2
    for box, (middle, height) in zip(found, [(180, 330), (450, 300)], strict=True):
        assert box.center[0] == pytest.approx(zoom * middle, abs=0.1 * zoom * height)
        assert box.center[1] == pytest.approx(zoom * (440 - height / 2), abs=0.1 * zoom * height)
        assert box.size == pytest.approx(1.1 * zoom * height, rel=0.2)


def test_a_passer_by_far_away_is_not_meant() -> None:
    assert len(look(street([(180, 330), (450, 150)]))) == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 2000), (2000, 1), (300, 20000), (20000, 300), (40, 640)])
def test_pictures_of_any_shape_are_looked_at(shape: tuple[int, int]) -> None:
    assert look(np.full((*shape, 3), 120, np.uint8)) == []
