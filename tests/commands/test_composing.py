"""Overrides: typos are answered with what would be right, before anything heavy is imported."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pymaf_pl.commands.composing import at_home, available, compose_config
from pymaf_pl.errors import InputError


def complaint(*overrides: str, name: str = "train") -> str:
    with pytest.raises(InputError) as caught:
        compose_config(name, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("sead=3", ["unknown key 'sead'", "did you mean 'seed'"]),
        ("model.num_iteration=1", ["unknown key 'model.num_iteration'", "'model.num_iterations'"]),
        ("data.batchsize=8", ["'data.batchsize'", "'data.batch_size'"]),
        ("data.sources.wild.nun=8", ["'data.sources.wild.num'"]),
        ("data.sources={mine: {table: x}}", ["unknown key 'data.sources.mine'", "; +data.sources.mine=... adds it"]),
        ("data.groups.all=[wild]", ["unknown key 'data.groups.all'", "; +data.groups.all=... adds it"]),
        (
            "data.sources={wild: {nun: 8}}",
            ["'data.sources.wild.nun'; did you mean 'data.sources.wild.num'?"],
        ),
        ("losses.terms.pos.weight=1", ["'losses.terms.pose.weight'"]),
        ("backbon=resnet18", ["'backbon'", "did you mean 'backbone'"]),
        ("experimnt=demo", ["'experimnt'", "did you mean 'experiment'"]),
        ("backbone=resnet19", ["backbone=resnet19", "did you mean 'resnet1", "resnet50"]),
        ("experiment=demmo", ["experiment=demmo", "did you mean 'demo'"]),
        ("feedback=grid", ["feedback=grid", "did you mean 'grid_only'", "mesh_only"]),
        ("pyramid=fpn", ["pyramid=fpn", "there are deconv, fixed, lateral, none"]),
        ("model/feedback=mesh_only", ["unknown group 'model/feedback'", "did you mean 'feedback'"]),
        ("feedback.num_points=7", ["'feedback.num_points'", "did you mean 'model.feedback.num_points'"]),
        ("data=coco", ["data=coco", "there are", "synthetic"]),
        ("+foo=1", ["unknown key 'foo'"]),
        ("+sead=1", ["unknown key 'sead'", "'seed'"]),
        ("++sead=1", ["unknown key 'sead'"]),
        ("seed", ["override not understood"]),
        ("seed=[1", ["override not understood"]),
    ],
)
def test_typos_are_answered_with_the_nearest_name(override: str, words: list[str]) -> None:
    message = complaint(override)
    assert all(word in message for word in words), message


def test_a_typo_among_good_overrides_is_found_in_the_chosen_groups() -> None:
    message = complaint("model=hmr", "seed=3", "model.hiden=512")
    assert "unknown key 'model.hiden'; did you mean 'model.hidden'?" in message


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("body.directory=~/smpl", f"body.directory={Path.home()}/smpl"),
        ("protocol.root=~", f"protocol.root={Path.home()}"),
        ("~sweep.variants.none", "~sweep.variants.none"),
        ("name=a~/b", "name=a~/b"),
        ("data.root=~other/x", "data.root=~other/x"),
    ],
)
def test_a_tilde_that_the_shell_left_is_the_home_folder(word: str, meant: str) -> None:
    assert at_home(word) == meant
    if meant.startswith("body"):
        assert compose_config("train", ["body=smpl", at_home(word)]).body.directory == f"{Path.home()}/smpl"


def test_right_overrides_arrive() -> None:
    config = compose_config("train", ["experiment=demo", "model.num_iterations=1", "seed=5", "model=hmr"])
    assert config.name == "demo"
    assert (config.seed, config.model.num_iterations) == (5, 1)
    assert config.model._target_ == "pymaf_pl.models.hmr"
    assert config.optimizer.feedback_lr_factor == 0.3  # the experiment's choice of optimiser


def test_the_command_line_wins_over_an_experiment() -> None:
    config = compose_config("train", ["experiment=demo", "backbone=resnet50", "image_size=64"])
    assert (config.backbone.depth, config.image_size) == (50, 64)


@pytest.mark.parametrize(
    "sweep",
    [["seed=0,1,2"], ["model.num_iterations=range(1,4)"], ["model=pymaf,hmr", "optimizer.lr=choice(1e-4,1e-3)"]],
)
def test_sweeps_pass_and_the_first_choice_stands_for_all(sweep: list[str]) -> None:
    config = compose_config("train", sweep)
    assert config.seed == 0
    assert config.model._target_ == "pymaf_pl.models.pymaf"


def test_a_glob_over_a_group_stands_for_its_options() -> None:
    """Hydra knows them through its loader alone."""
    config = compose_config("train", ["pyramid=glob(*)", "feedback=glob([grid*,mesh*],exclude=grid_then*)"])
    assert config.model.pyramid._target_ == "pymaf_pl.models.pyramid.DeconvPyramid"  # the first by name
    assert config.model.feedback._target_ == "pymaf_pl.models.feedback.grid_only"


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ("pyramid=glob(x*)", "pyramid=glob(x*): nothing to sweep over; there are deconv, fixed, lateral, none"),
        ("seed=range(3,3)", "seed=range(3,3): nothing to sweep over"),
    ],
)
def test_an_empty_sweep_is_refused(sweep: str, message: str) -> None:
    assert complaint(sweep) == message


def test_a_typo_in_a_sweep_is_found() -> None:
    assert "'seed'" in complaint("sead=0,1,2")
    assert "modle" in complaint("modle=pymaf,hmr")


@pytest.mark.parametrize(
    ("name", "overrides", "key"),
    [
        ("train", ["body=smpl"], "body.directory"),
        ("train", ["experiment=lspet"], "data.root"),
        ("eval", ["protocol=lspet"], "protocol.root"),
    ],
)
def test_what_is_still_missing_is_named(name: str, overrides: list[str], key: str) -> None:
    assert complaint(*overrides, name=name).startswith(f"{key} is not set; add {key}=")


def test_a_measurement_may_name_its_body() -> None:
    assert compose_config("eval", []).body.get("name") is None
    assert compose_config("eval", ["body.directory=x"]).body.directory == "x"
    named = compose_config("eval", ["body=smpl", "body.directory=x"]).body
    assert (named.name, named.directory) == ("smpl", "x")
    assert "body=smlp: no such option; did you mean 'smpl'?" in complaint("body=smlp", name="eval")


def test_options_of_a_group_are_its_files() -> None:
    assert {"pymaf", "hmr", "pymaf_small"} <= set(available("model"))
    assert available("feedback") == sorted(available("feedback"))
    assert available("no such group") == []


def test_answering_a_typo_imports_neither_torch_nor_lightning() -> None:
    code = """
import sys
from pymaf_pl.commands.composing import compose_config
from pymaf_pl.errors import InputError
try:
    compose_config("train", ["sead=1"])
except InputError:
    print(sorted({"torch", "pytorch_lightning", "smplx", "cv2"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("image_size=abc", "image_size=abc: expected a whole number, such as 224"),
        ("optimizer.lr=fast", "optimizer.lr=fast: expected a number"),
        ("model.num_iterations=2.5", "expected a whole number, such as 3"),
        ("model.detach=3", "expected true or false"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_before_anything_is_built(override: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        compose_config("train", [override])


@pytest.mark.parametrize("override", ["optimizer.lr=1", "threads=2", "threads=null", "trainer.devices=auto"])
def test_values_that_fit_are_left_alone(override: str) -> None:
    compose_config("train", [override])
