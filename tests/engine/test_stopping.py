"""A run that is told to make room, and goes on as if nothing had happened."""

import json
import os
import signal
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from pymaf_pl.engine.averaging import WeightEMA
from pymaf_pl.engine.progress import PROGRESS, forget_stop, read_progress
from pymaf_pl.engine.progress_file import ProgressFile
from pymaf_pl.engine.stopping import StopOnSignal, StoppedError


class SignalAfter(pl.Callback):
    """Sends this process a signal while a batch is worked on."""

    def __init__(self, number: int, batch: int) -> None:
        self.number, self.batch, self.losses = number, batch, []

    def on_train_batch_start(self, trainer, module, batch, batch_idx) -> None:  # type: ignore[no-untyped-def]
        if batch_idx == self.batch and trainer.current_epoch == 0:
            os.kill(os.getpid(), self.number)

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx) -> None:  # type: ignore[no-untyped-def]
        self.losses.append(outputs["loss"].item())


def weights(module) -> dict[str, torch.Tensor]:  # type: ignore[no-untyped-def]
    return {key: value.clone() for key, value in module.network.state_dict().items()}


@pytest.mark.parametrize(
    ("number", "accumulate", "saved"),
    [(signal.SIGUSR1, 1, 2), (signal.SIGUSR2, 2, 1), (signal.SIGTERM, 1, 2)],
    ids=["usr1", "usr2 within a step of two batches", "term"],
)
def test_a_stopped_run_ends_with_the_losses_of_an_unbroken_one(  # type: ignore[no-untyped-def]
    number, accumulate, saved, make_data, make_module, make_trainer, tmp_path: Path
) -> None:
    def fit(folder: Path, sends: int, resume: str | None = None):  # type: ignore[no-untyped-def]
        module, sender = make_module(), SignalAfter(number, sends)
        stop = StopOnSignal(folder / "last.ckpt")  # given first, Lightning moves it behind the average
        trainer = make_trainer(
            callbacks=[stop, sender, WeightEMA(0.5)], enable_checkpointing=True, accumulate_grad_batches=accumulate
        )
        try:
            trainer.fit(module, datamodule=make_data(), ckpt_path=resume, weights_only=True)
        except StoppedError as error:
            return module, sender.losses, str(error)
        return module, sender.losses, None

    before = signal.getsignal(number)
    whole, unbroken, said = fit(tmp_path / "whole", sends=-1)
    assert said is None
    # with two batches to a step, batch 0 begins one: the answer comes after batch 1
    _, first, said = fit(tmp_path / "cut", sends=1 if accumulate == 1 else 0)
    assert said is not None
    assert "stopped by" in said
    assert f"after step {saved}" in said
    assert signal.getsignal(number) == before
    last = tmp_path / "cut" / "last.ckpt"
    assert torch.load(last, weights_only=True)["global_step"] == saved
    resumed, rest, said = fit(tmp_path / "cut", sends=-1, resume=str(last))
    assert said is None
    assert first + rest == unbroken
    assert all(torch.equal(value, weights(whole)[key]) for key, value in weights(resumed).items())


def test_progress_is_kept_over_a_stop_and_the_stop_is_forgotten_when_it_goes_on(  # type: ignore[no-untyped-def]
    make_data, make_module, make_trainer, tmp_path: Path
) -> None:
    def fit(sends: int, resume: str | None) -> None:
        module = make_module()
        module.total_steps = 10
        progress = ProgressFile(tmp_path, every_seconds=0)
        callbacks = [progress, SignalAfter(signal.SIGUSR1, sends), StopOnSignal(tmp_path / "x")]
        trainer = make_trainer(callbacks=callbacks, enable_checkpointing=True)
        trainer.fit(module, datamodule=make_data(), ckpt_path=resume, weights_only=True)

    assert read_progress(tmp_path) == {"step": 0, "total_steps": 0, "stopped": False, "validations": []}
    with pytest.raises(StoppedError):
        fit(3, None)
    assert read_progress(tmp_path) == {"step": 4, "total_steps": 10, "stopped": True, "validations": []}
    forget_stop(tmp_path)
    assert not read_progress(tmp_path)["stopped"]
    fit(-1, str(tmp_path / "x"))
    found = json.loads((tmp_path / PROGRESS).read_text())
    assert (found["step"], found["stopped"]) == (10, False)
    assert [step for step, _ in found["validations"]] == [5, 10]
    assert all(value > 0 for _, value in found["validations"])
