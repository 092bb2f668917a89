"""Evidence from a grid and the mesh at once, related by self-attention (PyMAF-X, Zhang et al., TPAMI 2023).

The grid sees the whole crop wherever the mesh is, the mesh points see where the body is thought to be; attention lets
each point know of all others before it is reduced to a few numbers.

Shapes:  B people, P points, H channels while points attend, D channels kept per point.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from pymaf_pl.errors import InputError
from pymaf_pl.models.evidence import MeshAlignedSampler
from pymaf_pl.models.points import PointSource
from pymaf_pl.types import BodyState

_FEED_FORWARD = 4  # times the attention's channels, as in BERT (Devlin et al., NAACL 2019)


class AttentionEvidence(nn.Module):
    """Read points, let them attend to each other, reduce each one and mix them all.

    Args:
        level: index into the pyramid, coarse to fine.
        points: a source of points.
        channels: widths of the point MLP; attention stands before its last layer, so at least three.
        heads: of the attention.
        out_features: length of the evidence; 2048 in PyMAF-X.
        align_corners: see :class:`pymaf_pl.models.evidence.MeshAlignedSampler`; false in PyMAF-X.
    """

    def __init__(
        self,
        level: int,
        points: PointSource,
        channels: Sequence[int],
        heads: int = 1,
        out_features: int = 2048,
        align_corners: bool = True,
    ) -> None:
        super().__init__()
        if len(channels) < 3:
            raise InputError(
                f"model.point_channels={list(channels[1:])}: feedback=attention stands before the last layer of the "
                "point MLP and needs at least two, such as [64,5]"
            )
        *_, width, kept = channels
        if heads < 1 or width % heads:
            raise InputError(f"model.feedback.heads={heads}: does not divide the {width} channels of its points")
        self.level, self.points, self.out_features = level, points, out_features
        self.sampler = MeshAlignedSampler(channels[:-1], align_corners)
        self.attention = nn.TransformerEncoderLayer(
            width, heads, dim_feedforward=_FEED_FORWARD * width, activation="gelu", batch_first=True
        )
        self.reduce = nn.Linear(width, kept)
        self.mix = nn.Linear(kept * points.num_points, out_features)

    def forward(self, maps: Sequence[Tensor], body: BodyState) -> Tensor:
        """Return (B, out_features) evidence for the current body."""
        read = self.sampler(maps[self.level], self.points(body))
        tokens = self.attention(read.unflatten(1, (-1, self.points.num_points)).transpose(1, 2))  # (B, P, H)
        kept = F.relu(self.reduce(tokens))
        mixed: Tensor = self.mix(kept.transpose(1, 2).flatten(1))  # channel-major, as without attention
        return mixed
