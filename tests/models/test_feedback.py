"""What each iteration gets to see."""

import pytest
import torch
from torch import nn

from pymaf_pl.body import BodyModel
from pymaf_pl.models.attention import AttentionEvidence
from pymaf_pl.models.evidence import GlobalEvidence, PointEvidence
from pymaf_pl.models.feedback import Reading, attention, global_feature, grid_only, grid_then_mesh, mesh_only


def readings(count: int) -> list[Reading]:
    return [Reading(level, (16, 8, 5)) for level in range(count)]


def kinds(evidence: list[nn.Module]) -> list[str]:
    return [type(module.points).__name__ for module in evidence if hasattr(module, "points")]


def test_which_points_each_kind_reads(body: BodyModel) -> None:
    assert kinds(grid_then_mesh(body, readings(3))) == ["GridPoints", "MeshPoints", "MeshPoints"]
    assert kinds(grid_then_mesh(body, readings(1))) == ["GridPoints"]
    assert kinds(mesh_only(body, readings(2))) == ["MeshPoints", "MeshPoints"]
    assert kinds(grid_only(body, readings(2))) == ["GridPoints", "GridPoints"]
    assert kinds(attention(body, readings(3))) == ["GridPoints", "GridAndMeshPoints", "GridAndMeshPoints"]
    assert kinds(global_feature(body, readings(2))) == []


@pytest.mark.parametrize("feedback", [grid_then_mesh, mesh_only, grid_only, attention, global_feature])
def test_every_iteration_reads_its_own_map_with_weights_of_its_own(feedback, body: BodyModel) -> None:
    evidence = feedback(body, readings(3))
    assert [module.level for module in evidence] == [0, 1, 2]
    assert len({id(module) for module in evidence}) == 3
    assert len({id(p) for module in evidence for p in module.parameters()}) == sum(
        len(list(module.parameters())) for module in evidence
    )


def test_number_and_choice_of_points_arrive(body: BodyModel) -> None:
    first, second = grid_then_mesh(body, readings(2), grid_side=7, num_points=50)
    assert (first.out_features, second.out_features) == (5 * 49, 5 * 50)
    (random,) = mesh_only(body, readings(1), num_points=50, seed=3)
    (even,) = mesh_only(body, readings(1), num_points=50)
    (given,) = mesh_only(body, readings(1), vertices=[4, 2, 9])
    (many,) = grid_only(body, readings(1), grid_side=9)
    state = body.mean_state()
    assert not random.points(state).equal(even.points(state))
    assert given.points(state).shape == (1, 3, 2)
    assert many.out_features == 5 * 81


def test_iterations_share_one_copy_of_the_surface(body: BodyModel) -> None:
    for feedback in (grid_then_mesh, mesh_only, attention):
        *_, second, third = feedback(body, readings(3))
        assert second.points is third.points


def test_chosen_vertices_are_read_in_every_mesh_aligned_iteration(body: BodyModel) -> None:
    grid, *meshes = grid_then_mesh(body, readings(3), vertices=[7, 3, 3])
    assert grid.points.num_points == 441
    assert [mesh.points.num_points for mesh in meshes] == [3, 3]


def test_global_feature_pools_the_map_of_its_level(body: BodyModel) -> None:
    maps = [torch.full((2, 16, 2 * 2**level, 2 * 2**level), float(level)) for level in range(3)]
    read = [module(maps, body.mean_state()) for module in global_feature(body, readings(3))]
    assert [value.unique().tolist() for value in read] == [[0], [1], [2]]
    assert all(value.shape == (2, 16) for value in read)


def test_attention_stands_from_the_second_iteration_on(body: BodyModel) -> None:
    first, second = attention(body, readings(2), num_points=30, grid_side=4, heads=2, out_features=24)
    assert isinstance(first, PointEvidence)
    assert isinstance(second, AttentionEvidence)
    assert second.points.num_points == 16 + 30
    assert second.out_features == 24
    assert second.attention.self_attn.num_heads == 2


def test_kinds_of_evidence_are_modules_of_their_own(body: BodyModel) -> None:
    assert all(isinstance(module, GlobalEvidence) for module in global_feature(body, readings(2)))


@pytest.mark.parametrize("feedback", [grid_then_mesh, mesh_only, grid_only, attention])
@pytest.mark.parametrize("align_corners", [True, False])
def test_where_a_maps_corners_are_reaches_every_sampler(align_corners: bool, feedback, body: BodyModel) -> None:
    evidence = feedback(body, [Reading(0, (16, 8, 5), align_corners)] * 3)
    assert [module.sampler.align_corners for module in evidence] == [align_corners] * 3
