from functools import partial
from types import SimpleNamespace

import pytest
import torch

from pymaf_pl.engine import budget
from pymaf_pl.engine.budget import TimeBudget
from pymaf_pl.engine.optim import Stretch, scheduled, warmup_cosine


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(budget.time, "monotonic", lambda: now.seconds)
    return now


@pytest.fixture
def training():
    """A trainer and module as far as the callback looks at them: 100 steps, warm-up of 10."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = scheduled(optimizer, partial(warmup_cosine, warmup=0.1), [Stretch(100)])
    trainer = SimpleNamespace(
        strategy=SimpleNamespace(broadcast=lambda value: value),
        lr_scheduler_configs=[SimpleNamespace(scheduler=scheduler)],
        should_stop=False,
    )
    return trainer, SimpleNamespace(total_steps=100), optimizer, scheduler


def _step(callback, trainer, module, optimizer, scheduler):
    optimizer.step()
    scheduler.step()
    callback.on_train_batch_end(trainer, module)


def test_a_fast_machine_keeps_its_schedule(clock, training):
    trainer, module, optimizer, scheduler = training
    callback = TimeBudget(minutes=1)
    callback.on_train_start(trainer, module)
    for step in range(50):
        clock.seconds = step * 0.1  # 5 s of 60 for half of the steps
        _step(callback, trainer, module, optimizer, scheduler)
    assert scheduler.last_epoch == 50
    assert not trainer.should_stop


def test_a_slow_machine_anneals_by_the_clock_and_stops(clock, training):
    trainer, module, optimizer, scheduler = training
    callback = TimeBudget(minutes=1)
    callback.on_train_start(trainer, module)
    rates = []
    for step in range(1, 11):
        clock.seconds = step * 6.0  # ten steps fill the minute
        _step(callback, trainer, module, optimizer, scheduler)
        rates.append(optimizer.param_groups[0]["lr"])
    assert trainer.should_stop
    assert rates[1:] == sorted(rates[1:], reverse=True)
    assert rates[-1] < 0.1  # the last step's rate is that of 90 % of the schedule, not of 10 steps


def test_time_of_earlier_parts_of_a_run_counts(clock, training):
    trainer, module, optimizer, scheduler = training
    callback = TimeBudget(minutes=1)
    callback.load_state_dict({"spent": 59.0})
    callback.on_train_start(trainer, module)
    clock.seconds = 2.0
    _step(callback, trainer, module, optimizer, scheduler)
    assert trainer.should_stop
    assert callback.state_dict() == {"spent": 61.0}
