"""The mean body, where every feedback loop starts."""

from importlib.resources import files

import numpy as np
import torch

from pymaf_pl.body.joints import FLIP_SKELETON
from pymaf_pl.geometry.rotation import project_to_rotation, rotmat_from_axis_angle, rotmat_to_6d
from pymaf_pl.types import BodyState

MEAN_CAMERA = (0.9, 0.0, 0.0)  # SPIN smpl_mean_params.npz: the body fills 0.9 of the crop


def mean_state() -> BodyState:
    """Return the (1, ...) mean body: upright, facing the camera, arms down, average shape.

    The pose is the chordal mean of the pose prior's components, made left-right symmetric; the root is half a turn
    about x, which brings the body's y-up frame into the camera's y-down frame.
    """
    with (files("pymaf_pl.body") / "assets" / "pose_prior.npz").open("rb") as stream, np.load(stream) as prior:
        weights = torch.from_numpy(prior["weights"]).float()
        means = torch.from_numpy(prior["means"]).float().unflatten(1, (-1, 3))
        joints = prior["joints"].tolist()
    pose = torch.zeros(len(means), 24, 3)
    pose[:, joints] = means
    mirrored = pose[:, FLIP_SKELETON] * torch.tensor([1.0, -1.0, -1.0])
    rotations = rotmat_from_axis_angle(torch.stack([pose, mirrored]))
    rotmat = project_to_rotation((rotations * (weights / weights.sum())[:, None, None, None]).sum((0, 1)))
    rotmat[0] = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    return BodyState(rotmat_to_6d(rotmat).unsqueeze(0), torch.zeros(1, 10), torch.tensor([MEAN_CAMERA]))
