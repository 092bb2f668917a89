"""The dense-correspondence head."""

import torch

from pymaf_pl.models.dense_head import DenseHead


def test_logits_are_at_the_maps_resolution_with_background() -> None:
    logits = DenseHead(8)(torch.randn(2, 8, 14, 14))
    assert [tuple(field.shape) for field in logits] == [(2, 25, 14, 14)] * 3 + [(2, 15, 14, 14)]


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
