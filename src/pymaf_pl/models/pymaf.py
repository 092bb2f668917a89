"""The feedback loop (PyMAF, Zhang et al., ICCV 2021, Figure 2).

    image --backbone--> features --pyramid--> maps, coarse to fine
    body[0] = the mean body
    body[t + 1] = regressor[t](evidence[t](maps, body[t]), body[t])

This is the only file that runs iterations. What an iteration sees is its evidence: PyMAF reads the pyramid where the
current mesh projects, HMR and SPIN read one global vector. See :mod:`pymaf_pl.models.variants`.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from pymaf_pl.errors import InputError
from pymaf_pl.types import BodyState, NetworkOutput


class FeedbackNetwork(nn.Module):
    """Regress a body from an image and refine it, one residual at a time.

    Args:
        backbone: (B, 3, S, S) image to feature maps, coarse to fine.
        pyramid: those to the maps that are read, coarse to fine.
        evidence: one module per iteration, ``(maps, body) -> (B, D)``; a module may stand in the list twice.
        regressors: one module per iteration, ``(evidence, body) -> body``; the same one everywhere shares weights.
        mean: the (1, ...) body to start from.
        detach: cut the gradient between iterations, so that each learns to improve what it is given.
        dense_head: auxiliary head on the finest map; for training, and for who asks.
        pose_filter: what is made of a body when it leaves the network; not in training, and not within the loop.
    """

    mean: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        pyramid: nn.Module,
        evidence: Sequence[nn.Module],
        regressors: Sequence[nn.Module],
        mean: BodyState,
        detach: bool = True,
        dense_head: nn.Module | None = None,
        pose_filter: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if not len(evidence) == len(regressors) >= 1:
            raise InputError(f"model.num_iterations={len(regressors)}: the loop needs at least one iteration")
        self.backbone, self.pyramid = backbone, pyramid
        self.evidence, self.regressors = nn.ModuleList(evidence), nn.ModuleList(regressors)
        self.dense_head, self.pose_filter = dense_head, pose_filter
        self.detach = detach
        self.register_buffer("mean", mean.vector())

    @property
    def num_iterations(self) -> int:
        """T, the number of feedback iterations."""
        return len(self.regressors)

    def forward(self, images: Tensor, with_dense: bool = False) -> NetworkOutput:
        """Return ``body[0..T]`` for (B, 3, S, S) normalised RGB crops; and dense logits in training or if asked for."""
        maps = self.pyramid(self.backbone(images))
        bodies = [BodyState.from_vector(self.mean.expand(images.shape[0], -1))]
        for evidence, regressor in zip(self.evidence, self.regressors, strict=True):
            body = bodies[-1].detach() if self.detach else bodies[-1]
            bodies.append(regressor(evidence(maps, body), body))
        if self.pose_filter is not None and not self.training:
            bodies[1:] = [self.pose_filter(body) for body in bodies[1:]]
        dense = self.dense_head(maps[-1]) if self.dense_head is not None and (self.training or with_dense) else None
        return NetworkOutput(tuple(bodies), dense)
