"""Where an iteration reads."""

import torch
from torch import nn

from pymaf_pl.body import BodyModel
from pymaf_pl.geometry.camera import project
from pymaf_pl.models.points import GridPoints, MeshPoints, grid_only, grid_then_mesh, mesh_only
from pymaf_pl.types import BodyState


def states(body: BodyModel, count: int, seed: int = 0) -> BodyState:
    """Bodies around the mean one, each with its own camera."""
    mean = body.mean_state().vector()
    return BodyState.from_vector(mean + 0.1 * torch.randn(count, 157, generator=torch.Generator().manual_seed(seed)))


def test_grid_order_is_pymafs(body: BodyModel) -> None:
    points = GridPoints(21)(body.mean_state())
    axis = [-1 + 2 * i / 20 for i in range(21)]
    expected = torch.tensor([[axis[k // 21], axis[k % 21]] for k in range(441)])
    torch.testing.assert_close(points[0], expected)


def test_grid_is_the_same_for_everybody(body: BodyModel) -> None:
    grid = GridPoints(5)
    points = grid(states(body, 3))
    assert points.shape == (3, 25, 2)
    assert points[0].equal(points[2])
    assert grid.num_points == 25
    assert not grid.state_dict()


def test_mesh_points_are_the_projected_vertices_of_the_whole_mesh(body: BodyModel, device: torch.device) -> None:
    people = states(body, 3)
    mesh = MeshPoints(body).to(device)
    on_device = BodyState(people.pose_6d.to(device), people.betas.to(device), people.weak_cam.to(device))
    points = mesh(on_device).cpu()
    expected = project(body.decode(people).vertices, people.weak_cam)[:, body.mesh_points]
    assert points.shape == (3, 431, 2)
    assert mesh.num_points == 431
    torch.testing.assert_close(points, expected, atol=2e-6, rtol=0)
    assert (points[0] - points[1]).abs().max() > 0.01


def test_mesh_points_of_chosen_vertices_keep_their_order(body: BodyModel) -> None:
    people = states(body, 2)
    expected = project(body.decode(people).vertices, people.weak_cam)[:, [500, 3, 6000]]
    torch.testing.assert_close(MeshPoints(body, [500, 3, 6000])(people), expected, atol=2e-6, rtol=0)


def test_no_gradient_flows_through_the_positions(body: BodyModel) -> None:
    leaf = states(body, 1).vector().requires_grad_()
    assert not MeshPoints(body, [0, 1])(BodyState.from_vector(leaf)).requires_grad


def test_mesh_points_keep_their_precision_under_autocast(body: BodyModel, device: torch.device) -> None:
    mesh = MeshPoints(body).to(device)
    state = states(body, 2)
    people = BodyState(state.pose_6d.to(device), state.betas.to(device), state.weak_cam.to(device))
    with torch.autocast(device.type, dtype=torch.bfloat16):
        points = mesh(people)
    assert points.dtype == torch.float32
    torch.testing.assert_close(points, mesh(people), atol=1e-6, rtol=0)


def test_nothing_of_the_body_goes_into_a_checkpoint(body: BodyModel) -> None:
    mesh = MeshPoints(body)
    assert not mesh.state_dict()
    assert not list(mesh.parameters())


def kinds(sources: list[nn.Module]) -> list[str]:
    return [type(source).__name__ for source in sources]


def test_feedback_kinds(body: BodyModel) -> None:
    assert kinds(grid_then_mesh(body, 3)) == ["GridPoints", "MeshPoints", "MeshPoints"]
    assert kinds(grid_then_mesh(body, 1)) == ["GridPoints"]
    assert kinds(mesh_only(body, 2)) == ["MeshPoints", "MeshPoints"]
    assert kinds(grid_only(body, 2, grid_side=7)) == ["GridPoints", "GridPoints"]
    assert grid_only(body, 1, grid_side=7)[0].num_points == 49
    assert grid_then_mesh(body, 1, grid_side=7)[0].num_points == 49
    assert grid_then_mesh(body, 1)[0].num_points == 441


def test_iterations_share_one_copy_of_the_surface(body: BodyModel) -> None:
    _, second, third = grid_then_mesh(body, 3)
    assert second is third
