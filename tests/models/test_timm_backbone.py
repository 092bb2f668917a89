"""Backbones from timm."""

import logging
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pymaf_pl.errors import InputError
from pymaf_pl.models.maps import MapSpec
from pymaf_pl.models.timm_backbone import HRNet, VisionTransformer

timm = pytest.importorskip("timm")
TINY_VIT = "vit_tiny_patch16_224"


@pytest.fixture(scope="module")
def hrnet() -> HRNet:
    torch.manual_seed(0)
    return HRNet(18)


@pytest.fixture
def small_hrnet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let width 18 be the small one, for tests that build several."""
    create = timm.create_model
    small = {"hrnet_w18": "hrnet_w18_small_v2"}
    monkeypatch.setattr(timm, "create_model", lambda name, **options: create(small.get(name, name), **options))


def test_hrnet_gives_its_head_and_its_finer_branches(hrnet: HRNet, images: Tensor) -> None:
    maps = hrnet(images)
    assert hrnet.maps == (MapSpec(2048, 32), MapSpec(72, 16), MapSpec(36, 8), MapSpec(18, 4))
    assert [tuple(m.shape) for m in maps] == [(2, s.channels, 64 // s.stride, 64 // s.stride) for s in hrnet.maps]


def test_hrnets_head_is_timms(hrnet: HRNet, images: Tensor) -> None:
    hrnet.eval()
    with torch.no_grad():
        assert hrnet(images)[0].equal(hrnet.net.forward_features(images))
    hrnet.train()


@pytest.mark.parametrize("used", [slice(1), slice(None)], ids=["deepest map", "all maps"])
def test_hrnet_leaves_no_parameter_without_gradient(used: slice, hrnet: HRNet, images: Tensor) -> None:
    hrnet.zero_grad()
    sum(m.square().mean() for m in hrnet(images)[used]).backward()
    assert [name for name, p in hrnet.named_parameters() if p.grad is None] == []


def test_hrnet_w48_has_the_published_channels() -> None:
    with torch.device("meta"):
        assert HRNet(48).maps[1:] == (MapSpec(192, 16), MapSpec(96, 8), MapSpec(48, 4))


def test_other_widths_are_refused() -> None:
    with pytest.raises(InputError, match=r"backbone\.width=64: there are HRNets of width 18, 32, 48"):
        HRNet(64)


def test_a_pose_network_starts_all_but_the_head(hrnet: HRNet, small_hrnet: None, tmp_path: Path, caplog) -> None:
    torch.manual_seed(1)
    whole = HRNet(18).net.state_dict()
    lacking = ("stage4.2.fuse_layers.1.", "stage4.2.fuse_layers.2.", "stage4.2.fuse_layers.3.", "incre_modules.",
               "downsamp_modules.", "final_layer.")  # fmt: skip
    pose = {name: value for name, value in whole.items() if not name.startswith(lacking)}
    torch.save(pose | {"final_layer.weight": torch.zeros(17, 18, 1, 1)}, tmp_path / "pose_hrnet.pth")
    torch.manual_seed(2)
    with caplog.at_level(logging.INFO):
        network = HRNet(18, weights=str(tmp_path / "pose_hrnet.pth"))
    state = network.net.state_dict()
    assert all(value.equal(state[name]) for name, value in pose.items())
    assert not state["final_layer.0.weight"].equal(whole["final_layer.0.weight"])
    assert "left out: final_layer; random: " in caplog.messages[0]
    assert "incre_modules" in caplog.messages[0]


@pytest.mark.parametrize("size", [64, 96, 224])
def test_a_transformer_gives_one_map_at_any_size(size: int) -> None:
    network = VisionTransformer(TINY_VIT).eval()
    with torch.no_grad():
        (only,) = network(torch.randn(1, 3, size, size))
    assert network.maps == (MapSpec(192, 16),)
    assert only.shape == (1, 192, size // 16, size // 16)


def test_a_transformers_map_has_its_patches_in_their_places(images: Tensor) -> None:
    network = VisionTransformer(TINY_VIT).eval()
    with torch.no_grad():
        (only,) = network(images)
        tokens = network.net.forward_features(images)
    for row in range(4):
        for column in range(4):
            assert only[:, :, row, column].equal(tokens[:, 1 + 4 * row + column])  # the class token stands first


def test_a_transformer_leaves_no_parameter_without_gradient(images: Tensor) -> None:
    network = VisionTransformer(TINY_VIT)
    network(images)[0].square().mean().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("vit_smol_patch16_224", r"timm [\d.]+ has no such network; did you mean 'vit_small_patch16_224'"),
        ("hf-hub:someone/something", "has no such network"),
        ("local-dir:/etc", "has no such network"),
        ("resnet18", "not a plain vision transformer"),
    ],
)
def test_names_that_are_no_transformers_of_timm_are_refused(name: str, words: str) -> None:
    with pytest.raises(InputError, match=f"backbone.name={name}: .*{words}"):
        VisionTransformer(name)


def test_weights_for_other_normalisation_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"backbone\.name=vit_tiny_patch16_224: its weights expect images with mean \(0\.5"
    ):
        VisionTransformer(TINY_VIT, weights="imagenet")


def test_weights_that_cannot_be_had_cost_one_line_and_no_more(monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    create = timm.create_model

    def offline(name: str, pretrained: bool = False, **options: object) -> nn.Module:
        if pretrained:
            raise OSError("no route\nto host")
        return create(name, **options)

    monkeypatch.setattr(timm, "create_model", offline)
    VisionTransformer("deit_tiny_patch16_224", weights="imagenet")
    (told,) = caplog.messages
    assert told.startswith("no ImageNet weights: timm's deit_tiny_patch16_224 (OSError: no route to host)")
    assert "random weights" in told


def test_timms_weights_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    create, given = timm.create_model, timm.create_model("deit_tiny_patch16_224", num_classes=0, global_pool="")
    monkeypatch.setattr(
        timm, "create_model", lambda name, pretrained=False, **o: given if pretrained else create(name, **o)
    )
    network = VisionTransformer("deit_tiny_patch16_224", weights="imagenet")
    assert network.net is not given
    assert all(value.equal(network.net.state_dict()[name]) for name, value in given.state_dict().items())


@pytest.mark.parametrize("build", [HRNet, VisionTransformer])
def test_without_timm_one_line_says_what_to_install(build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"needs timm; install it with pip install 'pymaf-pl\[backbones\]'"):
        build()
