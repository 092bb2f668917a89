"""Buffers that are constants: the grid's order, and rows that pick one vertex each."""

import torch

from published import picked, published_pymaf
from pymaf_pl.models.points import GridPoints
from pymaf_pl.official.points import downsampling, picked_vertices, points_grid
from pymaf_pl.types import BodyState


def test_the_grid_is_the_networks_own_x_first() -> None:
    ours = GridPoints(21)(BodyState.from_vector(torch.zeros(1, 157)))
    assert points_grid().transpose(1, 2).equal(ours)
    assert points_grid()[0, :, 1].tolist() == [-1.0, torch.linspace(-1, 1, 21)[1].item()]  # y varies fastest
    torch.testing.assert_close(points_grid(), published_pymaf()["model"]["points_grid"], atol=1e-7, rtol=0)


def test_vertices_keep_their_order_through_the_matrix_and_back() -> None:
    matrix = downsampling(picked())
    assert matrix.shape == (431, 6890)
    assert picked_vertices(matrix) == picked()
    vertices = torch.randn(6890, 3, generator=torch.Generator().manual_seed(0))
    assert (matrix @ vertices).equal(vertices[picked()])


def test_a_row_that_picks_no_or_several_vertices_or_a_part_of_one_is_no_pick() -> None:
    for row, values in ((3, {}), (0, {1: 1.0, 5: 1.0}), (2, {7: 0.5}), (1, {4: float("nan")})):
        matrix = downsampling(picked())
        matrix[row] = 0
        for column, value in values.items():
            matrix[row, column] = value
        assert picked_vertices(matrix) is None
