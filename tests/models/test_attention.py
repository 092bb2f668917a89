"""Grid and mesh points that attend to each other."""

import pytest
import torch
from torch import Tensor, nn

from pymaf_pl.body import BodyModel
from pymaf_pl.errors import InputError
from pymaf_pl.models.attention import AttentionEvidence
from pymaf_pl.models.points import GridPoints
from pymaf_pl.types import BodyState


@pytest.fixture
def evidence() -> AttentionEvidence:
    torch.manual_seed(0)
    return AttentionEvidence(1, GridPoints(3), (6, 8, 4), out_features=10).eval()


@pytest.fixture
def maps() -> list[Tensor]:
    return [torch.zeros(2, 6, 4, 4), torch.randn(2, 6, 8, 8, generator=torch.Generator().manual_seed(1))]


BODY = BodyState.from_vector(torch.zeros(2, 157))


def test_evidence_by_hand(evidence: AttentionEvidence, maps: list[Tensor]) -> None:
    tokens = evidence.sampler(maps[1], evidence.points(BODY)).view(2, 8, 9).transpose(1, 2)
    block = evidence.attention
    weight, bias = block.self_attn.in_proj_weight, block.self_attn.in_proj_bias
    query, key, value = (tokens @ weight.T + bias).chunk(3, dim=-1)
    seen = torch.softmax(query @ key.transpose(1, 2) / 8**0.5, dim=-1) @ value  # one head
    tokens = block.norm1(tokens + block.self_attn.out_proj(seen))
    tokens = block.norm2(tokens + block.linear2(nn.functional.gelu(block.linear1(tokens))))
    kept = evidence.reduce(tokens).relu()
    expected = evidence.mix(torch.cat([kept[..., channel] for channel in range(4)], dim=1))  # channel-major
    torch.testing.assert_close(evidence(maps, BODY), expected, atol=1e-5, rtol=1e-4)
    assert evidence(maps, BODY).shape == (2, evidence.out_features) == (2, 10)


def test_every_point_knows_of_all_others(evidence: AttentionEvidence, maps: list[Tensor]) -> None:
    changed = maps[1].clone()
    changed[:, :, 0, 0] += 5  # under the first of the nine points
    seen = []
    evidence.reduce.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    evidence(maps, BODY), evidence([maps[0], changed], BODY)
    assert ((seen[0] - seen[1]).abs().amax((0, 2)) > 0).all()


def test_all_of_it_learns(evidence: AttentionEvidence, maps: list[Tensor]) -> None:
    evidence.train()(maps, BODY).square().sum().backward()
    assert [name for name, p in evidence.named_parameters() if p.grad is None] == []


def test_published_sizes(body: BodyModel) -> None:
    with torch.device("meta"):
        grid = GridPoints(21)
        grid.num_points = 441 + 431
        evidence = AttentionEvidence(0, grid, (256, 128, 64, 5))
    assert evidence.sampler.channels == (256, 128, 64)
    assert evidence.mix.in_features == 2205 + 2155
    assert evidence.out_features == 2048
    assert evidence.attention.self_attn.num_heads == 1


def test_heads_that_do_not_divide_the_channels_are_refused() -> None:
    with pytest.raises(InputError, match=r"model\.feedback\.heads=3: does not divide the 8 channels"):
        AttentionEvidence(0, GridPoints(3), (6, 8, 4), heads=3)


def test_a_point_mlp_without_a_layer_to_stand_before_is_refused() -> None:
    with pytest.raises(InputError, match=r"model\.point_channels=\[5\]: .* at least two"):
        AttentionEvidence(0, GridPoints(3), (6, 5))
