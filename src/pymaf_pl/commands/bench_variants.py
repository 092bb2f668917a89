"""What every choice costs: parameters, arithmetic and time of one variant after the other, as a Markdown table."""

import argparse
import sys
from typing import Any

import torch
from torch import nn

from pymaf_pl.body import load_body
from pymaf_pl.commands.bench_network import UNIT, bare_resnet50
from pymaf_pl.commands.bench_timing import autocast, median, median_ratio, time_interleaved
from pymaf_pl.commands.building import build_network
from pymaf_pl.commands.combinations import check_combinations, drop_idle_dense_head
from pymaf_pl.commands.composing import available, compose_config
from pymaf_pl.commands.cost import count_flops
from pymaf_pl.commands.signatures import check_signatures
from pymaf_pl.errors import InputError

_PAPER = {"backbone": "resnet50", "pyramid": "deconv", "feedback": "grid_then_mesh"}
_SAME = {"resnet50_coco"}  # another's network, started from other weights
_MORE = (
    "pyramid=fixed model.pyramid_levels=1",
    "pyramid=none feedback=global_feature",
    "backbone=hrnet_w48 pyramid=lateral",
    "model=hmr",
    "model.num_iterations=1",
    "model.num_iterations=5",
    "model.shared_regressor=true feedback=mesh_only",
    "model.rotation=axis_angle",
    "model.feedback.num_points=1723",
)


def bench_variants(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the variants asked for, or every option of a part in the published network; print, return the numbers."""
    asked = [" ".join(variant.split()) for variant in options.variant]
    unit = bare_resnet50().to(options.device).eval()
    images = torch.randn(options.batch, 3, options.size, options.size, device=options.device)
    results: dict[str, Any] = {UNIT: {"parameters": _count(unit), "flops": count_flops(unit, images), "ratio": 1.0}}
    for variant in asked or _every_option():
        try:
            network = _build(variant).to(options.device)
        except InputError as error:
            if asked or "timm" not in str(error):
                raise
            print(f"left out: {variant}: {error}", file=sys.stderr)
            continue
        results[variant] = _measure(network, unit, images, variant, options)
    print("\n| variant | parameters, M | GFLOPs per image | time per image, x unit |\n|---|---|---|---|")
    for variant, result in results.items():
        print(_row({UNIT: f"{UNIT}, the unit", "": "the paper's"}.get(variant, f"`{variant}`"), result))
    print(
        f"\n{options.size} px, batch {options.batch}, {options.precision}; parameters with the dense head, arithmetic "
        "and time without it, as in inference; a multiplication and an addition are two FLOPs"
    )
    return results


def _every_option() -> list[str]:
    """Name the published network, and every option that differs from it in one part."""
    variants = [""]
    for group, paper in _PAPER.items():
        variants += [f"{group}={option}" for option in available(group) if option != paper and option not in _SAME]
    return [*variants, *_MORE]


def _build(variant: str) -> nn.Module:
    config = compose_config("train", [*variant.split(), "backbone.weights=null"])
    check_signatures(config)
    check_combinations(config)
    drop_idle_dense_head(config)
    return build_network(config, load_body())


def _measure(
    network: nn.Module, unit: nn.Module, images: torch.Tensor, variant: str, options: argparse.Namespace
) -> dict[str, float]:
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    network.to(memory_format=layout).eval()
    laid_out = images.contiguous(memory_format=layout)

    def in_precision() -> None:
        with autocast(options.device, options.precision):
            network(laid_out)

    with torch.inference_mode():
        work = {UNIT: lambda: unit(images), variant: in_precision}
        seconds = time_interleaved(work, options.repeats, options.device, variant)
    return {
        "parameters": _count(network),
        "ratio": median_ratio(seconds[variant], seconds[UNIT]),
        "ms_per_image": 1e3 * median(seconds[variant]) / options.batch,
        "flops": count_flops(network, laid_out),
    }


def _count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def _row(name: str, result: dict[str, Any]) -> str:
    cells = (f"{result['parameters'] / 1e6:.1f}", f"{result['flops'] / 1e9:.1f}", f"{result['ratio']:.2f}")
    return f"| {name} | {' | '.join(cells)} |"
