"""A run that was cut off goes on as if nothing had happened: the same people, the same noise, the same losses."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from pymaf_pl.data.annotations import load_annotations
from pymaf_pl.data.levels import Margins
from pymaf_pl.data.packed import PackedTable
from pymaf_pl.data.packing import pack_table
from pymaf_pl.data.sources import Source, SpinTable
from pymaf_pl.engine.datamodule import CurriculumData
from pymaf_pl.engine.module import PyMAFModule
from pymaf_pl.engine.step_seed import seed_step

MakeData, MakeModule = Callable[..., CurriculumData], Callable[..., PyMAFModule]
MakeTrainer = Callable[..., pl.Trainer]

# epochs of 3 and of 5 batches of 4, and back: Lightning must see each change
STAGES = [
    {"name": "short", "epochs": 2, "mix": {"people": 1.0}, "samples": 12},
    {"name": "long", "epochs": 1, "mix": {"people": 1.0, "few": 1.0}, "samples": 20},
    {"name": "again", "epochs": 1, "mix": {"few": 1.0}, "samples": 8, "losses": {"pose": 3.0}},
]
LENGTHS = [3, 3, 5, 2]


class Seen(pl.Callback):
    """Keeps every step's loss, people and epoch."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, list[int], int]] = []

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx) -> None:  # type: ignore[no-untyped-def]
        self.steps.append((outputs["loss"].item(), batch["index"].tolist(), trainer.current_epoch))
        if trainer.current_epoch % 2:  # somebody who draws of his own between steps
            torch.rand(3)


@pytest.fixture
def train(
    make_data: MakeData, make_module: MakeModule, make_trainer: MakeTrainer, tmp_path: Path
) -> Callable[..., Seen]:
    def run(folder: str, resume: Path | None = None, more: Mapping[str, Source] | None = None, **options: Any) -> Seen:
        data = make_data(few=(0, 6), stages=STAGES, **options)
        data.sources |= more or {}
        steps = data.steps_per_epoch()
        module = make_module(dropout=0.5, stages=data.stages, steps_per_epoch=steps, total_steps=data.total_steps(4))
        seen = Seen()
        keep = tmp_path / folder
        callbacks = [
            seen,
            ModelCheckpoint(keep, filename="{step}", every_n_train_steps=1, save_top_k=-1),
            ModelCheckpoint(keep, filename="end-{epoch}", save_top_k=-1),
        ]
        trainer = make_trainer(max_epochs=4, enable_checkpointing=True, callbacks=callbacks, limit_val_batches=0)
        trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=True)
        assert trainer.global_step == sum(LENGTHS)
        return seen

    return run


@pytest.fixture
def whole(train: Callable[..., Seen]) -> Seen:
    seen = train("whole")
    assert [sum(epoch == n for *_, epoch in seen.steps) for n in range(4)] == LENGTHS
    return seen


def test_a_run_goes_on_bit_for_bit_with_dropout(train: Callable[..., Seen], whole: Seen, tmp_path: Path) -> None:
    # inside of a stage; after the last step of one, before the next was begun; and once more from what that run wrote
    for folder, name, step in [("whole", "step=2", 2), ("whole", "step=6", 6), ("step=6", "step=8", 8)]:
        resumed = train(name, tmp_path / folder / f"{name}.ckpt")
        assert resumed.steps == whole.steps[step:], name


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_goes_on_from_any_checkpoint(
    workers: int, train: Callable[..., Seen], whole: Seen, tmp_path: Path
) -> None:
    ends = [3, 6, 11]  # the last steps of epochs
    names = {f"step={step}": step for step in range(1, 13)} | {f"end-epoch={n}": step for n, step in enumerate(ends)}
    for name, step in names.items():
        resumed = train(name, tmp_path / "whole" / f"{name}.ckpt", num_workers=workers)
        assert resumed.steps == whole.steps[step:], name


