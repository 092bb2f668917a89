"""``compat=iccv21``: the published code's own behaviour, as a set of keys that are there for everybody."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from pymaf_pl import cli
from pymaf_pl.body import BodyModel
from pymaf_pl.commands.building import build_data, build_losses
from pymaf_pl.commands.composing import available, compose_config
from pymaf_pl.data.cropping import Crop
from pymaf_pl.paths import conf_dir

FIDELITY = Path(__file__).resolve().parents[2] / "docs" / "fidelity.md"
SWITCHES = {
    "crop.whole_pixels": True,
    "crop.stretch_contrast": True,
    "crop.truncate_keypoints": True,
    "augmentation.truncate_colours": True,
    "losses.dense.uv_people": "batch",
    "losses.dense.flat_uv": True,
}


def flat(node: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {path: node}
    return {
        key: value for name, child in node.items() for key, value in flat(child, f"{path}.{name}".lstrip(".")).items()
    }


@cache
def keys(*overrides: str) -> dict[str, Any]:
    return flat(OmegaConf.to_container(compose_config("train", overrides), resolve=True))


def test_it_sets_these_keys_and_no_others() -> None:
    plain, published = keys(), keys("compat=iccv21")
    assert published.keys() == plain.keys()
    assert {key: value for key, value in published.items() if value != plain[key]} == SWITCHES
    assert available("compat") == ["iccv21", "none"]


def test_it_is_a_name_for_overrides_that_anybody_can_give_and_take_back() -> None:
    lines = [f"{key}={str(value).lower()}" for key, value in SWITCHES.items()]
    assert keys(*lines) == keys("compat=iccv21")
    back = [f"{key}={str(keys()[key]).lower()}" for key in SWITCHES]
    assert keys("compat=iccv21", *back) == keys()


def test_the_page_explains_every_switch_and_names_nothing_that_does_not_exist() -> None:
    page = FIDELITY.read_text()
    for key, value in SWITCHES.items():
        assert f"`{key}={str(value).lower()}`" in page
    named = re.findall(r"`((?:\+?[a-z_]+(?:\.[a-z_0-9]+)*=[^\s`]+ ?)+)`", page)
    words = [word for line in named for word in line.split()]
    assert len(words) > 30
    groups = [word for word in words if (conf_dir() / word.split("=")[0]).is_dir()]
    assert all(option in available(group) for group, option in (word.split("=") for word in groups))
    assert keys(*(word for word in words if word not in groups))["losses.terms.camera.weight"] == 60


def test_it_wins_over_recipes_and_goes_with_every_network(body: BodyModel) -> None:
    for overrides in (["experiment=demo"], ["model=hmr"], ["scale=tiny", "augmentation=strong"]):
        config = compose_config("train", [*overrides, "compat=iccv21"])
        data = build_data(config, "open")
        assert data.crop == Crop(whole_pixels=True, stretch_contrast=True, truncate_keypoints=True)
        assert data.augmentation is not None
        assert data.augmentation.truncate_colours
        losses = build_losses(config, body)
        assert losses.dense is not None
        assert losses.dense.uv_people == "batch"
    assert compose_config("train", ["compat=iccv21", "losses.dense=null"]).losses.dense is None


def test_the_default_crop_is_exact() -> None:
    assert instantiate(compose_config("train", []).crop) == instantiate(compose_config("eval", []).crop) == Crop()


@pytest.fixture(scope="module")
def run(train: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compat")
    assert train(folder, "compat=iccv21", "trainer.max_steps=2", "report_people=0") == 0
    return folder


def test_it_trains_two_steps(run: Path) -> None:
    wrote = flat(OmegaConf.to_container(OmegaConf.load(run / "config.yaml")))
    assert {key: wrote[key] for key in SWITCHES} == SWITCHES
    iterations = json.loads((run / "metrics.json").read_text())["iterations"]
    assert all(row["mpjpe"] == row["mpjpe"] for row in iterations)


@pytest.mark.slow
def test_eval_crops_as_it_is_told(run: Path, worlds: Path, tmp_path: Path) -> None:
    figures = {}
    for crop in ("published", "exact"):
        folder = tmp_path / crop
        words = [f"checkpoint={run}/checkpoints/last.ckpt", f"crop={crop}", f"hydra.run.dir={folder}"]
        words += [f"protocol.root={worlds}/val", "protocol.num=6", "protocol.picture_size=64"]
        assert cli.main(["eval", *words, "report_people=0", "num_workers=0", "trainer.accelerator=cpu"]) == 0
        figures[crop] = json.loads((folder / "metrics.json").read_text())["iterations"][-1]
    trained = json.loads((run / "metrics.json").read_text())["iterations"][-1]
    # validation while training saw the same crops, in bf16
    assert figures["published"]["pck_2d"] == pytest.approx(trained["pck_2d"], abs=0.03)
    assert figures["published"] != figures["exact"]
