"""Image evidence: what one feedback iteration gets to see, as one flat vector per person.

``MeshAlignedSampler`` squeezes a feature map read at points; ``PointEvidence`` binds it to a level of the pyramid and
to a source of points; ``GlobalEvidence`` is what HMR and SPIN read. None of them knows that there are iterations.

Shapes:  B people, C channels of the map, H W its size, P points, D channels kept per point.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pymaf_pl.models.points import PointSource
from pymaf_pl.types import BodyState


class MeshAlignedSampler(nn.Module):
    """Sample a feature map at 2D points and reduce each point to ``channels[-1]`` values.

    Every layer after the first also sees the raw ``channels[0]`` input again, as in PIFu (Saito et al., ICCV 2019)
    and in the released PyMAF weights.

    Args:
        channels: widths from input to output, e.g. ``(256, 128, 64, 5)``; the first is the map's channel count.
        align_corners: -1 and 1 are the centres of the outermost cells, as published, where a map of 14 cells is read
            up to half a cell (8 px of 224) from where a point projects; or their edges, as everywhere else here.
    """

    def __init__(self, channels: Sequence[int] = (256, 128, 64, 5), align_corners: bool = True) -> None:
        super().__init__()
        self.channels, self.align_corners = tuple(channels), align_corners
        skip = channels[0]
        self.layers = nn.ModuleList(
            nn.Conv1d(c_in + (skip if i else 0), c_out, kernel_size=1)
            for i, (c_in, c_out) in enumerate(pairwise(channels))
        )

    def forward(self, features: Tensor, points: Tensor) -> Tensor:
        """Return one flat evidence vector per person.

        Args:
            features: (B, C, H, W) feature map of the crop.
            points: (B, P, 2) xy in crop NDC. Points outside [-1, 1] read zeros.

        Returns:
            (B, D * P), channel-major: the P values of channel 0 first, then channel 1, ... The order is part of the
            checkpoint format.
        """
        # grid_sample wants a 2D grid, so P points become a P x 1 image; in float32 it is faster and exact
        grid = points.unsqueeze(2).float()
        sampled = F.grid_sample(features.float(), grid, align_corners=self.align_corners).squeeze(-1)
        hidden = sampled
        for i, layer in enumerate(self.layers):
            hidden = layer(hidden if i == 0 else torch.cat([hidden.to(sampled), sampled], dim=1))
            if i < len(self.layers) - 1:
                hidden = F.leaky_relu(hidden)
        return F.relu(hidden).flatten(1)


class PointEvidence(nn.Module):
    """Evidence read at points of one level of the pyramid.

    Args:
        level: index into the pyramid, coarse to fine.
        points: a source of points, see :mod:`pymaf_pl.models.points`.
        sampler: reduces the map at those points.
    """

    def __init__(self, level: int, points: PointSource, sampler: MeshAlignedSampler) -> None:
        super().__init__()
        self.level, self.points, self.sampler = level, points, sampler
        self.out_features: int = points.num_points * sampler.channels[-1]

    def forward(self, maps: Sequence[Tensor], body: BodyState) -> Tensor:
        """Return (B, out_features) evidence for the current body."""
        return self.sampler(maps[self.level], self.points(body))


class GlobalEvidence(nn.Module):
    """A pooled map, whatever the body. HMR and SPIN read the backbone's deepest at every iteration.

    Args:
        channels: channels of the map.
        level: index into the pyramid, coarse to fine.
    """

    def __init__(self, channels: int, level: int = 0) -> None:
        super().__init__()
        self.level = level
        self.out_features = channels

    def forward(self, maps: Sequence[Tensor], _body: BodyState) -> Tensor:
        """Return the (B, channels) mean over the map."""
        return maps[self.level].mean(dim=(2, 3))
