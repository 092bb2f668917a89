"""``pymaf bench``: speed of the network and its variants, the training step, the data pipeline and the renderer."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pymaf_pl.commands.subcommands import Run, VerbParser
from pymaf_pl.errors import InputError
from pymaf_pl.shipped import DEFAULT_MODEL

_EXAMPLES = """examples:
  pymaf bench network                                   PyMAF and HMR beside a bare ResNet-50, batch 1 and 32
  pymaf bench network --precision bf16 --compile --batch 1
  pymaf bench variants --threads 1                      every option of backbone, pyramid and feedback, as Markdown
  pymaf bench variants pyramid=lateral "feedback=mesh_only model.num_iterations=5"
  pymaf bench train --batch 8
  pymaf bench data                                      1000 px photographs, plain and packed
  pymaf bench data data/demo/wild_train.npz --workers 2
  pymaf bench render --json render.json
  pymaf bench predict --threads 1 --people 2            photos and frames per second, and the share of each step
  pymaf bench eval --threads 1                          every family of figures, and the memory of 35,515 people

On a machine that does other things too, read the ratios: their two sides are timed one after the other in every round.
With --threads 1 on the CPU, processor time is counted, to which other programs add little."""
_SIZE_STEP = 32


def main(arguments: Sequence[str]) -> int:
    """Run ``pymaf bench``."""
    options = _parser().parser.parse_args(list(arguments))
    _check(options)
    import torch

    from pymaf_pl.commands.bench_timing import machine, pick_device, print_machine
    from pymaf_pl.engine.run_files import write_json

    options.device = pick_device(options.device)
    if options.json is not None and not options.json.parent.is_dir():
        raise InputError(f"{options.json.parent}: no such folder for --json")
    threads = torch.get_num_threads()
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    try:
        facts = machine(options.device)
        print_machine(facts)
        results = options.run(options)
    finally:
        torch.set_num_threads(threads)
    if options.json is not None:
        settings = {k: str(v) if isinstance(v, Path) else v for k, v in vars(options).items() if k not in _NOT_SETTINGS}
        settings["device"] = str(options.device)
        write_json(options.json, {"bench": options.bench, "machine": facts, "settings": settings, "results": results})
    return 0


_NOT_SETTINGS = ("run", "bench", "json", "device")


def _parser() -> VerbParser:
    parser = VerbParser("bench", "Speed, measured beside a unit that anyone can measure.", _EXAMPLES)

    def add(name: str, text: str, run: Run, repeats: int) -> argparse.ArgumentParser:
        command = parser.add(name, text, run)
        command.set_defaults(bench=name)
        command.add_argument("--repeats", type=int, default=repeats, metavar="N", help=f"rounds; default: {repeats}")
        command.add_argument("--threads", type=int, metavar="N", help="of torch; default: what torch takes")
        command.add_argument("--json", type=Path, metavar="FILE", help="write the numbers")
        return command

    network = add("network", "inference of PyMAF (T = 3) and HMR, whole and in parts", _network, 20)
    network.add_argument("--batch", type=int, nargs="+", default=[1, 32], metavar="B", help="default: 1 32")
    network.add_argument("--compile", action="store_true", help="torch.compile the networks (not the unit)")
    variants = add(
        "variants", "parameters, FLOPs and time of every choice beside the published network's", _variants, 5
    )
    variants.add_argument(
        "variant", nargs="*", metavar="OVERRIDES", help="those of `pymaf train`, one variant in quotes; default: all"
    )
    variants.add_argument("--batch", type=int, default=1, metavar="B", help="default: 1")
    train = add("train", "one training step, and what dense supervision adds to it", _train, 7)
    train.add_argument("--batch", type=int, default=8, metavar="B", help="default: 8")
    for command in (network, train):
        command.add_argument("--backbone", type=int, choices=(18, 34, 50, 101), default=50, help="default: 50")
    for command in (network, variants, train):
        command.add_argument("--size", type=int, default=224, metavar="PX", help="side of the crops; default: 224")
        command.add_argument("--precision", choices=("fp32", "bf16"), default="fp32", help="default: fp32")
        command.add_argument(
            "--channels-last",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="memory layout of the networks, as training uses it (not of the unit)",
        )
    data = add(
        "data", "the training pipeline from plain files and from shards, beside reading and decoding alone", _data, 10
    )
    data.add_argument(
        "table", type=Path, nargs="?", metavar="TABLE.npz", help="annotations; default: made-up 1000 px photographs"
    )
    data.add_argument("--image-root", type=Path, metavar="DIR", help="default: the table's folder")
    data.add_argument("--people", type=int, default=64, metavar="N", help="rows of the table; default: 64")
    data.add_argument("--batch", type=int, default=32, metavar="B", help="default: 32")
    data.add_argument("--size", type=int, default=224, metavar="PX", help="side of the crops; default: 224")
    data.add_argument("--workers", type=int, default=2, metavar="N", help="loader processes; default: 2")
    data.add_argument("--num", type=int, default=512, metavar="N", help="samples of the loaders' epoch; default: 512")
    render = add("render", "training targets at 56 px and pictures at 256 px", _render, 7)
    render.add_argument("--batch", type=int, default=64, metavar="B", help="bodies; default: 64")
    evaluation = add("eval", "samples per second of every family of figures, and their memory", _eval, 5)
    evaluation.add_argument("--batch", type=int, default=32, metavar="B", help="people; default: 32")
    evaluation.add_argument("--picture", type=int, default=192, metavar="PX", help="side of the pictures; default: 192")
    evaluation.add_argument("--people", type=int, default=35_515, metavar="N", help="of the memory; default: 35515")
    predict = add("predict", "photos and frames per second, and the share of each step", _predict, 5)
    predict.add_argument(
        "--checkpoint", default=DEFAULT_MODEL, metavar="CKPT", help=f"or a shipped model; default: {DEFAULT_MODEL}"
    )
    predict.add_argument("--width", type=int, default=1280, metavar="PX", help="of the picture, 16 : 9; default: 1280")
    predict.add_argument("--people", type=int, default=2, metavar="N", help="in the picture; default: 2")
    predict.add_argument("--batch", type=int, default=16, metavar="N", help="frames together; default: 16")
    for command in (network, variants, train, render, evaluation, predict):
        command.add_argument("--device", metavar="NAME", help="cpu, cuda or cuda:1; default: cuda if there is one")
    data.set_defaults(device="cpu")
    return parser


def _check(options: argparse.Namespace) -> None:
    batches = options.batch if isinstance(options.batch, list) else [options.batch]
    threads = 1 if options.threads is None else options.threads
    at_least_one = {"--batch": min(batches), "--repeats": options.repeats, "--threads": threads}
    at_least_one |= {
        f"--{name}": getattr(options, name) for name in ("people", "picture", "width") if hasattr(options, name)
    }
    for name, value in at_least_one.items():
        if value < 1:
            raise InputError(f"{name} {value}: at least 1")
    if getattr(options, "size", _SIZE_STEP) % _SIZE_STEP or getattr(options, "size", _SIZE_STEP) < _SIZE_STEP:
        raise InputError(f"--size {options.size}: the backbone needs a multiple of {_SIZE_STEP}")


def _network(options: argparse.Namespace) -> dict[str, Any]:
    from pymaf_pl.commands.bench_network import bench_network

    return bench_network(options)


def _variants(options: argparse.Namespace) -> dict[str, Any]:
    from pymaf_pl.commands.bench_variants import bench_variants

    return bench_variants(options)


def _train(options: argparse.Namespace) -> dict[str, Any]:
    from pymaf_pl.commands.bench_train import bench_train

    return bench_train(options)


def _data(options: argparse.Namespace) -> dict[str, Any]:
    from pymaf_pl.commands.bench_data import bench_data

    return bench_data(options)


def _render(options: argparse.Namespace) -> dict[str, Any]:
    from pymaf_pl.commands.bench_render import bench_render

    return bench_render(options)


def _eval(options: argparse.Namespace) -> dict[str, Any]:
    from pymaf_pl.commands.bench_eval import bench_eval

    return bench_eval(options)


def _predict(options: argparse.Namespace) -> dict[str, Any]:
    from pymaf_pl.commands.bench_predict import bench_predict

    return bench_predict(options)
