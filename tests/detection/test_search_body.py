"""Looking for one person with the network itself."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch
from street import HEIGHT, WIDTH, street
from torch import nn

from pymaf_pl.body import BodyModel
from pymaf_pl.body.parts import COARSE_NAMES
from pymaf_pl.detection import find_boxes
from pymaf_pl.detection.search import search_body, windows
from pymaf_pl.inference import Box, Predictor
from pymaf_pl.types import DenseLogits, NetworkOutput

SIDE = 32


class Seeing:
    """A network that answers as it is told, and has a dense head."""

    def __init__(self, answer: Callable[..., NetworkOutput]) -> None:
        self.answer, self.dense_head = answer, nn.Identity()

    def __call__(self, images: torch.Tensor, with_dense: bool) -> NetworkOutput:
        return self.answer(images, with_dense)


def predictor_that_sees(body: BodyModel, part: str, image_size: int = 64) -> Predictor:
    """A predictor whose mesh is the mean body wherever it looks, and whose dense head sees ``part`` everywhere."""

    def network(images: torch.Tensor, with_dense: bool) -> NetworkOutput:
        assert with_dense
        coarse = torch.zeros(len(images), len(COARSE_NAMES), SIDE, SIDE)
        coarse[:, COARSE_NAMES.index(part)] = 9.0
        return NetworkOutput((body.mean_state(),) * 2, DenseLogits(coarse, coarse, coarse, coarse))

    seeing = Seeing(network)
    known = SimpleNamespace(network=seeing, body=body, image_size=image_size, device="cpu", batch_size=1)
    return cast(Predictor, known)


@pytest.fixture(scope="module")
def shipped() -> Predictor:
    return Predictor.from_checkpoint()


@pytest.mark.parametrize(("middle", "height", "width"), [(180, 330, WIDTH), (430, 330, WIDTH), (180, 330, 340)])
def test_somebody_who_stands_in_a_street_is_found(shipped: Predictor, middle: int, height: int, width: int) -> None:
    box = search_body(shipped, np.ascontiguousarray(street([(middle, height)])[:, :width]))
    assert box is not None
    assert box.center[0] == pytest.approx(middle, abs=0.15 * height)
    assert box.center[1] == pytest.approx(440 - height / 2, abs=0.15 * height)
    assert box.size == pytest.approx(1.1 * height, rel=0.25)


def test_nobody_is_nobody_and_the_photo_is_the_box(shipped: Predictor) -> None:
    image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    assert search_body(shipped, image) is None
    assert find_boxes(shipped, image) == [Box((WIDTH / 2, HEIGHT / 2), float(WIDTH))]


def test_a_mesh_that_the_dense_head_does_not_see_is_not_believed(body: BodyModel) -> None:
    image = np.zeros((40, 80, 3), np.uint8)
    assert search_body(predictor_that_sees(body, "background"), image) is None
    # torso at hips and shoulders, but as much of it along the edges, as if somebody were cut off
    assert search_body(predictor_that_sees(body, "torso"), image) is None


def test_a_network_that_says_nothing_finds_nobody(body: BodyModel) -> None:
    broken = predictor_that_sees(body, "torso")
    broken.body = SimpleNamespace(joints_49=lambda rotmat, betas: torch.full((len(betas), 49, 3), torch.nan))
    assert search_body(broken, np.zeros((40, 80, 3), np.uint8)) is None


def test_without_a_dense_head_nobody_is_looked_for(body: BodyModel) -> None:
    blind = predictor_that_sees(body, "torso")
    blind.network.dense_head = None
    image = np.zeros((40, 80, 3), np.uint8)
    assert search_body(blind, image) is None
    assert find_boxes(blind, image) == [Box((40.0, 20.0), 80.0)]


@pytest.mark.parametrize("shape", [(480, 640), (640, 480), (100, 1000), (7, 7)])
def test_windows_cover_the_photo(shape: tuple[int, int]) -> None:
    height, width = shape
    boxes = windows(np.zeros((*shape, 3), np.uint8))
    assert boxes[0] == Box((width / 2, height / 2), float(max(shape)))
    for side in {box.size for box in boxes}:
        for length, axis in ((width, 0), (height, 1)):
            middles = sorted({box.center[axis] for box in boxes if box.size == side})
            assert middles[0] - side / 2 <= 1e-9
            assert middles[-1] + side / 2 >= length - 1e-9
            assert np.diff(middles).max(initial=0) <= 0.25 * side + 1e-9
