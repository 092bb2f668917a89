"""The networks that experiments choose from, each assembled from the same parts.

Adding a variant: an option of one of its parts (``conf/backbone``, ``conf/pyramid``, ``conf/feedback``); or, if it is
another loop altogether, a function here and a file in ``conf/model``.
"""

from collections.abc import Callable, Sequence
from functools import partial

from torch import nn

from pymaf_pl.body import BodyModel
from pymaf_pl.errors import InputError
from pymaf_pl.models.dense_head import DenseHead
from pymaf_pl.models.evidence import GlobalEvidence
from pymaf_pl.models.feedback import Feedback, Reading, grid_then_mesh
from pymaf_pl.models.maps import Backbone, MapSpec, Pyramid
from pymaf_pl.models.pose_code import Rotation, pose_code
from pymaf_pl.models.pose_filter import PoseFilter
from pymaf_pl.models.pymaf import FeedbackNetwork
from pymaf_pl.models.pyramid import DeconvPyramid, NoPyramid
from pymaf_pl.models.regressor import Activation, Regressor

MakePyramid = Callable[[Sequence[MapSpec], int, int], Pyramid]
_PUBLISHED_LEVELS = 3  # 14, 28 and 56 px of a 224 px image


def pymaf(
    backbone: Backbone,
    body: BodyModel,
    num_iterations: int = 3,
    feedback: Feedback = grid_then_mesh,
    pyramid: MakePyramid = DeconvPyramid,
    pyramid_channels: int = 256,
    pyramid_levels: int | None = None,
    point_channels: Sequence[int] = (128, 64, 5),
    align_corners: bool = True,
    hidden: int = 1024,
    dropout: float = 0.5,
    head_gain: float = 0.01,
    activation: Activation = "none",
    rotation: Rotation = "6d",
    pose_noise: float | None = None,
    shared_regressor: bool = False,
    detach: bool = True,
    dense_head: bool = True,
    dense_size: int | None = None,
) -> FeedbackNetwork:
    """Assemble PyMAF: mesh-aligned evidence from a finer map at each iteration, one regressor each.

    Args:
        backbone: image to maps.
        body: gives the mean body and the surface points.
        num_iterations: T. With T below the number of maps the finest T are read; with more, the finest again.
        feedback: what each iteration reads, see :mod:`pymaf_pl.models.feedback`.
        pyramid: from the backbone's maps to those that are read, see :mod:`pymaf_pl.models.pyramid`.
        pyramid_channels: channels of every map.
        pyramid_levels: how often the resolution doubles; the number of maps, unless ``pyramid`` keeps fewer. None: the
            published three.
        point_channels: widths of the point MLP after its input.
        align_corners: -1 and 1 are the centres of a map's outermost cells (as published), or their edges (PyMAF-X).
        hidden: width of the regressors.
        dropout: of the regressors.
        head_gain: Xavier gain of the regressors' heads.
        activation: between the regressors' layers, ``none`` (as published) or ``relu``.
        rotation: what the regressors read and correct, ``6d`` (as published) or ``axis_angle`` (HMR).
        pose_noise: radians, for a :class:`PoseFilter`; None: poses as they are regressed, as published.
        shared_regressor: one for all iterations; their evidence must be equally long.
        detach: cut the gradient between iterations.
        dense_head: auxiliary dense correspondence on the finest map.
        dense_size: side of its logits in px; None for the finest map's.
    """
    _check_counts(
        num_iterations=num_iterations, pyramid_channels=pyramid_channels, hidden=hidden,
        point_channels=min(point_channels, default=0),
    )  # fmt: skip
    if dense_size is not None and not dense_head:
        raise InputError(f"model.dense_size={dense_size}: there is no dense head; leave it out or set dense_head=true")
    mean = body.mean_state()
    levels = pyramid(backbone.maps, pyramid_channels, _PUBLISHED_LEVELS if pyramid_levels is None else pyramid_levels)
    evidence = feedback(body, _readings(levels.maps, num_iterations, tuple(point_channels), align_corners))
    make = partial(
        Regressor, hidden=hidden, dropout=dropout, head_gain=head_gain, activation=activation,
        code=pose_code(rotation, mean),
    )  # fmt: skip
    return FeedbackNetwork(
        backbone=backbone,
        pyramid=levels,
        evidence=evidence,
        regressors=_regressors(make, evidence, shared_regressor),
        mean=mean,
        detach=detach,
        dense_head=DenseHead(levels.maps[-1].channels, dense_size) if dense_head else None,
        pose_filter=_pose_filter(pose_noise),
    )


def hmr(
    backbone: Backbone,
    body: BodyModel,
    num_iterations: int = 3,
    hidden: int = 1024,
    dropout: float = 0.5,
    head_gain: float = 0.01,
    activation: Activation = "none",
    rotation: Rotation = "6d",
    pose_noise: float | None = None,
    detach: bool = False,
) -> FeedbackNetwork:
    """Assemble the HMR/SPIN baseline: one regressor that reads the same global feature at every iteration.

    Args:
        backbone: image to maps; the deepest is read.
        body: gives the mean body.
        num_iterations: T; the weights are shared between iterations.
        hidden: width of the regressor.
        dropout: of the regressor.
        head_gain: Xavier gain of the regressor's heads.
        activation: between the regressor's layers, ``none`` (as published) or ``relu``.
        rotation: what the regressor reads and corrects, ``6d`` (SPIN) or ``axis_angle`` (HMR).
        pose_noise: radians, for a :class:`PoseFilter`; None: poses as they are regressed, as published.
        detach: cut the gradient between iterations; HMR and SPIN do not.
    """
    _check_counts(num_iterations=num_iterations, hidden=hidden)
    evidence = GlobalEvidence(backbone.out_channels)
    code = pose_code(rotation, body.mean_state())
    regressor = Regressor(evidence.out_features, hidden, dropout, head_gain, activation, code)
    return FeedbackNetwork(
        backbone=backbone,
        pyramid=NoPyramid(backbone.maps),
        evidence=[evidence] * num_iterations,
        regressors=[regressor] * num_iterations,
        mean=body.mean_state(),
        detach=detach,
        pose_filter=_pose_filter(pose_noise),
    )


def _readings(
    maps: Sequence[MapSpec], num_iterations: int, point_channels: tuple[int, ...], align_corners: bool
) -> list[Reading]:
    """Let the last iteration read the finest map, and those before it the maps before that."""
    skipped = max(0, len(maps) - num_iterations)
    levels = [min(len(maps) - 1, t + skipped) for t in range(num_iterations)]
    return [Reading(level, (maps[level].channels, *point_channels), align_corners) for level in levels]


def _regressors(make: Callable[[int], nn.Module], evidence: Sequence[nn.Module], shared: bool) -> list[nn.Module]:
    lengths = [int(module.out_features) for module in evidence]  # type: ignore[arg-type]
    if not shared:
        return [make(length) for length in lengths]
    if len(set(lengths)) > 1:
        raise InputError(
            f"model.shared_regressor=true: the iterations give it {', '.join(map(str, lengths))} values; with "
            "feedback=mesh_only, grid_only or global_feature they give the same number"
        )
    return [make(lengths[0])] * len(lengths)


def _pose_filter(noise: float | None) -> PoseFilter | None:
    return None if noise is None else PoseFilter(noise)


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            what = "the loop needs at least one iteration" if name == "num_iterations" else "at least 1"
            raise InputError(f"model.{name}={count}: {what}")
