"""Training end to end on two dozen people: it runs, it learns, and it resumes as if nothing had happened."""

from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from pymaf_pl.body import BodyModel
from pymaf_pl.checkpoints import load_weights, read_checkpoint
from pymaf_pl.engine.datamodule import CurriculumData
from pymaf_pl.engine.module import PyMAFModule

MakeData, MakeModule = Callable[..., CurriculumData], Callable[..., PyMAFModule]
MakeTrainer = Callable[..., pl.Trainer]


class Losses(pl.Callback):
    """Keeps the loss of every step, and the rows that it was measured on."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.rows: list[list[int]] = []

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx) -> None:  # type: ignore[no-untyped-def]
        self.values.append(outputs["loss"].item())
        self.rows.append(batch["index"].tolist())


def weights(module: PyMAFModule) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in module.network.state_dict().items()}


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    different = [key for key in first if not torch.equal(first[key], second[key])]
    assert not different


def test_one_epoch_logs_measures_and_leaves_a_loadable_checkpoint(
    make_data: MakeData, make_module: MakeModule, make_trainer: MakeTrainer, body: BodyModel, tmp_path: Path
) -> None:
    record = {"version": "0", "body": {"name": body.name, "gender": body.gender, "topology": body.topology}}
    module, losses = make_module(record=record), Losses()
    checkpoint = ModelCheckpoint(tmp_path / "kept", filename="last", monitor="val/monitor")
    trainer = make_trainer(max_epochs=1, enable_checkpointing=True, callbacks=[losses, checkpoint])
    before = weights(module)
    trainer.fit(module, datamodule=make_data())

    assert len(losses.values) == trainer.global_step == 5
    assert sorted(chain(*losses.rows)) == list(range(20))  # every row once
    assert torch.tensor(losses.values).isfinite().all()
    assert any(not torch.equal(before[key], value) for key, value in weights(module).items())
    logged = trainer.callback_metrics
    assert {f"train/pose/iter_{t}" for t in (1, 2)} | {"train/dense_part", "train/loss"} <= set(logged)
    total = sum(v.item() for k, v in logged.items() if k.startswith("train/") and k != "train/loss")
    assert logged["train/loss"].item() == pytest.approx(total, rel=1e-5)

    assert [row["iteration"] for row in module.rows] == [0, 1, 2]
    for t, row in enumerate(module.rows):
        for name in ("mpjpe", "pa_mpjpe", "pve", "rotation_deg", "pck_2d"):
            assert logged[f"val/synthetic_val/iter_{t}/{name}"].item() == pytest.approx(row[name], rel=1e-6)
    assert logged["val/monitor"].item() == pytest.approx(module.rows[-1]["mpjpe"], rel=1e-6)

    raw = torch.load(tmp_path / "kept" / "last.ckpt", weights_only=True)
    assert all(key.startswith("network.") for key in raw["state_dict"])
    surfaces = {6890, 13776, 431}  # vertices, faces and sampled points of the body
    assert not any(surfaces & set(value.shape) for value in raw["state_dict"].values())
    read = read_checkpoint(tmp_path / "kept" / "last.ckpt")
    assert (read.epoch, read.step, read.record) == (0, 5, record)
    fresh = make_module()
    load_weights(fresh.network, read)
    assert_same(weights(fresh), weights(module))


def test_validation_rows_are_the_protocol_on_every_person(
    make_data: MakeData, make_module: MakeModule, make_trainer: MakeTrainer
) -> None:
    module, data = make_module(), make_data(eval_batch_size=3)  # batches of 3 and 1: means must be over people
    make_trainer().validate(module, datamodule=data, verbose=False)
    uneven = module.rows
    make_trainer().validate(module, datamodule=make_data(eval_batch_size=4), verbose=False)
    for a, b in zip(uneven, module.rows, strict=True):
        assert a == pytest.approx(b, rel=1e-4)
    assert module.measured is not None
    assert module.measured.row.tolist() == [0, 1, 2, 3]
    for t, row in enumerate(module.rows):
        for name, values in module.measured.figures.items():
            assert row[name] == pytest.approx(values[t].mean(), rel=1e-5)


def test_bf16_keeps_the_losses_finite(make_data: MakeData, make_module: MakeModule, make_trainer: MakeTrainer) -> None:
    losses = Losses()
    make_trainer(max_steps=2, precision="bf16-mixed", callbacks=[losses]).fit(make_module(), datamodule=make_data())
    assert len(losses.values) == 2
    assert torch.tensor(losses.values).isfinite().all()


def run(
    make_data: MakeData, module: PyMAFModule, make_trainer: MakeTrainer, folder: Path, workers: int, resume: str | None
) -> Losses:
    """Two epochs of five steps; a checkpoint after every step, every validation and every epoch."""
    losses = Losses()
    callbacks = [
        losses,
        ModelCheckpoint(folder, filename="{step}", every_n_train_steps=1, save_top_k=-1),
        ModelCheckpoint(folder, filename="best-{epoch}", monitor="val/monitor", save_top_k=-1),
        ModelCheckpoint(folder, filename="end-{epoch}", save_top_k=-1),
    ]
    trainer = make_trainer(enable_checkpointing=True, callbacks=callbacks)
    trainer.fit(module, datamodule=make_data(num_workers=workers), ckpt_path=resume, weights_only=True)
    assert trainer.global_step == 10
    assert trainer.current_epoch == 2
    return losses


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_resumed_run_ends_with_the_same_weights_bit_for_bit(
    workers: int, make_data: MakeData, make_module: MakeModule, make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    whole = make_module()
    unbroken = run(make_data, whole, make_trainer, tmp_path / "whole", workers, None)
    files = sorted(path.name for path in (tmp_path / "whole").iterdir())
    # inside the first epoch; after its last step, after its validation, after all of it; inside the second
    for name, step in [("step=2", 2), ("step=5", 5), ("best-epoch=0", 5), ("end-epoch=0", 5), ("step=8", 8)]:
        assert f"{name}.ckpt" in files
        module = make_module(lr=1.0)  # a wrong rate and other weights: both must come from the checkpoint
        torch.nn.init.zeros_(next(module.network.parameters()))
        path = tmp_path / "whole" / f"{name}.ckpt"
        resumed = run(make_data, module, make_trainer, tmp_path / name, workers, str(path))
        assert resumed.rows == unbroken.rows[step:], name
        assert resumed.values == unbroken.values[step:], name
        assert_same(weights(module), weights(whole))


def test_eight_people_are_learnt_by_heart(
    make_data: MakeData, make_module: MakeModule, make_trainer: MakeTrainer
) -> None:
    losses = Losses()
    data = make_data(
        rows=(0, 8), batch_size=8, augmentation=None, stages=[{"name": "x", "epochs": 60, "mix": {"people": 1}}]
    )
    make_trainer(max_epochs=60, callbacks=[losses], limit_val_batches=0).fit(make_module(dense=False), datamodule=data)
    assert len(losses.values) == 60
    assert sum(losses.values[-5:]) < 0.5 * sum(losses.values[:5])
