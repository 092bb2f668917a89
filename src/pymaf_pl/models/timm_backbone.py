"""Backbones from timm: HRNet and plain vision transformers.

timm is an extra, imported when such a backbone is built. Names are looked up among timm's own architectures, so that a
checkpoint's record can name nothing else, neither a repository nor a file.
"""

import difflib
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from pymaf_pl.errors import InputError
from pymaf_pl.models.maps import Backbone, MapSpec
from pymaf_pl.models.pretrained import IMAGENET, check_weights, load_file, load_imagenet

_WIDTHS = (18, 32, 48)
# a pose network reads HRNet's finest branch alone: it ends without the fusions into the others and without their head
_NOT_IN_POSE_NETWORKS = (
    *(f"stage4.2.fuse_layers.{i}." for i in (1, 2, 3)), "incre_modules.", "downsamp_modules.", "final_layer.",
)  # fmt: skip


class HRNet(Backbone):
    """A high-resolution network (Sun et al., CVPR 2019); maps at strides 32, 16, 8 and 4.

    The coarsest is its classification head, which gathers all four branches; the others are branches as they are.

    Args:
        width: channels of the finest branch: 18, 32 or 48.
        weights: ``imagenet``, a file of weights under the authors' names (ImageNet or COCO pose), or None.
    """

    def __init__(self, width: int = 48, weights: str | None = None) -> None:
        super().__init__()
        if width not in _WIDTHS:
            raise InputError(f"backbone.width={width}: there are HRNets of width {', '.join(map(str, _WIDTHS))}")
        self.net = _create(f"hrnet_w{width}", weights, may_lack=_NOT_IN_POSE_NETWORKS)
        self.maps = (MapSpec(self.net.num_features, 32), *(MapSpec(width * 2**i, 4 * 2**i) for i in (2, 1, 0)))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map (B, 3, S, S) images to the head's map and the three finer branches, coarse to fine."""
        net = self.net
        stem = net.act1(net.bn1(net.conv1(images)))
        branches = net.stages(net.act2(net.bn2(net.conv2(stem))))
        head = net.incre_modules[0](branches[0])
        for branch, widen, shrink in zip(branches[1:], net.incre_modules[1:], net.downsamp_modules, strict=True):
            head = widen(branch) + shrink(head)
        return [net.final_layer(head), *reversed(branches[:-1])]


class VisionTransformer(Backbone):
    """A plain vision transformer (Dosovitskiy et al., ICLR 2021); one map, at the stride of its patches.

    Args:
        name: timm's, such as ``deit_small_patch16_224``; another image size than its own interpolates the positions.
        weights: ``imagenet`` for timm's own, a file of weights, or None.
    """

    def __init__(self, name: str = "deit_small_patch16_224", weights: str | None = None) -> None:
        super().__init__()
        self.net = _create(name, weights, dynamic_img_size=True)
        self.maps = (MapSpec(self.net.num_features, self.net.patch_embed.patch_size[0]),)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map (B, 3, S, S) images to the patches' last features as one map."""
        rows, columns = (images.shape[-2 + i] // self.net.patch_embed.patch_size[i] for i in (0, 1))
        tokens = self.net.forward_features(images)[:, self.net.num_prefix_tokens :]
        return [tokens.transpose(1, 2).unflatten(2, (rows, columns))]


def _create(name: str, weights: str | None, may_lack: tuple[str, ...] = (), **options: Any) -> Any:
    """Build an architecture of timm without classifier and pooling, and load its weights."""
    check_weights(weights)
    timm = _timm()
    if not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_models(), n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        raise InputError(f"backbone.name={name}: timm {timm.__version__} has no such network{hint}")

    def build(pretrained: bool = False) -> nn.Module:
        network: nn.Module = timm.create_model(name, pretrained=pretrained, num_classes=0, global_pool="", **options)
        return network

    try:
        network = build()
    except TypeError:
        raise InputError(f"backbone.name={name}: not a plain vision transformer, which this needs") from None
    if weights == IMAGENET:
        _check_normalisation(name, timm)
        load_imagenet(network, lambda: build(pretrained=True).state_dict(), f"timm's {name}")
    elif weights is not None:
        load_file(network, weights, may_lack)
    return network


def _check_normalisation(name: str, timm: ModuleType) -> None:
    """Refuse pretrained weights that know images with other means and deviations than all of ours have."""
    config = timm.get_pretrained_cfg(name)
    if config is not None and (config.mean, config.std) != (
        timm.data.IMAGENET_DEFAULT_MEAN, timm.data.IMAGENET_DEFAULT_STD,
    ):  # fmt: skip
        raise InputError(
            f"backbone.name={name}: its weights expect images with mean {config.mean}, ours have ImageNet's; "
            f"choose another network or backbone.weights=null"
        )


def _timm() -> ModuleType:
    try:
        import timm
    except ImportError:
        raise InputError("this backbone needs timm; install it with pip install 'pymaf-pl[backbones]'") from None
    return timm
