"""Finding people with OpenCV's detector, on people that the project draws itself."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from pymaf_pl.body import load_body
from pymaf_pl.data.images import ImageArray
from pymaf_pl.detection import find_body, find_boxes, find_people
from pymaf_pl.inference import Box, Predictor
from pymaf_pl.render import overlay_meshes

HEIGHT, WIDTH = 480, 640


def street(heads: list[tuple[float, float]]) -> ImageArray:
    """A grey street with a standing figure, arms down, at each (x of the middle, height in px)."""
    body = load_body("open")
    rest = body.arrays.v_template * [1.0, -1.0, -1.0]
    turn = np.clip((np.abs(rest[:, 0]) - 0.18) / 0.1, 0, 1)[:, None]
    x, y, z = rest.T
    hanging = np.stack([np.sign(x) * (0.2 + 0.1 * (np.abs(x) - 0.2)), y + 0.95 * (np.abs(x) - 0.2), z], -1)
    figure = rest + turn * (hanging - rest)
    picture = np.full((HEIGHT, WIDTH, 3), 190, np.uint8)
    picture[HEIGHT // 2 :] = 150
    screens = []
    for middle, height in heads:
        scale = height / np.ptp(figure[:, 1])
        xy = (figure[:, :2] - [0, figure[:, 1].max()]) * scale + [middle, 440]
        screens.append(np.concatenate([xy, figure[:, 2:] + 5], axis=1))
    return overlay_meshes(picture, screens, [figure] * len(heads), body.faces.numpy())


def test_nobody_is_found_on_an_empty_street() -> None:
    assert find_people(street([])) == []


@pytest.mark.parametrize("zoom", [1, 2])
def test_two_who_stand_are_found_where_they_are(zoom: int) -> None:
    image = np.kron(street([(180, 330), (450, 300)]), np.ones((zoom, zoom, 1), np.uint8))
    found = sorted(find_people(image), key=lambda box: box.center[0])
    assert len(found) == 2
    for box, (middle, height) in zip(found, [(180, 330), (450, 300)], strict=True):
        assert box.center[0] == pytest.approx(zoom * middle, abs=0.1 * zoom * height)
        assert box.center[1] == pytest.approx(zoom * (440 - height / 2), abs=0.1 * zoom * height)
        assert box.size == pytest.approx(1.1 * zoom * height, rel=0.2)


def test_a_passer_by_far_away_is_not_meant() -> None:
    assert len(find_people(street([(180, 330), (450, 150)]))) == 1


def dense_head_that_sees(body: np.ndarray) -> Predictor:
    """A predictor whose dense head says body where the (8, 8) mask is set, whatever the photo."""
    part = torch.zeros(1, 25, 8, 8)
    part[0, 0] = torch.from_numpy(np.where(body, -9.0, 9.0))
    network = SimpleNamespace(
        backbone=lambda images: images,
        pyramid=lambda features: [features],
        dense_head=lambda _: SimpleNamespace(part=part),
    )
    return cast(Predictor, SimpleNamespace(network=network, image_size=64, device="cpu"))


def test_the_dense_heads_largest_body_is_the_box() -> None:
    body = np.zeros((8, 8), bool)
    body[2:6, 4:6] = True  # in eighths of the photo's longer side
    body[0, 0] = True
    image = np.zeros((40, 80, 3), np.uint8)
    box = find_body(dense_head_that_sees(body), image)
    assert box is not None
    assert box.center == pytest.approx((50.0, 20.0))  # columns 4 and 5 of 10 px; rows 2 to 5, the photo's being 2 to 5
    assert box.size == pytest.approx(1.1 * 40)


def test_a_photo_without_anybody_is_one_box() -> None:
    image = np.zeros((40, 80, 3), np.uint8)
    nobody = dense_head_that_sees(np.zeros((8, 8), bool))
    assert find_body(nobody, image) is None
    assert find_boxes(nobody, image) == [Box((40.0, 20.0), 80.0)]
    nobody.network.dense_head = None
    assert find_body(nobody, image) is None
