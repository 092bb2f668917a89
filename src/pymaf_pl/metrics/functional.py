"""Errors per person, as pure functions.

Points come in metres, errors leave in millimetres, angles in degrees, fractions in [0, 1]; the dtype is the input's.
NaN in a person's points gives NaN for that person and for nobody else.

Shapes:  N people, J joints, V vertices.
"""

from collections.abc import Sequence
from typing import Final

import roma
import torch
from torch import Tensor

AUC_THRESHOLDS: Final = tuple(range(0, 151, 5))  # mm (MPI-INF-3DHP, test set's MATLAB code)


def mpjpe(predicted: Tensor, target: Tensor) -> Tensor:
    """Return the mean per-joint position error of (N, J, 3) joints, which the caller has aligned; (N,) mm."""
    return 1000 * (predicted - target).norm(dim=-1).mean(dim=-1)


def pve(predicted: Tensor, target: Tensor) -> Tensor:
    """Return the mean per-vertex error of (N, V, 3) surfaces, which the caller has aligned; (N,) mm."""
    return mpjpe(predicted, target)


def pck(predicted: Tensor, target: Tensor, threshold_mm: float = 150.0, labelled: Tensor | None = None) -> Tensor:
    """Return the share of joints within a distance in 3D (Mehta et al., 3DV 2017, who take 150 mm).

    Args:
        predicted: (N, J, 3), which the caller has aligned.
        target: (N, J, 3).
        threshold_mm: a joint at exactly this distance counts.
        labelled: (N, J) bool, which joints count; None for all.

    Returns:
        (N,) in [0, 1]; NaN where nothing is labelled.
    """
    return _shares(predicted, target, [threshold_mm], labelled)


def auc(
    predicted: Tensor, target: Tensor, thresholds_mm: Sequence[float] = AUC_THRESHOLDS, labelled: Tensor | None = None
) -> Tensor:
    """Return the mean of :func:`pck` over thresholds, by default 0, 5, ... 150 mm (Mehta et al., 3DV 2017).

    Their thresholds begin at 0, where only a perfect joint counts; so a perfect prediction has 1.

    Args:
        predicted: (N, J, 3), which the caller has aligned.
        target: (N, J, 3).
        thresholds_mm: any number.
        labelled: (N, J) bool, which joints count; None for all.

    Returns:
        (N,) in [0, 1]; NaN where nothing is labelled.
    """
    return _shares(predicted, target, thresholds_mm, labelled)


def _shares(predicted: Tensor, target: Tensor, thresholds: Sequence[float], labelled: Tensor | None) -> Tensor:
    distance = 1000 * (predicted - target).norm(dim=-1)
    counted = torch.ones_like(distance, dtype=torch.bool) if labelled is None else labelled
    limits = torch.as_tensor(thresholds, dtype=distance.dtype, device=distance.device)
    hits = ((distance.unsqueeze(-1) <= limits) & counted.unsqueeze(-1)).sum(dim=(1, 2)).to(distance.dtype)
    share = hits / (counted.sum(dim=1) * len(limits)).to(distance.dtype)
    unknown = (distance.isnan() & counted).any(dim=1)
    return share.masked_fill(unknown, torch.nan)


def accel_error(predicted: Tensor, target: Tensor, track: Tensor | None = None, fps: float = 1.0) -> Tensor:
    """Return how far the joints' acceleration is off in each frame of a video (Kanazawa et al., CVPR 2019).

    The acceleration of a frame is the second difference of it and its two neighbours, so that frames without both of
    them, the first and the last of a track, have none.

    Args:
        predicted: (N, J, 3), N frames in their order, which the caller has aligned.
        target: (N, J, 3).
        track: (N,) which frames belong together; None for one track.
        fps: frames per second; with the default the result is in mm per frame squared, as VIBE reports it.

    Returns:
        (N,) in mm per second squared (or frame squared); NaN for a frame without two neighbours.
    """
    result = predicted.new_full((len(predicted),), torch.nan)
    if len(predicted) < 3:
        return result
    offset = predicted - target
    inner = 1000 * fps**2 * (offset[:-2] - 2 * offset[1:-1] + offset[2:]).norm(dim=-1).mean(dim=-1)
    if track is not None:
        apart = (track[:-2] != track[1:-1]) | (track[1:-1] != track[2:])
        inner = inner.masked_fill(apart, torch.nan)
    result[1:-1] = inner
    return result


