"""A model's card on the screen."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from pymaf_pl.commands.checkpoint_facts import ABOUT_KEYS
from pymaf_pl.commands.figures import label, number

_FACTS = (  # of a training run, in the order of a sentence about it
    "origin", "experiment", "seed", "epochs", "steps", "samples_seen", "sources", "planned_stages", "device", "command",
)  # fmt: skip


def facts_table(title: str, facts: Mapping[str, str]) -> Table:
    """Lay out names and texts in two columns, the texts as they are."""
    table = Table(show_header=False, title=plain(title), title_justify="left")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(plain(name), plain(value))
    return table


def card_tables(card: Mapping[str, Any]) -> Iterator[Table]:
    """Lay out a card: what the model is and is not good for, how it was trained, and each protocol's figures.

    A card may have been written by hand: what is not of the expected kind is left out.
    """
    about = _mapping(card.get("about"))
    if prose := {key.replace("_", " "): _prose(about[key]) for key in ABOUT_KEYS if key in about}:
        yield facts_table("about", prose)
    training = _mapping(card.get("training"))
    known = [key for key in _FACTS if training.get(key) not in (None, {}, [])]
    if known:
        yield facts_table("training", {key.replace("_", " "): _fact(key, training[key]) for key in known})
    for protocol, document in _mapping(card.get("figures")).items():
        yield _figures(str(protocol), _mapping(document))


def plain(value: Any) -> Text:
    """Return a text without markup and without control characters: a terminal obeys some of them."""
    return Text("".join(c if c.isprintable() or c == "\n" else " " for c in str(value)))


def _figures(protocol: str, document: Mapping[str, Any]) -> Table:
    rows = _rows(document.get("iterations"))
    spans = _rows(_mapping(document.get("extra")).get("interval_95"))
    names = [name for name in (rows[0] if rows else {}) if name != "iteration"]
    title = f"{protocol}: {document.get('num_samples')} people"
    notes = ["Below each figure its 95 % interval over people."] if spans else []
    if on := document.get("measured_on"):
        notes.append(f"Measured on {on}.")
    table = Table(
        title=plain(title), title_justify="left", caption=plain(" ".join(notes)), caption_justify="left",
        box=SIMPLE_HEAD, padding=0,  # five figures with their intervals fit into 80 columns
    )  # fmt: skip
    table.add_column("iteration", justify="right")
    for name in names:
        table.add_column(plain(label(name)), justify="right")
    for t, row in enumerate(rows):
        ends = spans[t] if t < len(spans) else {}
        table.add_row(plain(row.get("iteration", t)), *(_cell(name, row.get(name), ends.get(name)) for name in names))
    return table


def _cell(name: str, value: Any, ends: Any) -> Text:
    if not _is_number(value):
        return plain("–")
    cell = plain(number(name, value))
    if isinstance(ends, list) and len(ends) == 2 and all(map(_is_number, ends)):
        cell.append(f"\n{number(name, ends[0])}..{number(name, ends[1])}", style="dim")
    return cell


def _fact(key: str, value: Any) -> str:
    if key == "sources":
        return "\n".join(f"{name}: {_source(_mapping(node))}" for name, node in _mapping(value).items())
    if key == "planned_stages" and isinstance(value, list):
        return "\n".join(map(_stage, map(_mapping, value)))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _source(node: Mapping[str, Any]) -> str:
    people = node.get("people")
    return f"{people:,} people ({node.get('kind')})" if isinstance(people, int) else str(node.get("kind"))


def _stage(stage: Mapping[str, Any]) -> str:
    mix = _mapping(stage.get("mix"))
    shares = ", ".join(f"{name} {share:.0%}" if _is_number(share) else str(name) for name, share in mix.items())
    return f"{stage.get('name')}: {stage.get('epochs')} epochs of {shares}"


def _prose(value: Any) -> str:
    return "\n".join(f"- {line}" for line in value) if isinstance(value, list) else str(value).strip()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [_mapping(row) for row in value] if isinstance(value, list) else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
