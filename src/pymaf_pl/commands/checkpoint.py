"""``pymaf checkpoint``: what a checkpoint holds, its weights alone, and those of the published code."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pymaf_pl.commands.subcommands import VerbParser
from pymaf_pl.shipped import DEFAULT_MODEL

_EXAMPLES = f"""examples:
  pymaf checkpoint info                                      the card of {DEFAULT_MODEL}, the model that is shipped
  pymaf checkpoint info runs/demo/checkpoints/last.ckpt
  pymaf checkpoint slim runs/demo/checkpoints/last.ckpt --out mine.pt
  pymaf checkpoint slim last.ckpt --out mine.pt --about about.yaml --figures runs/eval/*/metrics.json
  pymaf checkpoint confidence mine.pt val.npz                how far to trust each joint, fitted to labelled people
  pymaf checkpoint info PyMAF_model_checkpoint.pt            the published files can be used as they are
  pymaf checkpoint import PyMAF_model_checkpoint.pt --out pymaf_iccv21.ckpt
  pymaf checkpoint export pymaf_iccv21.ckpt --format pymaf --out again.pt --body-dir ~/smpl"""

_MOST_SHOWN = 8  # numbers of a long list


def main(arguments: Sequence[str]) -> int:
    """Run ``pymaf checkpoint``."""
    return _parser().run(arguments)


def _parser() -> VerbParser:
    parser = VerbParser(
        "checkpoint", "What a checkpoint holds, its weights alone, and those of the published code.", _EXAMPLES
    )
    info = parser.add(
        "info",
        "what a checkpoint holds and, where there is one, its card: training, figures, limits; nothing is executed",
        _info,
    )
    info.add_argument(
        "path", nargs="?", default=DEFAULT_MODEL, metavar="PATH", help=f"or a shipped model; default: {DEFAULT_MODEL}"
    )
    slim = parser.add("slim", "write the weights alone, with a card beside them, to keep or to ship", _slim)
    slim.add_argument("path", metavar="CKPT", help="of `pymaf train`")
    slim.add_argument("--out", type=Path, required=True, metavar="FILE.pt", help="the card is written to FILE.json")
    slim.add_argument("--precision", choices=("float16", "float32"), default="float16", help="default: float16")
    slim.add_argument(
        "--figures", type=Path, nargs="+", default=[], metavar="JSON", help="metrics.json files, one per protocol"
    )
    slim.add_argument(
        "--about", type=Path, metavar="YAML",
        help="prose for the card: summary, trained_on, poses, good_for, not_good_for, licence",
    )  # fmt: skip
    taken = parser.add(
        "import", "write a checkpoint of the published PyMAF or SPIN as one of ours, key by key", _import
    )
    taken.add_argument("path", metavar="OFFICIAL.pt", help="PyMAF's, or SPIN's model_checkpoint.pt")
    taken.add_argument("--out", type=Path, required=True, metavar="OURS.ckpt", help="or .pt")
    taken.add_argument("--quiet", action="store_true", help="the summary alone, not every key")
    export = parser.add("export", "write a checkpoint of ours as the published PyMAF or SPIN loads it", _export)
    export.add_argument("path", metavar="OURS")
    export.add_argument("--format", choices=("pymaf", "spin"), required=True)
    export.add_argument("--out", type=Path, required=True, metavar="FILE.pt")
    export.add_argument(
        "--body-dir", type=Path, metavar="DIR", help="of your SMPL files: include their buffers, for strict loading"
    )
    confidence = parser.add(
        "confidence", "fit what `pymaf predict --confidence` says to labelled people, and measure it", _confidence
    )
    confidence.add_argument("path", metavar="CKPT", help="or a shipped model")
    confidence.add_argument(
        "tables", type=Path, nargs="+", metavar="TABLE.npz",
        help="people the network was not trained on, in SPIN's format, pictures beside it; one half is fitted to",
    )  # fmt: skip
    confidence.add_argument(
        "--out", type=Path, metavar="JSON", help="default: CKPT.confidence.json, where predict looks for it"
    )
    confidence.add_argument("--body-dir", type=Path, metavar="DIR", help="of SMPL files, if trained with body=smpl")
    confidence.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    for command in (slim, taken, export, confidence):
        command.add_argument("--force", action="store_true", help="overwrite")
    return parser


def _slim(options: argparse.Namespace) -> int:
    from pymaf_pl.commands.checkpoint_slim import slim

    return slim(options)


def _confidence(options: argparse.Namespace) -> int:
    from pymaf_pl.commands.checkpoint_confidence import fit

    return fit(options)


def _import(options: argparse.Namespace) -> int:
    from pymaf_pl.commands.checkpoint_official import import_weights

    return import_weights(options)


def _export(options: argparse.Namespace) -> int:
    from pymaf_pl.commands.checkpoint_official import export_weights

    return export_weights(options)


def _info(options: argparse.Namespace) -> int:
    from rich.console import Console

    from pymaf_pl.checkpoints import count_parameters, read_checkpoint
    from pymaf_pl.checksums import sha256
    from pymaf_pl.commands.checkpoint_card import card_tables, facts_table

    checkpoint = read_checkpoint(options.path)
    record, card = checkpoint.record, checkpoint.card
    body = record.get("body", {})
    facts = {
        "written by": f"pymaf_pl {record.get('version', 'unknown')}" if checkpoint.report is None else "published code",
        **({} if checkpoint.origin is None else {"kind": str(checkpoint.origin)}),
        **({} if checkpoint.report is None else {"content": checkpoint.report.summary()}),
        "body": f"{body.get('name')} ({body.get('gender')}), topology {body.get('topology') or 'not told'}",
        "image size": f"{record.get('image_size')} px",
        "training": f"epoch {checkpoint.epoch}, step {checkpoint.step}",
        "parameters": f"{count_parameters(checkpoint) / 1e6:.2f} M",
        "file": f"{checkpoint.path.stat().st_size / 1e6:.1f} MB",
    }
    console = Console()
    title = str(options.path) if card is None else f"{checkpoint.name}: {checkpoint.path}"
    console.print(facts_table(title, {**facts, **dict(_flat(record.get("network", {})))}))
    for table in card_tables(card or {}):
        console.print(table)
    print(f"sha256 {sha256(checkpoint.path)}{', as the card says' if card is not None else ''}")
    return 0


def _flat(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _short(value)


def _short(value: Any) -> str:
    if isinstance(value, list) and len(value) > _MOST_SHOWN:
        return f"{str(value[:_MOST_SHOWN])[:-1]}, ...], {len(value)} in all"
    return str(value)
