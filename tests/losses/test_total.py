"""The sum over iterations: what is in it, what it is called, and what it refuses."""

from collections.abc import Callable

import pytest
import torch

from pymaf_pl.body import BodyModel
from pymaf_pl.errors import InputError
from pymaf_pl.losses import Camera, DenseLoss, FeedbackLoss, Keypoints2D, Pose, Shape, Vertices
from pymaf_pl.losses.terms import DecodedBodies, Targets
from pymaf_pl.types import Batch, BodyState, NetworkOutput

LabelledPeople = Callable[..., tuple[BodyState, Batch]]
Guess = Callable[..., NetworkOutput]


def test_total_is_the_plain_sum_and_the_mean_body_is_not_supervised(
    body: BodyModel, labelled_people: LabelledPeople, guess: Guess
) -> None:
    _, batch = labelled_people(3)
    output = guess(3, iterations=3)
    loss = FeedbackLoss(body, {"pose": Pose(), "shape": Shape()})
    total, parts = loss(output, batch)
    assert set(parts) == {f"{name}/iter_{t}" for name in ("pose", "shape") for t in (1, 2, 3)}
    assert total.item() == pytest.approx(sum(value.item() for value in parts.values()), rel=1e-6)
    for t in (1, 2, 3):  # each iteration counts as if it were alone
        _, alone = loss(NetworkOutput((output.iterations[0], output.iterations[t])), batch)
        assert alone["pose/iter_1"].item() == pytest.approx(parts[f"pose/iter_{t}"].item(), rel=1e-6)
    total.backward()
    start, *later = (state.betas._base for state in output.iterations)
    assert start is not None
    assert start.grad is None
    assert all(leaf is not None and leaf.grad.abs().sum() > 0 for leaf in later)


def test_iteration_weights_multiply_each_iteration(
    body: BodyModel, labelled_people: LabelledPeople, guess: Guess
) -> None:
    _, batch = labelled_people(3)
    output = guess(3, iterations=2)
    _, plain = FeedbackLoss(body, {"pose": Pose()})(output, batch)
    total, weighted = FeedbackLoss(body, {"pose": Pose()}, iteration_weights=[0.5, 2.0])(output, batch)
    assert weighted["pose/iter_1"].item() == pytest.approx(0.5 * plain["pose/iter_1"].item(), rel=1e-6)
    assert weighted["pose/iter_2"].item() == pytest.approx(2.0 * plain["pose/iter_2"].item(), rel=1e-6)
    assert total.item() == pytest.approx(sum(v.item() for v in weighted.values()), rel=1e-6)


def test_iteration_weights_of_the_wrong_length_are_the_users_to_mend(
    body: BodyModel, labelled_people: LabelledPeople, guess: Guess
) -> None:
    _, batch = labelled_people(2)
    with pytest.raises(InputError, match=r"losses\.iteration_weights has 2 values for 3 iterations"):
        FeedbackLoss(body, {"pose": Pose()}, iteration_weights=[1.0, 2.0])(guess(2, iterations=3), batch)


def test_each_term_may_have_iteration_weights_of_its_own(
    body: BodyModel, labelled_people: LabelledPeople, guess: Guess
) -> None:
    _, batch = labelled_people(3)
    output, terms = guess(3, iterations=3), {"pose": Pose(), "shape": Shape()}
    _, plain = FeedbackLoss(body, terms)(output, batch)
    total, weighted = FeedbackLoss(body, terms, iteration_weights={"pose": [0.0, 0.5, 2.0]})(output, batch)
    factors = {"pose": (0.0, 0.5, 2.0), "shape": (1.0, 1.0, 1.0)}
    for name, values in factors.items():
        for t, factor in enumerate(values, start=1):
            assert weighted[f"{name}/iter_{t}"].item() == pytest.approx(factor * plain[f"{name}/iter_{t}"].item())
    assert total.item() == pytest.approx(sum(v.item() for v in weighted.values()), rel=1e-6)


