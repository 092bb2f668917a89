"""Rotation representations, thin over roma, in the convention of HMR, SPIN and PyMAF."""

import roma
import torch
from torch import Tensor


def rotmat_from_6d(pose_6d: Tensor) -> Tensor:
    """Orthonormalise 6D rotations (Zhou et al., CVPR 2019).

    Args:
        pose_6d: (..., 6), the two **columns** interleaved: ``[a1x, a2x, a1y, a2y, a1z, a2z]``. Not the row convention
            of PyTorch3D; mixing them up gives plausible nonsense.

    Returns:
        (..., 3, 3) rotation matrices with columns b1, b2, b1 x b2. Columns that are parallel or zero give NaN-free
        but arbitrary matrices.
    """
    a1, a2 = pose_6d.unflatten(-1, (3, 2)).unbind(-1)
    b1 = torch.nn.functional.normalize(a1, dim=-1)
    b2 = torch.nn.functional.normalize(a2 - (b1 * a2).sum(-1, keepdim=True) * b1, dim=-1)
    return torch.stack([b1, b2, torch.linalg.cross(b1, b2, dim=-1)], dim=-1)


def rotmat_to_6d(rotmat: Tensor) -> Tensor:
    """Keep the first two columns of (..., 3, 3) matrices, interleaved: the inverse of :func:`rotmat_from_6d`."""
    return rotmat[..., :2].flatten(-2)


def rotmat_from_axis_angle(axis_angle: Tensor) -> Tensor:
    """Map (..., 3) axis-angle vectors in radians to (..., 3, 3) matrices; differentiable at zero."""
    return roma.rotvec_to_rotmat(axis_angle)


def rotmat_to_axis_angle(rotmat: Tensor) -> Tensor:
    """Map (..., 3, 3) matrices to (..., 3) axis-angle vectors in radians, at most pi long."""
    return roma.rotmat_to_rotvec(rotmat)


def geodesic_angle(first: Tensor, second: Tensor) -> Tensor:
    """Return the angle in radians, in [0, pi], between (..., 3, 3) rotations."""
    return roma.rotmat_geodesic_distance(first, second)


def project_to_rotation(matrix: Tensor) -> Tensor:
    """Return the proper rotation nearest to (..., 3, 3) matrices, such as a mean of rotations (chordal mean)."""
    return roma.special_procrustes(matrix)
