"""Trained models that come with the package, and the card that belongs to every file of weights alone.

``pymaf checkpoint slim`` writes a pair: ``FILE.pt``, the weights, and ``FILE.json``, its card: plain JSON that says how
the weights were trained, what they reach and what they are not good for. The card knows the weights by their SHA-256.
"""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from pymaf_pl.checksums import sha256
from pymaf_pl.errors import InputError

DEFAULT_MODEL = "pymaf-small"
SHIPPED = {DEFAULT_MODEL: "pymaf_small.pt"}  # name: file in the package's folder of weights
SUFFIX = ".pt"
CARD_KIND = "pymaf_pl model card"


def locate(given: str | Path) -> Path:
    """Return the file that a path or the name of a shipped model stands for; a file that exists wins."""
    path = Path(given)
    if str(given) in SHIPPED and not path.is_file():
        return Path(str(files("pymaf_pl") / "weights" / SHIPPED[str(given)]))
    return path


def card_path(weights: Path) -> Path:
    """Return where the card of a file of weights lies."""
    return weights.with_suffix(".json")


def read_card(weights: Path) -> dict[str, Any] | None:
    """Return the card beside a file of weights, made sure to be that file's; None if no card is there.

    Raises:
        InputError: the card was written for other weights.
    """
    path = card_path(weights)
    if weights.suffix != SUFFIX or not path.is_file():
        return None
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return None
    if not isinstance(card, dict) or card.get("kind") != CARD_KIND:
        return None  # another program's JSON may have the same name
    found = sha256(weights)
    if found != card.get("sha256"):
        raise InputError(
            f"{weights}: its sha256 is {found}, its card {path.name} says {card.get('sha256')}; "
            "they do not belong together, or the file was changed"
        )
    return card


def demand_card(weights: Path, card: dict[str, Any] | None) -> dict[str, Any]:
    """Return the card of weights that say they have one.

    Raises:
        InputError: it is not there.
    """
    if card is None:
        raise InputError(
            f"{weights}: its card {card_path(weights).name} is missing or unreadable; "
            f"weights (FILE{SUFFIX}) and card (FILE.json) stay together"
        )
    return card
