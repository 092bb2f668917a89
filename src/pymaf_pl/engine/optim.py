"""Optimisers, and learning-rate schedules that know the curriculum's stages."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from pymaf_pl.data.mixture import Stage
from pymaf_pl.models import FeedbackNetwork

Schedule = Callable[[int, int], float]
"""(step, steps in all) to a factor of the learning rate."""


def adam(
    network: FeedbackNetwork,
    lr: float = 5e-5,
    betas: tuple[float, float] = (0.9, 0.999),
    feedback_lr_factor: float = 1.0,
) -> Optimizer:
    """Build Adam over a network.

    Args:
        network: whose parameters.
        lr: 5e-5, constant, as published for 585,000 steps of 64; short runs need more.
        betas: of Adam.
        feedback_lr_factor: rate of samplers and regressors relative to the backbone's; short runs like 0.3.
    """
    feedback = [*network.evidence.parameters(), *network.regressors.parameters()]
    ours = {id(p) for p in feedback}
    rest = [p for p in network.parameters() if id(p) not in ours]
    groups: list[dict[str, Any]] = [
        {"params": rest, "name": "image"},
        {"params": feedback, "lr": lr * feedback_lr_factor, "name": "feedback"},
    ]
    return Adam(groups, lr=lr, betas=(betas[0], betas[1]), fused=True)


def constant(_step: int, _total: int) -> float:
    """Keep the rate: the paper's schedule."""
    return 1.0


def warmup_cosine(step: int, total: int, warmup: float = 0.05, final: float = 0.0) -> float:
    """Rise linearly for a share of the steps, then fall along a half cosine.

    Args:
        step: the step to come, from 0.
        total: steps in all.
        warmup: share of them, in [0, 1).
        final: factor at the end.
    """
    rising = max(1, round(warmup * total))
    if step < rising:
        return (step + 1) / rising
    progress = min(1.0, (step - rising) / max(1, total - rising))
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress))


@dataclass(frozen=True)
class Stretch:
    """A stage as the optimiser sees it.

    Args:
        steps: how long it is.
        lr: factor of the rate.
        restart: the schedule begins anew with it.
    """

    steps: int
    lr: float = 1.0
    restart: bool = False


def stretches(stages: Sequence[Stage], steps_per_epoch: Sequence[int], total_steps: int) -> list[Stretch]:
    """Lay stages out in steps; the last one is cut or drawn out so that they add up to ``total_steps``.

    Args:
        stages: the curriculum.
        steps_per_epoch: of each stage.
        total_steps: of the run.
    """
    laid: list[Stretch] = []
    left = total_steps
    for stage, in_an_epoch in zip(stages, steps_per_epoch, strict=True):
        steps = min(left, stage.epochs * in_an_epoch)
        left -= steps
        if steps:
            laid.append(Stretch(steps, stage.lr, stage.restart))
    if laid and left:
        laid[-1] = Stretch(laid[-1].steps + left, laid[-1].lr, laid[-1].restart)
    return laid


def scheduled(optimizer: Optimizer, schedule: Schedule, curriculum: Sequence[Stretch]) -> LambdaLR:
    """Run a schedule over a curriculum, once or, where a stage restarts it, several times over.

    Args:
        optimizer: whose rates.
        schedule: the shape of one run.
        curriculum: at least one stretch.
    """
    starts = [0]
    for stretch in curriculum:
        starts.append(starts[-1] + stretch.steps)
    first = [start for start, stretch in zip(starts, curriculum, strict=False) if stretch.restart or start == 0]
    ends = [*first[1:], starts[-1]]

    def factor(step: int) -> float:
        last = len(curriculum) - 1
        now = next((i for i in range(last) if step < starts[i + 1]), last)
        run = max(i for i, start in enumerate(first) if start <= step)
        return curriculum[now].lr * schedule(step - first[run], ends[run] - first[run])

    return LambdaLR(optimizer, factor)