def test_iteration_weights_of_one_term_name_it_when_they_are_too_few(
    body: BodyModel, labelled_people: LabelledPeople, guess: Guess
) -> None:
    _, batch = labelled_people(2)
    with pytest.raises(InputError, match=r"losses\.iteration_weights\.pose has 1 values for 3 iterations"):
        FeedbackLoss(body, {"pose": Pose()}, iteration_weights={"pose": [1.0]})(guess(2, iterations=3), batch)


@pytest.mark.parametrize("off", ["keypoints_2d", "pose", "shape", "camera"])
def test_any_term_can_be_switched_off_alone(
    off: str, body: BodyModel, labelled_people: LabelledPeople, guess: Guess
) -> None:
    _, batch = labelled_people(2)
    every = {"keypoints_2d": Keypoints2D(), "pose": Pose(), "shape": Shape(), "camera": Camera()}
    terms = every | {off: type(every[off])(weight=0.0)}
    _, all_parts = FeedbackLoss(body, every)(guess(2), batch)
    _, parts = FeedbackLoss(body, terms)(guess(2), batch)
    assert all_parts.keys() - parts.keys() == {f"{off}/iter_{t}" for t in (1, 2, 3)}
    assert all(parts[name].item() == pytest.approx(all_parts[name].item()) for name in parts)


def test_a_term_of_weight_zero_is_not_computed(body: BodyModel, labelled_people: LabelledPeople, guess: Guess) -> None:
    class Explosive(Vertices):
        def __call__(self, predicted: DecodedBodies, target: Targets) -> torch.Tensor:
            raise AssertionError("computed")

    _, batch = labelled_people(2)
    _, parts = FeedbackLoss(body, {"surface": Explosive(weight=0.0), "pose": Pose()})(guess(2), batch)
    assert set(parts) == {"pose/iter_1", "pose/iter_2", "pose/iter_3"}
    with pytest.raises(AssertionError, match="computed"):
        FeedbackLoss(body, {"surface": Explosive(weight=1.0)})(guess(2), batch)


def test_losses_own_no_weight_and_no_state(body: BodyModel) -> None:
    loss = FeedbackLoss(body, {"pose": Pose()}, dense=DenseLoss(body))
    assert not list(loss.parameters())
    assert not loss.state_dict()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_states_of_another_precision_are_compared_in_float32(
    dtype: torch.dtype, body: BodyModel, labelled_people: LabelledPeople
) -> None:
    state, batch = labelled_people(2)
    vector = state.vector() + 0.25
    loss = FeedbackLoss(body, {"pose": Pose(), "keypoints_2d": Keypoints2D(), "camera": Camera()})
    exact, _ = loss(NetworkOutput((state, BodyState.from_vector(vector.to(dtype).float()))), batch)
    total, _ = loss(NetworkOutput((state, BodyState.from_vector(vector.to(dtype)))), batch)
    assert total.dtype == torch.float32
    assert total.item() == pytest.approx(exact.item(), rel=1e-6)


def test_a_stage_may_weigh_terms_anew(body: BodyModel, labelled_people: LabelledPeople, guess: Guess) -> None:
    _, batch = labelled_people(3)
    output = guess(3, iterations=1)
    loss = FeedbackLoss(body, {"pose": Pose(weight=2.0), "shape": Shape(weight=0.0)})
    _, plain = loss(output, batch)
    _, weighed = loss(output, batch, {"pose": 6.0, "shape": 1.0})
    assert set(plain) == {"pose/iter_1"}
    assert set(weighed) == {"pose/iter_1", "shape/iter_1"}
    assert weighed["pose/iter_1"].item() == pytest.approx(3.0 * plain["pose/iter_1"].item(), rel=1e-6)
    _, alone = FeedbackLoss(body, {"shape": Shape(weight=1.0)})(output, batch)
    assert weighed["shape/iter_1"].item() == pytest.approx(alone["shape/iter_1"].item(), rel=1e-6)
    with pytest.raises(InputError, match=r"stage 'a': there is no term 'posture'; the terms are pose, shape"):
        loss.check_weights({"posture": 1.0}, "stage 'a'")
