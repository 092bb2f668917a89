"""The dense-correspondence head."""

import pytest
import torch

from pymaf_pl.errors import InputError
from pymaf_pl.models.dense_head import DenseHead


def test_logits_are_at_the_maps_resolution_with_background() -> None:
    logits = DenseHead(8)(torch.randn(2, 8, 14, 14))
    assert [tuple(field.shape) for field in logits] == [(2, 25, 14, 14)] * 3 + [(2, 15, 14, 14)]


@pytest.mark.parametrize("size", [7, 14, 28])
def test_logits_of_any_size(size: int) -> None:
    head = DenseHead(8, size)
    logits = head(torch.randn(2, 8, 14, 14))
    assert [tuple(field.shape[-2:]) for field in logits] == [(size, size)] * 4
    assert head.state_dict().keys() == DenseHead(8).state_dict().keys()


def test_another_size_keeps_everything_in_its_place() -> None:
    ramp = torch.linspace(0.5, 13.5, 14).expand(1, 1, 14, 14)  # of the centres of 14 cells, edge to edge
    head = DenseHead(1, 28)
    for branch in (head.u, head.v, head.part, head.coarse):
        torch.nn.init.zeros_(branch.weight)
        torch.nn.init.zeros_(branch.bias)
        branch.weight.data[:, :, 1, 1] = 1
    centres = (torch.arange(28) + 0.5) / 2
    torch.testing.assert_close(head(ramp).u[0, 0, 14, 1:-1], centres[1:-1])


def test_another_size_goes_with_reduced_precision() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert DenseHead(8, 20)(torch.randn(2, 8, 14, 14).bfloat16()).u.shape[-1] == 20


def test_a_size_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match=r"model\.dense_size=0: at least 1 px"):
        DenseHead(8, 0)


def test_parameters_are_the_papers() -> None:
    assert sum(p.numel() for p in DenseHead(256).parameters()) == 207_450


def test_branches_are_independent_3x3_convolutions() -> None:
    head = DenseHead(8)
    features = torch.zeros(1, 8, 9, 9, requires_grad=True)
    for name, field in head(features)._asdict().items():
        (seen,) = torch.autograd.grad(field[0, :, 4, 4].sum(), features, retain_graph=True)
        rows, columns = seen[0].abs().sum(0).nonzero(as_tuple=True)
        assert set(rows.tolist()) == set(columns.tolist()) == {3, 4, 5}, name
        own = getattr(head, name)
        torch.testing.assert_close(field[0, :, 4, 4], own.bias)  # no activation: the bias comes through as it is
