"""The forecast is said once, and right."""

import logging
from types import SimpleNamespace

import pytest
import torch

from pymaf_pl.engine import forecast
from pymaf_pl.engine.forecast import Forecast


@pytest.mark.parametrize(
    ("seconds_per_step", "accumulated", "said"),
    [(2.0, 1, "8 samples/s: about 33 min to go"), (8.0, 1, "2 samples/s: about 2 h 13 min"), (0.01, 2, "a minute")],
)
def test_time_left_is_that_of_the_steps_left(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    seconds_per_step: float,
    accumulated: int,
    said: str,
) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(forecast.time, "monotonic", lambda: clock.now)
    callback = Forecast(after_steps=5)
    module = SimpleNamespace(total_steps=1010)
    batch = {"image": torch.zeros(16, 1)}
    with caplog.at_level(logging.INFO):
        for step in range(1, 31):
            clock.now += 100.0 if step <= 5 else seconds_per_step  # the first ones are slow and do not count
            trainer = SimpleNamespace(world_size=1, global_step=step, accumulate_grad_batches=accumulated)
            callback.on_train_batch_end(trainer, module, None, batch, step)  # type: ignore[arg-type]
    assert len(caplog.messages) == 1
    assert said in caplog.messages[0]
    assert caplog.messages[0].startswith("step 10 of 1010")
