"""Checkpoints that are there whole or not at all."""

import errno
from pathlib import Path

import pytest
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from pymaf_pl.engine.checkpoint_files import LastCheckpoint, WholeCheckpoints


def test_a_full_disk_leaves_the_checkpoint_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    io, path = WholeCheckpoints(), tmp_path / "last.ckpt"
    io.save_checkpoint({"step": torch.tensor(1)}, path)
    save = torch.save

    def full(content, stream) -> None:  # type: ignore[no-untyped-def]
        save(content, stream)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space left"):
        io.save_checkpoint({"step": torch.tensor(2)}, path)
    assert torch.load(path, weights_only=True) == {"step": torch.tensor(1)}
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


def test_no_checkpoint_falls_between_batches_of_one_step(make_data, make_module, make_trainer, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    batches: list[int] = []

    class Noting(LastCheckpoint):
        def _save_topk_checkpoint(self, trainer, monitor_candidates) -> None:  # type: ignore[no-untyped-def]
            batches.append(trainer.fit_loop.epoch_loop.batch_idx)
            super()._save_topk_checkpoint(trainer, monitor_candidates)

    from datetime import timedelta

    always = Noting(tmp_path, train_time_interval=timedelta(0))
    trainer = make_trainer(max_epochs=1, enable_checkpointing=True, callbacks=[always], accumulate_grad_batches=2)
    trainer.fit(make_module(), datamodule=make_data())
    assert batches == [1, 3, 4]  # five batches make three steps
    assert isinstance(always, ModelCheckpoint)
