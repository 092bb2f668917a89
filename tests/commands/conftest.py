import os

import pytest

from pymaf_pl import cli

TINY = [
    "experiment=demo",
    "backbone.width=8",
    "model.pyramid_channels=16",
    "model.point_channels=[8,5]",
    "model.hidden=32",
    "image_size=64",
    "data.num=24",
    "data.picture_size=64",
    "data.batch_size=8",
    "data.num_workers=0",
    "data.stages=[{name: studio, epochs: 1, mix: {studio: 1}}, {name: both, epochs: 1, mix: {studio: 1, wild: 1}}]",
    "protocol.num=6",
    "protocol.picture_size=64",
    "trainer.check_val_every_n_epoch=1",
    "callbacks=quiet",
    "logger=csv",
    "report_people=2",
]


@pytest.fixture(scope="session")
def tiny():
    """Overrides that make a run of seconds."""
    return list(TINY)


@pytest.fixture(scope="session")
def worlds(tmp_path_factory):
    """A folder in which the tiny synthetic worlds are rendered once."""
    return tmp_path_factory.mktemp("worlds")


@pytest.fixture(scope="session")
def train(worlds):
    """Run ``pymaf train`` in miniature; returns the exit code."""

    def run(run_dir, *overrides):
        folders = [f"data.synthetic_root={worlds}/train", f"protocol.root={worlds}/val", f"hydra.run.dir={run_dir}"]
        return cli.main(["train", *TINY, *folders, *overrides])

    return run


@pytest.fixture(scope="session")
def run_dir(train, tmp_path_factory):
    """A finished miniature run."""
    folder = tmp_path_factory.mktemp("run") / "demo"
    assert train(folder) == 0
    return folder


@pytest.fixture(autouse=True)
def _no_debug(monkeypatch):
    monkeypatch.delenv("PYMAF_DEBUG", raising=False)
    os.environ["WANDB_MODE"] = "offline"
