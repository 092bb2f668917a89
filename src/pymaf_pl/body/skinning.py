"""Linear blend skinning of any points on the body, exactly as the full model would place them.

A *point* is one vertex, or a fixed linear combination of vertices such as a regressed joint. A vertex is skinned
directly. A combination ``sum_i w_i v_i`` splits by bone: ``sum_j a_j G_j(m_j)`` with ``a_j = sum_i w_i W_ij`` and
``m_j`` the weighted mean of the unposed vertices, so every bone that moves it becomes one *virtual vertex* that is
rigid to that bone. Nine regressed joints over 311 vertices need 46 of them.

Shapes:  B people, N skinned points (virtual ones included), P points asked for.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pymaf_pl.body.joints import PARENTS


class SkinnedOutput(NamedTuple):
    """Points (B, P, 3) and skeleton joints (B, 24, 3), in metres, before any camera translation."""

    points: Tensor
    joints_24: Tensor


def _levels(parents: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Return per depth of the tree the joints and where their parents stand in the depth above."""
    levels: list[tuple[list[int], list[int]]] = []
    above = [0]
    while True:
        below = [j for j, parent in enumerate(parents) if parent in above and j > 0]
        if not below:
            return levels
        levels.append((below, [above.index(parents[j]) for j in below]))
        above = below


class Skinner(nn.Module):
    """Skin points of a body whose arrays are given; buffers are not part of any checkpoint.

    Args:
        v_template: (V, 3) rest surface.
        shapedirs: (V, 3, S) shape directions.
        posedirs: (207, V * 3) pose correctives.
        weights: (V, 24) skinning weights.
        j_regressor: (24, V) joints of the rest surface; folded into the shape space, never applied to a subset.
        vertices: indices of the vertices to skin; None for all of them.
        regressor: (K, V) combinations to skin, appended after the vertices.
    """

    v_template: Tensor
    shapedirs: Tensor
    posedirs: Tensor
    weights: Tensor
    joint_template: Tensor
    joint_shapedirs: Tensor
    combine: Tensor
    order: Tensor

    def __init__(
        self,
        v_template: Tensor,
        shapedirs: Tensor,
        posedirs: Tensor,
        weights: Tensor,
        j_regressor: Tensor,
        vertices: Sequence[int] | Tensor | None = None,
        regressor: Tensor | None = None,
    ) -> None:
        super().__init__()
        num_vertices = len(v_template)
        index = torch.arange(num_vertices) if vertices is None else torch.as_tensor(vertices, dtype=torch.long)
        self.num_direct = len(index)
        rows = torch.zeros(0, num_vertices, dtype=v_template.dtype) if regressor is None else regressor.to(v_template)
        signed = torch.cat([rows.clamp(min=0), rows.clamp(max=0)])  # apart, so that shares cannot cancel
        share = signed @ weights  # (2K, 24): how much of each combination rides on each bone
        half, bone = (share.abs() > 1e-9).nonzero(as_tuple=True)
        # (M, V): which mean of vertices each virtual vertex is
        mean = signed[half] * weights[:, bone].T / share[half, bone].unsqueeze(-1)
        combine = torch.zeros(len(rows), len(half), dtype=v_template.dtype)
        combine[half % max(len(rows), 1), torch.arange(len(half))] = share[half, bone]

        flat_pose = posedirs.unflatten(1, (num_vertices, 3))
        virtual_pose = torch.einsum("mv,pvc->pmc", mean, flat_pose)
        rigid = torch.nn.functional.one_hot(bone, weights.shape[1]).to(weights)
        buffers = {
            "v_template": torch.cat([v_template[index], mean @ v_template]),
            "shapedirs": torch.cat([shapedirs[index], torch.einsum("mv,vcs->mcs", mean, shapedirs)]),
            "posedirs": torch.cat([flat_pose[:, index], virtual_pose], dim=1).flatten(1),
            "weights": torch.cat([weights[index], rigid]),
            "joint_template": j_regressor @ v_template,
            "joint_shapedirs": torch.einsum("jv,vcs->jcs", j_regressor, shapedirs),
            "combine": combine,
        }
        self.levels = _levels(PARENTS)
        visited = [0] + [joint for level, _ in self.levels for joint in level]
        buffers["order"] = torch.tensor(visited).argsort()
        for name, value in buffers.items():
            self.register_buffer(name, value.contiguous(), persistent=False)

    def forward(self, pose_rotmat: Tensor, betas: Tensor) -> SkinnedOutput:
        """Place the points.

        Args:
            pose_rotmat: (B, 24, 3, 3) parent-relative rotations, root first.
            betas: (B, S) shape coefficients.

        Returns:
            Points in the order vertices, then combinations, and the 24 skeleton joints. Always in the buffers' dtype:
            under reduced precision skinning is off by centimetres.
        """
        with torch.autocast(device_type=betas.device.type, enabled=False):
            pose_rotmat, betas = pose_rotmat.to(self.v_template), betas.to(self.v_template)
            joints = self.joint_template + torch.einsum("bs,jcs->bjc", betas, self.joint_shapedirs)
            rotation, position = self._chain(pose_rotmat, joints)
            points = self._blend(pose_rotmat, betas, rotation, position - _rotate(rotation, joints))
            if self.combine.numel():
                direct, virtual = points[:, : self.num_direct], points[:, self.num_direct :]
                points = torch.cat([direct, self.combine @ virtual], dim=1)
        return SkinnedOutput(points, position)

    def _chain(self, local: Tensor, joints: Tensor) -> tuple[Tensor, Tensor]:
        """World rotation (B, 24, 3, 3) and position (B, 24, 3) of every joint, one depth of the tree at a time."""
        rotation, position, above = [local[:, :1]], [joints[:, :1]], [0]
        for level, parent in self.levels:
            parent_rotation, parent_position = rotation[-1][:, parent], position[-1][:, parent]
            bone = joints[:, level] - joints[:, [above[p] for p in parent]]
            rotation.append(parent_rotation @ local[:, level])
            position.append(_rotate(parent_rotation, bone) + parent_position)
            above = level
        return torch.cat(rotation, 1)[:, self.order], torch.cat(position, 1)[:, self.order]

    def _blend(self, pose_rotmat: Tensor, betas: Tensor, rotation: Tensor, offset: Tensor) -> Tensor:
        feature = (pose_rotmat[:, 1:] - torch.eye(3, dtype=betas.dtype, device=betas.device)).flatten(1)
        rest = self.v_template + torch.einsum("bs,ncs->bnc", betas, self.shapedirs)
        rest = rest + (feature @ self.posedirs).unflatten(1, (-1, 3))
        transform = self.weights @ torch.cat([rotation.flatten(2), offset], dim=-1)  # (B, N, 12)
        return _rotate(transform[..., :9].unflatten(-1, (3, 3)), rest) + transform[..., 9:]


def _rotate(rotation: Tensor, points: Tensor) -> Tensor:
    return (rotation @ points.unsqueeze(-1)).squeeze(-1)
