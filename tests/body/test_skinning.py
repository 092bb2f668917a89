"""Skinning of parts of the body, against the whole of it and against the real smplx."""

from collections.abc import Callable

import pytest
import torch
from smplx import SMPL
from torch import Tensor

from pymaf_pl.body.files import BodyArrays
from pymaf_pl.body.model import load_smplx
from pymaf_pl.body.skinning import Skinner

EXACT = {torch.float32: 1e-6, torch.float64: 1e-12}  # m
Build = Callable[..., tuple[SMPL, Skinner]]


@pytest.fixture(scope="session")
def models(open_arrays: BodyArrays) -> dict[torch.dtype, SMPL]:
    return {dtype: load_smplx(open_arrays, dtype) for dtype in EXACT}


@pytest.fixture
def build(models: dict[torch.dtype, SMPL]) -> Callable[..., Skinner]:
    def make(dtype: torch.dtype, **parts: object) -> Skinner:
        smpl = models[dtype]
        arrays = (smpl.v_template, smpl.shapedirs, smpl.posedirs, smpl.lbs_weights, smpl.J_regressor)
        return Skinner(*arrays, **parts)  # type: ignore[arg-type]

    return make


def smplx_forward(smpl: SMPL, rotmat: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
    output = smpl(betas=betas, body_pose=rotmat[:, 1:], global_orient=rotmat[:, :1], pose2rot=False)
    return output.vertices, output.joints[:, :24]


def sparse_rows(count: int, dtype: torch.dtype, signed: bool = False) -> Tensor:
    """Random combinations of about 40 vertices from all over the body."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.rand(count, 6890, generator=generator, dtype=torch.float64)
    rows = rows * (torch.rand(count, 6890, generator=generator) < 40 / 6890)
    rows = rows / rows.sum(1, keepdim=True)
    return (rows - rows.roll(1, 0) if signed else rows).to(dtype)


def test_whole_surface_and_joints_equal_smplx(build, models, people, dtype: torch.dtype) -> None:
    rotmat, betas = people(3, dtype=dtype)
    vertices, joints = smplx_forward(models[dtype], rotmat, betas)
    output = build(dtype)(rotmat, betas)
    torch.testing.assert_close(output.points, vertices, atol=EXACT[dtype], rtol=0)
    torch.testing.assert_close(output.joints_24, joints, atol=EXACT[dtype], rtol=0)


def test_any_vertices_in_any_order_equal_the_whole(build, people, dtype: torch.dtype, device: torch.device) -> None:
    vertices = [*torch.randperm(6890, generator=torch.Generator().manual_seed(1))[:200].tolist(), 0, 0]
    rotmat, betas = (values.to(device) for values in people(3, dtype=dtype))
    whole = build(dtype).to(device)(rotmat, betas)
    part = build(dtype, vertices=vertices).to(device)(rotmat, betas)
    torch.testing.assert_close(part.points, whole.points[:, vertices], atol=EXACT[dtype], rtol=0)
    torch.testing.assert_close(part.joints_24, whole.joints_24, atol=EXACT[dtype], rtol=0)


@pytest.mark.parametrize("signed", [False, True], ids=["means", "differences"])
def test_combinations_equal_combining_the_whole(build, people, dtype: torch.dtype, signed: bool) -> None:
    rows = sparse_rows(4, dtype, signed)
    rotmat, betas = people(3, dtype=dtype)
    expected = torch.einsum("kv,bvc->bkc", rows, build(dtype)(rotmat, betas).points)
    only = build(dtype, vertices=[], regressor=rows)(rotmat, betas).points
    torch.testing.assert_close(only, expected, atol=2 * EXACT[dtype], rtol=0)
    after = build(dtype, vertices=[7, 3], regressor=rows)(rotmat, betas).points
    torch.testing.assert_close(after[:, 2:], expected, atol=2 * EXACT[dtype], rtol=0)


def test_the_difference_of_two_vertices_on_one_bone_does_not_vanish(build, people) -> None:
    # their shares of that bone cancel: the offset between them still turns with it
    weights = build(torch.float64).weights
    on_head = (weights[:, 15] == 1).nonzero().squeeze(1)[[0, -1]].tolist()
    row = torch.zeros(1, 6890, dtype=torch.float64)
    row[0, on_head[0]], row[0, on_head[1]] = 1, -1
    rotmat, betas = people(2, dtype=torch.float64)
    ends = build(torch.float64)(rotmat, betas).points[:, on_head]
    offset = build(torch.float64, vertices=[], regressor=row)(rotmat, betas).points[:, 0]
    assert offset.norm(dim=1).min() > 0.01
    torch.testing.assert_close(offset, ends[:, 0] - ends[:, 1], atol=1e-12, rtol=0)


def test_gradients_through_a_part_equal_those_through_the_whole(build, people) -> None:
    rows = sparse_rows(3, torch.float64)
    vertices = [10, 500, 6000]
    weight = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)

    def gradients(points: Callable[[Tensor, Tensor], Tensor]) -> tuple[Tensor, ...]:
        rotmat, betas = (values.requires_grad_() for values in people(2, dtype=torch.float64))
        return torch.autograd.grad((points(rotmat, betas) * weight).sum(), (rotmat, betas))

    whole, part = build(torch.float64), build(torch.float64, vertices=vertices, regressor=rows)

    def through_the_whole(rotmat: Tensor, betas: Tensor) -> Tensor:
        points = whole(rotmat, betas).points
        return torch.cat([points[:, vertices], rows @ points], dim=1)

    expected = gradients(through_the_whole)
    assert all(gradient.abs().max() > 0.1 for gradient in expected)
    torch.testing.assert_close(gradients(lambda *person: part(*person).points), expected, atol=1e-10, rtol=1e-9)


def test_reduced_precision_around_it_does_not_change_it(build, people, device: torch.device) -> None:
    skinner = build(torch.float32, vertices=[1, 2], regressor=sparse_rows(2, torch.float32)).to(device)
    rotmat, betas = (values.to(device) for values in people(2))
    expected = skinner(rotmat, betas)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        output = skinner(rotmat, betas)
    assert output.points.dtype == torch.float32
    assert output.points.equal(expected.points)
    assert output.joints_24.equal(expected.joints_24)
    half = skinner(rotmat.bfloat16(), betas.bfloat16())  # rounded inputs, but skinned in full precision
    assert half.points.dtype == torch.float32


def test_root_rotation_turns_the_body_about_the_pelvis(build, people) -> None:
    rotmat, betas = people(2, dtype=torch.float64)
    skinner = build(torch.float64, vertices=[0, 3000])
    turn = people(1, seed=9, dtype=torch.float64)[0][0, 0]
    before, turned = skinner(rotmat, betas), rotmat.clone()
    turned[:, 0] = turn @ rotmat[:, 0]
    pelvis = before.joints_24[:, :1]
    expected = (before.points - pelvis) @ turn.T + pelvis
    # smplx keeps its weights rounded to float32: they add up to 1 within 1e-7
    torch.testing.assert_close(skinner(turned, betas).points, expected, atol=1e-7, rtol=0)


def test_no_pose_is_the_shaped_template(build, models) -> None:
    betas = torch.tensor([[1.5, -1, 0.5, 0, 0, 0, 0, 0, 0, 2]], dtype=torch.float64)
    smpl = models[torch.float64]
    rest = torch.eye(3, dtype=torch.float64).expand(1, 24, 3, 3)
    expected = smpl.v_template + smpl.shapedirs @ betas[0]
    torch.testing.assert_close(build(torch.float64)(rest, betas).points[0], expected, atol=1e-7, rtol=0)


def test_nothing_of_the_body_goes_into_a_checkpoint(build) -> None:
    skinner = build(torch.float32, vertices=[0])
    assert not skinner.state_dict()
    assert not list(skinner.parameters())
    assert len(list(skinner.buffers())) == 8
