"""A card on the screen: figures with their intervals, and nothing that a terminal or rich would obey."""

from typing import Any

import pytest
from rich.console import Console

from pymaf_pl.commands.checkpoint_card import card_tables

ROWS = [{"iteration": t, "mpjpe": 300.04 - 100 * t, "pck_2d": 0.5 + 0.1 * t} for t in range(2)]
SPANS = [{"mpjpe": [row["mpjpe"] - 10, row["mpjpe"] + 10], "pck_2d": [0.4, 0.9]} for row in ROWS]


def shown(card: dict[str, Any], width: int = 80) -> str:
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        for table in card_tables(card):
            console.print(table)
    return capture.get()


def test_figures_are_shown_per_iteration_with_their_intervals() -> None:
    document = {"num_samples": 512, "iterations": ROWS, "extra": {"interval_95": SPANS}, "measured_on": "this file"}
    out = shown({"figures": {"synthetic_val": document}})
    for text in ("synthetic_val: 512 people", "MPJPE", "300.0", "290.0..310.0", "200.0", "0.600", "0.400..0.900"):
        assert text in out
    assert "Measured on this file" in out
    assert "interval" not in shown({"figures": {"synthetic_val": document | {"extra": {}}}})


def test_five_figures_with_intervals_fit_into_80_columns() -> None:
    ends = {name: [296.2, 308.3] for name in ("mpjpe", "pa_mpjpe", "pve", "rotation_deg")} | {"pck_2d": [0.7, 0.8]}
    rows = [{"iteration": 0} | {name: low for name, (low, _) in ends.items()}]
    out = shown({"figures": {"x": {"num_samples": 512, "iterations": rows, "extra": {"interval_95": [ends]}}}})
    assert out.count("296.2..308.3") == 4
    assert out.count("0.700..0.800") == 1


def test_training_and_prose_are_told_in_words() -> None:
    out = shown({
        "about": {"not_good_for": ["crowds", "hands"], "summary": "small\n"},
        "training": {
            "seed": 0, "samples_seen": 34112, "sources": {"wild": {"kind": "SyntheticWorld", "people": 5000}},
            "planned_stages": [{"name": "mixture", "epochs": 6, "mix": {"wild": 0.6}}],
        },
    })  # fmt: skip
    for text in ("not good for", "- crowds", "34,112", "wild: 5,000 people (SyntheticWorld)", "6 epochs of wild 60%"):
        assert text in out
    assert "seed" in out


def test_neither_markup_nor_control_characters_of_a_stranger_are_obeyed() -> None:
    out = shown({"about": {"summary": "[red]a[/] \x1b[2Jb \x07 [/nothing]"}})
    assert "[red]a[/]" in out
    assert "[/nothing]" in out
    assert "\x1b" not in out
    assert "\x07" not in out


@pytest.mark.parametrize("wrong", [None, 3, "text", [], [3], {"x": 3}, {"x": {"iterations": 5}}])
def test_a_card_of_the_wrong_shape_is_shown_as_far_as_it_goes(wrong: Any) -> None:
    for key in ("about", "training", "figures"):
        shown({key: wrong})
    for key in ("iterations", "extra"):
        shown({"figures": {"x": {"iterations": ROWS, key: wrong}}})
    for key in ("sources", "planned_stages", "epochs"):
        shown({"training": {key: wrong}})
