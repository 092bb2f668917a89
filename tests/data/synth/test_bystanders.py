"""A second person in the picture."""

import numpy as np
import pytest

from pymaf_pl.data.synth.bystanders import draw_bystander, lay_over, touches_edge

SIZE = 100
JOINTS = np.array([(45.0, 20.0), (55.0, 20.0), (40.0, 50.0), (60.0, 50.0), (45.0, 90.0), (55.0, 90.0)])


@pytest.fixture
def figure() -> np.ndarray:
    figure = np.zeros((SIZE, SIZE, 4), np.float32)
    figure[15:90, 40:60] = (0.2, 0.4, 0.6, 1.0)
    return figure


def test_laying_over_mixes_by_coverage(figure: np.ndarray) -> None:
    picture = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    laid = lay_over(picture, figure * 0.5)
    np.testing.assert_allclose(laid[50, 50], np.array([0.1, 0.2, 0.3]) + 0.25, atol=1e-6)
    np.testing.assert_array_equal(laid[0], picture[0])


def test_bystanders_stand_aside_and_mostly_behind(figure: np.ndarray) -> None:
    placed = [draw_bystander(figure, JOINTS, np.random.default_rng(seed)) for seed in range(300)]
    assert np.mean([b.in_front for b in placed]) == pytest.approx(0.15, abs=0.06)
    for bystander in placed:
        columns = np.flatnonzero(bystander.figure[..., 3].sum(0) > 0.5)
        if len(columns):
            middle = (columns[0] + columns[-1]) / 2
            assert abs(middle - 50) > 7  # never over the middle of the person
    heads = [np.flatnonzero(b.figure[..., 3].any(1))[0] for b in placed if b.figure[..., 3].any()]
    assert np.median(heads) == pytest.approx(16, abs=3)  # level with the person's, a little above its joints


def test_a_figure_that_is_cut_is_noticed(figure: np.ndarray) -> None:
    assert not touches_edge(figure)
    for edge in (np.s_[0, 50], np.s_[-1, 50], np.s_[50, 0], np.s_[50, -1]):
        cut = figure.copy()
        cut[(*edge, 3)] = 0.5
        assert touches_edge(cut)
