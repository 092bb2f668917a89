"""The training clock: how it counts on after a checkpoint."""

from types import SimpleNamespace

from pymaf_pl.engine import clock
from pymaf_pl.engine.clock import TrainingClock


def test_it_counts_training_alone_and_goes_on_from_a_checkpoint(monkeypatch):
    now = SimpleNamespace(value=100.0)
    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=lambda: now.value))
    first = TrainingClock()
    now.value += 5  # data are prepared
    first.on_train_start(None, None)
    now.value += 30
    kept = first.state_dict()
    now.value += 10  # killed here: these are done again
    second = TrainingClock()
    second.load_state_dict(kept)
    assert second.seconds == 30
    second.on_train_start(None, None)
    now.value += 12
    second.on_train_end(None, None)
    now.value += 100  # the report is written
    assert second.seconds == 42
    assert second.state_dict() == {"seconds": 42}
