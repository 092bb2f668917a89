"""The feature pyramid: one coarse map to several, coarse to fine."""

from itertools import pairwise

from torch import Tensor, nn


class DeconvPyramid(nn.Module):
    """Transposed convolutions that double the resolution one after another (PyMAF, Simple Baselines).

    Args:
        in_channels: channels of the backbone's map.
        channels: channels of every map of the pyramid.
        num_levels: how many maps; three bring a 224 px image from 7 px to 14, 28 and 56 px.
    """

    def __init__(self, in_channels: int, channels: int = 256, num_levels: int = 3) -> None:
        super().__init__()
        self.out_channels = channels
        widths = [in_channels] + [channels] * num_levels
        self.levels = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(c_in, c_out, kernel_size=4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(c_out),
                nn.ReLU(inplace=True),
            )
            for c_in, c_out in pairwise(widths)
        )

    def forward(self, features: Tensor) -> list[Tensor]:
        """Map (B, in_channels, h, h) to [(B, channels, 2h, 2h), (B, channels, 4h, 4h), ...]."""
        maps = []
        for level in self.levels:
            features = level(features)
            maps.append(features)
        return maps


class NoPyramid(nn.Module):
    """Pass the backbone's map on as the only level, for networks that read it whole."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.out_channels = in_channels

    def forward(self, features: Tensor) -> list[Tensor]:
        """Wrap the map in a list."""
        return [features]
