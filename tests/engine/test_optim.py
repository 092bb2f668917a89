"""Optimisers and schedules: which weights, at which rate, at which step."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import pytest
import torch
from torch.optim import SGD

from pymaf_pl.body import BodyModel
from pymaf_pl.data.mixture import Stage
from pymaf_pl.engine.module import PyMAFModule
from pymaf_pl.engine.optim import Schedule, Stretch, adam, constant, scheduled, stretches, warmup_cosine
from pymaf_pl.models import hmr
from pymaf_pl.models.backbone import ResNet


def rates(schedule: Schedule, curriculum: Sequence[Stretch]) -> list[float]:
    """The rate of each step, and of three beyond the end; the optimiser's own is 2."""
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
    scheduler = scheduled(optimizer, schedule, curriculum)
    values = []
    for _ in range(sum(stretch.steps for stretch in curriculum) + 3):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
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
    assert set(rates(constant, [Stretch(10)])) == {2.0}


def test_warmup_rises_linearly_and_the_cosine_ends_at_its_floor() -> None:
    values = rates(partial(warmup_cosine, warmup=0.1, final=0.2), [Stretch(100)])
    assert values[:10] == pytest.approx([2.0 * (k + 1) / 10 for k in range(10)])
    assert values[10] == pytest.approx(2.0)
    assert values[55] == pytest.approx(2.0 * (0.2 + 0.8 * 0.5))  # half way down the cosine
    assert values[32] == pytest.approx(2.0 * (0.2 + 0.4 * (1 + math.cos(math.pi * 22 / 90))))
    assert values[100:] == pytest.approx([0.4] * 3)
    assert all(a >= b for a, b in pairwise(values[10:]))


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.05), (3, 0.0), (5, 0.99)])
def test_runs_of_a_few_steps_have_a_rate(steps: int, warmup: float) -> None:
    values = rates(partial(warmup_cosine, warmup=warmup), [Stretch(steps)])
    assert all(0 <= value <= 2 for value in values)
    assert max(values) > 0


def test_a_stage_may_change_the_rate_and_leave_the_schedule_alone() -> None:
    plain = rates(warmup_cosine, [Stretch(100)])
    staged = rates(warmup_cosine, [Stretch(40), Stretch(60, lr=0.1)])
    assert staged[:40] == plain[:40]
    assert staged[40:] == pytest.approx([0.1 * value for value in plain[40:]])


def test_a_stage_may_begin_the_schedule_anew() -> None:
    once, twice = rates(warmup_cosine, [Stretch(20)]), rates(warmup_cosine, [Stretch(60)])
    both = rates(warmup_cosine, [Stretch(5), Stretch(15), Stretch(30, lr=0.5, restart=True), Stretch(30, lr=0.5)])
    assert both[:20] == once[:20]
    assert both[20:80] == pytest.approx([0.5 * value for value in twice[:60]])


def test_stages_are_laid_out_in_the_steps_that_a_run_has() -> None:
    stages = [Stage("a", 3, {"x": 1.0}), Stage("b", 2, {"x": 1.0}, lr=0.1, restart=True)]
    assert stretches(stages, [10, 10], 50) == [Stretch(30), Stretch(20, 0.1, True)]
    assert stretches(stages, [10, 10], 35) == [Stretch(30), Stretch(5, 0.1, True)]  # cut short by max_steps
    assert stretches(stages, [10, 10], 20) == [Stretch(20)]
    assert stretches(stages, [10, 10], 70) == [Stretch(30), Stretch(40, 0.1, True)]  # the last stage goes on
    assert stretches(stages, [10, 4], 50) == [Stretch(30), Stretch(20, 0.1, True)]
    assert stretches(stages, [4, 10], 50) == [Stretch(12), Stretch(38, 0.1, True)]
    assert stretches([], [], 20) == []
