"""From a command line to jobs; and every ablation that ships is possible as a whole."""

import re

import pytest

from pymaf_pl import cli
from pymaf_pl.commands.checking import JobChecker
from pymaf_pl.commands.composing import available
from pymaf_pl.commands.sweep import check_jobs
from pymaf_pl.commands.sweep_plan import compose_job, is_sweep, label, list_jobs, read_plan
from pymaf_pl.errors import InputError
from pymaf_pl.paths import conf_dir


def jobs(*words: str) -> list[tuple[str, ...]]:
    return list_jobs(read_plan(words))


def complaint(*words: str) -> str:
    with pytest.raises(InputError) as caught:
        check_jobs(jobs(*words), read_plan(words).common)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_all_combinations_the_last_choice_changing_fastest() -> None:
    assert jobs("scale=tiny", "model.num_iterations=1,2", "seed=range(3)") == [
        ("scale=tiny", f"model.num_iterations={t}", f"seed={seed}") for t in (1, 2) for seed in (0, 1, 2)
    ]


def test_a_file_of_choices_is_a_sweep_and_the_command_line_wins() -> None:
    assert len(jobs("+sweep=iterations")) == 4 * 3
    assert jobs("+sweep=iterations", "seed=7", "model.num_iterations=2,3") == [
        ("+sweep=iterations", "seed=7", f"model.num_iterations={t}") for t in (2, 3)
    ]


def test_variants_are_sets_of_overrides_one_of_which_each_job_has() -> None:
    found = jobs("+sweep=pyramid", "seed=0,1", "~sweep.variants.none")
    assert len(found) == 2 * 5
    assert found[1] == ("+sweep=pyramid", "seed=0", "pyramid=fixed", "model.pyramid_levels=1")
    assert label(found[1], ("+sweep=pyramid",)) == "seed=0 pyramid=fixed model.pyramid_levels=1"


def test_what_is_of_the_sweep_alone_reaches_no_job() -> None:
    words = ["launcher=local", "launcher.workers=3", "sweep.fail_fast=true", "hydra.sweep.dir=x", "seed=0,1"]
    assert jobs(*words) == [("seed=0",), ("seed=1",)]
    plan = read_plan(words)
    assert (plan.config.launcher.workers, plan.config.sweep.fail_fast, plan.named, str(plan.folder)) == (
        3, True, True, "x"
    )  # fmt: skip


def test_a_jobs_configuration_holds_nothing_of_the_sweep_and_its_fingerprint_follows_its_values() -> None:
    config, first = compose_job(["+sweep=iterations", "seed=0"])
    assert not {"sweep", "search", "launcher", "hydra"} & set(config)
    assert config.name == "iterations"
    assert compose_job(["+sweep=iterations", "seed=0", "sweep.fail_fast=true"])[1] == first
    assert compose_job(["+sweep=iterations", "seed=1"])[1] != first


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seed=0,1", "modle=hmr"], "modle"),
        (["optimizer.lr=interval(0.1,1)"], "intervals are for pymaf search"),
        (["hydra/launcher=joblib"], "launcher=local or slurm"),
        (["hydra.sweep.subdir=x"], "sweeps are run by pymaf itself"),
        (["+sweep=iterations", "+sweep.variants.a=1"], "sweep.variants.a: a list of overrides is wanted"),
    ],
)
def test_what_a_sweep_cannot_be_is_one_line(words: list[str], message: str) -> None:
    assert message in complaint(*words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        # found in composing, in the parts' combinations, and not before the network is built
        (["model.num_iterations=2,x"], "job 1, model.num_iterations=x: model.num_iterations=x: expected a whole"),
        (["losses.iteration_weights=null,[1,1]"], "job 1, losses.iteration_weights=[1,1]: losses.iteration_weights"),
        (["model.num_iterations=2,0"], "job 1, model.num_iterations=0: model.num_iterations=0: the loop needs"),
        (["image_size=64,100"], "job 1, image_size=100: image_size=100"),
        (["init_from=null,nowhere.ckpt"], "job 1, init_from=nowhere.ckpt: nowhere.ckpt: no such checkpoint"),
    ],
)  # fmt: skip
def test_an_impossible_job_is_named_before_any_starts(words: list[str], message: str) -> None:
    small = ["backbone=resnet18_narrow", "backbone.width=8", "model=pymaf_small", "model.hidden=16"]
    assert message in complaint(*small, *words)


def test_a_sweep_without_m_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["+sweep=iterations"], ["seed=0,1"], ["launcher.workers=2"]):
        assert cli.main(["train", *words]) == 2
        assert "pymaf train -m runs one" in capsys.readouterr().err
    assert is_sweep(["scale=tiny", "seed=3"]) is None


@pytest.mark.parametrize("name", available("sweep"))
def test_every_ablation_says_its_question_and_its_jobs_pass_all_checks(name: str) -> None:
    lines = (conf_dir() / "sweep" / f"{name}.yaml").read_text().splitlines()
    assert lines[0] == "# @package _global_"
    assert re.fullmatch(r"# [A-Z].*\?.*", lines[1])  # a question
    assert lines[2] == f"#   pymaf train -m +sweep={name} scale=tiny"
    assert f"name: {name}" in lines
    checker = JobChecker()
    found = jobs(f"+sweep={name}", "scale=tiny", *(["seed=0"] if name != "seeds" else ["seed=0,1"]))
    assert len(found) >= 2
    configs = [compose_job(overrides) for overrides in found]
    assert len({fingerprint for _, fingerprint in configs}) == len(found)  # no two are the same
    for config, _ in configs:
        checker.check(config)


def test_there_is_an_ablation_for_each_design_choice() -> None:
    assert set(available("sweep")) >= {
        "iterations", "evidence", "pyramid", "dense", "backbones", "losses", "curriculum", "points", "seeds"
    }  # fmt: skip
