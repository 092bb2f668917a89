import numpy as np
import pytest

from pymaf_pl.errors import InputError
from pymaf_pl.report.strip import picture_strip


def test_pictures_stand_in_order_and_labels_below():
    red, blue = (np.full((20, 40, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))
    strip = np.asarray(picture_strip([red, blue], ["photo", "mean body"], side=100))
    assert strip.shape == (100 + 22, 200 + 8 + 200, 3)
    assert (strip[:100, :200] == (255, 0, 0)).all()
    assert (strip[:100, 208:] == (0, 0, 255)).all()
    below = strip[100:].min(axis=2) < 128
    assert below[:, :200].any()
    assert below[:, 208:].any()
    assert not below[:, 200:208].any()


def test_another_label_is_another_picture():
    picture = np.zeros((30, 30, 3), np.uint8)
    first, second = (np.asarray(picture_strip([picture], [label])) for label in ("1", "2 · final"))
    assert (first[:256] == second[:256]).all()
    assert (first[256:] != second[256:]).any()


def test_what_is_no_picture_is_named():
    with pytest.raises(InputError, match="picture 1 of the strip"):
        picture_strip([np.zeros((3, 3, 3), np.uint8), np.zeros((3, 3, 3))], ["a", "b"])
