import pytest
import torch

from pymaf_pl.render import ndc_to_screen


def test_minus_one_and_one_are_the_edges_of_the_picture():
    points = torch.tensor([[-1.0, -1, 5], [1, 1, -5], [0, 0, 0]])
    expected = torch.tensor([[0.0, 0, 5], [200, 100, -5], [100, 50, 0]])
    assert torch.equal(ndc_to_screen(points, 100, 200), expected)


def test_inverts_the_normalisation_of_key_points():
    """x_ndc = 2 x_px / size - 1, as in the training data."""
    pixels = torch.rand(2, 5, 3, dtype=torch.float64) * 224
    ndc = torch.cat([2 * pixels[..., :2] / 224 - 1, pixels[..., 2:]], -1)
    torch.testing.assert_close(ndc_to_screen(ndc, 224, 224), pixels)


def test_points_without_depth_are_refused():
    with pytest.raises(ValueError, match=r"points must be \(\.\.\., 3\)"):
        ndc_to_screen(torch.zeros(4, 2), 8, 8)
