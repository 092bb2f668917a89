"""The feature pyramid: a backbone's maps to the maps that the iterations read, coarse to fine.

Adding one: a :class:`Pyramid` whose constructor takes the backbone's maps, the channels and the number of levels, and a
file in ``conf/pyramid``.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from pymaf_pl.errors import InputError
from pymaf_pl.models.maps import MapSpec, Pyramid

_COARSEST_STRIDE = 32  # of a ResNet; every pyramid doubles from there: 14, 28 and 56 px of a 224 px image


class DeconvPyramid(Pyramid):
    """Transposed convolutions that double the resolution one after another (PyMAF, Simple Baselines).

    Args:
        features: the backbone's maps; the deepest is read.
        channels: channels of every map of the pyramid.
        num_levels: how many maps; three bring a 224 px image from 7 px to 14, 28 and 56 px. A backbone that is at 14 px
            already, as vision transformers are, keeps its resolution at the first level.
    """

    def __init__(self, features: Sequence[MapSpec], channels: int = 256, num_levels: int = 3) -> None:
        super().__init__()
        _check_levels(num_levels)
        deepest = features[0]
        scales = [2 if deepest.stride >= _COARSEST_STRIDE else 1] + [2] * (num_levels - 1)
        widths = [deepest.channels] + [channels] * num_levels
        self.levels = nn.ModuleList(
            _deconvolution(c_in, c_out) if scale == 2 else _convolution(c_in, c_out)
            for (c_in, c_out), scale in zip(pairwise(widths), scales, strict=True)
        )
        maps, stride = [], deepest.stride
        for scale in scales:
            stride //= scale
            maps.append(MapSpec(channels, stride))
        self.maps = tuple(maps)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Map the deepest, (B, C, h, h), to [(B, channels, 2h, 2h), (B, channels, 4h, 4h), ...]."""
        maps, current = [], features[0]
        for level in self.levels:
            current = level(current)
            maps.append(current)
        return maps


class FixedPyramid(DeconvPyramid):
    """The finest of a :class:`DeconvPyramid` alone, so that every iteration reads the same resolution."""

    def __init__(self, features: Sequence[MapSpec], channels: int = 256, num_levels: int = 3) -> None:
        super().__init__(features, channels, num_levels)
        self.maps = self.maps[-1:]

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Return the last map in a list."""
        return super().forward(features)[-1:]


class LateralPyramid(Pyramid):
    """The encoder's own earlier maps, each joined with all that is coarser (FPN, Lin et al., CVPR 2017).

    A map is brought to ``channels`` by a 1x1 convolution, the coarser one is added at twice its size, and a 3x3
    convolution smooths the sum; what it gives is read and handed on.

    Args:
        features: the backbone's maps, as many as levels and one more, each twice as large as the one before.
        channels: channels of every map of the pyramid.
        num_levels: how many maps; three are 14, 28 and 56 px of a 224 px image.
    """

    def __init__(self, features: Sequence[MapSpec], channels: int = 256, num_levels: int = 3) -> None:
        super().__init__()
        _check_levels(num_levels)
        if num_levels > len(features) - 1:
            has = f"{len(features) - 1} maps finer than its deepest" if len(features) > 1 else "one map alone"
            raise InputError(
                f"model.pyramid_levels={num_levels}: pyramid=lateral reads the backbone's own maps, and this one has "
                f"{has}; pyramid=deconv makes any number"
            )
        self.maps = tuple(MapSpec(channels, finer.stride) for finer in features[1 : num_levels + 1])
        self.top = nn.Conv2d(features[0].channels, channels, kernel_size=1)
        self.lateral = nn.ModuleList(
            nn.Conv2d(finer.channels, channels, kernel_size=1) for finer in features[1 : num_levels + 1]
        )
        self.smooth = nn.ModuleList(_convolution(channels, channels) for _ in range(num_levels))

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Map the backbone's maps to [(B, channels, 2h, 2h), (B, channels, 4h, 4h), ...]."""
        maps, current = [], self.top(features[0])
        for finer, lateral, smooth in zip(features[1:], self.lateral, self.smooth, strict=False):
            current = smooth(lateral(finer) + F.interpolate(current, size=finer.shape[-2:], mode="nearest"))
            maps.append(current)
        return maps


class NoPyramid(Pyramid):
    """Pass the backbone's deepest map on as the only level; there are no channels and levels to choose."""

    def __init__(self, features: Sequence[MapSpec], *_not_used: int) -> None:
        super().__init__()
        self.maps = (features[0],)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Return the deepest map in a list."""
        return [features[0]]


def _deconvolution(c_in: int, c_out: int) -> nn.Sequential:
    layer = nn.ConvTranspose2d(c_in, c_out, kernel_size=4, stride=2, padding=1, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(c_out), nn.ReLU(inplace=True))


def _convolution(c_in: int, c_out: int) -> nn.Sequential:
    layer = nn.Conv2d(c_in, c_out, kernel_size=3, padding=1, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(c_out), nn.ReLU(inplace=True))


def _check_levels(num_levels: int) -> None:
    if num_levels < 1:
        raise InputError(f"model.pyramid_levels={num_levels}: there must be at least one map to read")
