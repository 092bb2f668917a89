"""``pymaf checkpoint``: what a checkpoint holds."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymaf_pl.checkpoints import Checkpoint

_EXAMPLES = """examples:
  pymaf checkpoint info runs/demo/checkpoints/last.ckpt"""
_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


def main(arguments: Sequence[str]) -> int:
    """Run ``pymaf checkpoint``."""
    options = _parser().parse_args(list(arguments))
    run: Callable[[argparse.Namespace], int] = options.run
    return run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pymaf checkpoint",
        description="What a checkpoint holds.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    text = "body, network, training progress, size and checksum of a checkpoint; nothing in it is executed"
    info = commands.add_parser("info", help=text, description=f"{text[0].upper()}{text[1:]}.")
    info.add_argument("path", type=Path, metavar="PATH")
    info.set_defaults(run=_info)
    return parser


def _info(options: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    from pymaf_pl.checkpoints import read_checkpoint
    from pymaf_pl.engine.run_files import sha256

    checkpoint = read_checkpoint(options.path)
    record = checkpoint.record
    body = record.get("body", {})
    facts = {
        "written by": f"pymaf_pl {record.get('version', 'unknown')}",
        "body": f"{body.get('name')} ({body.get('gender')}), topology {body.get('topology')}",
        "image size": f"{record.get('image_size')} px",
        "training": f"epoch {checkpoint.epoch}, step {checkpoint.step}",
        "parameters": f"{count_parameters(checkpoint) / 1e6:.2f} M",
        "file": f"{options.path.stat().st_size / 1e6:.1f} MB",
        "sha256": sha256(options.path),
    }
    table = Table(show_header=False, title=str(options.path), title_justify="left")
    for name, value in {**facts, **dict(_flat(record.get("network", {})))}.items():
        table.add_row(name, value)
    Console().print(table)
    return 0


def count_parameters(checkpoint: "Checkpoint") -> int:
    """Count trainable numbers, once each: the weights that HMR shares between iterations stand in the file T times."""
    unique = {
        (tensor.data_ptr(), tensor.shape): tensor.numel()
        for key, tensor in checkpoint.state.items()
        if key != "mean" and key.rsplit(".", 1)[-1] not in _BUFFERS
    }
    return sum(unique.values())


def _flat(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
