"""What is not a number ends a run, and reaches no checkpoint."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.strategies import FSDPStrategy, SingleDeviceStrategy, Strategy

from pymaf_pl.engine.finite import FiniteLoss
from pymaf_pl.errors import InputError


class Poison(pl.Callback):
    """Spoils the weights before a step, or in a way that the next loss alone would show."""

    def __init__(self, step: int, after: bool) -> None:
        self.step, self.after = step, after

    def on_train_batch_start(self, trainer, module, batch, batch_idx) -> None:  # type: ignore[no-untyped-def]
        if not self.after and trainer.global_step == self.step:
            torch.nn.init.constant_(next(module.network.parameters()), float("nan"))

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx) -> None:  # type: ignore[no-untyped-def]
        if self.after and trainer.global_step == self.step:
            torch.nn.init.constant_(next(module.network.parameters()), float("inf"))


@pytest.mark.parametrize("after", [False, True], ids=["loss", "weights"])
def test_the_run_ends_in_one_line_and_the_last_good_checkpoint_stays(
    after: bool, make_data, make_module, make_trainer, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    last = tmp_path / "kept" / "last.ckpt"
    every_step = ModelCheckpoint(
        tmp_path / "kept", filename="last", every_n_train_steps=1, enable_version_counter=False
    )
    callbacks = [Poison(3, after), FiniteLoss(last), every_step]
    trainer = make_trainer(enable_checkpointing=True, callbacks=callbacks)
    with pytest.raises(InputError) as caught:
        trainer.fit(make_module(), datamodule=make_data())
    message = str(caught.value)
    assert "\n" not in message
    assert "is not finite after step" in message
    assert f"{last} is from before" in message
    kept = torch.load(last, weights_only=True)
    assert kept["global_step"] == (2 if after else 3)  # the step that was spoilt is in no file
    assert all(value.isfinite().all() for value in kept["state_dict"].values())


def test_without_a_checkpoint_the_message_says_so(make_data, make_module, make_trainer, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    trainer = make_trainer(callbacks=[Poison(0, False), FiniteLoss(tmp_path / "last.ckpt")])
    with pytest.raises(InputError, match="the loss is not finite after step 1; there is no checkpoint yet"):
        trainer.fit(make_module(), datamodule=make_data())


@pytest.mark.parametrize(
    ("strategy", "advice"),
    [
        (SingleDeviceStrategy(), "trainer.gradient_clip_val=1 may help"),
        (FSDPStrategy(), "trainer.gradient_clip_val=1 +trainer.gradient_clip_algorithm=value may help"),
    ],
    ids=["whole", "sharded"],
)
def test_the_clipping_that_is_advised_is_one_that_the_strategy_knows(strategy: Strategy, advice: str) -> None:
    trainer: Any = SimpleNamespace(world_size=1, global_step=7, strategy=strategy)
    with pytest.raises(InputError, match=f"after step 7; .*{re.escape(advice)}$"):
        FiniteLoss(Path("last.ckpt")).on_train_batch_end(trainer, cast(Any, None), torch.tensor(torch.nan), None, 0)


def test_a_healthy_run_is_left_alone(make_data, make_module, make_trainer, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    trainer = make_trainer(max_epochs=1, callbacks=[FiniteLoss(tmp_path / "last.ckpt")])
    trainer.fit(make_module(), datamodule=make_data())
    assert trainer.global_step == 5
