"""How a checkpoint was trained, from its run folder or from itself."""

import json

import pytest
import yaml

from pymaf_pl.checkpoints import Checkpoint
from pymaf_pl.commands.lineage import training_of

NETWORK = {"backbone": {"depth": 18}, "model": {"num_iterations": 3}}
CONFIG = {"seed": 4, "image_size": 64, "optimizer": {"lr": 0.1}, **NETWORK}


@pytest.fixture
def checkpoint(tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (tmp_path / "run.json").write_text(
        json.dumps({"overrides": ["seed=4"], "choices": {"model": "pymaf"}, "git": None})
    )
    record = {"image_size": 64, "network": NETWORK, "body": {"name": "open"}}
    return Checkpoint(tmp_path / "checkpoints" / "last.ckpt", {}, record, 1, 10)


def test_the_run_folder_knows_everything(checkpoint):
    assert training_of(checkpoint) == {"config": CONFIG, "overrides": ["seed=4"], "choices": {"model": "pymaf"}}


@pytest.mark.parametrize("content", [None, "{not yaml", yaml.safe_dump(CONFIG | {"model": {"num_iterations": 1}})])
def test_without_its_run_folder_a_checkpoint_knows_its_network(checkpoint, content, tmp_path):
    if content is None:
        (tmp_path / "config.yaml").unlink()
    else:
        (tmp_path / "config.yaml").write_text(content)
    assert training_of(checkpoint) == {"config": {**NETWORK, "image_size": 64, "body": {"name": "open"}}}
