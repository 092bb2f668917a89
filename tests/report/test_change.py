"""What moved, in numbers worked out by hand."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pymaf_pl.report.change import RAMP, full_scales, move_colours, move_figures, moves


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_where_a_body_stands_is_no_move(dtype):
    body = np.random.default_rng(0).normal(size=(50, 3)).astype(dtype)
    moved = moves(np.stack([body, body + np.array([1, -2, 0.5], dtype)]))
    np.testing.assert_allclose(moved, 0, atol=2e-6 if dtype == np.float32 else 1e-12)


def test_one_of_four_points_moves():
    points = np.zeros((2, 4, 3))
    points[1, 0, 0] = 0.4  # the mean moves by 0.1, so the point by 0.3 and the others by 0.1
    np.testing.assert_allclose(moves(points), [[0, 0, 0, 0], [0.3, 0.1, 0.1, 0.1]], atol=1e-12)


def test_every_iteration_has_its_own_scale_and_the_ramp_its_ends():
    moved = np.stack([np.zeros(1000), np.linspace(0, 1, 1000), np.linspace(0, 0.01, 1000)])
    assert full_scales(moved)[1:] == pytest.approx([0.99, 0.0099], rel=1e-3)
    colours = move_colours(moved)
    np.testing.assert_allclose(colours[0], np.tile(RAMP[0], (1000, 1)))  # nothing moved, nothing is dark
    np.testing.assert_allclose(colours[1:, -1], [RAMP[-1]] * 2)
    np.testing.assert_allclose(colours[1], colours[2], atol=1e-9)
    grey = colours[1] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(grey) <= 1e-12).all()  # darker throughout, so it reads without colour too


def test_figures_of_a_quarter_turn():
    points = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
    turn = Rotation.from_rotvec([0, 0, np.pi / 2])
    poses = np.tile(np.eye(3), (2, 24, 1, 1))
    poses[1, 0] = turn.as_matrix()
    first, second = move_figures(np.stack([points, turn.apply(points)]), poses)
    assert first == {}
    assert second["moved mm"] == pytest.approx(1000 * np.sqrt(2))
    assert second["joints turned °"] == pytest.approx(90 / 24)


def test_a_single_iteration_changed_nothing():
    assert move_figures(np.zeros((1, 5, 3)), np.tile(np.eye(3), (1, 24, 1, 1))) == [{}]
