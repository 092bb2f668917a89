"""ResNets as feature extractors: an image in, the maps of the four stages out.

Blocks and parameter names are torchvision's, so its ImageNet weights load; the width is free, so that a small network
is one number away.
"""

from typing import Literal

from torch import Tensor, nn
from torch.hub import load_state_dict_from_url
from torchvision.models import get_model_weights
from torchvision.models.resnet import BasicBlock, Bottleneck

from pymaf_pl.errors import InputError
from pymaf_pl.models.maps import Backbone, MapSpec
from pymaf_pl.models.pretrained import IMAGENET, check_weights, load_file, load_imagenet

Depth = Literal[18, 34, 50, 101]
_LAYOUT: dict[int, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
}


class ResNet(Backbone):
    """A ResNet without its classifier; maps at strides 32, 16, 8 and 4.

    Args:
        depth: 18, 34, 50 or 101.
        width: channels of the stem; 64 is the published network, 32 a quarter of its cost.
        weights: ``imagenet`` loads torchvision's weights if they can be had and warns in one line if not; a path is a
            file of weights, such as Simple Baselines' COCO-pose networks; None starts from random weights.
    """

    def __init__(self, depth: Depth = 50, width: int = 64, weights: str | None = None) -> None:
        super().__init__()
        if depth not in _LAYOUT:
            raise InputError(f"backbone.depth={depth}: there are ResNets of depth {', '.join(map(str, _LAYOUT))}")
        check_weights(weights)
        if weights == IMAGENET and width != 64:
            raise InputError(
                f"backbone.width={width}: ImageNet weights exist for width 64 only; set backbone.weights=null"
            )
        block, counts = _LAYOUT[depth]
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels, maps = width, []
        for i, count in enumerate(counts):
            stage, channels = _stage(block, channels, width * 2**i, count, stride=1 if i == 0 else 2)
            self.add_module(f"layer{i + 1}", stage)
            maps.append(MapSpec(channels, 4 * 2**i))
        self.maps = tuple(reversed(maps))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if weights == IMAGENET:
            url = get_model_weights(f"resnet{depth}").IMAGENET1K_V1.url
            load_imagenet(self, lambda: _without_classifier(url), url)
        elif weights is not None:
            load_file(self, weights)

    @property
    def stages(self) -> list[nn.Module]:
        """The four residual stages, fine to coarse."""
        return [self.get_submodule(f"layer{i}") for i in (1, 2, 3, 4)]

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map (B, 3, S, S) images to the stages' maps, coarse to fine: S / 32, S / 16, S / 8 and S / 4 px."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[::-1]


def _without_classifier(url: str) -> dict[str, Tensor]:
    state = load_state_dict_from_url(url, progress=False, check_hash=True, weights_only=True)
    return {key: value for key, value in state.items() if not key.startswith("fc.")}


def _stage(
    block: type[BasicBlock] | type[Bottleneck], channels: int, planes: int, count: int, stride: int
) -> tuple[nn.Sequential, int]:
    out = planes * block.expansion
    shortcut = None
    if stride != 1 or channels != out:
        shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
    blocks = [block(channels, planes, stride, shortcut)]
    blocks += [block(out, planes) for _ in range(1, count)]
    return nn.Sequential(*blocks), out