def test_shards_resume_as_plain_files_do(train: Callable[..., Seen], table: Path, tmp_path: Path) -> None:
    pytest.importorskip("litdata")
    people = load_annotations(table)
    pack_table(people, table.parent, tmp_path / "shards", Margins(64), rows_per_shard=7, workers=1, show=False)
    source = PackedTable(str(table), str(tmp_path / "shards"), (0, 20))
    whole = train("whole", more={"people": source})
    for name, step in (("step=2", 2), ("step=8", 8)):
        resumed = train(name, tmp_path / "whole" / f"{name}.ckpt", more={"people": source})
        assert resumed.steps == whole.steps[step:], name


def test_rows_without_3d_or_pose_train_on_what_they_have(
    make_data: MakeData, make_module: MakeModule, table: Path, tmp_path: Path
) -> None:
    columns = dict(np.load(table))
    flat = {key: values for key, values in columns.items() if key not in ("S", "pose", "shape")}
    fits = columns | {"has_smpl": np.arange(24) % 2, "has_3d": np.zeros(24)}  # pseudo-labels, some of them valid
    sources = {"people": SpinTable(str(table), str(table.parent))}
    for name, content in (("flat", flat), ("fits", fits)):
        np.savez(tmp_path / f"{name}.npz", **content)
        sources[name] = SpinTable(str(tmp_path / f"{name}.npz"), str(table.parent))
    stages = [{"name": "x", "epochs": 1, "mix": {"people": 1.0, "flat": 1.0, "fits": 2.0}, "samples": 16}]
    data = make_data(sources=sources, stages=stages, batch_size=16)
    batch: Any = next(iter(data.train_dataloader()))
    assert (~batch["has_keypoints_3d"]).sum() == 12
    assert 4 < batch["has_pose"].sum() < 12
    assert torch.equal(batch["has_pose"], batch["has_betas"])
    module = make_module(dense=False)
    total, _ = module.losses(module(batch["image"]), batch)
    total.backward()
    grads = [parameter.grad for parameter in module.network.parameters() if parameter.grad is not None]
    assert len(grads) > 10
    assert all(bool(grad.isfinite().all()) for grad in grads)
    # a batch of rows with 2D alone: every other term is zero, and so are its gradients
    poor: Any = {key: values[~batch["has_pose"] & ~batch["has_keypoints_3d"]] for key, values in batch.items()}
    _, parts = module.losses(module(poor["image"]), poor)
    lacking = [name for name, value in parts.items() if name.split("/")[0] in ("keypoints_3d", "pose", "shape")]
    assert len(lacking) == 6
    assert all(parts[name] == 0 for name in lacking)
    assert parts["keypoints_2d/iter_2"] > 0


def test_stages_are_said_when_they_begin(train: Callable[..., Seen], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="pymaf_pl"):
        train("whole")
    said = [record.getMessage() for record in caplog.records if record.name.startswith("pymaf_pl")]
    assert said == [
        "stage 'short' (1 of 3): epoch 1 of 2, 3 batches each; people 1",
        "stage 'long' (2 of 3): epoch 1 of 1, 5 batches each; people 1, few 1",
        "stage 'again' (3 of 3): epoch 1 of 1, 2 batches each; few 1",
    ]


def draw() -> tuple[list[float], float, float]:
    return torch.rand(4).tolist(), float(np.random.random()), random.random()  # noqa: NPY002


def test_what_a_step_draws_depends_on_where_it_stands_alone() -> None:
    seed_step(1, 2, 3, 0)
    first = draw()
    torch.rand(7)
    seed_step(1, 2, 3, 0)
    assert draw() == first
    others = []
    for place in [(0, 2, 3, 0), (1, 3, 3, 0), (1, 2, 4, 0), (1, 2, 3, 1)]:
        seed_step(*place)
        others.append(draw())
    for k in range(3):
        assert len({str(drawn[k]) for drawn in (first, *others)}) == 5


def test_dropout_differs_between_steps(train: Callable[..., Seen]) -> None:
    """The same person, weights and crop twice: a step's own noise is all that differs."""
    dropout = torch.nn.Dropout(0.5)
    seed_step(0, 0, 0, 0)
    first = dropout(torch.ones(64))
    seed_step(0, 0, 1, 0)
    assert not torch.equal(dropout(torch.ones(64)), first)
