from collections.abc import Callable

import pytorch_lightning as pl
import torch

from pymaf_pl.engine.averaging import WeightEMA
from pymaf_pl.engine.datamodule import CurriculumData
from pymaf_pl.engine.module import PyMAFModule


def test_weights_are_averaged_and_the_body_is_left_alone(
    make_data: Callable[..., CurriculumData],
    make_module: Callable[..., PyMAFModule],
    make_trainer: Callable[..., pl.Trainer],
) -> None:
    module, plain = make_module(), make_module()
    body = {name: value.clone() for name, value in module.losses.named_buffers()}
    start = module.network.regressors[0].fc1.weight.clone()
    make_trainer(max_steps=2, limit_val_batches=0).fit(plain, datamodule=make_data())
    # at 0.9 Lightning's own average puts joint 3 in the place of joint 2
    make_trainer(max_steps=2, limit_val_batches=0, callbacks=[WeightEMA(0.9)]).fit(module, datamodule=make_data())
    assert {value.dtype for value in body.values()} >= {torch.float32, torch.int64}
    assert all(torch.equal(value, body[name]) for name, value in module.losses.named_buffers())
    averaged, last = (m.network.regressors[0].fc1.weight for m in (module, plain))
    assert not torch.equal(averaged, last)
    assert (averaged - start).norm() > 0
