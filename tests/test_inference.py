"""What reaches the network: a box that is the crop already arrives unresampled."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pymaf_pl
from pymaf_pl.body import BodyModel
from pymaf_pl.data.images import write_png
from pymaf_pl.errors import InputError
from pymaf_pl.inference import PICTURE_SIDE, Box, Predictor
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


def test_a_person_shows_itself(spy: Spy, body: BodyModel) -> None:
    image = picture(500, 600)
    (person,) = Predictor(spy, body, 64).predict(image, [Box((300.0, 250.0), 300.0)])  # type: ignore[arg-type]
    assert person.crop.shape == (64, 64, 3)
    assert person.picture.shape == (300, 300, 3)  # the photo's own px, which the crop has lost
    assert np.array_equal(person.picture, image[100:400, 150:450])
    strip = person.figure(side=120)
    assert strip.size[0] == 120 + 8 + 120  # the photo and body[0], the mean body
    assert np.asarray(strip)[:120, :120].std() > 20
    assert "iframe" in person._repr_html_()
    assert repr(person) == "PersonPrediction(body[0..0], 6890 vertices, box 300 px at (300, 250))"


def test_nothing_is_sharper_than_the_photo_or_too_large_for_a_page(spy: Spy, body: BodyModel) -> None:
    predictor = Predictor(spy, body, 64)  # type: ignore[arg-type]
    image = picture(900, 900)
    near, far = predictor.predict(image, [Box((450.0, 450.0), 900.0), Box((450.0, 450.0), 20.0)])
    assert near.picture.shape == (PICTURE_SIDE, PICTURE_SIDE, 3)
    assert far.picture is far.crop


def test_a_persons_page_needs_nothing_beside_it(spy: Spy, body: BodyModel, tmp_path: Path) -> None:
    (person,) = Predictor(spy, body, 64).predict(picture(64, 64))  # type: ignore[arg-type]
    html = person.page(tmp_path / "person.html").read_text()
    assert 'id="viewer-meshes"' in html
    assert "default-src 'none'" in html
    assert "http://" not in html.replace("http://www.w3.org", "")


def test_a_photo_may_be_a_file(spy: Spy, body: BodyModel, tmp_path: Path) -> None:
    predictor, image = Predictor(spy, body, 64), picture(64, 64)  # type: ignore[arg-type]
    (person,) = predictor.predict(write_png(tmp_path / "photo.png", image))
    assert np.array_equal(person.crop, image)
    with pytest.raises(InputError, match="no such image"):
        predictor.predict(tmp_path / "nothing.png")


def test_the_package_names_what_a_notebook_needs() -> None:
    assert pymaf_pl.Box is Box
    assert pymaf_pl.Predictor is Predictor
    with pytest.raises(AttributeError, match="no attribute 'Boxes'"):
        pymaf_pl.Boxes  # noqa: B018
