"""One feedback step."""

import math

import pytest
import torch
from torch import Tensor, nn

from pymaf_pl.errors import InputError
from pymaf_pl.models.regressor import Regressor
from pymaf_pl.types import BodyState


@pytest.fixture
def body_now() -> BodyState:
    return BodyState.from_vector(torch.randn(2, 157, generator=torch.Generator().manual_seed(0)))


@pytest.fixture
def evidence() -> Tensor:
    return torch.randn(2, 20, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def regressor() -> Regressor:
    torch.manual_seed(2)
    return Regressor(20, hidden=32, head_gain=1.0).eval()


def test_step_adds_what_the_heads_say(regressor: Regressor, body_now: BodyState, evidence: Tensor) -> None:
    seen = torch.cat(
        [evidence, body_now.pose_6d.reshape(2, 144), body_now.betas, body_now.weak_cam], dim=1
    )  # in this order, as in SPIN
    hidden = seen @ regressor.fc1.weight.T + regressor.fc1.bias
    hidden = hidden @ regressor.fc2.weight.T + regressor.fc2.bias  # no non-linearity in between
    after = regressor(evidence, body_now)
    torch.testing.assert_close(after.pose_6d, body_now.pose_6d + regressor.pose(hidden).view(2, 24, 6))
    torch.testing.assert_close(after.betas, body_now.betas + regressor.shape(hidden))
    torch.testing.assert_close(after.weak_cam, body_now.weak_cam + regressor.camera(hidden))
    assert (after.vector() - body_now.vector()).abs().min(dim=0).values.max() > 0.1


def test_relu_stands_after_both_hidden_layers(regressor: Regressor, body_now: BodyState, evidence: Tensor) -> None:
    bent = Regressor(20, hidden=32, head_gain=1.0, activation="relu").eval()
    bent.load_state_dict(regressor.state_dict())  # the same weights fit: a checkpoint does not depend on it
    seen = torch.cat([evidence, body_now.vector()], dim=1)
    hidden = bent.fc2(bent.fc1(seen).clamp_min(0)).clamp_min(0)
    torch.testing.assert_close(bent(evidence, body_now).betas, body_now.betas + bent.shape(hidden))
    assert not torch.allclose(bent(evidence, body_now).betas, regressor(evidence, body_now).betas)


def test_unknown_activation_is_refused() -> None:
    with pytest.raises(InputError, match=r"model\.activation=gelu: the regressors know none and relu"):
        Regressor(20, activation="gelu")  # type: ignore[arg-type]


def test_silent_heads_leave_the_body_alone(regressor: Regressor, body_now: BodyState, evidence: Tensor) -> None:
    for head in (regressor.pose, regressor.shape, regressor.camera):
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
    assert regressor(evidence, body_now).vector().equal(body_now.vector())


def test_raw_6d_is_passed_on_without_orthonormalising(regressor: Regressor, evidence: Tensor) -> None:
    # scaled columns mean the same rotation but are not the same input
    body_now = BodyState.from_vector(torch.ones(2, 157))
    longer = BodyState(body_now.pose_6d * 2, body_now.betas, body_now.weak_cam)
    before, after = regressor(evidence, body_now), regressor(evidence, longer)
    assert not torch.allclose(after.pose_6d - 2, before.pose_6d - 1)


def test_heads_start_small() -> None:
    torch.manual_seed(3)
    regressor = Regressor(2155)
    for head, width in ((regressor.pose, 144), (regressor.shape, 10), (regressor.camera, 3)):
        bound = 0.01 * math.sqrt(6 / (1024 + width))  # Xavier uniform with gain 0.01
        assert 0.95 * bound < head.weight.abs().max() <= bound


def test_dropout_follows_both_hidden_layers_in_training_only(
    regressor: Regressor, body_now: BodyState, evidence: Tensor
) -> None:
    assert regressor.dropout.p == 0.5
    calls = []
    regressor.dropout.register_forward_hook(lambda *_: calls.append(1))
    assert regressor(evidence, body_now).vector().equal(regressor(evidence, body_now).vector())
    assert len(calls) == 4
    regressor.train()
    assert not regressor(evidence, body_now).vector().equal(regressor(evidence, body_now).vector())


def test_the_body_stays_in_full_precision(regressor: Regressor, body_now: BodyState, evidence: Tensor, device) -> None:
    regressor.to(device)
    on_device = BodyState.from_vector(body_now.vector().to(device))
    with torch.autocast(device.type, dtype=torch.bfloat16):
        after = regressor(evidence.to(device).bfloat16(), on_device)
    assert after.vector().dtype == torch.float32


@pytest.mark.parametrize(("evidence_features", "count"), [(2205, 3_630_237), (2155, 3_579_037)])
def test_parameters_are_the_papers(evidence_features: int, count: int) -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in Regressor(evidence_features).parameters()) == count
