"""``pymaf checkpoint slim``: weights alone, with a card beside them."""

import argparse
import hashlib
from pathlib import Path
from typing import Any

from pymaf_pl.atomic import replacing
from pymaf_pl.checkpoints import Checkpoint, count_parameters, read_checkpoint
from pymaf_pl.checksums import sha256
from pymaf_pl.commands.checkpoint_facts import read_about, read_figures, run_folder, training_facts
from pymaf_pl.engine.run_files import write_json
from pymaf_pl.errors import InputError
from pymaf_pl.shipped import CARD_KIND, SUFFIX, card_path
from pymaf_pl.slimming import slim_bytes, slim_state


def slim(options: argparse.Namespace) -> int:
    """Write the weights of a checkpoint and their card.

    Raises:
        InputError: anything that is given is wrong; nothing is written then.
    """
    out, card_file = options.out, card_path(options.out)
    if out.suffix != SUFFIX:
        raise InputError(f"{out}: --out ends in {SUFFIX}; its card goes beside it")
    for path in (out, card_file):
        if path.exists() and not options.force:
            raise InputError(f"{path}: is there already; --force overwrites it")
    about = read_about(options.about) if options.about else {}
    checkpoint = read_checkpoint(options.path)
    if checkpoint.card is not None:
        raise InputError(f"{checkpoint.path}: is slim already; give the checkpoint of `pymaf train` that it came from")
    state, rounding = slim_state(checkpoint, options.precision)
    content = slim_bytes(checkpoint, state)
    digest = hashlib.sha256(content).hexdigest()
    measured = {digest: "this file", sha256(checkpoint.path): "the checkpoint, before rounding"}
    figures = read_figures(options.figures, measured, run_folder(checkpoint.path))

    card = _identity(checkpoint, out, options.precision) | {
        "sha256": digest,
        "size": len(content),
        "rounding_error": rounding.error,
        "training": training_facts(checkpoint),
        "figures": figures,
        "about": about,
    }
    try:
        with replacing(out) as draft:
            draft.write_bytes(content)
        write_json(card_file, card)  # second: without it, or with an old one, the weights are refused
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror or error})") from None

    print(f"{out}  {len(content) / 1e6:.1f} MB, {options.precision}, {card['parameters'] / 1e6:.2f} M parameters")
    if rounding.key:
        print(f"largest rounding error {rounding.error:.2g}, of {rounding.value:.4g} in {rounding.key}")
    for protocol, document in figures.items():
        if document["measured_on"] is None:
            print(f"note: nothing beside the figures of {protocol} says that they are of these weights")
    print(f"{card_file}  sha256 {digest}")
    return 0


def _identity(checkpoint: Checkpoint, out: Path, precision: str) -> dict[str, Any]:
    record = checkpoint.record
    return {
        "kind": CARD_KIND,
        "schema": 1,
        "name": out.stem.replace("_", "-"),
        "file": out.name,
        "precision": precision,
        "parameters": count_parameters(checkpoint),
        "version": record.get("version"),
        "body": record["body"],
        "image_size": record.get("image_size"),
        "network": record.get("network"),
    }
