"""The assembled networks: the paper's numbers, and the ablations."""

import hashlib
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from pymaf_pl.body import BodyModel
from pymaf_pl.errors import InputError
from pymaf_pl.models import FeedbackNetwork, hmr, pymaf
from pymaf_pl.models.backbone import ResNet
from pymaf_pl.models.feedback import attention, global_feature, grid_only, grid_then_mesh, mesh_only
from pymaf_pl.models.pyramid import DeconvPyramid, FixedPyramid, LateralPyramid, NoPyramid

PYRAMIDS = [DeconvPyramid, LateralPyramid, FixedPyramid, NoPyramid]
FEEDBACKS = [grid_then_mesh, mesh_only, grid_only, global_feature, attention]


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


@pytest.mark.parametrize(
    ("pyramid_levels", "levels"), [(None, [0, 1, 2]), (1, [0, 0, 0]), (2, [0, 1, 1]), (4, [1, 2, 3])]
)
def test_pyramids_of_other_heights(pyramid_levels: int | None, levels: list[int], small_pymaf, images: Tensor) -> None:
    network = small_pymaf(pyramid_levels=pyramid_levels)
    assert [evidence.level for evidence in network.evidence] == levels
    assert network(images).dense.part.shape[-1] == 2 * 2 ** (pyramid_levels or 3)


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
    assert network.evidence[2].sampler.align_corners
    assert not small_pymaf(align_corners=False).evidence[2].sampler.align_corners


@pytest.mark.parametrize("pyramid", PYRAMIDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("feedback", FEEDBACKS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("num_iterations", [1, 3, 5])
def test_every_pyramid_goes_with_every_feedback(
    pyramid, feedback, num_iterations: int, small_pymaf, images: Tensor
) -> None:
    network = small_pymaf(pyramid=pyramid, feedback=feedback, num_iterations=num_iterations)
    output = network(images)
    assert len(output.iterations) == num_iterations + 1
    loss = sum(state.vector().square().sum() for state in output.iterations[1:])
    (loss + sum(field.square().sum() for field in output.dense)).backward()
    # so that distributed training need not look for unused parameters; the encoder's own are another matter
    unused = [name for name, p in network.named_parameters() if p.grad is None]
    assert unused == []


def test_a_pyramid_of_one_level_is_read_at_every_iteration(small_pymaf) -> None:
    for pyramid, side in ((FixedPyramid, 16), (NoPyramid, 2)):
        network = small_pymaf(pyramid=pyramid)
        assert [evidence.level for evidence in network.evidence] == [0, 0, 0]
        read = []
        for evidence in network.evidence:
            evidence.sampler.register_forward_hook(lambda _, given, __, read=read: read.append(given[0].shape[-1]))
        network(torch.randn(2, 3, 64, 64))
        assert read == [side] * 3


def test_without_a_pyramid_the_deepest_map_has_its_own_channels(small_pymaf) -> None:
    network = small_pymaf(pyramid=NoPyramid, feedback=global_feature)
    assert [evidence.out_features for evidence in network.evidence] == [128] * 3
    assert network.dense_head.u.in_channels == 128
    assert len({id(regressor) for regressor in network.regressors}) == 3


@pytest.mark.parametrize("feedback", [mesh_only, grid_only, global_feature])
def test_one_regressor_for_all_iterations(feedback, small_pymaf, images: Tensor) -> None:
    network = small_pymaf(shared_regressor=True, feedback=feedback)
    assert len({id(regressor) for regressor in network.regressors}) == 1
    assert len({id(evidence) for evidence in network.evidence}) == 3
    assert count(network) < count(small_pymaf(feedback=feedback))
    assert len(network(images).iterations) == 4


@pytest.mark.parametrize("feedback", [grid_then_mesh, attention])
def test_one_regressor_for_evidence_of_different_length_is_refused(feedback, small_pymaf) -> None:
    with pytest.raises(
        InputError, match=r"model\.shared_regressor=true: .* 2205, 2\d+, 2\d+ values; with feedback=mesh"
    ):
        small_pymaf(shared_regressor=True, feedback=feedback)


@pytest.mark.parametrize("build", ["small_pymaf", "small_hmr"])
@pytest.mark.parametrize("detach", [True, False])
def test_axis_angle_networks_learn(build: str, detach: bool, request, images: Tensor) -> None:
    network = request.getfixturevalue(build)(rotation="axis_angle", detach=detach, head_gain=0.01)
    assert network.regressors[0].pose.out_features == 72
    network(images).final.vector().square().sum().backward()
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)  # the mean body has joints that are not turned


def test_an_unknown_rotation_is_refused(small_pymaf) -> None:
    with pytest.raises(InputError, match=r"model\.rotation=quaternion: the regressors know 6d and axis_angle"):
        small_pymaf(rotation="quaternion")


def test_number_of_points_and_dense_size_arrive(small_pymaf, images: Tensor) -> None:
    network = small_pymaf(feedback=partial(mesh_only, num_points=40, seed=1), dense_size=28)
    assert [evidence.out_features for evidence in network.evidence] == [200] * 3
    assert network(images).dense.part.shape[-2:] == (28, 28)


def test_more_points_than_the_body_has_are_refused(small_pymaf) -> None:
    with pytest.raises(InputError, match=r"model\.feedback\.num_points=7000: the 'open' body has 6890 vertices"):
        small_pymaf(feedback=partial(grid_then_mesh, num_points=7000))


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"pyramid_channels": 0}, r"model\.pyramid_channels=0: at least 1"),
        ({"point_channels": ()}, r"model\.point_channels=0: at least 1"),
        ({"point_channels": (8, 0)}, r"model\.point_channels=0: at least 1"),
        ({"hidden": 0}, r"model\.hidden=0: at least 1"),
        ({"dense_head": False, "dense_size": 28}, r"model\.dense_size=28: there is no dense head"),
        ({"dense_size": 0}, r"model\.dense_size=0: at least 1 px"),
    ],
)
def test_widths_that_cannot_be_are_refused(option, words: str, small_pymaf) -> None:
    with pytest.raises(InputError, match=words):
        small_pymaf(**option)


def test_the_published_network_keeps_its_names(published: FeedbackNetwork) -> None:
    state = published.state_dict()
    parts = {name.split(".")[0] for name in state}
    assert parts == {"mean", "backbone", "pyramid", "evidence", "regressors", "dense_head"}
    lines = "\n".join(f"{name} {tuple(value.shape)}" for name, value in state.items())
    assert len(state) == 393
    assert hashlib.sha256(lines.encode()).hexdigest()[:12] == "306bedfe53c2"  # checkpoints depend on it


@pytest.mark.parametrize("num_iterations", [0, -1])
def test_no_iterations_is_refused_for_both(num_iterations: int, body: BodyModel, small_pymaf, small_hmr) -> None:
    for build in (small_pymaf, small_hmr):
        with pytest.raises(InputError, match=rf"model\.num_iterations={num_iterations}: .* at least one iteration"):
            build(num_iterations=num_iterations)


def test_no_map_is_refused(small_pymaf) -> None:
    with pytest.raises(InputError, match=r"model\.pyramid_levels=0: .* at least one map"):
        small_pymaf(pyramid_levels=0)
