"""Named protocols on people whose labels are known."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from pymaf_pl.body import BodyModel
from pymaf_pl.body.joints import JOINTS_49
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.rotation import rotmat_from_6d, rotmat_to_6d, rotmat_to_axis_angle
from pymaf_pl.metrics.protocols import FullBody, PoseAndKeypoints, Protocol
from pymaf_pl.types import Batch, BodyState

# the 14 keypoints of LSP among the ground-truth 24 are its first 14, FACTS 2.5
LSP_IN_49 = list(range(25, 39))


@pytest.fixture
def truth(body: BodyModel) -> tuple[BodyState, Batch]:
    generator = torch.Generator().manual_seed(2)
    count, mean = 4, body.mean_state()
    rotmat = rotmat_from_6d(mean.pose_6d + 0.15 * torch.randn(count, 24, 6, generator=generator))
    betas = torch.randn(count, 10, generator=generator)
    state = BodyState(rotmat_to_6d(rotmat), betas, mean.weak_cam.expand(count, 3).clone())
    keypoints = torch.cat([project(body.joints_49(rotmat, betas), state.weak_cam), torch.ones(count, 49, 1)], dim=-1)
    yes = torch.ones(count, dtype=torch.bool)
    batch = Batch(
        image=torch.zeros(count, 3, 32, 32, dtype=torch.uint8),
        pose=rotmat_to_axis_angle(rotmat),
        betas=betas,
        keypoints_2d=keypoints,
        keypoints_3d=torch.zeros(count, 24, 4),
        has_pose=yes,
        has_betas=yes.clone(),
        has_keypoints_3d=~yes,
        crop_affine=torch.eye(2, 3).expand(count, 2, 3),
        index=torch.arange(count),
    )
    return state, batch


def measure(protocol: Protocol, body: BodyModel, state: BodyState, batch: Batch) -> dict[str, torch.Tensor]:
    values = protocol.evaluate(body, state, protocol.prepare(body, batch))
    assert set(values) == set(protocol.figures)
    assert all(v.shape == (len(state),) for v in values.values())
    assert protocol.monitor in protocol.figures
    return values


def turned_root(state: BodyState, degrees: float) -> BodyState:
    turn = torch.from_numpy(Rotation.from_euler("y", degrees, degrees=True).as_matrix()).float()
    rotmat = rotmat_from_6d(state.pose_6d)
    rotmat[:, 0] = turn @ rotmat[:, 0]
    return BodyState(rotmat_to_6d(rotmat), state.betas, state.weak_cam)


@pytest.mark.parametrize("protocol", [FullBody(), PoseAndKeypoints()], ids=lambda p: p.name)
def test_the_truth_as_estimate_has_no_error(
    protocol: Protocol, body: BodyModel, truth: tuple[BodyState, Batch]
) -> None:
    values = measure(protocol, body, *truth)
    for name, value in values.items():
        expected = torch.ones(4) if name == "pck_2d" else torch.zeros(4)
        torch.testing.assert_close(value, expected, atol=0.1, rtol=0)  # 0.1 mm, 0.1 degrees


def test_a_turned_root_is_seen_by_mpjpe_and_not_by_pa_mpjpe(body: BodyModel, truth: tuple[BodyState, Batch]) -> None:
    state, batch = truth
    values = measure(FullBody(), body, turned_root(state, 30.0), batch)
    torch.testing.assert_close(values["rotation_deg"], torch.full((4,), 30.0 / 24), atol=0.02, rtol=0)
    assert (values["mpjpe"] > 20).all()
    assert (values["pa_mpjpe"] < 0.1).all()
    assert (values["pve"] > 20).all()
    # against joints and vertices regressed from the full surface, by hand
    turned, true = body.decode(turned_root(state, 30.0)).vertices, body.decode(state).vertices
    regressor = torch.from_numpy(body.arrays.h36m_regressor).float()
    order = [6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10]  # H36M_TO_J14
    ours, theirs = regressor @ turned, regressor @ true
    distance = ((ours - ours[:, :1]) - (theirs - theirs[:, :1]))[:, order].norm(dim=-1).mean(dim=1)
    torch.testing.assert_close(values["mpjpe"], 1000 * distance, atol=0.1, rtol=0)
    surface = ((turned - ours[:, :1]) - (true - theirs[:, :1])).norm(dim=-1).mean(dim=1)
    torch.testing.assert_close(values["pve"], 1000 * surface, atol=0.1, rtol=0)


def test_the_camera_moves_only_the_keypoints(body: BodyModel, truth: tuple[BodyState, Batch]) -> None:
    state, batch = truth
    moved = BodyState(state.pose_6d, state.betas, state.weak_cam + torch.tensor([0.0, 0.5, 0.0]))  # 0.45 of NDC
    values = measure(FullBody(), body, moved, batch)
    assert (values["mpjpe"] < 0.1).all()
    assert (values["pck_2d"] == 0).all()  # the threshold is 0.2 of the crop's width, which is 0.4 of NDC
    near = BodyState(state.pose_6d, state.betas, state.weak_cam + torch.tensor([0.0, 0.42, 0.0]))  # 0.378 of NDC
    assert (measure(FullBody(), body, near, batch)["pck_2d"] == 1).all()


def test_pck_looks_at_the_14_lsp_keypoints_only(body: BodyModel, truth: tuple[BodyState, Batch]) -> None:
    state, batch = truth
    assert JOINTS_49[LSP_IN_49[0]] == "right_ankle"
    assert JOINTS_49[LSP_IN_49[13]] == "head_top"
    others = [j for j in range(49) if j not in LSP_IN_49]
    batch["keypoints_2d"][:, others, :2] += 5
    batch["keypoints_2d"][:, LSP_IN_49[:7], :2] += 5
    for protocol in (FullBody(), PoseAndKeypoints()):
        assert measure(protocol, body, state, batch)["pck_2d"].tolist() == pytest.approx([0.5] * 4)


def test_people_without_labels_are_nan_and_do_not_touch_the_others(
    body: BodyModel, truth: tuple[BodyState, Batch]
) -> None:
    state, batch = truth
    batch["has_pose"] = torch.tensor([True, False, True, True])
    batch["has_betas"] = torch.tensor([True, True, False, True])
    batch["keypoints_2d"][3, :, 2] = 0
    full = measure(FullBody(), body, turned_root(state, 10.0), batch)
    for name in ("mpjpe", "pa_mpjpe", "pve", "rotation_deg"):
        assert full[name].isnan().tolist() == [False, True, True, False], name
    assert full["pck_2d"].isnan().tolist() == [False, False, False, True]
    photos = measure(PoseAndKeypoints(), body, turned_root(state, 10.0), batch)
    assert photos["rotation_deg"].isnan().tolist() == [False, True, False, False]
    known = ~photos["body_rotation_deg"].isnan()
    assert (photos["body_rotation_deg"][known] < 0.1).all()  # only the root was turned
    np.testing.assert_allclose(photos["rotation_deg"][known].numpy(), 10 / 24, atol=0.02)


def test_a_batch_in_which_nobody_is_labelled_is_all_nan(body: BodyModel, truth: tuple[BodyState, Batch]) -> None:
    state, batch = truth
    batch["has_pose"] = torch.zeros(4, dtype=torch.bool)
    values = measure(FullBody(), body, state, batch)
    assert all(values[name].isnan().all() for name in ("mpjpe", "pa_mpjpe", "pve", "rotation_deg"))
