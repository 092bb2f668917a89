"""Reading a feature map at points, against a point-by-point reading in plain numpy."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pymaf_pl.models.evidence import GlobalEvidence, MeshAlignedSampler, PointEvidence
from pymaf_pl.types import BodyState

BODY = BodyState.from_vector(torch.zeros(2, 157))


def read_bilinear(feature: np.ndarray, x: float, y: float, align_corners: bool = True) -> np.ndarray:
    """Read (C, H, W) at NDC; nothing beyond the map. -1 and +1 are the outermost pixels' centres, or their edges."""
    _, height, width = feature.shape
    if align_corners:
        column, row = (x + 1) / 2 * (width - 1), (y + 1) / 2 * (height - 1)
    else:  # pixel i reaches from i to i + 1 and has its centre between them
        column, row = (x + 1) / 2 * width - 0.5, (y + 1) / 2 * height - 0.5
    value = np.zeros(len(feature))
    for i in (math.floor(row), math.floor(row) + 1):
        for j in (math.floor(column), math.floor(column) + 1):
            if 0 <= i < height and 0 <= j < width:
                value += (1 - abs(row - i)) * (1 - abs(column - j)) * feature[:, i, j]
    return value


def reduce_naive(sampler: MeshAlignedSampler, raw: np.ndarray) -> np.ndarray:
    """Run the point MLP on one raw feature vector; all layers but the first see it again."""
    hidden = raw
    for i, layer in enumerate(sampler.layers):
        weight, bias = layer.weight.detach().double().numpy()[:, :, 0], layer.bias.detach().double().numpy()
        hidden = weight @ (np.concatenate([hidden, raw]) if i else hidden) + bias
        if i < len(sampler.layers) - 1:
            hidden = np.where(hidden > 0, hidden, 0.01 * hidden)
    return np.maximum(hidden, 0)


@pytest.mark.parametrize("align_corners", [True, False])
def test_sampler_equals_a_point_by_point_reading(align_corners: bool, device: torch.device) -> None:
    torch.manual_seed(0)
    sampler = MeshAlignedSampler((6, 8, 7, 5), align_corners).to(device)
    features = torch.randn(3, 6, 4, 9)
    points = torch.rand(3, 20, 2) * 2.6 - 1.3  # some beyond the map
    evidence = sampler(features.to(device), points.to(device)).cpu().detach()
    assert evidence.shape == (3, 5 * 20)
    sampler.cpu()
    for b in range(3):
        for p, (x, y) in enumerate(points[b].tolist()):
            expected = reduce_naive(sampler, read_bilinear(features[b].double().numpy(), x, y, align_corners))
            # channel-major: value d of point p stands at d * P + p
            np.testing.assert_allclose(evidence[b, p::20], expected, atol=1e-5)


@pytest.fixture
def plain_reader() -> MeshAlignedSampler:
    """A sampler that passes both channels of a non-negative map through."""
    sampler = MeshAlignedSampler((2, 2))
    nn.init.eye_(sampler.layers[0].weight[:, :, 0].data)
    nn.init.zeros_(sampler.layers[0].bias)
    return sampler


def test_corners_of_the_crop_are_centres_of_the_corner_pixels(plain_reader: MeshAlignedSampler) -> None:
    feature = torch.arange(1.0, 25).view(1, 2, 3, 4)
    corners = torch.tensor([[[-1.0, -1], [1, -1], [-1, 1], [1, 1]]])  # xy: x runs along a row
    evidence = plain_reader(feature, corners)
    assert evidence.tolist() == [[1, 4, 9, 12, 13, 16, 21, 24]]


def test_corners_of_the_crop_are_edges_of_the_map_if_asked(plain_reader: MeshAlignedSampler) -> None:
    feature = torch.arange(1.0, 25).view(1, 2, 3, 4)
    plain_reader.align_corners = False
    # the corner itself: a quarter of the corner pixel; half a pixel further in, that pixel: 2 / 4 and 2 / 3 are one
    points = torch.tensor([[[-1.0, -1], [-0.75, -1 + 1 / 3]]])
    torch.testing.assert_close(plain_reader(feature, points), torch.tensor([[0.25, 1, 3.25, 13]]))


def test_points_outside_read_zero_and_fade_over_one_pixel(plain_reader: MeshAlignedSampler) -> None:
    feature = torch.full((1, 2, 5, 5), 8.0)
    pixel = 2 / 4
    points = torch.tensor([[[1.0, 0], [1 + pixel / 4, 0], [1 + pixel, 0], [0, -1.001 - pixel], [50, -70]]])
    assert plain_reader(feature, points)[0, :5].tolist() == [8, 6, 0, 0, 0]


def test_flattening_is_channel_major(plain_reader: MeshAlignedSampler) -> None:
    feature = torch.stack([torch.full((3, 3), 1.0), torch.full((3, 3), 2.0)])[None]
    assert plain_reader(feature, torch.zeros(1, 4, 2)).tolist() == [[1, 1, 1, 1, 2, 2, 2, 2]]


def test_published_sampler_has_the_papers_parameters() -> None:
    sampler = MeshAlignedSampler()
    assert [tuple(layer.weight.shape[:2]) for layer in sampler.layers] == [(128, 256), (64, 384), (5, 320)]
    assert sum(p.numel() for p in sampler.parameters()) == 59_141


def test_reduced_precision_does_not_blur_the_reading(device: torch.device, plain_reader: MeshAlignedSampler) -> None:
    # a bfloat16 position is off by up to 2^-9, a twentieth of a pixel on a 56 px map
    ramp = (torch.arange(56.0, device=device) - 48).expand(1, 2, 56, 56).bfloat16()
    points = torch.tensor([[[0.771, 0.0], [0.7832, 0.5]]], device=device)
    reader = plain_reader.to(device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        read = reader(ramp, points)
    expected = (points[0, :, 0] + 1) / 2 * 55 - 48
    # what is left is the rounding of the value itself, 8 bits
    torch.testing.assert_close(read[0, :2].float(), expected, atol=0, rtol=2**-8)


class Recorder(nn.Module):
    """A source of three points that remembers whom it was asked for."""

    num_points = 3

    def forward(self, body: BodyState) -> Tensor:
        self.asked = body
        return torch.zeros(len(body), 3, 2)


def test_point_evidence_reads_its_level_at_the_points_of_the_current_body(plain_reader: MeshAlignedSampler) -> None:
    maps = [torch.full((2, 2, size, size), float(size)) for size in (2, 4, 8)]
    source = Recorder()
    evidence = PointEvidence(level=1, points=source, sampler=plain_reader)
    assert evidence(maps, BODY).tolist() == [[4.0] * 6] * 2
    assert source.asked is BODY
    assert evidence.out_features == 6


def test_global_evidence_is_the_mean_of_the_coarsest_map() -> None:
    coarse, fine = torch.rand(2, 4, 3, 3), torch.rand(2, 4, 6, 6)
    evidence = GlobalEvidence(4)
    torch.testing.assert_close(evidence([coarse, fine], BODY), coarse.sum((2, 3)) / 9)
    assert evidence.out_features == 4
    assert not list(evidence.parameters())


def test_global_evidence_of_another_level() -> None:
    coarse, fine = torch.rand(2, 4, 3, 3), torch.rand(2, 4, 6, 6)
    torch.testing.assert_close(GlobalEvidence(4, level=1)([coarse, fine], BODY), fine.sum((2, 3)) / 36)
