"""Where an iteration reads."""

import numpy as np
import pytest
import torch

from pymaf_pl.body import BodyModel
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.camera import project
from pymaf_pl.models.points import GridAndMeshPoints, GridPoints, MeshPoints, choose_vertices
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


def test_grid_and_mesh_stand_one_after_the_other(body: BodyModel) -> None:
    grid, mesh, people = GridPoints(5), MeshPoints(body, [0, 7, 9]), states(body, 2)
    both = GridAndMeshPoints(grid, mesh)
    assert both.num_points == 28
    assert both(people)[:, :25].equal(grid(people))
    assert both(people)[:, 25:].equal(mesh(people))


@pytest.mark.parametrize("side", [0, 1])
def test_a_grid_of_one_point_is_refused(side: int) -> None:
    with pytest.raises(InputError, match=rf"model\.feedback\.grid_side={side}: .* at least 2"):
        GridPoints(side)


def _farthest(surface: np.ndarray, vertices: list[int]) -> float:
    return np.linalg.norm(surface[:, None] - surface[vertices], axis=-1).min(axis=1).max()


def test_vertices_are_spread_evenly_unless_a_seed_is_given(body: BodyModel) -> None:
    assert choose_vertices(body) == body.mesh_points
    few = choose_vertices(body, 50)
    assert len(set(few)) == 50
    surface = body.arrays.v_template
    farthest = {seed: _farthest(surface, choose_vertices(body, 50, seed)) for seed in (None, 0, 1)}
    assert farthest[None] < 0.7 * min(farthest[0], farthest[1])  # from the nearest point, of any vertex


def test_a_seed_gives_a_random_subset_that_never_changes(body: BodyModel) -> None:
    first, again, other = (choose_vertices(body, 431, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert len(set(first)) == 431
    assert first == sorted(first)
    assert first[:4] == [14, 31, 33, 38]  # checkpoints keep the seed alone
    assert choose_vertices(body, 6890, 0) == list(range(6890))


@pytest.mark.parametrize("num_points", [0, 6891])
def test_more_points_than_the_body_has_vertices_are_refused(num_points: int, body: BodyModel) -> None:
    with pytest.raises(
        InputError, match=rf"model\.feedback\.num_points={num_points}: the 'open' body has 6890 vertices"
    ):
        choose_vertices(body, num_points)


def test_vertices_that_the_body_does_not_have_are_refused(body: BodyModel) -> None:
    with pytest.raises(InputError, match=r"model\.feedback\.vertices: the 'open' body has the vertices 0 to 6889"):
        MeshPoints(body, [5, 6890])
