"""What reaches the network: a box that is the crop already arrives unresampled."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pymaf_pl.body import BodyModel
from pymaf_pl.inference import Box, Predictor
from pymaf_pl.types import BodyState, NetworkOutput


class Spy(nn.Module):
    """A network that keeps what it is shown and answers with the mean body."""

    def __init__(self, body: BodyModel) -> None:
        super().__init__()
        self.mean = body.mean_state()
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> NetworkOutput:
        self.seen.append(images)
        return NetworkOutput((BodyState.cat([self.mean] * len(images)),))


@pytest.fixture
def spy(body: BodyModel) -> Spy:
    return Spy(body)


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_box_of_the_whole_crop_sized_image_reaches_the_network_bit_by_bit(spy: Spy, body: BodyModel) -> None:
    image = picture(224, 224)
    person = Predictor(spy, body, 224).predict(image, [Box((112.0, 112.0), 224.0)])[0]  # type: ignore[arg-type]
    assert np.array_equal(person.crop, image)
    # the published code's ToTensor and Normalize
    scaled = torch.from_numpy(image).permute(2, 0, 1).contiguous().float().div(255)
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    assert spy.seen[0].equal(scaled.sub(mean).div(std)[None])
    assert spy.seen[0].is_contiguous()


def test_so_does_a_crop_sized_window_of_a_larger_image(spy: Spy, body: BodyModel) -> None:
    image = picture(300, 400)
    person = Predictor(spy, body, 224).predict(image, [Box((150.0, 130.0), 224.0)])[0]  # type: ignore[arg-type]
    assert np.array_equal(person.crop, image[18:242, 38:262])
