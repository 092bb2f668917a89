"""The dense-correspondence head: auxiliary supervision of the finest feature map, in training only."""

from torch import Tensor, nn

from pymaf_pl.types import DenseLogits

NUM_PARTS, NUM_COARSE = 25, 15  # with background; DensePose's 24 parts and 14 coarse ones


class DenseHead(nn.Module):
    """Four parallel 3x3 convolutions for u, v, part and coarse part.

    Args:
        in_channels: channels of the feature map.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()

        def branch(out_channels: int) -> nn.Conv2d:
            return nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)

        self.u, self.v = branch(NUM_PARTS), branch(NUM_PARTS)
        self.part, self.coarse = branch(NUM_PARTS), branch(NUM_COARSE)

    def forward(self, features: Tensor) -> DenseLogits:
        """Map (B, C, S, S) features to logits of the same size."""
        return DenseLogits(self.u(features), self.v(features), self.part(features), self.coarse(features))
