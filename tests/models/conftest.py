"""A PyMAF that is small enough to run hundreds of times."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.models import FeedbackNetwork, hmr, pymaf
from pymaf_pl.models.backbone import ResNet

Build = Callable[..., FeedbackNetwork]


@pytest.fixture
def images() -> Tensor:
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def small_pymaf(body: BodyModel) -> Build:
    """PyMAF on a ResNet-18 with 16 channels; heads large enough for every iteration to move the body."""

    def build(**options: object) -> FeedbackNetwork:
        torch.manual_seed(0)
        small = {"pyramid_channels": 16, "point_channels": (8, 5), "hidden": 32, "head_gain": 1.0, "dropout": 0.0}
        return pymaf(ResNet(18, width=16), body, **(small | options))  # type: ignore[arg-type]

    return build


@pytest.fixture
def small_hmr(body: BodyModel) -> Build:
    def build(**options: object) -> FeedbackNetwork:
        torch.manual_seed(0)
        small = {"hidden": 32, "head_gain": 1.0, "dropout": 0.0}
        return hmr(ResNet(18, width=16), body, **(small | options))  # type: ignore[arg-type]

    return build
