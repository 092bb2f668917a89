"""A run that starts from weights takes over what they need beside them: vertices, and the weighing of poses."""

from pathlib import Path
from typing import Any

import pytest
import torch

from published import picked, published_pymaf, published_spin
from pymaf_pl.commands.composing import compose_config
from pymaf_pl.commands.starting import adopt_settings


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("official") / "x.pt"
    torch.save(published_pymaf(), path)
    return path


def adopted(path: Any, *overrides: str) -> Any:
    config = compose_config("train", overrides)
    adopt_settings(config, str(path))
    return (config.model.get("feedback") or {}).get("vertices")


def test_the_vertices_of_the_weights_are_taken_over(official: Path) -> None:
    assert adopted(official) == picked()
    assert adopted(official, "feedback=mesh_only") == picked()


def test_what_the_user_says_wins(official: Path) -> None:
    assert adopted(official, "++model.feedback.vertices=[3,4]") == [3, 4]


def test_where_there_is_nothing_to_take_over_nothing_changes(official: Path, tmp_path: Path) -> None:
    torch.save(published_spin(), tmp_path / "spin.pt")
    assert adopted(official, "model=hmr") is None
    assert adopted(official, "feedback=grid_only") is None
    assert adopted("pymaf-small") is None
    assert adopted(tmp_path / "spin.pt") is None


def test_the_seed_of_a_random_subset_is_taken_over_unless_the_user_gives_another(tmp_path: Path) -> None:
    record = {"body": {"name": "open"}, "network": {"model": {"feedback": {"seed": 4}}}}
    torch.save({"state_dict": {}, "pymaf_pl": record}, tmp_path / "x.ckpt")
    for overrides, seed in (([], 4), (["model.feedback.seed=1"], 1)):
        config = compose_config("train", overrides)
        adopt_settings(config, str(tmp_path / "x.ckpt"))
        assert config.model.feedback.seed == seed


def test_the_weighing_of_poses_is_taken_over_unless_the_user_says_another() -> None:
    for overrides, noise in (([], 0.13), (["model=hmr"], 0.13), (["model.pose_noise=0.2"], 0.2)):
        config = compose_config("train", overrides)
        adopt_settings(config, "pymaf-small")
        assert config.model.pose_noise == noise
