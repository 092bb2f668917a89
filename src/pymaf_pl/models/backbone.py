"""ResNets as feature extractors: an image in, the coarsest feature map out.

Blocks and parameter names are torchvision's, so its ImageNet weights load; the width is free, so that a small network
is one number away.
"""

import logging
from http.client import HTTPException
from pickle import UnpicklingError
from typing import Literal

from torch import Tensor, nn
from torch.hub import load_state_dict_from_url
from torchvision.models import get_model_weights
from torchvision.models.resnet import BasicBlock, Bottleneck

from pymaf_pl.errors import InputError

log = logging.getLogger(__name__)
# no network, a broken download, a broken file in torch's cache
_UNAVAILABLE = (OSError, HTTPException, RuntimeError, UnpicklingError, EOFError)

Depth = Literal[18, 34, 50, 101]
_LAYOUT: dict[int, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
}


class ResNet(nn.Module):
    """A ResNet without its classifier; stride 32.

    Args:
        depth: 18, 34, 50 or 101.
        width: channels of the stem; 64 is the published network, 32 a quarter of its cost.
        weights: ``imagenet`` loads torchvision's weights if they can be had and warns in one line if not; None starts
            from random weights.

    Attributes:
        out_channels: channels of the feature map.
    """

    def __init__(self, depth: Depth = 50, width: int = 64, weights: Literal["imagenet"] | None = None) -> None:
        super().__init__()
        if depth not in _LAYOUT:
            raise InputError(f"backbone.depth={depth}: there are ResNets of depth {', '.join(map(str, _LAYOUT))}")
        if weights not in ("imagenet", None):
            raise InputError(f"backbone.weights={weights}: there are imagenet and null, which is random")
        if weights is not None and width != 64:
            raise InputError(
                f"backbone.width={width}: ImageNet weights exist for width 64 only; set backbone.weights=null"
            )
        block, counts = _LAYOUT[depth]
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = width
        for i, count in enumerate(counts):
            stage, channels = _stage(block, channels, width * 2**i, count, stride=1 if i == 0 else 2)
            self.add_module(f"layer{i + 1}", stage)
        self.out_channels = channels
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if weights == "imagenet":
            self._load_imagenet(depth)

    @property
    def stages(self) -> list[nn.Module]:
        """The four residual stages, fine to coarse."""
        return [self.get_submodule(f"layer{i}") for i in (1, 2, 3, 4)]

    def _load_imagenet(self, depth: int) -> None:
        url = get_model_weights(f"resnet{depth}").IMAGENET1K_V1.url
        try:
            state = load_state_dict_from_url(url, progress=False, check_hash=True, weights_only=True)
        except _UNAVAILABLE as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            log.warning("no ImageNet weights: %s (%s); the backbone starts from random weights", url, reason)
            return
        self.load_state_dict({key: value for key, value in state.items() if not key.startswith("fc.")})

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, 3, S, S) images to the (B, out_channels, S / 32, S / 32) feature map."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        for stage in self.stages:
            x = stage(x)
        return x


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
