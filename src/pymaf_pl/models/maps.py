"""What is known of a feature map before there is one, so that parts can be built to fit each other."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn


class MapSpec(NamedTuple):
    """A feature map's channels, and how many image pixels one of its cells spans."""

    channels: int
    stride: int


class Backbone(nn.Module):
    """An encoder: (B, 3, S, S) images to feature maps, coarse to fine.

    Attributes:
        maps: what it returns, in that order; the first is the deepest.
    """

    maps: tuple[MapSpec, ...]

    @property
    def out_channels(self) -> int:
        """Channels of the deepest map."""
        return self.maps[0].channels

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return one (B, channels, S / stride, S / stride) map per entry of ``maps``."""
        raise NotImplementedError


class Pyramid(nn.Module):
    """What turns a backbone's maps into those that the iterations read, coarse to fine.

    Attributes:
        maps: what it returns, in that order.
    """

    maps: tuple[MapSpec, ...]

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Return one map per entry of ``maps``."""
        raise NotImplementedError
