"""People with known labels: their own pose, shape and camera made the keypoints."""

from collections.abc import Callable

import pytest
import torch

from pymaf_pl.body import BodyModel
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.rotation import rotmat_from_6d, rotmat_to_6d, rotmat_to_axis_angle
from pymaf_pl.types import Batch, BodyState, NetworkOutput

LabelledPeople = Callable[..., tuple[BodyState, Batch]]


@pytest.fixture
def labelled_people(body: BodyModel) -> LabelledPeople:
    """Return ``make(count, seed)``: the true states and the batch whose labels follow from them."""

    def make(count: int = 4, seed: int = 0) -> tuple[BodyState, Batch]:
        generator = torch.Generator().manual_seed(seed)
        mean = body.mean_state()
        noise = 0.1 * torch.randn(count, 24, 6, generator=generator)
        rotmat = rotmat_from_6d(mean.pose_6d + noise)
        betas = torch.randn(count, 10, generator=generator)
        weak_cam = mean.weak_cam + 0.05 * torch.randn(count, 3, generator=generator)
        state = BodyState(rotmat_to_6d(rotmat), betas, weak_cam)
        joints = body.joints_49(rotmat, betas)
        ones = torch.ones(count, 49, 1)
        everybody = torch.ones(count, dtype=torch.bool)
        batch = Batch(
            image=torch.zeros(count, 3, 32, 32, dtype=torch.uint8),
            pose=rotmat_to_axis_angle(rotmat),
            betas=betas,
            keypoints_2d=torch.cat([project(joints, weak_cam), ones], dim=-1),
            keypoints_3d=torch.cat([joints, ones], dim=-1)[:, 25:],
            has_pose=everybody,
            has_betas=everybody.clone(),
            has_keypoints_3d=everybody.clone(),
            crop_affine=torch.eye(2, 3).expand(count, 2, 3),
            index=torch.arange(count),
        )
        return state, batch

    return make


@pytest.fixture
def guess(body: BodyModel) -> Callable[..., NetworkOutput]:
    """Return ``make(count, iterations, seed)``: what a network that knows nothing might say, with gradients."""

    def make(count: int = 4, iterations: int = 3, seed: int = 1) -> NetworkOutput:
        generator = torch.Generator().manual_seed(seed)
        states = []
        for _ in range(iterations + 1):
            vector = body.mean_state().vector().expand(count, -1)
            vector = vector + 0.2 * torch.randn(vector.shape, generator=generator)
            states.append(BodyState.from_vector(vector.requires_grad_()))
        return NetworkOutput(tuple(states))

    return make
