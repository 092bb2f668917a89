"""Inference speed of the networks, in units of a bare ResNet-50 and in parts."""

import argparse
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import resnet50

from pymaf_pl.body import load_body
from pymaf_pl.commands.bench_timing import Work, autocast, median, median_ratio, print_table, time_interleaved
from pymaf_pl.errors import InputError
from pymaf_pl.models import FeedbackNetwork, hmr, pymaf
from pymaf_pl.models.backbone import ResNet
from pymaf_pl.models.evidence import PointEvidence
from pymaf_pl.types import BodyState

UNIT = "bare ResNet-50"
_OFFICIAL = {1: 1.79, 8: 1.65, 32: 1.50}  # the published PyMAF code in the same unit, batch -> ratio


def bench_network(options: argparse.Namespace) -> dict[str, Any]:
    """Time PyMAF, HMR and the unit at every batch size, print tables, return the numbers."""
    device = options.device
    body = load_body().to(device)
    networks = {
        "PyMAF, T = 3": pymaf(ResNet(options.backbone), body),
        "HMR, T = 3": hmr(ResNet(options.backbone), body),
    }
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    for network in networks.values():
        network.to(device).to(memory_format=layout).eval()
    unit = bare_resnet50().to(device).eval()
    print(f"unit: {UNIT} (torchvision; convolutions only, no pooling, no classifier), fp32, eager, default layout")
    results = {str(batch): _one_batch(networks, unit, batch, layout, options) for batch in options.batch}
    if (options.backbone, options.size) == (50, 224):
        quoted = ", ".join(f"{_OFFICIAL[b]:.2f} at batch {b}" for b in options.batch if b in _OFFICIAL)
        if quoted:
            print(f"for comparison: {quoted}: official code, measured once on two CPU cores")
    return results


def bare_resnet50() -> nn.Module:
    """Return torchvision's ResNet-50 without pooling and classifier."""
    trunk = resnet50(weights=None)
    return nn.Sequential(*list(trunk.children())[:-2])


def _one_batch(
    networks: dict[str, FeedbackNetwork],
    unit: nn.Module,
    batch: int,
    layout: torch.memory_format,
    options: argparse.Namespace,
) -> dict[str, Any]:
    device = options.device
    plain = torch.randn(batch, 3, options.size, options.size, device=device)
    images = plain.contiguous(memory_format=layout)
    whole = {name: _compiled(network) if options.compile else network for name, network in networks.items()}
    work: dict[str, Work] = {UNIT: lambda: unit(plain)}
    work |= {name: _in_precision(network, images, options) for name, network in whole.items()}
    parts = {}
    if not options.compile:
        with torch.inference_mode(), autocast(device, options.precision):
            parts = {name: parts_of(network, images) for name, network in networks.items()}
        for name, pieces in parts.items():
            work |= {f"{name}: {part}": _in_precision(run, None, options) for part, run in pieces.items()}
    with torch.inference_mode():
        try:
            seconds = time_interleaved(work, options.repeats, device, f"batch {batch}")
        except Exception as error:
            if not options.compile or "compiler" not in str(error).lower():
                raise
            raise InputError("--compile: torch.compile needs a C++ compiler, and finds none") from error
    rows = [(UNIT, f"{1e3 * median(seconds[UNIT]) / batch:.1f}", "1.00", "")]
    result: dict[str, Any] = {UNIT: {"ms_per_image": 1e3 * median(seconds[UNIT]) / batch, "ratio": 1.0}}
    for name in networks:
        ratio, ms = median_ratio(seconds[name], seconds[UNIT]), 1e3 * median(seconds[name]) / batch
        result[name] = {"ms_per_image": ms, "ratio": ratio, "parts": {}}
        rows.append((name, f"{ms:.1f}", f"{ratio:.2f}", ""))
        labels = {part: f"{name}: {part}" for part in parts.get(name, {})}
        total = sum(median(seconds[label]) for label in labels.values())
        for part, label in labels.items():
            ms, share = 1e3 * median(seconds[label]) / batch, median(seconds[label]) / total
            ratio = median_ratio(seconds[label], seconds[UNIT])
            result[name]["parts"][part] = {"ms_per_image": ms, "ratio": ratio, "share": share}
            rows.append((f"  {part}", f"{ms:.1f}", f"{ratio:.2f}", f"{share:.0%}"))
    how = f"{options.precision}, {'compiled' if options.compile else 'eager'}"
    title = f"batch {batch}, {options.size} px, ResNet-{options.backbone}, {how}"
    print_table(title, ("", "ms/image", "x unit", "share of parts"), rows)
    return result


def parts_of(network: FeedbackNetwork, images: Tensor) -> dict[str, Work]:
    """Walk the loop once and return its parts as work on the inputs that they had."""
    features = network.backbone(images)
    maps = network.pyramid(features)
    body = BodyState.from_vector(network.mean.expand(len(images), -1))
    place: list[Work] = []
    read: list[Work] = []
    regress: list[Work] = []
    for evidence, regressor in zip(network.evidence, network.regressors, strict=True):
        seen = evidence(maps, body)
        if isinstance(evidence, PointEvidence):
            points = evidence.points(body)
            place.append(_call(evidence.points, body))
            read.append(_call(evidence.sampler, maps[evidence.level], points))
        else:
            read.append(_call(evidence, maps, body))
        regress.append(_call(regressor, seen, body))
        body = regressor(seen, body)
    parts = {"backbone": [_call(network.backbone, images)]}
    if place:
        parts |= {"pyramid": [_call(network.pyramid, features)], "body points": place}
    parts |= {"sampling and point MLP" if place else "pooling": read, "regressors": regress}
    return {name: _all_of(calls) for name, calls in parts.items()}


def _call(function: nn.Module, *inputs: Any) -> Work:
    return lambda: function(*inputs)


def _all_of(calls: list[Work]) -> Work:
    def run() -> None:
        for call in calls:
            call()

    return run


def _in_precision(function: Any, images: Tensor | None, options: argparse.Namespace) -> Work:
    def run() -> None:
        with autocast(options.device, options.precision):
            function() if images is None else function(images)

    return run


def _compiled(network: nn.Module) -> Any:
    torch.compiler.reset()
    return torch.compile(network, dynamic=False)
