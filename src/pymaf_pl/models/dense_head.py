"""The dense-correspondence head: auxiliary supervision of the finest feature map, in training only."""

from torch import Tensor, nn
from torch.nn import functional as F

from pymaf_pl.errors import InputError
from pymaf_pl.types import DenseLogits

NUM_PARTS, NUM_COARSE = 25, 15  # with background; DensePose's 24 parts and 14 coarse ones


class DenseHead(nn.Module):
    """Four parallel 3x3 convolutions for u, v, part and coarse part.

    Args:
        in_channels: channels of the feature map.
        size: side of the logits in px; None for the feature map's own.
    """

    def __init__(self, in_channels: int, size: int | None = None) -> None:
        super().__init__()
        if size is not None and size < 1:
            raise InputError(f"model.dense_size={size}: at least 1 px, or null for the finest map's own size")
        self.size = size

        def branch(out_channels: int) -> nn.Conv2d:
            return nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)

        self.u, self.v = branch(NUM_PARTS), branch(NUM_PARTS)
        self.part, self.coarse = branch(NUM_PARTS), branch(NUM_COARSE)

    def forward(self, features: Tensor) -> DenseLogits:
        """Map (B, C, S, S) features to logits of the same size, or of the size that was asked for."""
        if self.size is not None:
            # targets are drawn between the crop's edges, not between the centres of its outermost cells; the filter
            # knows no bfloat16
            features = F.interpolate(
                features.float(), size=self.size, mode="bilinear", align_corners=False, antialias=True
            )
        return DenseLogits(self.u(features), self.v(features), self.part(features), self.coarse(features))
