"""Errors per person, as pure functions.

Points come in metres, errors leave in millimetres, angles in degrees, fractions in [0, 1].

Shapes:  N people, J joints, V vertices.
"""

import roma
import torch
from torch import Tensor


def mpjpe(predicted: Tensor, target: Tensor) -> Tensor:
    """Return the mean per-joint position error of (N, J, 3) joints, which the caller has aligned; (N,) mm."""
    return 1000 * (predicted - target).norm(dim=-1).mean(dim=-1)


def pve(predicted: Tensor, target: Tensor) -> Tensor:
    """Return the mean per-vertex error of (N, V, 3) surfaces, which the caller has aligned; (N,) mm."""
    return mpjpe(predicted, target)


def procrustes_align(predicted: Tensor, target: Tensor) -> Tensor:
    """Move (N, J, 3) points onto their targets by the best similarity: scale, rotation, translation; no reflection.

    A prediction whose points all coincide is moved to the target's centre.
    """
    dtype = predicted.dtype
    predicted, target = predicted.double(), target.double()
    center = predicted.mean(dim=-2, keepdim=True)
    if predicted.shape[-2] < 2:
        return target.mean(dim=-2, keepdim=True).expand_as(target).to(dtype)
    rotation, _, scale = roma.rigid_points_registration(predicted, target, compute_scaling=True)
    flat = (predicted - center).square().sum((-2, -1)) < 1e-12
    scale = torch.where(flat, torch.zeros_like(scale), scale)
    moved = scale[:, None, None] * ((predicted - center) @ rotation.mT)
    return (moved + target.mean(dim=-2, keepdim=True)).to(dtype)


def pa_mpjpe(predicted: Tensor, target: Tensor) -> Tensor:
    """Return the error of (N, J, 3) joints after :func:`procrustes_align`; (N,) mm."""
    return mpjpe(procrustes_align(predicted, target), target)


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
