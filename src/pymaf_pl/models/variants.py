"""The networks that experiments choose from, each assembled from the same parts.

Adding a variant: write its evidence (``evidence.py``) or its points (``points.py``), assemble it in a function here,
and give it a file in ``conf/model``.
"""

from collections.abc import Callable, Sequence

from pymaf_pl.body import BodyModel
from pymaf_pl.errors import InputError
from pymaf_pl.models.backbone import ResNet
from pymaf_pl.models.dense_head import DenseHead
from pymaf_pl.models.evidence import GlobalEvidence, MeshAlignedSampler, PointEvidence
from pymaf_pl.models.points import PointSource, grid_then_mesh
from pymaf_pl.models.pymaf import FeedbackNetwork
from pymaf_pl.models.pyramid import DeconvPyramid, NoPyramid
from pymaf_pl.models.regressor import Activation, Regressor

PointSources = Callable[[BodyModel, int], list[PointSource]]


def pymaf(
    backbone: ResNet,
    body: BodyModel,
    num_iterations: int = 3,
    feedback: PointSources = grid_then_mesh,
    pyramid_channels: int = 256,
    pyramid_levels: int = 3,
    point_channels: Sequence[int] = (128, 64, 5),
    hidden: int = 1024,
    dropout: float = 0.5,
    head_gain: float = 0.01,
    activation: Activation = "none",
    detach: bool = True,
    dense_head: bool = True,
) -> FeedbackNetwork:
    """Assemble PyMAF: mesh-aligned evidence from a finer map at each iteration, one regressor each.

    Args:
        backbone: has ``out_channels``.
        body: gives the mean body and the surface points.
        num_iterations: T. With T below ``pyramid_levels`` the finest T maps are read; with more, the finest again.
        feedback: which points each iteration reads.
        pyramid_channels: channels of every map.
        pyramid_levels: number of deconvolutions.
        point_channels: widths of the point MLP after its input.
        hidden: width of the regressors.
        dropout: of the regressors.
        head_gain: Xavier gain of the regressors' heads.
        activation: between the regressors' layers, ``none`` (as published) or ``relu``.
        detach: cut the gradient between iterations.
        dense_head: auxiliary dense correspondence on the finest map.
    """
    _check_iterations(num_iterations)
    if pyramid_levels < 1:
        raise InputError(f"model.pyramid_levels={pyramid_levels}: there must be at least one map to read")
    sources = feedback(body, num_iterations)
    skipped = max(0, pyramid_levels - num_iterations)
    evidence = [
        PointEvidence(
            level=min(pyramid_levels - 1, t + skipped),
            points=points,
            sampler=MeshAlignedSampler((pyramid_channels, *point_channels)),
        )
        for t, points in enumerate(sources)
    ]
    return FeedbackNetwork(
        backbone=backbone,
        pyramid=DeconvPyramid(backbone.out_channels, pyramid_channels, pyramid_levels),
        evidence=evidence,
        regressors=[Regressor(e.out_features, hidden, dropout, head_gain, activation) for e in evidence],
        mean=body.mean_state(),
        detach=detach,
        dense_head=DenseHead(pyramid_channels) if dense_head else None,
    )


def hmr(
    backbone: ResNet,
    body: BodyModel,
    num_iterations: int = 3,
    hidden: int = 1024,
    dropout: float = 0.5,
    head_gain: float = 0.01,
    activation: Activation = "none",
    detach: bool = False,
) -> FeedbackNetwork:
    """Assemble the HMR/SPIN baseline: one regressor that reads the same global feature at every iteration.

    Args:
        backbone: has ``out_channels``.
        body: gives the mean body.
        num_iterations: T; the weights are shared between iterations.
        hidden: width of the regressor.
        dropout: of the regressor.
        head_gain: Xavier gain of the regressor's heads.
        activation: between the regressor's layers, ``none`` (as published) or ``relu``.
        detach: cut the gradient between iterations; HMR and SPIN do not.
    """
    _check_iterations(num_iterations)
    evidence = GlobalEvidence(backbone.out_channels)
    regressor = Regressor(evidence.out_features, hidden, dropout, head_gain, activation)
    return FeedbackNetwork(
        backbone=backbone,
        pyramid=NoPyramid(backbone.out_channels),
        evidence=[evidence] * num_iterations,
        regressors=[regressor] * num_iterations,
        mean=body.mean_state(),
        detach=detach,
    )


def _check_iterations(num_iterations: int) -> None:
    if num_iterations < 1:
        raise InputError(f"model.num_iterations={num_iterations}: the loop needs at least one iteration")