def pve_t_sc(predicted: Tensor, target: Tensor) -> Tensor:
    """Return the error of body shape alone: PVE-T-SC (Sengupta et al., BMVC 2020).

    Both surfaces are in the same neutral pose. The prediction is moved to the target's mean and scaled to its root mean
    square distance from it, because a photo does not tell how tall somebody is.

    Args:
        predicted: (N, V, 3).
        target: (N, V, 3).

    Returns:
        (N,) mm.
    """
    ours, truth = (points - points.mean(dim=-2, keepdim=True) for points in (predicted, target))
    size, wanted = (points.square().sum(dim=(-2, -1), keepdim=True).sqrt() for points in (ours, truth))
    scale = torch.where(size > 1e-9, wanted / size.clamp_min(1e-9), torch.zeros_like(size))
    return mpjpe(scale * ours, truth)


def procrustes_align(predicted: Tensor, target: Tensor) -> Tensor:
    """Move (N, J, 3) points onto their targets by the best similarity: scale, rotation, translation; no reflection.

    A prediction whose points all coincide is moved to the target's centre.
    """
    dtype = predicted.dtype
    lost = ~((predicted + target).isfinite().flatten(1).all(dim=1))[:, None, None]
    predicted, target = (points.double().masked_fill(lost, 0.0) for points in (predicted, target))  # SVD refuses NaN
    center = predicted.mean(dim=-2, keepdim=True)
    if predicted.shape[-2] < 2:
        return target.mean(dim=-2, keepdim=True).expand_as(target).masked_fill(lost, torch.nan).to(dtype)
    rotation, _, scale = roma.rigid_points_registration(predicted, target, compute_scaling=True)
    flat = (predicted - center).square().sum((-2, -1)) < 1e-12
    scale = torch.where(flat, torch.zeros_like(scale), scale)
    moved = scale[:, None, None] * ((predicted - center) @ rotation.mT)
    return (moved + target.mean(dim=-2, keepdim=True)).masked_fill(lost, torch.nan).to(dtype)


def pa_mpjpe(predicted: Tensor, target: Tensor) -> Tensor:
    """Return the error of (N, J, 3) joints after :func:`procrustes_align`; (N,) mm."""
    return mpjpe(procrustes_align(predicted, target), target)


def pa_pve(predicted: Tensor, target: Tensor) -> Tensor:
    """Return the error of (N, V, 3) surfaces after :func:`procrustes_align` of all their vertices; (N,) mm."""
    return pa_mpjpe(predicted, target)


def joint_angle_error(predicted: Tensor, target: Tensor) -> Tensor:
    """Return the mean geodesic angle between (N, J, 3, 3) rotations; (N,) degrees."""
    return torch.rad2deg(roma.rotmat_geodesic_distance(predicted, target)).mean(dim=-1)


def pck_2d(predicted: Tensor, target: Tensor, confidence: Tensor, threshold: Tensor | float) -> Tensor:
    """Return the share of labelled keypoints within a distance.

    Args:
        predicted: (N, J, 2).
        target: (N, J, 2), same frame.
        confidence: (N, J); a keypoint counts where it is positive.
        threshold: in that frame, a number or (N,).

    Returns:
        (N,) in [0, 1]; NaN where nothing is labelled.
    """
    labelled = confidence > 0
    limit = torch.as_tensor(threshold, dtype=predicted.dtype, device=predicted.device).reshape(-1, 1)
    hit = ((predicted - target).norm(dim=-1) <= limit) & labelled
    return hit.sum(dim=-1) / labelled.sum(dim=-1).to(predicted.dtype)
