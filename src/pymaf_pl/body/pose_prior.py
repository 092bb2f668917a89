"""How people hold themselves: a mixture of 64 Gaussians over the axis-angle of 20 joints.

It draws poses for the synthetic worlds and, as in SMPLify (Bogo et al., ECCV 2016), tells a fit how unlikely its pose
is. Toes and hands are left at rest. Joint 0 holds the tilt of the body with its heading removed: upright is zero, lying
is 90 degrees, and turning round the vertical is for the caller to add.

The parameters (no recording) were fitted to motion-capture poses of the CMU Graphics Lab database (mocap.cs.cmu.edu;
created with funding from NSF EIA-0196217) and to CC0 poses by Quaternius, Mesh2Motion and MakeHuman.

Shapes:  N or B poses, 24 joints in SMPL order, axis-angle in radians; the body's own axes: x left, y up, z forward.
"""

import math
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pymaf_pl.body.joints import FLIP_SKELETON
from pymaf_pl.body.pose_limits import is_possible

_KNEES = [4, 5]


class PosePrior(nn.Module):
    """The shipped mixture: draw poses, mirror them, score them.

    Args:
        path: another mixture in the same format (``weights (K)``, ``means (K, 3J)``, ``cholesky`` lower triangles row
            by row, ``joints (J)``); the shipped one by default.
    """

    means: Tensor
    whiten: Tensor
    offset: Tensor

    def __init__(self, path: Path | None = None) -> None:
        super().__init__()
        if path is None:
            with as_file(files("pymaf_pl.body") / "assets" / "pose_prior.npz") as shipped:
                table = dict(np.load(shipped))
        else:
            table = dict(np.load(path))
        self._weights = table["weights"].astype(np.float64) / table["weights"].sum(dtype=np.float64)
        self._means = table["means"].astype(np.float64)
        self._joints = table["joints"].astype(np.int64)
        dim = self._means.shape[1]
        self._cholesky = np.zeros((len(self._weights), dim, dim))
        self._cholesky[(slice(None), *np.tril_indices(dim))] = table["cholesky"]
        self._keep_scoring_terms()

    def _keep_scoring_terms(self) -> None:
        """Marginalise the tilt away (a fit's root orientation is the camera's business) and whiten what remains."""
        covariance = self._cholesky @ self._cholesky.transpose(0, 2, 1)
        cholesky = np.linalg.cholesky(covariance[:, 3:, 3:])
        log_det = np.log(np.diagonal(cholesky, axis1=1, axis2=2)).sum(1)
        dim = cholesky.shape[1]
        offset = log_det - np.log(self._weights) + 0.5 * dim * math.log(2 * math.pi)
        self.register_buffer("means", torch.from_numpy(self._means[:, 3:]).float(), persistent=False)
        self.register_buffer("whiten", torch.from_numpy(np.linalg.inv(cholesky)).float(), persistent=False)
        self.register_buffer("offset", torch.from_numpy(offset).float(), persistent=False)

    def propose(self, n: int, rng: np.random.Generator, temperature: float = 0.8) -> NDArray[np.float64]:
        """Draw n poses (n, 24, 3) from the mixture as it is; some will be impossible."""
        component = rng.choice(len(self._weights), n, p=self._weights)
        noise = rng.normal(size=(n, self._means.shape[1])) * temperature
        drawn = self._means[component] + np.einsum("nij,nj->ni", self._cholesky[component], noise)
        pose = np.zeros((n, 24, 3))
        pose[:, self._joints] = drawn.reshape(n, -1, 3)
        pose[:, _KNEES, 0] = np.maximum(pose[:, _KNEES, 0], 0)  # a Gaussian overshoots where a straight knee stops
        return pose

    def sample(self, n: int, rng: np.random.Generator, temperature: float = 0.8) -> NDArray[np.float64]:
        """Draw n possible poses (n, 24, 3); those that break a joint limit or hit themselves are drawn again.

        Args:
            n: how many.
            rng: source of randomness; the same state gives the same poses.
            temperature: 1 is the spread of the data, below 1 keeps nearer to common poses.
        """
        kept: list[NDArray[np.float64]] = [np.zeros((0, 24, 3))]
        while sum(map(len, kept)) < n:
            pose = self.propose(n + n // 5 + 4, rng, temperature)
            kept.append(pose[is_possible(pose)])
        return np.concatenate(kept)[:n]

    @property
    def joints(self) -> list[int]:
        """The joints that it knows of, the root first."""
        return [int(joint) for joint in self._joints]

    def moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean (3J) and covariance (3J, 3J) over the axis-angle of ``joints[1:]``, left and right alike."""
        mean = self._weights @ self._means
        apart = self._means - mean
        spread = self._cholesky @ self._cholesky.transpose(0, 2, 1) + apart[:, :, None] * apart[:, None]
        covariance = np.tensordot(self._weights, spread, 1)
        # the mirror image of a pose is as likely as the pose, so the moments are those of both halves together
        swap = np.array([self.joints.index(FLIP_SKELETON[joint]) for joint in self.joints])
        order = (3 * swap[:, None] + np.arange(3)).ravel()
        sign = np.tile((1.0, -1.0, -1.0), len(swap))
        difference = (mean - sign * mean[order]) / 2
        covariance = (covariance + sign[:, None] * covariance[np.ix_(order, order)] * sign) / 2
        covariance += difference[:, None] * difference
        mean = (mean + sign * mean[order]) / 2
        return mean[3:], covariance[3:, 3:]

    @staticmethod
    def mirror(pose: NDArray[np.float64]) -> NDArray[np.float64]:
        """Swap left and right in poses (..., 24, 3)."""
        mirrored: NDArray[np.float64] = pose[..., FLIP_SKELETON, :] * (1.0, -1.0, -1.0)
        return mirrored

    def negative_log_likelihood(self, pose: Tensor) -> Tensor:
        """Score poses by their best component, as SMPLify does; differentiable.

        Args:
            pose: (B, 24, 3) axis-angle. The root is not looked at.

        Returns:
            (B,) minus the log density of the likeliest weighted component; lower is more usual.
        """
        joints = torch.from_numpy(self._joints[1:]).to(pose.device)
        difference = pose[:, joints].flatten(1)[:, None] - self.means
        white = torch.einsum("kij,bkj->bki", self.whiten, difference)
        return (0.5 * white.square().sum(-1) + self.offset).amin(1)
