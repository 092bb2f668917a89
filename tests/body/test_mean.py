"""The mean body, where every loop starts."""

import torch
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.body.joints import FLIP_SKELETON, JOINTS_49
from pymaf_pl.body.mean import mean_state
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.rotation import geodesic_angle, rotmat_from_6d


def joints_in_camera(body: BodyModel) -> dict[str, Tensor]:
    state = mean_state()
    return dict(zip(JOINTS_49, body.joints_49(rotmat_from_6d(state.pose_6d), state.betas)[0], strict=True))


def test_mean_is_one_average_body_in_spins_mean_camera() -> None:
    state = mean_state()
    assert len(state) == 1
    assert state.vector().shape == (1, 157)
    assert state.vector().dtype == torch.float32
    assert state.betas.equal(torch.zeros(1, 10))
    torch.testing.assert_close(state.weak_cam, torch.tensor([[0.9, 0.0, 0.0]]))


def test_mean_root_is_half_a_turn_about_x() -> None:
    assert mean_state().pose_6d[0, 0].tolist() == [1, 0, 0, -1, 0, 0]


def test_mean_pose_is_orthonormal_6d() -> None:
    first, second = mean_state().pose_6d.unflatten(-1, (3, 2)).unbind(-1)
    torch.testing.assert_close(first.norm(dim=-1), torch.ones(1, 24))
    torch.testing.assert_close(second.norm(dim=-1), torch.ones(1, 24))
    torch.testing.assert_close((first * second).sum(-1), torch.zeros(1, 24), atol=1e-6, rtol=0)


def test_mean_pose_is_left_right_symmetric() -> None:
    rotmat = rotmat_from_6d(mean_state().pose_6d[0].double())
    flip = torch.diag(torch.tensor([-1.0, 1, 1], dtype=torch.float64))
    assert geodesic_angle(flip @ rotmat[FLIP_SKELETON] @ flip, rotmat).max() < 1e-3


def test_mean_body_stands_upright_and_faces_the_camera(body: BodyModel) -> None:
    joints = joints_in_camera(body)
    downwards = [joints[name][1].item() for name in ("head_top", "neck", "pelvis", "op_left_knee", "op_left_ankle")]
    assert downwards == sorted(downwards)  # camera y points down
    assert downwards[-1] - downwards[0] > 1.3
    assert joints["nose"][2] < joints["left_ear"][2] - 0.03  # the nose is nearer than the ears
    assert joints["op_left_shoulder"][0] > 0.1 > -0.1 > joints["op_right_shoulder"][0]  # its left at our right


def test_mean_body_has_its_arms_down(body: BodyModel) -> None:
    joints = joints_in_camera(body)
    for side in ("left", "right"):
        shoulder, elbow, wrist = (joints[f"op_{side}_{name}"] for name in ("shoulder", "elbow", "wrist"))
        assert elbow[1] > shoulder[1] + 0.1
        assert wrist[1] > shoulder[1] + 0.1


def test_mean_body_fits_into_the_crop(body: BodyModel) -> None:
    state = mean_state()
    surface = project(body.decode(state).vertices, state.weak_cam)[0]
    assert surface.abs().max() < 1
    assert surface[:, 1].max() - surface[:, 1].min() > 1.2  # and fills most of its height


def test_the_body_offers_the_same_mean(body: BodyModel) -> None:
    assert body.mean_state().vector().equal(mean_state().vector())
