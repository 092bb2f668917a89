"""The body model as its users see it: vertices, the joint sets, the points of the loop."""

from importlib.resources import files

import numpy as np
import pytest
import torch
from torch import Tensor

from pymaf_pl.body import BodyModel, load_body
from pymaf_pl.body.joints import FLIP_49, FLIP_SKELETON, JOINTS_24, SURFACE_21, select
from pymaf_pl.body.model import load_smplx
from pymaf_pl.geometry.rotation import rotmat_to_6d
from pymaf_pl.types import BodyState

# SPIN's JOINT_MAP: which of 24 + 21 + 9 joints each of the 49 is
JOINT_MAP = [24, 12, 17, 19, 21, 16, 18, 20, 0, 2, 5, 8, 1, 4, 7, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34]
JOINT_MAP += [8, 5, 45, 46, 4, 7, 21, 19, 17, 16, 18, 20, 47, 48, 49, 50, 51, 52, 53, 24, 26, 25, 28, 27]


@pytest.mark.parametrize("gender", ["neutral", "male", "female"])
def test_surface_and_49_joints_equal_smplx_and_its_regressors(gender, people) -> None:
    body = load_body("open", gender)
    rotmat, betas = people(3, seed=4)
    smpl = load_smplx(body.arrays)
    reference = smpl(betas=betas, body_pose=rotmat[:, 1:], global_orient=rotmat[:, :1], pose2rot=False)
    output = body(rotmat, betas)
    torch.testing.assert_close(output.vertices, reference.vertices, atol=1e-6, rtol=0)
    torch.testing.assert_close(output.joints_24, reference.joints[:, :24], atol=1e-6, rtol=0)

    extra = torch.from_numpy(body.arrays.extra_regressor).float() @ reference.vertices
    joints_54 = torch.cat([reference.joints, extra], dim=1)
    assert joints_54.shape == (3, 54, 3)
    torch.testing.assert_close(body.joints_49(rotmat, betas), joints_54[:, JOINT_MAP], atol=1e-6, rtol=0)
    h36m = torch.from_numpy(body.arrays.h36m_regressor).float() @ reference.vertices
    torch.testing.assert_close(body.joints_h36m(rotmat, betas), h36m, atol=1e-6, rtol=0)


def test_decode_is_forward_on_the_6d_pose(body: BodyModel, people) -> None:
    rotmat, betas = people(2)
    state = BodyState(rotmat_to_6d(rotmat), betas, torch.zeros(2, 3))
    torch.testing.assert_close(body.decode(state).vertices, body(rotmat, betas).vertices, atol=1e-6, rtol=0)


def test_mirrored_pose_gives_the_mirrored_body(body: BodyModel, people, mirror: Tensor) -> None:
    rotmat, betas = people(3)
    flip = torch.diag(torch.tensor([-1.0, 1, 1]))
    mirrored = flip @ rotmat[:, FLIP_SKELETON] @ flip
    vertices, twin = body(rotmat, betas).vertices, body(mirrored, betas).vertices
    # float16 correctives and shape directions are symmetric to a tenth of a millimetre
    torch.testing.assert_close(twin, vertices[:, mirror] @ flip, atol=5e-4, rtol=0)
    joints, twins = body.joints_49(rotmat, betas), body.joints_49(mirrored, betas)
    torch.testing.assert_close(twins, joints[:, FLIP_49] @ flip, atol=2e-3, rtol=0)


def test_body_holds_no_parameter_and_no_state(body: BodyModel) -> None:
    assert not body.state_dict()
    assert not list(body.parameters())


def test_body_moves_to_the_device(device: torch.device, people) -> None:
    moved = load_body("open").to(device)
    rotmat, betas = (values.to(device) for values in people(1))
    assert moved(rotmat, betas).vertices.device.type == device.type
    assert moved.joints_49(rotmat, betas).device.type == device.type
    assert moved.faces.device.type == device.type


def test_named_joints_are_where_a_standing_person_has_them(body: BodyModel) -> None:
    rest, betas = torch.eye(3).expand(1, 24, 3, 3), torch.zeros(1, 10)
    named = dict(zip(JOINTS_24, body.joints_49(rest, betas)[0, 25:], strict=True))
    order = ["head_top", "head", "jaw", "neck", "spine", "pelvis", "right_knee", "right_ankle"]
    heights = [named[name][1].item() for name in order]
    assert heights == sorted(heights, reverse=True)
    for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist", "eye", "ear"):
        assert named[f"left_{part}"][0] > 0.02  # the body's left is +x
        assert named[f"right_{part}"][0] < -0.02
    assert named["nose"][2] > named["jaw"][2] > named["neck"][2]  # it looks along +z
    assert 1.5 < named["head_top"][1] - named["right_ankle"][1] < 1.75


def test_surface_points_are_on_their_bones(body: BodyModel) -> None:
    owner = {"nose": 15, "left_ear": 15, "left_heel": 7, "right_big_toe": 11, "left_index": 22, "right_pinky": 23}
    vertices = list(SURFACE_21.values())
    strongest = body.lbs_weights[vertices].argmax(1).tolist()
    places = select(tuple(owner), tuple(SURFACE_21))
    assert [strongest[place] for place in places] == list(owner.values())


def test_shape_directions_are_per_person(body: BodyModel, people) -> None:
    rotmat, betas = people(2)
    same_pose = rotmat[:1].expand(2, -1, -1, -1)
    vertices = body(same_pose, betas).vertices
    assert (vertices[0] - vertices[1]).norm(dim=-1).max() > 0.01
    torch.testing.assert_close(body(same_pose[1:], betas[1:]).vertices, vertices[1:], atol=1e-6, rtol=0)


@pytest.fixture(scope="module")
def mirror() -> Tensor:
    with (files("pymaf_pl.body") / "assets" / "open_body.npz").open("rb") as stream, np.load(stream) as archive:
        return torch.from_numpy(archive["mirror"].astype(np.int64))
