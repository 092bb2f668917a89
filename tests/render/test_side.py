import numpy as np
import pytest

from pymaf_pl.body import BodyModel
from pymaf_pl.render import overlay_meshes
from pymaf_pl.render.side import side_view

PAPER = 244


def covered(picture: np.ndarray) -> np.ndarray:
    return (picture != PAPER).any(axis=2)


def test_the_farther_person_stands_further_to_the_right(body: BodyModel) -> None:
    standing = body.v_template.numpy() * [1, -1, -1]  # faces the camera
    people = [standing + np.array([0, 0, 4]), standing + np.array([0.5, 0, 7])]
    picture = side_view(people, body.faces.numpy(), height=200, colours=[(0.9, 0.1, 0.1), (0.1, 0.1, 0.9)])
    there = covered(picture)
    assert picture.shape[0] == 200
    red = there & (picture[..., 0] > picture[..., 2])
    blue = there & (picture[..., 2] > picture[..., 0])
    left, right = (np.flatnonzero(mask.any(axis=0)).mean() for mask in (red, blue))
    height = np.ptp(np.flatnonzero(there.any(axis=1)))
    assert (right - left) / height == pytest.approx(3 / np.ptp(standing[:, 1]), rel=0.05)
    assert (left, right) == pytest.approx((picture.shape[1] - right, picture.shape[1] - left), abs=4)


def test_depth_shows_and_width_does_not(body: BodyModel) -> None:
    tpose = body.v_template.numpy() * [1, -1, -1]
    front, side = np.ptp(tpose[:, 0]), np.ptp(tpose[:, 2])
    there = covered(side_view([tpose], body.faces.numpy(), height=200))
    wide, tall = (np.ptp(np.flatnonzero(there.any(axis=axis))) for axis in (0, 1))
    assert wide / tall == pytest.approx(side / np.ptp(tpose[:, 1]), rel=0.1)
    assert front > 3 * side


def test_nobody_is_an_empty_sheet() -> None:
    assert (side_view([], np.zeros((0, 3), int), height=20) == PAPER).all()


@pytest.mark.parametrize("quick", [False, True])
def test_every_vertex_may_have_its_own_colour(body: BodyModel, quick: bool) -> None:
    standing = body.v_template.numpy() * [1, -1, -1]
    screen = np.concatenate([standing[:, :2] * 40 + [48, 60], standing[:, 2:] + 4], axis=1)
    colours = np.where(standing[:, :1] > 0, (0.9, 0.1, 0.1), (0.1, 0.1, 0.9))
    grey = np.full((100, 96, 3), 128, np.uint8)
    picture = overlay_meshes(grey, [screen], [standing], body.faces.numpy(), [colours], quick=quick).astype(int)
    there = (picture != 128).any(axis=2)
    redness = picture[..., 0] - picture[..., 2]
    columns = np.arange(96) >= 48
    assert (redness[:, columns][there[:, columns]] > 0).mean() > 0.95
    assert (redness[:, ~columns][there[:, ~columns]] < 0).mean() > 0.95
    with pytest.raises(ValueError, match="colours are r g b"):
        overlay_meshes(grey, [screen], [standing], body.faces.numpy(), [colours * 2], quick=quick)
