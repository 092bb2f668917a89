"""Which runs are one group, and what a group is called."""

from pathlib import Path

import numpy as np
import pytest

from pymaf_pl.commands.compare_groups import find_group, group_runs
from pymaf_pl.commands.compare_runs import Run
from pymaf_pl.errors import InputError
from pymaf_pl.metrics.people import PeopleFigures

PEOPLE = PeopleFigures(
    "p", np.arange(3), np.array(list("abc")), np.zeros((3, 2)), np.ones(3), {"mpjpe": np.zeros((2, 3))}
)
PYMAF = {"model._target_": "pymaf_pl.models.pymaf", "model.num_iterations": "3", "optimizer.lr": "0.001"}
HMR = {"model._target_": "pymaf_pl.models.hmr", "model.num_iterations": "3", "optimizer.lr": "0.001"}


def run(settings=PYMAF, seed=0, named=(), choices=None, given="", folder="runs/x", name="demo"):
    return Run(
        Path(folder),
        given,
        name,
        seed,
        settings,
        frozenset({"seed", "experiment", *named}),
        choices or {},
        10,
        5,
        PEOPLE,
    )


def labels(*runs):
    groups, _ = group_runs(runs)
    return {group.label: len(group.runs) for group in groups}


def test_seeds_of_one_configuration_are_one_group_in_the_order_given():
    runs = [run(seed=s) for s in (0, 1, 2)] + [run(HMR, seed=s) for s in (0, 1)]
    assert labels(*runs) == {"model=pymaf": 3, "model=hmr": 2}
    assert list(labels(*reversed(runs))) == ["model=hmr", "model=pymaf"]


def test_a_label_is_the_option_of_a_group_where_it_is_known_and_nothing_that_follows_from_it():
    ours = run(PYMAF | {"model.hidden": "512"}, choices={"model": "pymaf_small", "logger": "csv"})
    theirs = run(HMR | {"model.hidden": "1024"}, choices={"model": "hmr", "logger": "wandb"}, named=["model"])
    assert labels(ours, theirs) == {"model=pymaf_small": 1, "model=hmr": 1}


def test_a_key_is_named_as_the_override_that_sets_it():
    runs = [run(PYMAF | {"model.num_iterations": str(t)}, named=["model.num_iterations"]) for t in (1, 2, 3)]
    assert list(labels(*runs)) == [f"model.num_iterations={t}" for t in (1, 2, 3)]


def test_all_that_the_command_lines_set_differently_is_told_although_less_would_tell_them_apart():
    ours = run(PYMAF, named=["optimizer.lr"])
    theirs = run(HMR | {"optimizer.lr": "0.01"}, named=["model", "optimizer.lr"])
    assert list(labels(ours, theirs)) == ["model=pymaf optimizer.lr=0.001", "model=hmr optimizer.lr=0.01"]


def test_one_option_with_two_values_below_it_needs_both():
    grid = run(PYMAF | {"model.dropout": "0"}, choices={"model": "pymaf"})
    wet = run(PYMAF | {"model.dropout": "0.5"}, choices={"model": "pymaf"}, named=["model.dropout"])
    base = run(HMR, choices={"model": "hmr"})
    assert list(labels(grid, wet, base)) == [
        "model=pymaf model.dropout=0", "model=pymaf model.dropout=0.5", "model=hmr"
    ]  # fmt: skip


def test_an_experiment_stands_for_all_the_options_that_it_sets():
    demo = run(choices={"backbone": "a", "data": "synthetic", "experiment": "demo"}, named=["experiment"])
    lspet = run(HMR, choices={"backbone": "b", "data": "lspet", "experiment": "lspet"}, named=["experiment"])
    assert list(labels(demo, lspet)) == ["experiment=demo", "experiment=lspet"]


def test_given_labels_win_and_keep_apart_what_the_configuration_does_not():
    assert labels(run(given="old"), run(given="new", seed=1), run(given="new", seed=2)) == {"old": 1, "new": 2}
    both = labels(run(given="mine"), run(HMR, given="mine"), run(HMR, given="theirs"))
    assert list(both) == ["mine model=pymaf", "mine model=hmr", "theirs"]


def test_a_single_group_goes_by_the_runs_name():
    assert labels(run(), run(seed=1)) == {"demo": 2}
    assert list(labels(run(), run(given="new", seed=1))) == ["demo", "new"]


def test_the_same_seed_again_is_no_further_evidence():
    groups, repeated = group_runs([run(folder="a"), run(folder="b"), run(seed=None, folder="c"), run(seed=None)])
    assert [str(r.folder) for r in groups[0].runs] == ["a", "c", "runs/x"]
    assert repeated == ["b: same configuration and seed as a"]


def test_values_stack_the_seeds():
    groups, _ = group_runs([run(), run(seed=1)])
    assert groups[0].values("mpjpe").shape == (2, 2, 3)


@pytest.mark.parametrize(("name", "found"), [(None, 0), ("model=hmr", 1), ("hmr", 1), ("model=pymaf", 0)])
def test_a_baseline_goes_by_its_label_or_a_part_of_it(name, found):
    groups, _ = group_runs([run(), run(HMR)])
    assert find_group(groups, name) is groups[found]


@pytest.mark.parametrize(
    ("name", "words"), [("model", "fits more than one group"), ("model=hrm", "did you mean 'model=hmr'?")]
)
def test_an_unclear_baseline_is_answered_with_the_labels(name, words):
    groups, _ = group_runs([run(), run(HMR)])
    with pytest.raises(InputError) as error:
        find_group(groups, name)
    assert words in str(error.value)
    assert "there are model=pymaf, model=hmr" in str(error.value)
