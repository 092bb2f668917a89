"""An exponential moving average of the weights, which validation and checkpoints use."""

from functools import partial

import torch
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor


class WeightEMA(WeightAveraging):
    """Average the weights over the last ``1 / (1 - decay)`` steps or so.

    Lightning's EMAWeightAveraging averages integers too and rounds them down: at some decays that moves the indices of
    a body's joints and faces by one. Here whole numbers are copied, and what does not change stays exactly as it is.

    Args:
        decay: share of the average that a step keeps.
    """

    def __init__(self, decay: float = 0.999) -> None:
        super().__init__(avg_fn=partial(_step, 1 - decay))


def _step(share: float, averaged: Tensor, current: Tensor, _num_averaged: Tensor | int) -> Tensor:
    return torch.lerp(averaged, current, share) if averaged.is_floating_point() else current
