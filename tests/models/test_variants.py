"""The assembled networks: the paper's numbers, and the ablations."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from pymaf_pl.body import BodyModel
from pymaf_pl.errors import InputError
from pymaf_pl.models import FeedbackNetwork, hmr, pymaf
from pymaf_pl.models.backbone import ResNet
from pymaf_pl.models.points import grid_only, mesh_only


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


@pytest.fixture(scope="module")
def resnet50() -> ResNet:
    with torch.device("meta"):  # counted, never run
        return ResNet(50)


@pytest.fixture(scope="module")
def published(body: BodyModel, resnet50: ResNet) -> FeedbackNetwork:
    return pymaf(resnet50, body)


def test_pymaf_has_the_papers_parameters(published: FeedbackNetwork) -> None:
    assert count(published) == 45_168_512
    assert count(published.backbone) == 23_508_032
    assert [count(level) for level in published.pyramid.levels] == [8_389_120, 1_049_088, 1_049_088]
    assert [count(evidence) for evidence in published.evidence] == [59_141] * 3
    assert [count(regressor) for regressor in published.regressors] == [3_630_237, 3_579_037, 3_579_037]
    assert count(published.dense_head) == 207_450


def test_pymaf_reads_441_grid_points_then_431_mesh_points_5_values_each(published: FeedbackNetwork) -> None:
    assert [evidence.out_features for evidence in published.evidence] == [2205, 2155, 2155]
    assert [regressor.fc1.in_features for regressor in published.regressors] == [2362, 2312, 2312]


def test_hmr_has_spins_parameters(body: BodyModel, resnet50: ResNet) -> None:
    network = hmr(resnet50, body)
    assert count(network) == 26_977_501
    assert network.regressors[0].fc1.in_features == 2048 + 157


@pytest.mark.parametrize(("num_iterations", "levels"), [(1, [2]), (2, [1, 2]), (3, [0, 1, 2]), (5, [0, 1, 2, 2, 2])])
def test_the_last_iterations_read_the_finest_maps(
    num_iterations: int, levels: list[int], small_pymaf, images: Tensor
) -> None:
    network = small_pymaf(num_iterations=num_iterations).eval()
    assert [evidence.level for evidence in network.evidence] == levels
    assert network.num_iterations == num_iterations
    assert len(network(images).iterations) == num_iterations + 1


@pytest.mark.parametrize(("pyramid_levels", "levels"), [(1, [0, 0, 0]), (2, [0, 1, 1]), (4, [1, 2, 3])])
def test_pyramids_of_other_heights(pyramid_levels: int, levels: list[int], small_pymaf, images: Tensor) -> None:
    network = small_pymaf(pyramid_levels=pyramid_levels)
    assert [evidence.level for evidence in network.evidence] == levels
    assert network(images).dense.part.shape[-1] == 2 * 2**pyramid_levels


@pytest.mark.parametrize(
    ("feedback", "points"),
    [(mesh_only, [431] * 3), (grid_only, [441] * 3), (partial(grid_only, grid_side=7), [49] * 3)],
    ids=["mesh_only", "grid_only", "coarse_grid_only"],
)
def test_feedback_sources_are_exchangeable(feedback, points: list[int], small_pymaf, images: Tensor) -> None:
    network = small_pymaf(feedback=feedback)
    assert [evidence.out_features for evidence in network.evidence] == [5 * number for number in points]
    output = network(images)
    assert len(output.iterations) == 4
    assert output.final.vector().isfinite().all()


def test_grid_only_reads_the_same_whatever_the_body(small_pymaf, images: Tensor) -> None:
    """Evidence of the last iteration depends on the body of the one before only where it is read on the mesh."""
    for feedback, depends in ((grid_only, False), (mesh_only, True)):
        network = small_pymaf(feedback=feedback).eval()
        read = []
        network.evidence[2].register_forward_hook(lambda _, __, value, read=read: read.append(value))
        network(images)
        nn.init.normal_(network.regressors[1].camera.bias, std=0.3)
        network(images)
        assert read[0].equal(read[1]) is not depends


def test_point_widths_and_regressor_options_arrive(small_pymaf) -> None:
    network = small_pymaf(point_channels=(12, 4, 3), hidden=48, dropout=0.25)
    assert network.evidence[0].sampler.channels == (16, 12, 4, 3)
    assert network.regressors[1].fc2.weight.shape == (48, 48)
    assert network.regressors[1].dropout.p == 0.25


@pytest.mark.parametrize("num_iterations", [0, -1])
def test_no_iterations_is_refused_for_both(num_iterations: int, body: BodyModel, small_pymaf, small_hmr) -> None:
    for build in (small_pymaf, small_hmr):
        with pytest.raises(InputError, match=rf"model\.num_iterations={num_iterations}: .* at least one iteration"):
            build(num_iterations=num_iterations)


def test_no_map_is_refused(small_pymaf) -> None:
    with pytest.raises(InputError, match=r"model\.pyramid_levels=0: .* at least one map"):
        small_pymaf(pyramid_levels=0)
