"""The weak-perspective camera of HMR, SPIN and PyMAF, and its ways to metres and back.

A camera ``[s, tx, ty]`` stands for a pinhole camera of focal length 5000 px over a 224 px crop that looks along +z,
with the body moved to ``(tx, ty, 2 * 5000 / (224 s))``. All functions work in crop NDC, so they hold for any crop
size: the ratio of focal length and crop size is what counts, and this file alone owns it.
"""

import torch
from torch import Tensor

FOCAL_LENGTH = 5000.0  # px over CROP_SIZE (SPIN constants.py)
CROP_SIZE = 224  # px at which FOCAL_LENGTH is meant (SPIN constants.py)
_NDC_FOCAL = 2 * FOCAL_LENGTH / CROP_SIZE


def weak_cam_to_translation(weak_cam: Tensor) -> Tensor:
    """Turn (..., 3) cameras ``[s, tx, ty]`` into the (..., 3) translation in metres, camera frame."""
    s, tx, ty = weak_cam.unbind(-1)
    return torch.stack([tx, ty, _NDC_FOCAL / (s + 1e-9)], dim=-1)


def translation_to_weak_cam(translation: Tensor) -> Tensor:
    """Invert :func:`weak_cam_to_translation`."""
    tx, ty, tz = translation.unbind(-1)
    return torch.stack([_NDC_FOCAL / tz, tx, ty], dim=-1)


def project(points: Tensor, weak_cam: Tensor) -> Tensor:
    """Project body points into the crop.

    Args:
        points: (B, P, 3) in metres, camera axes, before translation.
        weak_cam: (B, 3).

    Returns:
        (B, P, 2) in crop NDC, about ``s * (x + tx)``.
    """
    moved = points + weak_cam_to_translation(weak_cam).unsqueeze(-2)
    return _NDC_FOCAL * moved[..., :2] / moved[..., 2:]


def estimate_translation(joints: Tensor, keypoints: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor]:
    """Find the translation that best projects 3D joints onto 2D keypoints (SPIN's weighted linear least squares).

    Each visible joint gives two rows, ``f tx - u tz = u Z - f X`` and the same for y, weighted with the square root of
    its confidence. All people are solved at once as 3x3 normal equations.

    Args:
        joints: (B, J, 3) in metres, camera axes, before translation.
        keypoints: (B, J, 2) in crop NDC.
        confidence: (B, J) non-negative.

    Returns:
        The (B, 3) translation and a (B,) mask of the rows that determine one: at least two confident joints, 1e-3
        apart or more, in front of the camera. Other rows hold the translation of ``[0.9, 0, 0]``, SPIN's mean camera.
    """
    dtype = joints.dtype
    joints, keypoints, weight = joints.double(), keypoints.double(), confidence.double()
    f = _NDC_FOCAL
    w = weight.unsqueeze(-1)
    u = torch.where(w > 0, keypoints, 0.0)  # what nobody is sure of may be anything, even NaN
    right = u * joints[..., 2:] - f * joints[..., :2]
    total = weight.sum(-1)
    mean_u = (w * u).sum(-2)
    normal = joints.new_zeros(len(joints), 3, 3)
    normal[:, 0, 0] = normal[:, 1, 1] = f * f * total
    normal[:, :2, 2] = normal[:, 2, :2] = -f * mean_u
    normal[:, 2, 2] = (w * u.square()).sum((-2, -1))
    target = torch.cat([f * (w * right).sum(-2), -(w * u * right).sum((-2, -1)).unsqueeze(-1)], dim=-1)
    # the determinant is f^4 * total * (weighted variance of the keypoints): zero where nothing fixes the depth
    spread = total * normal[:, 2, 2] - mean_u.square().sum(-1)
    valid = spread > 1e-6 * total.square()
    safe = torch.where(valid[:, None, None], normal, torch.eye(3, dtype=normal.dtype, device=normal.device))
    solution = torch.linalg.solve(safe, target)
    valid = valid & (solution[:, 2] > 0)
    fallback = weak_cam_to_translation(solution.new_tensor([0.9, 0.0, 0.0]))
    return torch.where(valid[:, None], solution, fallback).to(dtype), valid


def crop_to_image_translation(
    weak_cam: Tensor, bbox_center: Tensor, bbox_size: Tensor, image_size: Tensor, focal_length: Tensor
) -> Tensor:
    """Place a body seen in a crop in front of the camera that took the whole image.

    Args:
        weak_cam: (..., 3) crop cameras.
        bbox_center: (..., 2) image px.
        bbox_size: (...,) side of the square box in image px.
        image_size: (..., 2) width and height in px; the principal point is the middle.
        focal_length: (...,) in px of the image.

    Returns:
        (..., 3) translation in metres: depth ``2 f / (size s)``, and the box centre's offset added to tx and ty.
    """
    s, tx, ty = weak_cam.unbind(-1)
    scaled = s * bbox_size + 1e-9
    offset = 2 * (bbox_center - image_size / 2) / scaled.unsqueeze(-1)
    return torch.stack([tx + offset[..., 0], ty + offset[..., 1], 2 * focal_length / scaled], dim=-1)


def project_pinhole(points: Tensor, focal_length: Tensor, principal_point: Tensor) -> Tensor:
    """Project (..., P, 3) camera-frame points to (..., P, 2) image px; focal (...,), principal point (..., 2)."""
    return focal_length[..., None, None] * points[..., :2] / points[..., 2:] + principal_point.unsqueeze(-2)
