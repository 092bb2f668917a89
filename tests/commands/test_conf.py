"""Every option of every group composes, and every node that names a constructor fits its signature."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hydra.utils import get_object, instantiate
from omegaconf import OmegaConf

from pymaf_pl.commands.composing import available, compose_config
from pymaf_pl.commands.signatures import check_signatures
from pymaf_pl.engine.datamodule import read_stages
from pymaf_pl.errors import InputError
from pymaf_pl.paths import conf_dir
from pymaf_pl.shipped import DEFAULT_MODEL

GIVEN = ["data.root=x", "protocol.root=x", "body.directory=x", "backbone.weights=x"]  # what only the user can know
BY_CODE = {
    "body", "backbone", "features", "readings", "network", "step", "_step", "total", "_total", "save_dir",
}  # fmt: skip
NOT_CHOSEN = {"experiment", "run", "sweep"}  # sweep: composed job by job in test_sweep_plan
OPTIONS = [
    (str(path.parent.relative_to(conf_dir())), path.stem)
    for path in sorted(conf_dir().rglob("*.yaml"))
    if path.parent != conf_dir() and str(path.parent.relative_to(conf_dir())) not in NOT_CHOSEN
]


def compose(name: str, *overrides: str) -> Any:
    """Compose with as many of the missing values as the configuration has places for."""
    lines = list(overrides)
    for _ in range(len(GIVEN) + 1):
        try:
            return compose_config(name, lines)
        except InputError as error:
            missing = [line for line in GIVEN if str(error).startswith(line.split("=")[0] + " is not set")]
            if not missing:
                raise
            lines += missing
    raise AssertionError(lines)


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "_target_" in node:
            yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from nodes(value)


def check(config: Any) -> None:
    check_signatures(config)
    plain = OmegaConf.to_container(config, resolve=True)
    found = list(nodes(plain))
    assert len(found) >= 2
    for node in found:
        parameters = inspect.signature(get_object(node["_target_"])).parameters.values()
        needed = {
            p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        }
        assert needed - BY_CODE <= set(node), node


def test_there_are_options_and_experiments() -> None:
    assert len(OPTIONS) >= 25
    assert {"demo"} <= set(available("experiment"))


@pytest.mark.parametrize(("group", "option"), OPTIONS, ids=lambda value: value)
def test_every_option_composes_and_binds(group: str, option: str) -> None:
    check(compose("train", f"{group}={option}"))


TABLES = [name for name in available("experiment") if name.startswith("table_")]


@pytest.mark.parametrize("experiment", sorted(set(available("experiment")) - set(TABLES)))
def test_every_experiment_composes_binds_and_has_a_curriculum(experiment: str) -> None:
    config = compose("train", f"experiment={experiment}")
    check(config)
    assert config.name == experiment
    plain = OmegaConf.to_container(config.data, resolve=True)
    assert sum(stage.epochs for stage in read_stages(plain["stages"], plain["sources"], plain.get("groups"))) > 0


@pytest.mark.parametrize("protocol", available("protocol"))
@pytest.mark.parametrize("trainer", available("trainer"))
def test_evaluation_composes_with_every_protocol_and_trainer(protocol: str, trainer: str) -> None:
    check(compose("eval", "checkpoint=x", f"protocol={protocol}", f"trainer={trainer}"))


@pytest.mark.parametrize("experiment", TABLES)
def test_tables_of_the_paper_are_for_evaluation(experiment: str) -> None:
    config = compose("eval", "checkpoint=x", f"experiment={experiment}")
    assert config.table.name == experiment
    with pytest.raises(InputError, match="unknown key 'table'"):
        compose("train", f"experiment={experiment}")


@pytest.mark.parametrize("protocol", available("protocol"))
def test_every_protocol_is_named_as_its_file_and_says_what_it_means(protocol: str) -> None:
    measure = instantiate(compose("eval", f"protocol={protocol}").protocol.measure)
    assert measure.name == protocol
    assert measure.figures
    assert measure.monitor in measure.figures
    assert measure.ranking in measure.per_person
    assert measure.monitor_mode in ("min", "max")
    assert all(measure.definition().values())


def test_the_shipped_model_is_evaluated_by_default() -> None:
    assert compose("eval").checkpoint == DEFAULT_MODEL


def test_the_defaults_are_the_papers() -> None:
    config = compose("train")
    assert (config.image_size, config.data.batch_size, config.model.num_iterations) == (224, 64, 3)
    assert (config.optimizer.lr, tuple(config.optimizer.betas)) == (5e-5, (0.9, 0.999))
    weights = {name: term.weight for name, term in config.losses.terms.items()}
    assert weights == {
        "keypoints_2d": 300, "keypoints_3d": 300, "pose": 60, "shape": 0.06, "camera": 1, "vertices": 0
    }  # fmt: skip
    dense = config.losses.dense
    assert (dense.uv_weight, dense.part_weight, dense.coarse_weight) == (0.5, 1, 1)
    a = config.augmentation
    assert (a.flip_probability, a.channel_noise, a.rotation_deg, a.no_rotation_probability, a.scale) == (
        0.5, 0.4, 30, 0.6, 0.25
    )  # fmt: skip


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("+model.foo=1", ["model.foo", "pymaf_pl.models.pymaf takes", "num_iterations"]),
        ("+losses.terms.pose.wieght=1", ["losses.terms.pose.wieght", "weight"]),
        ("+data.sources.wild.foo=1", ["data.sources.wild.foo", "world"]),
        ("model._target_=pymaf_pl.models.nothing", ["model._target_=pymaf_pl.models.nothing", "nothing to build"]),
    ],
)
def test_an_argument_that_nobody_takes_is_named(override: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        check_signatures(compose("train", override))
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("model.pyramid_levels=x", "model.pyramid_levels=x: expected a whole number or null"),
        ("model.pyramid_levels=2.5", "model.pyramid_levels=2.5: expected a whole number or null"),
        ("model.dense_size=x", "model.dense_size=x: expected a whole number or null"),
        ("model.feedback.seed=x", "model.feedback.seed=x: expected a whole number or null"),
        ("model.num_iterations=null", "model.num_iterations=null: expected a whole number"),
    ],
)
def test_a_value_of_another_kind_is_named_even_where_the_files_hold_null(override: str, said: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(said)}$"):
        check_signatures(compose("train", override))
