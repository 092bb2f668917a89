"""Optimisers and learning-rate schedules."""

import math
from typing import Any

from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from pymaf_pl.models import FeedbackNetwork


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


def constant(optimizer: Optimizer, _total_steps: int) -> LambdaLR:
    """Keep the rate: the paper's schedule."""
    return LambdaLR(optimizer, lambda _step: 1.0)


def warmup_cosine(optimizer: Optimizer, total_steps: int, warmup: float = 0.05, final: float = 0.0) -> LambdaLR:
    """Rise linearly for a share of the steps, then fall along a half cosine.

    Args:
        optimizer: whose rates.
        total_steps: of the whole run.
        warmup: share of them, in [0, 1).
        final: factor at the end.
    """
    rising = max(1, round(warmup * total_steps))

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        progress = min(1.0, (step - rising) / max(1, total_steps - rising))
        return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress))

    return LambdaLR(optimizer, factor)
