"""The backbone is torchvision's, minus the classifier."""

import logging
from http.client import IncompleteRead
from pickle import UnpicklingError
from urllib.error import HTTPError, URLError

import pytest
import torch
import torchvision
from torch import Tensor

from pymaf_pl.errors import InputError
from pymaf_pl.models import backbone as backbone_file
from pymaf_pl.models.backbone import ResNet
from pymaf_pl.models.maps import MapSpec


def without_classifier(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if not name.startswith("fc.")}


def torchvision_features(network: torchvision.models.ResNet, images: Tensor) -> list[Tensor]:
    first = network.layer1(network.maxpool(network.relu(network.bn1(network.conv1(images)))))
    second = network.layer2(first)
    third = network.layer3(second)
    return [network.layer4(third), third, second, first]


@pytest.mark.parametrize("depth", [18, 34, 50, 101])
def test_names_and_shapes_are_torchvisions(depth) -> None:
    with torch.device("meta"):
        ours = ResNet(depth).state_dict()
        theirs = without_classifier(torchvision.models.get_model(f"resnet{depth}", weights=None).state_dict())
    assert list(ours) == list(theirs)
    assert {name: value.shape for name, value in ours.items()} == {n: value.shape for n, value in theirs.items()}


@pytest.mark.parametrize(("depth", "channels"), [(18, (512, 256, 128, 64)), (50, (2048, 1024, 512, 256))])
def test_maps_are_torchvisions_stages_in_training_and_evaluation(depth, channels, images: Tensor) -> None:
    theirs = torchvision.models.get_model(f"resnet{depth}", weights=None)
    ours = ResNet(depth)
    ours.load_state_dict(without_classifier(theirs.state_dict()))
    assert ours.maps == tuple(map(MapSpec, channels, (32, 16, 8, 4)))
    assert ours.out_channels == channels[0]
    with torch.no_grad():
        for training in (True, False):
            maps = ours.train(training)(images)
            assert [tuple(m.shape) for m in maps] == [
                (2, s.channels, 64 // s.stride, 64 // s.stride) for s in ours.maps
            ]
            expected = torchvision_features(theirs.train(training), images)
            assert all(given.equal(wanted) for given, wanted in zip(maps, expected, strict=True))


def test_resnet50_has_the_papers_parameters() -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in ResNet(50).parameters()) == 23_508_032


@pytest.mark.parametrize(("depth", "width", "channels"), [(18, 16, 128), (50, 16, 512)])
def test_width_scales_every_stage(depth, width: int, channels: int, images: Tensor) -> None:
    network = ResNet(depth, width=width)
    assert network.out_channels == channels
    assert network.conv1.out_channels == width
    assert network(images)[0].shape == (2, channels, 2, 2)


def test_weights_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InputError, match=r"backbone.weights=coco: there are imagenet and null, .* and files; no such"):
        ResNet(18, weights="coco")


def test_imagenet_weights_are_loaded_without_the_classifier(monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    given = torchvision.models.resnet18(weights=None).state_dict()
    asked = []

    def download(url: str, **options: object) -> dict[str, Tensor]:
        asked.append((url, options["weights_only"]))
        return given

    monkeypatch.setattr(backbone_file, "load_state_dict_from_url", download)
    with caplog.at_level(logging.WARNING):
        network = ResNet(18, weights="imagenet")
    assert asked == [("https://download.pytorch.org/models/resnet18-f37072fd.pth", True)]
    assert not caplog.records
    assert all(value.equal(given[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    "error",
    [
        URLError("no route to host"),
        HTTPError("https://x", 403, "Forbidden", None, None),  # type: ignore[arg-type]
        TimeoutError("timed out"),
        IncompleteRead(b""),
        RuntimeError("invalid hash value\n(expected a, got b)"),
        UnpicklingError("invalid load key, '<'."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_weights_that_cannot_be_had_cost_one_line_and_no_more(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog, images: Tensor
) -> None:
    def download(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(backbone_file, "load_state_dict_from_url", download)
    with caplog.at_level(logging.DEBUG):
        network = ResNet(18, weights="imagenet")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    message = caplog.messages[0]
    assert message.startswith("no ImageNet weights: https://download.pytorch.org/models/resnet18-f37072fd.pth")
    assert message.endswith("the backbone starts from random weights")
    assert "\n" not in message
    assert network(images)[0].isfinite().all()


def test_imagenet_weights_need_the_published_width() -> None:
    with pytest.raises(InputError, match=r"backbone\.width=32: .* width 64 only; set backbone\.weights=null"):
        ResNet(18, width=32, weights="imagenet")


def test_unknown_depth_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"backbone\.depth=20: .* 18, 34, 50, 101"):
        ResNet(20)  # type: ignore[arg-type]
