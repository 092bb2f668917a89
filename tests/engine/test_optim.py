"""Optimisers and schedules: which weights, at which rate, at which step."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch.optim import SGD

from pymaf_pl.body import BodyModel
from pymaf_pl.engine.module import PyMAFModule
from pymaf_pl.engine.optim import adam, constant, warmup_cosine
from pymaf_pl.models import hmr
from pymaf_pl.models.backbone import ResNet


def rates(schedule: Callable[..., object], steps: int, **options: float) -> list[float]:
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
    scheduler = schedule(optimizer, steps, **options)
    values = []
    for _ in range(steps + 3):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()  # type: ignore[attr-defined]
    return values


def test_every_parameter_is_in_exactly_one_group(make_module: Callable[..., PyMAFModule]) -> None:
    network = make_module().network
    optimizer = adam(network, lr=1e-3, feedback_lr_factor=0.3)
    image, feedback = optimizer.param_groups
    assert (image["name"], feedback["name"]) == ("image", "feedback")
    assert (image["lr"], feedback["lr"]) == (1e-3, pytest.approx(3e-4))
    ids = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(ids) == sorted(id(p) for p in network.parameters())
    names = {id(p): name for name, p in network.named_parameters()}
    assert {names[id(p)].split(".")[0] for p in feedback["params"]} == {"evidence", "regressors"}
    assert {names[id(p)].split(".")[0] for p in image["params"]} == {"backbone", "pyramid", "dense_head"}


def test_a_shared_regressor_is_stepped_once(body: BodyModel) -> None:
    network = hmr(ResNet(18, width=8), body, hidden=16)
    ids = [id(p) for group in adam(network).param_groups for p in group["params"]]
    assert len(ids) == len(set(ids)) == len(list(network.parameters()))


def test_defaults_are_the_published_ones(make_module: Callable[..., PyMAFModule]) -> None:
    optimizer = adam(make_module().network)
    assert {group["lr"] for group in optimizer.param_groups} == {5e-5}
    assert optimizer.defaults["betas"] == (0.9, 0.999)
    assert optimizer.defaults["weight_decay"] == 0


def test_the_papers_schedule_never_moves() -> None:
    assert set(rates(constant, 10)) == {2.0}


def test_warmup_rises_linearly_and_the_cosine_ends_at_its_floor() -> None:
    values = rates(warmup_cosine, 100, warmup=0.1, final=0.2)
    assert values[:10] == pytest.approx([2.0 * (k + 1) / 10 for k in range(10)])
    assert values[10] == pytest.approx(2.0)
    assert values[55] == pytest.approx(2.0 * (0.2 + 0.8 * 0.5))  # half way down the cosine
    assert values[32] == pytest.approx(2.0 * (0.2 + 0.4 * (1 + math.cos(math.pi * 22 / 90))))
    assert values[100:] == pytest.approx([0.4] * 3)
    assert all(a >= b for a, b in pairwise(values[10:]))


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.05), (3, 0.0), (5, 0.99)])
def test_runs_of_a_few_steps_have_a_rate(steps: int, warmup: float) -> None:
    values = rates(warmup_cosine, steps, warmup=warmup)
    assert all(0 <= value <= 2 for value in values)
    assert max(values) > 0
