"""Choices that contradict each other are answered in one line, before anything heavy is imported."""

import re
import subprocess
import sys

import pytest

from pymaf_pl import cli
from pymaf_pl.commands.combinations import check_combinations, drop_idle_dense_head
from pymaf_pl.commands.composing import available, compose_config
from pymaf_pl.errors import InputError

CONTRADICTIONS = [
    (["model.dense_head=false"], "losses.dense has nothing to supervise; switch both off by losses.dense=null"),
    (["losses.dense=null", "model.dense_size=28"], "model.dense_size=28: with losses.dense=null there is no"),
    (["model=hmr", "feedback=mesh_only"], "has no use for feedback=...; leave it out, or choose model=pymaf"),
    (["model=hmr", "pyramid=fixed"], "has no use for pyramid=...; leave it out"),
    (["model.feedback=mesh_only"], "model.feedback=mesh_only: an option of a group is chosen by feedback=mesh_only"),
    (["model.pyramid=fixed"], "model.pyramid=fixed: an option of a group is chosen by pyramid=fixed"),
    (["losses.iteration_weights=[1,2]"], "losses.iteration_weights has 2 values for 3 iterations; give one number for"),
    (["losses.iteration_weights={pose:[1]}"], "losses.iteration_weights.pose has 1 values for 3 iterations"),
    (["losses.iteration_weights={pose:2}"], "losses.iteration_weights.pose has 1 values for 3 iterations"),
    (["losses.iteration_weights={poes:[1,1,1]}"], "losses.iteration_weights.poes: there are the terms keypoints_2d"),
    (["model.pyramid_levels=2"], "model.num_iterations=3: model.pyramid_levels=2 makes fewer maps than that; raise it"),
    (["model.num_iterations=4", "model.pyramid_levels=3", "pyramid=lateral"], "or take pyramid=fixed, one map for all"),
    (["losses.terms.pose=null"], "a term is switched off by losses.terms.pose.weight=0"),
    (
        ["losses.dense=null", *(f"losses.terms.{name}.weight=0" for name in
                                ("keypoints_2d", "keypoints_3d", "pose", "shape", "camera"))],
        "every term has weight 0",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "words"), CONTRADICTIONS, ids=lambda value: value[0] if value[1:] else "")
def test_contradictions_are_refused_with_the_way_out(overrides: list[str], words: str) -> None:
    config = compose_config("train", overrides)
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        check_combinations(config)
    assert "\n" not in str(caught.value)


def test_the_command_answers_them_without_importing_torch() -> None:
    code = """
import sys
from pymaf_pl.cli import main
assert main(["train", "model.dense_head=false"]) == 2
print(sorted({"torch", "pytorch_lightning", "smplx", "cv2"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
    assert done.stderr.strip().count("\n") == 0


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["model=hmr"],
        ["model=hmr_small", "experiment=demo"],
        ["losses.dense=null"],
        ["losses.iteration_weights=[1,2,3]"],
        ["losses.iteration_weights={pose:[0,0,1], shape:[1,1,1]}"],
        ["losses.terms.pose.weight=0"],
        ["~losses.terms.vertices"],
        ["model.num_iterations=5"],
        ["model.num_iterations=5", "model.pyramid_levels=5"],
        ["model.num_iterations=5", "pyramid=fixed", "model.pyramid_levels=1"],
        ["model.num_iterations=5", "pyramid=none", "model.pyramid_levels=1"],
        *([f"feedback={name}"] for name in available("feedback")),
        *([f"pyramid={name}"] for name in available("pyramid")),
    ],
    ids=str,
)
def test_what_goes_together_is_left_alone(overrides: list[str]) -> None:
    check_combinations(compose_config("train", overrides))


def test_a_dense_head_without_a_loss_is_left_out_and_says_so(caplog) -> None:
    config = compose_config("train", ["losses.dense=null"])
    with caplog.at_level("INFO"):
        drop_idle_dense_head(config)
    assert config.model.dense_head is False
    assert caplog.messages == [
        "losses.dense=null: the network is built without its dense head, which would learn nothing"
    ]
    for overrides in ([], ["model=hmr", "losses.dense=null"]):
        before = compose_config("train", overrides)
        after = before.copy()
        drop_idle_dense_head(after)
        assert after == before


# what only the built parts know, through the whole command
@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["model.feedback.num_points=7000"], "the 'open' body has 6890 vertices"),
        (["pyramid=lateral", "model.pyramid_levels=4"], "pyramid=deconv makes any number"),
        (["model.shared_regressor=true"], "feedback=mesh_only, grid_only or global_feature"),
        (["feedback=attention", "model.feedback.heads=3"], "does not divide the 8 channels"),
        (["backbone.weights=imagenet"], "set backbone.weights=null"),
        (["backbone.weights=nowhere.pth"], "no such file"),
        (["model.pyramid_levels=0"], "at least one map"),
        (["model.rotation=euler"], "6d and axis_angle"),
        (["model.pose_noise=0"], "radians above 0, or null"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_impossible_parts_are_refused_before_training(
    train, tmp_path, capsys, overrides: list[str], words: str
) -> None:
    assert train(tmp_path, *overrides) == 2
    error = capsys.readouterr().err.strip()
    assert words in error
    assert "\n" not in error
    assert not (tmp_path / "checkpoints").exists()


def test_help_lists_the_options_of_all_groups(capsys) -> None:
    assert cli.main(["train", "--help"]) == 0
    told = capsys.readouterr().out
    for group in ("backbone", "pyramid", "feedback", "model"):
        line = next(line for line in told.splitlines() if line.strip().startswith(f"{group}="))
        assert [word.strip() for word in line.split("=", 1)[1].split("|")] == available(group)
