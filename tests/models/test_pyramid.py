"""The feature pyramid."""

import pytest
import torch

from pymaf_pl.models.pyramid import DeconvPyramid, NoPyramid


@pytest.mark.parametrize(("image", "sides"), [(224, [14, 28, 56]), (192, [12, 24, 48]), (128, [8, 16, 32])])
def test_maps_double_from_coarse_to_fine(image: int, sides: list[int]) -> None:
    pyramid = DeconvPyramid(6, channels=4)
    maps = pyramid(torch.randn(2, 6, image // 32, image // 32))
    assert [tuple(m.shape) for m in maps] == [(2, 4, side, side) for side in sides]
    assert pyramid.out_channels == 4


@pytest.mark.parametrize("num_levels", [1, 2, 5])
def test_any_number_of_levels(num_levels: int) -> None:
    maps = DeconvPyramid(6, channels=4, num_levels=num_levels)(torch.randn(1, 6, 2, 2))
    assert [m.shape[-1] for m in maps] == [4 * 2**i for i in range(num_levels)]


def test_each_map_is_made_of_the_one_before() -> None:
    pyramid = DeconvPyramid(6, channels=4).eval()
    features = torch.randn(1, 6, 2, 2)
    maps = pyramid(features)
    expected = features
    for level, made in zip(pyramid.levels, maps, strict=True):
        convolution, norm = level[0], level[1]
        expected = torch.nn.functional.conv_transpose2d(expected, convolution.weight, stride=2, padding=1)
        expected = norm(expected).relu()
        torch.testing.assert_close(made, expected)


def test_parameters_are_the_papers() -> None:
    with torch.device("meta"):
        pyramid = DeconvPyramid(2048)
    counts = [sum(p.numel() for p in level.parameters()) for level in pyramid.levels]
    assert counts == [8_389_120, 1_049_088, 1_049_088]  # kernel 4 without bias, batch norm
    assert all(level[1].momentum == 0.1 for level in pyramid.levels)


def test_no_pyramid_passes_the_map_on() -> None:
    features = torch.randn(1, 6, 2, 2)
    pyramid = NoPyramid(6)
    assert pyramid(features)[0] is features
    assert pyramid.out_channels == 6
    assert not list(pyramid.parameters())
