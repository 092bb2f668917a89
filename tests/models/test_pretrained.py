"""Backbones that start from a file."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pymaf_pl.errors import InputError
from pymaf_pl.models.backbone import ResNet


@pytest.fixture
def given() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return ResNet(18, width=8).state_dict()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}, "epoch": 3},
        lambda state: {"state_dict": {f"backbone.{key}": value for key, value in state.items()}, "meta": {}},
        lambda state: {"model": {f"feature_extractor.{key}": value for key, value in state.items()}},
        lambda state: {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")},  # before torch 0.4.1
    ],
    ids=["plain", "distributed", "mmpose", "pymaf", "old"],
)
def test_pose_networks_of_several_programs_are_read(
    wrap: Any, given: dict[str, Tensor], tmp_path: Path, caplog
) -> None:
    path = str(tmp_path / "pose_resnet.pth.tar")
    head = {"deconv_layers.0.weight": torch.zeros(3), "final_layer.weight": torch.zeros(3)}
    torch.save(wrap(given | head), path)
    with caplog.at_level(logging.INFO):
        network = ResNet(18, width=8, weights=path)
    state = network.state_dict()
    assert all(value.equal(state[name]) for name, value in given.items() if not name.endswith("num_batches_tracked"))
    (told,) = caplog.messages
    assert f"of {len(given)} tensors from {path}; left out: deconv_layers, f" in told
    assert told.endswith("random: nothing")


def test_a_file_of_another_backbone_is_named_with_its_first_key(given: dict[str, Tensor], tmp_path: Path) -> None:
    path = str(tmp_path / "x.pth")
    torch.save(given, path)
    with pytest.raises(
        InputError, match=r"x\.pth: 'conv1\.weight' has the shape \(8, 3, 7, 7\), this .* \(16, 3, 7, 7\)"
    ):
        ResNet(18, width=16, weights=path)
    with pytest.raises(InputError, match=r"x\.pth: it has no 'layer1\.2\.conv1\.weight'; it is not of this backbone"):
        ResNet(34, width=8, weights=path)


@pytest.mark.parametrize(
    ("content", "words"),
    [([1, 2], "it holds a list, not named weights"), ({"a": print}, "not a readable file of weights")],
)
def test_what_is_not_weights_is_refused(content: Any, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    torch.save(content, path)
    with pytest.raises(InputError, match=rf"backbone\.weights={path}: {words}") as caught:
        ResNet(18, weights=str(path))
    assert "\n" not in str(caught.value)


def test_what_is_no_file_at_all_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    path.write_text("not weights")
    with pytest.raises(InputError, match="not a readable file of weights"):
        ResNet(18, weights=str(path))
    with pytest.raises(InputError, match=r"weights=.*nowhere\.pth: there are imagenet and null.* no such file"):
        ResNet(18, weights=str(tmp_path / "nowhere.pth"))
