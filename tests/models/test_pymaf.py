"""The feedback loop: what it does, and where gradients go."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from pymaf_pl.body import BodyModel
from pymaf_pl.errors import InputError
from pymaf_pl.models import FeedbackNetwork
from pymaf_pl.types import BodyState


def total_gradient(module: nn.Module) -> float:
    return sum(p.grad.abs().sum().item() for p in module.parameters() if p.grad is not None)


def silence_heads(network: FeedbackNetwork) -> None:
    for regressor in network.regressors:
        for head in (regressor.pose, regressor.shape, regressor.camera):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)


@pytest.mark.parametrize("variant", ["small_pymaf", "small_hmr"])
def test_silent_heads_give_the_mean_body_at_every_iteration(
    variant: str, body: BodyModel, images: Tensor, request: pytest.FixtureRequest
) -> None:
    network = request.getfixturevalue(variant)()
    silence_heads(network)
    output = network(images)
    assert len(output.iterations) == 4
    for state in output.iterations:
        assert state.vector().equal(body.mean_state().vector().expand(2, -1))


@pytest.mark.parametrize("variant", ["small_pymaf", "small_hmr"])
def test_first_is_the_mean_body_and_every_iteration_moves_it(
    variant: str, body: BodyModel, images: Tensor, request: pytest.FixtureRequest
) -> None:
    iterations = request.getfixturevalue(variant)()(images).iterations
    assert iterations[0].vector().equal(body.mean_state().vector().expand(2, -1))
    for before, after in pairwise(iterations):
        assert (after.vector() - before.vector()).abs().max() > 1e-3
    assert not iterations[-1].vector()[0].allclose(iterations[-1].vector()[1])  # two images, two bodies


def test_the_loop_by_hand(small_pymaf, images: Tensor) -> None:
    network = small_pymaf().eval()
    maps = network.pyramid(network.backbone(images))
    vector = network.mean.expand(2, -1)
    for t, state in enumerate(network(images).iterations[1:]):
        body_now = BodyState.from_vector(vector)
        read = network.evidence[t].sampler(maps[t], network.evidence[t].points(body_now))
        vector = network.regressors[t](read, body_now).vector()
        torch.testing.assert_close(state.vector(), vector)


@pytest.mark.parametrize("variant", ["small_pymaf", "small_hmr"])
def test_evaluation_is_repeatable_and_one_by_one(variant: str, images: Tensor, request: pytest.FixtureRequest) -> None:
    network = request.getfixturevalue(variant)(dropout=0.5).eval()
    with torch.no_grad():
        first, second = network(images).final.vector(), network(images).final.vector()
        alone = network(images[1:]).final.vector()
    assert first.equal(second)
    torch.testing.assert_close(alone, first[1:], atol=1e-5, rtol=1e-4)  # nobody depends on the others in the batch


def test_loss_of_the_last_iteration_stops_at_the_iteration_before(small_pymaf, images: Tensor) -> None:
    network = small_pymaf()
    network(images).iterations[3].vector().square().sum().backward()
    for t in (0, 1):
        assert total_gradient(network.regressors[t]) == 0
        assert total_gradient(network.evidence[t]) == 0
    assert total_gradient(network.regressors[2]) > 0
    assert total_gradient(network.evidence[2]) > 0
    for level in network.pyramid.levels:
        assert total_gradient(level) > 0
    assert total_gradient(network.backbone.conv1) > 0


def test_loss_of_the_first_iteration_reaches_only_what_made_it(small_pymaf, images: Tensor) -> None:
    network = small_pymaf()
    network(images).iterations[1].vector().square().sum().backward()
    assert total_gradient(network.regressors[0]) > 0
    assert total_gradient(network.pyramid.levels[0]) > 0
    for unused in (network.regressors[1], network.evidence[1], network.pyramid.levels[1], network.pyramid.levels[2]):
        assert total_gradient(unused) == 0


@pytest.mark.parametrize("t", [1, 2, 3, "dense"])
def test_where_each_loss_ends(t: int | str, small_pymaf, images: Tensor) -> None:
    """The loss of iteration t reaches its own sampler and regressor, the maps up to its own, and the backbone."""
    network = small_pymaf()
    output = network(images)
    if t == "dense":
        sum(field.square().sum() for field in output.dense).backward()
    else:
        output.iterations[t].vector().square().sum().backward()
    last_map = 3 if t == "dense" else t
    expected = {"backbone"} | {f"pyramid.levels.{level}" for level in range(last_map)}
    expected |= {"dense_head"} if t == "dense" else {f"evidence.{t - 1}", f"regressors.{t - 1}"}
    parts = [
        "backbone",
        "dense_head",
        *(f"{p}.{i}" for p in ("pyramid.levels", "evidence", "regressors") for i in range(3)),
    ]
    assert {name for name in parts if total_gradient(network.get_submodule(name)) > 0} == expected


def test_without_detaching_the_last_loss_reaches_the_first_regressor(small_pymaf, images: Tensor) -> None:
    network = small_pymaf(detach=False)
    network(images).iterations[3].vector().square().sum().backward()
    assert total_gradient(network.regressors[0]) > 0


def test_supervising_every_iteration_and_the_dense_head_leaves_no_parameter_without_gradient(
    small_pymaf, images: Tensor
) -> None:
    network = small_pymaf()
    output = network(images)
    loss = sum(state.vector().square().sum() for state in output.iterations[1:])
    (loss + sum(field.square().sum() for field in output.dense)).backward()
    # so that distributed training need not look for unused parameters
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_hmr_shares_one_regressor_and_learns_through_all_iterations(small_hmr, images: Tensor) -> None:
    network = small_hmr()
    assert network.num_iterations == 3
    assert len({id(regressor) for regressor in network.regressors}) == 1
    output = network(images)
    (through,) = torch.autograd.grad(output.final.vector().square().sum(), output.iterations[1].pose_6d)
    assert through.abs().sum() > 0
    cut = small_hmr(detach=True)(images)
    assert not cut.iterations[0].vector().requires_grad
    assert torch.autograd.grad(cut.final.vector().square().sum(), cut.iterations[1].pose_6d, allow_unused=True) == (
        None,
    )


def test_dense_logits_come_from_the_finest_map_in_training_only(small_pymaf, images: Tensor) -> None:
    network = small_pymaf()
    dense = network(images).dense
    assert [tuple(field.shape) for field in dense] == [(2, 25, 16, 16)] * 3 + [(2, 15, 16, 16)]
    assert network.eval()(images).dense is None
    assert small_pymaf(dense_head=False)(images).dense is None


def test_hmr_has_no_dense_logits(small_hmr, images: Tensor) -> None:
    assert small_hmr()(images).dense is None


@pytest.mark.parametrize("size", [128, 192, 224])
def test_any_image_size_goes_through(size: int, small_pymaf) -> None:
    images = torch.randn(1, 3, size, size)
    network = small_pymaf().eval()
    read = []
    for evidence in network.evidence:
        evidence.sampler.register_forward_hook(lambda _, given, __: read.append(given[0].shape[-1]))
    with torch.no_grad():
        assert network(images).final.vector().isfinite().all()
    assert read == [size // 16, size // 8, size // 4]  # 14, 28, 56 at 224


def test_reduced_precision_keeps_the_body_in_float32(small_pymaf, images: Tensor, device: torch.device) -> None:
    network = small_pymaf().to(device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        output = network(images.to(device))
    assert all(state.vector().dtype == torch.float32 for state in output.iterations)
    output.final.vector().sum().backward()
    assert total_gradient(network.backbone.conv1) > 0


def test_checkpoints_hold_weights_and_the_mean_but_nothing_of_the_body_model(small_pymaf, body: BodyModel) -> None:
    network = small_pymaf()
    buffers = network.state_dict().keys() - dict(network.named_parameters()).keys()
    others = {name for name in buffers if not name.endswith(("running_mean", "running_var", "num_batches_tracked"))}
    assert others == {"mean"}
    again = small_pymaf()
    nn.init.zeros_(again.mean)
    again.load_state_dict(network.state_dict())
    assert again.mean.equal(body.mean_state().vector())


def test_a_loop_without_iterations_is_refused(body: BodyModel) -> None:
    with pytest.raises(InputError, match=r"model\.num_iterations=0: .* at least one"):
        FeedbackNetwork(nn.Identity(), nn.Identity(), [], [], body.mean_state())


def test_every_iteration_needs_both_its_parts(body: BodyModel) -> None:
    with pytest.raises(InputError):
        FeedbackNetwork(nn.Identity(), nn.Identity(), [nn.Identity()], [nn.Identity()] * 2, body.mean_state())


@pytest.mark.parametrize("variant", ["small_pymaf", "small_hmr"])
def test_poses_are_weighed_as_they_leave_and_not_in_training(
    variant: str, images: Tensor, request: pytest.FixtureRequest
) -> None:
    plain = request.getfixturevalue(variant)().eval()
    weighing = request.getfixturevalue(variant)(pose_noise=0.2).eval()
    weighing.load_state_dict(plain.state_dict())  # the prior is none of the weights
    raw, weighed = plain(images).iterations, weighing(images).iterations
    assert weighed[0].vector().equal(raw[0].vector())
    for before, after in zip(raw[1:], weighed[1:], strict=True):  # the loop went on with the raw pose
        assert after.pose_6d.equal(weighing.pose_filter(before).pose_6d)
        assert not after.pose_6d.allclose(before.pose_6d)
        assert after.weak_cam.equal(before.weak_cam)
    torch.manual_seed(0)
    trained = plain.train()(images).final
    torch.manual_seed(0)
    assert weighing.train()(images).final.vector().equal(trained.vector())
