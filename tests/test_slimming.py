"""Weights alone: what rounding costs is known, what does not fit is refused, what was shared stays shared."""

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.checkpoints import Checkpoint, cast, count_parameters
from pymaf_pl.errors import InputError
from pymaf_pl.models import hmr
from pymaf_pl.models.backbone import ResNet
from pymaf_pl.slimming import slim_bytes, slim_state


def checkpoint(state: dict[str, Tensor]) -> Checkpoint:
    return Checkpoint(Path("x.ckpt"), state, {"body": {"name": "open"}}, 3, 70)


def read(content: bytes) -> dict[str, Any]:
    return torch.load(io.BytesIO(content), weights_only=True)


def test_float16_is_off_by_half_a_step_at_most() -> None:
    weights = torch.randn(1000, generator=torch.Generator().manual_seed(0)) * 10
    state, worst = slim_state(checkpoint({"a": weights}), "float16")
    error = (state["a"].float() - weights).abs()
    assert state["a"].dtype == torch.float16
    assert (error <= weights.abs() * 2**-11 + 2**-25).all()  # 10 bits of fraction; 2^-24 apart near zero
    assert worst.error == error.max() > 0
    assert worst.key == "a"
    assert worst.value == weights[error.argmax()]


def test_float32_costs_nothing_and_whole_numbers_are_left_alone() -> None:
    original = {"a": torch.randn(5), "count": torch.tensor(70_000), "flags": torch.tensor([True, False])}
    for precision in ("float16", "float32"):
        state, worst = slim_state(checkpoint(original), precision)
        assert all(torch.equal(state[key], original[key]) for key in ("count", "flags"))
        assert state["count"].dtype == torch.int64
    assert torch.equal(state["a"], original["a"])
    assert worst.error == 0


@pytest.mark.parametrize(
    ("value", "precision", "words"),
    [
        (7e4, "float16", "'b' reaches 7e+04, too much for float16; --precision float32 keeps it"),
        (-7e4, "float16", "too much for float16"),
        (float("nan"), "float16", "'b' has values that are not finite"),
        (float("inf"), "float32", "'b' has values that are not finite"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_its_key(value: float, precision: str, words: str) -> None:
    state = {"a": torch.ones(2), "b": torch.tensor([1.0, value])}
    with pytest.raises(InputError) as caught:
        slim_state(checkpoint(state), precision)
    assert str(caught.value).startswith("x.ckpt: ")
    assert words in str(caught.value)


def test_large_values_fit_float32() -> None:
    state, _ = slim_state(checkpoint({"a": torch.tensor([7e4])}), "float32")
    assert state["a"].item() == 7e4


def test_the_content_is_weights_and_record_and_the_same_every_time() -> None:
    original = checkpoint({"a": torch.randn(3, 4)})
    state, _ = slim_state(original, "float16")
    content = slim_bytes(original, state)
    raw = read(content)
    assert torch.equal(raw.pop("state_dict")["network.a"], state["a"])
    assert raw == {"pymaf_pl": original.record, "epoch": 3, "global_step": 70, "card": True}
    assert content == slim_bytes(original, slim_state(original, "float16")[0])


def test_a_view_does_not_bring_what_it_is_a_view_of() -> None:
    wide = torch.randn(1000, 1000)
    original = checkpoint({"a": wide[0], "b": torch.randn(8, 4, 3, 3).to(memory_format=torch.channels_last)})
    for precision in ("float16", "float32"):
        assert len(slim_bytes(original, slim_state(original, precision)[0])) < 30_000


def test_weights_that_iterations_share_stand_in_the_file_once(body: BodyModel) -> None:
    network = hmr(ResNet(18, width=8), body, hidden=256)
    original = checkpoint(network.state_dict())
    content = slim_bytes(original, slim_state(original, "float16")[0])
    parameters = sum(p.numel() for p in network.parameters())
    assert len(content) < 2 * parameters + 300_000
    state = {key.removeprefix("network."): value for key, value in read(content)["state_dict"].items()}
    again = checkpoint(cast(state, torch.float32))
    assert count_parameters(again) == parameters
    network.load_state_dict(again.state)
