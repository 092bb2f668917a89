"""The feature pyramid."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from pymaf_pl.errors import InputError
from pymaf_pl.models.maps import MapSpec
from pymaf_pl.models.pyramid import DeconvPyramid, FixedPyramid, LateralPyramid, NoPyramid

DEEPEST = [MapSpec(6, 32)]
RESNET = [MapSpec(6, 32), MapSpec(5, 16), MapSpec(4, 8), MapSpec(3, 4)]


def resnet_maps(side: int = 2) -> list[Tensor]:
    """Maps that fit ``RESNET``, of an image of ``32 * side`` px."""
    return [torch.randn(2, spec.channels, side * 2**i, side * 2**i) for i, spec in enumerate(RESNET)]


@pytest.mark.parametrize(("image", "sides"), [(224, [14, 28, 56]), (192, [12, 24, 48]), (128, [8, 16, 32])])
@pytest.mark.parametrize("kind", [DeconvPyramid, LateralPyramid])
def test_maps_double_from_coarse_to_fine(image: int, sides: list[int], kind) -> None:
    pyramid = kind(RESNET, 4)
    maps = pyramid(resnet_maps(image // 32))
    assert [tuple(m.shape) for m in maps] == [(2, 4, side, side) for side in sides]
    assert pyramid.maps == tuple(MapSpec(4, image // side) for side in sides)


@pytest.mark.parametrize("num_levels", [1, 2, 5])
def test_any_number_of_levels(num_levels: int) -> None:
    pyramid = DeconvPyramid(DEEPEST, channels=4, num_levels=num_levels)
    maps = pyramid([torch.randn(1, 6, 2, 2)])
    assert [m.shape[-1] for m in maps] == [4 * 2**i for i in range(num_levels)]
    assert len(pyramid.maps) == num_levels


@pytest.mark.parametrize("kind", [DeconvPyramid, FixedPyramid, LateralPyramid])
def test_no_level_is_refused(kind) -> None:
    with pytest.raises(InputError, match=r"model\.pyramid_levels=0: .* at least one map"):
        kind(RESNET, 4, 0)


def test_each_map_is_made_of_the_one_before() -> None:
    pyramid = DeconvPyramid(DEEPEST, channels=4).eval()
    features = torch.randn(1, 6, 2, 2)
    maps = pyramid([features])
    expected = features
    for level, made in zip(pyramid.levels, maps, strict=True):
        convolution, norm = level[0], level[1]
        expected = F.conv_transpose2d(expected, convolution.weight, stride=2, padding=1)
        expected = norm(expected).relu()
        torch.testing.assert_close(made, expected)


def test_parameters_are_the_papers() -> None:
    with torch.device("meta"):
        pyramid = DeconvPyramid([MapSpec(2048, 32)])
    counts = [sum(p.numel() for p in level.parameters()) for level in pyramid.levels]
    assert counts == [8_389_120, 1_049_088, 1_049_088]  # kernel 4 without bias, batch norm
    assert all(level[1].momentum == 0.1 for level in pyramid.levels)


def test_a_backbone_at_stride_16_gets_maps_of_the_same_sizes() -> None:
    pyramid = DeconvPyramid([MapSpec(6, 16)], channels=4)
    assert pyramid.maps == (MapSpec(4, 16), MapSpec(4, 8), MapSpec(4, 4))
    assert [m.shape[-1] for m in pyramid([torch.randn(2, 6, 14, 14)])] == [14, 28, 56]


@pytest.mark.parametrize(("num_levels", "side"), [(1, 4), (2, 8), (3, 16)])
def test_fixed_is_the_finest_of_the_deconvolutions_alone(num_levels: int, side: int) -> None:
    whole, fixed = DeconvPyramid(RESNET, 4, num_levels).eval(), FixedPyramid(RESNET, 4, num_levels).eval()
    fixed.load_state_dict(whole.state_dict())
    features = resnet_maps()
    (only,) = fixed(features)
    assert only.equal(whole(features)[-1])
    assert only.shape[-1] == side
    assert fixed.maps == whole.maps[-1:]


def test_lateral_joins_each_map_with_all_that_is_coarser() -> None:
    pyramid = LateralPyramid(RESNET, 4).eval()
    features = resnet_maps()
    maps = pyramid(features)
    below = F.conv2d(features[0], pyramid.top.weight, pyramid.top.bias)
    for finer, lateral, smooth, made in zip(features[1:], pyramid.lateral, pyramid.smooth, maps, strict=True):
        twice = below.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)  # nearest: each cell four times
        joined = F.conv2d(finer, lateral.weight, lateral.bias) + twice
        below = smooth[1](F.conv2d(joined, smooth[0].weight, padding=1)).relu()
        torch.testing.assert_close(made, below)


def test_lateral_reads_no_more_than_it_needs() -> None:
    pyramid = LateralPyramid(RESNET, 4, num_levels=1)
    assert pyramid.maps == (MapSpec(4, 16),)
    assert [m.shape[-1] for m in pyramid(resnet_maps())] == [4]
    assert len(pyramid.lateral) == len(pyramid.smooth) == 1


@pytest.mark.parametrize(
    ("features", "num_levels", "words"),
    [(RESNET, 4, "has 3 maps finer than its deepest"), (DEEPEST, 1, "has one map alone")],
)
def test_lateral_refuses_more_levels_than_the_backbone_has_maps(features, num_levels: int, words: str) -> None:
    with pytest.raises(InputError, match=rf"model\.pyramid_levels={num_levels}: .*{words}; pyramid=deconv makes any"):
        LateralPyramid(features, 4, num_levels)


def test_no_pyramid_passes_the_deepest_map_on() -> None:
    features = resnet_maps()
    pyramid = NoPyramid(RESNET, 256, 3)
    (only,) = pyramid(features)
    assert only is features[0]
    assert pyramid.maps == (MapSpec(6, 32),)
    assert not list(pyramid.parameters())


@pytest.mark.parametrize("kind", [DeconvPyramid, FixedPyramid, LateralPyramid])
@pytest.mark.parametrize("num_levels", [1, 2, 3])
def test_reading_the_finest_map_leaves_no_parameter_without_gradient(kind, num_levels: int) -> None:
    pyramid = kind(RESNET, 4, num_levels)  # whatever else an iteration skips
    pyramid(resnet_maps())[-1].square().sum().backward()
    assert [name for name, p in pyramid.named_parameters() if p.grad is None] == []
