"""The table that a run prints."""

import math

import numpy as np
import pytest

from pymaf_pl.commands.figures import number, span
from pymaf_pl.commands.iteration_table import chance_rows, print_table
from pymaf_pl.metrics.people import mean_rows


@pytest.fixture
def figures():
    rng = np.random.default_rng(0)
    level = rng.normal(0, 40, 300)
    mpjpe = np.array([300.0, 190.0, 187.0])[:, None] + level + rng.normal(0, 5, (3, 300))
    return {"mpjpe": mpjpe.astype(np.float32), "pck_2d": np.full((3, 300), np.nan, np.float32)}


def test_intervals_hold_the_means_and_changes_are_paired(figures):
    rows, chance = mean_rows(figures), chance_rows(figures)
    for row, ends in zip(rows, chance["interval_95"], strict=True):
        low, high = ends["mpjpe"]
        assert low < row["mpjpe"] < high
        assert all(map(math.isnan, ends["pck_2d"]))
    mean, low, high = chance["change"][1]["mpjpe"]
    assert mean == pytest.approx(rows[2]["mpjpe"] - rows[1]["mpjpe"], abs=1e-4)
    assert high - low < 2  # an unpaired one would be wider than 10 mm
    assert high < 0


def test_the_table_says_what_it_shows_within_80_columns(figures, capsys):
    rows, chance = mean_rows(figures), chance_rows(figures)
    print_table(rows, chance, "mpjpe", "demo: synthetic_val, 300 people")
    out = capsys.readouterr().out
    low, high = chance["interval_95"][2]["mpjpe"]
    assert f"{low:.1f}–{high:.1f}" in out
    assert "95 % interval over people" in out
    assert "iteration 1 against 0: −1" in out
    assert "–" in out  # nobody has the other figure
    assert all(len(line) <= 80 for line in out.splitlines())


@pytest.mark.parametrize(
    ("name", "value", "signed", "written"),
    [
        ("mpjpe", 91.66, False, "91.7"),
        ("pck_2d", 0.92345, False, "0.923"),
        ("mpjpe", -0.04, True, "+0.0"),
        ("mpjpe", -1.26, True, "−1.3"),
        ("mpjpe", math.nan, True, "–"),
    ],
)
def test_numbers_have_the_digits_that_they_deserve(name, value, signed, written):
    assert number(name, value, signed) == written


def test_an_interval_is_written_in_brackets():
    assert span("mpjpe", (-1.5, 2), signed=True) == "[−1.5, +2.0]"
