"""Facts of a run, as far as its folder still tells them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pymaf_pl.checkpoints import Checkpoint
from pymaf_pl.commands.checkpoint_facts import training_facts

CONFIG = {
    "name": "mine",
    "seed": 4,
    "image_size": 224,
    "data": {
        "batch_size": 8,
        "sources": {
            "studio": {"_target_": "pymaf_pl.data.sources.SyntheticWorld", "num": 500},
            "photos": {"_target_": "pymaf_pl.data.sources.SpinTable", "table": "photos.npz", "rows": [0, 2100]},
            "unused": {"_target_": "pymaf_pl.data.sources.SpinTable", "table": "unused.npz"},
        },
        "stages": [{"name": "both", "epochs": 2, "mix": {"studio": 0.5, "photos": 0.5}}],
    },
    "trainer": {"accumulate_grad_batches": 4},
}


def checkpoint(folder: Path) -> Checkpoint:
    return Checkpoint(folder / "checkpoints" / "last.ckpt", {}, {}, 6, 100)


def write(folder: Path, config: dict[str, Any], **record: Any) -> dict[str, Any]:
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "run.json").write_text(json.dumps(record))
    return training_facts(checkpoint(folder))


def test_without_a_run_folder_only_the_checkpoints_own_facts_are_told(tmp_path: Path) -> None:
    assert training_facts(checkpoint(tmp_path)) == {"epochs": 7, "steps": 100}


def test_samples_are_counted_over_accumulation_and_devices(tmp_path: Path) -> None:
    assert write(tmp_path, CONFIG, device="cpu x 1")["samples_seen"] == 100 * 8 * 4
    assert write(tmp_path, CONFIG, device="cuda:0 x 2")["samples_seen"] == 100 * 8 * 4 * 2
    assert write(tmp_path, {"name": "odd"})["samples_seen"] is None


def test_sources_are_those_that_a_stage_mixes_in(tmp_path: Path) -> None:
    facts = write(tmp_path, CONFIG)
    assert facts["sources"] == {
        "studio": {"kind": "SyntheticWorld", "people": 500},
        "photos": {"kind": "SpinTable", "people": 2100},
    }
    assert facts["planned_stages"] == CONFIG["data"]["stages"]  # type: ignore[index]


def test_people_are_counted_in_a_table_that_is_still_there(tmp_path: Path) -> None:
    np.savez(tmp_path / "photos.npz", imgname=np.array(["a.jpg", "b.jpg", "c.jpg"]))
    one = {"_target_": "x.SpinTable", "table": str(tmp_path / "photos.npz"), "rows": None}
    gone = {"_target_": "x.SpinTable", "table": str(tmp_path / "gone.npz")}
    both = {"_target_": "x.Joined", "sources": [one, {"num": 7}]}
    sources = {"one": one, "gone": gone, "both": both, "some": {"_target_": "x.Joined", "sources": [one, gone]}}
    stages = [{"name": "all", "epochs": 1, "mix": dict.fromkeys(sources, 1)}]
    facts = write(tmp_path, {"data": {"batch_size": 1, "sources": sources, "stages": stages}})
    people = {name: source["people"] for name, source in facts["sources"].items()}
    assert people == {"one": 3, "gone": None, "both": 10, "some": None}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["/opt/x/bin/pymaf", "train", "seed=1"], "pymaf train seed=1"),
        (["/opt/x/cli.py", "train"], "pymaf train"),
        (["pymaf", "train", "hydra.run.dir=/data/me/runs/a"], "pymaf train hydra.run.dir=.../a"),
        (["pymaf", "train", "data.root=data/a/b", "x=~/smpl/a"], "pymaf train data.root=data/a/b 'x=~/smpl/a'"),
        (["pymaf", "train", "data.stages=[{name: a}]"], "pymaf train 'data.stages=[{name: a}]'"),
        ([], None),
    ],
)
def test_the_command_is_told_without_where_things_lay(words: list[str], told: str | None, tmp_path: Path) -> None:
    assert write(tmp_path, CONFIG, command=words)["command"] == told
