"""From a configuration to objects; from a stranger's checkpoint to a network, without running the stranger's code."""

from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from pymaf_pl.body import BodyModel
from pymaf_pl.checkpoints import Checkpoint
from pymaf_pl.commands.building import (
    build_data,
    build_losses,
    build_network,
    checkpoint_record,
    make_trainer,
)
from pymaf_pl.commands.composing import compose_config
from pymaf_pl.errors import InputError
from pymaf_pl.rebuilding import losses_from_checkpoint, network_from_checkpoint

TINY = [
    "experiment=demo", "backbone.width=8", "model.hidden=16", "model.pyramid_channels=8", "model.point_channels=[4,2]",
    "image_size=64", "seed=3",
]  # fmt: skip


@pytest.fixture(scope="module")
def trained(body: BodyModel) -> Checkpoint:
    """A checkpoint of a tiny network, as a run would leave it."""
    config = compose_config("train", TINY)
    network = build_network(config, body)
    return Checkpoint(Path("x.ckpt"), network.state_dict(), checkpoint_record(config, body), 0, 0)


def with_record(trained: Checkpoint, **change: Any) -> Checkpoint:
    return Checkpoint(trained.path, trained.state, trained.record | change, 0, 0)


def test_a_checkpoint_builds_its_own_network(trained: Checkpoint, body: BodyModel) -> None:
    network, its_body = network_from_checkpoint(trained)
    assert (its_body.name, its_body.topology) == ("open", body.topology)
    assert all(torch.equal(trained.state[key], value) for key, value in network.state_dict().items())


@pytest.mark.parametrize("kind", ["grid_then_mesh", "mesh_only", "grid_only"])
def test_records_of_version_0_1_0_are_built_again(kind: str, body: BodyModel) -> None:
    """They name the kinds of feedback by another module, and neither pyramid nor the later settings."""
    config = compose_config("train", [*TINY, f"feedback={kind}"])
    network = build_network(config, body)
    record = checkpoint_record(config, body)
    options = {"grid_side": 21} if kind != "mesh_only" else {}
    feedback = {"_target_": f"pymaf_pl.models.points.{kind}", "_partial_": True, **options}
    since = {"pyramid", "rotation", "shared_regressor", "dense_size", "feedback", "pose_noise"}
    model = {key: value for key, value in record["network"]["model"].items() if key not in since}
    record["network"]["model"] = model | {"feedback": feedback}
    again, _ = network_from_checkpoint(Checkpoint(Path("x.ckpt"), network.state_dict(), record, 0, 0))
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        first, second = (n.eval()(images).final.vector() for n in (network, again))
    assert first.equal(second)


@pytest.mark.parametrize(
    "overrides",
    [
        ["feedback=attention", "model.feedback.seed=3", "model.feedback.num_points=50", "model.rotation=axis_angle"],
        ["pyramid=lateral", "feedback=global_feature", "model.shared_regressor=true"],
        ["pyramid=fixed", "model.dense_size=20", "model.num_iterations=4", "model.pose_noise=0.1"],
    ],
    ids=" ".join,
)
def test_variants_are_built_again_from_their_records(overrides: list[str], body: BodyModel) -> None:
    config = compose_config("train", [*TINY, *overrides])
    network = build_network(config, body)
    checkpoint = Checkpoint(Path("x.ckpt"), network.state_dict(), checkpoint_record(config, body), 0, 0)
    again, _ = network_from_checkpoint(checkpoint)
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        first, second = (n.eval()(images).final.vector() for n in (network, again))
    assert first.equal(second)


def test_the_record_is_plain_and_small_enough_to_be_read_as_data(trained: Checkpoint, tmp_path: Path) -> None:
    torch.save(trained.record, tmp_path / "record.pt")
    assert torch.load(tmp_path / "record.pt", weights_only=True) == trained.record
    assert trained.record["network"]["backbone"]["weights"] is None  # never fetched again


BAD_TARGETS = [
    "os.system",
    "subprocess.Popen",
    "builtins.eval",
    "pymaf_pl.commands.train.train",
    "pymaf_pl.modelsmith.pymaf",
    # what our modules import is not ours
    "pymaf_pl.models.backbone.logging.os.system",
    "pymaf_pl.models.backbone.load_state_dict_from_url",
    "pymaf_pl.models.nothing",
]


@pytest.mark.parametrize("place", ["backbone", "model", "nested", "tuple", "losses"])
@pytest.mark.parametrize("target", BAD_TARGETS)
def test_a_record_that_asks_for_anything_but_our_networks_is_refused_unbuilt(
    target: str, place: str, trained: Checkpoint, tmp_path: Path
) -> None:
    witness = tmp_path / "executed"
    bomb = {"_target_": target, "_args_": [f"touch {witness}"]}
    network = trained.record["network"]
    records: dict[str, dict[str, Any]] = {
        "backbone": {"network": network | {"backbone": bomb}},
        "model": {"network": network | {"model": bomb}},
        "nested": {"network": network | {"model": network["model"] | {"feedback": [{"deep": bomb}]}}},
        "tuple": {"network": network | {"model": network["model"] | {"feedback": ({"deep": bomb},)}}},
        "losses": {"losses": trained.record["losses"] | {"terms": {"pose": bomb}}},
    }
    with pytest.raises(InputError, match=f"x.ckpt: asks to build '{target}'"):
        network_from_checkpoint(with_record(trained, **records[place]))
    assert not witness.exists()


def test_a_record_may_not_compute_its_values(trained: Checkpoint, tmp_path: Path) -> None:
    """A configuration library would turn this text into a call; for us it is a text, and no depth of a ResNet."""
    witness = tmp_path / "executed"
    text = f"${{oc.create:{{_target_:os.system,_args_:[touch {witness}]}}}}"
    network = trained.record["network"]
    change = {"network": network | {"backbone": network["backbone"] | {"depth": text}}}
    with pytest.raises(InputError, match="ResNets of depth"):
        network_from_checkpoint(with_record(trained, **change))
    assert not witness.exists()


def test_losses_come_back_with_their_weights(trained: Checkpoint, body: BodyModel) -> None:
    losses = losses_from_checkpoint(trained, body)
    ours = build_losses(compose_config("train", TINY), body)
    assert {k: v.weight for k, v in losses.terms.items()} == {k: v.weight for k, v in ours.terms.items()}
    assert losses.dense is not None
    assert losses.dense.part_weight == 10  # the demo's


@pytest.mark.parametrize("key", ["network", "losses", "body", "image_size"])
def test_a_record_that_lacks_something_is_refused(key: str, trained: Checkpoint) -> None:
    record = {k: v for k, v in trained.record.items() if k != key}
    with pytest.raises(InputError, match=f"its record has no '{key}'"):
        network_from_checkpoint(Checkpoint(trained.path, trained.state, record, 0, 0))


def test_weights_of_another_width_are_refused(trained: Checkpoint) -> None:
    network = trained.record["network"]
    change = {"network": network | {"backbone": network["backbone"] | {"width": 16}}}
    with pytest.raises(InputError, match="another model"):
        network_from_checkpoint(with_record(trained, **change))


def test_another_topology_is_refused_by_the_bodys_name(trained: Checkpoint) -> None:
    body = trained.record["body"] | {"topology": "0123456789ab"}
    with pytest.raises(InputError, match="trained on the 'open' body"):
        network_from_checkpoint(with_record(trained, body=body))


def test_losses_take_their_terms_and_weights_from_the_configuration(body: BodyModel) -> None:
    config = compose_config("train", ["losses.terms.pose.weight=7", "losses.iteration_weights=[1,2,3]"])
    losses = build_losses(config, body)
    assert {name: term.weight for name, term in losses.terms.items()} == {
        "keypoints_2d": 300, "keypoints_3d": 300, "pose": 7, "shape": 0.06, "camera": 1, "vertices": 0
    }  # fmt: skip
    assert losses.iteration_weights == [1, 2, 3]
    assert losses.dense is not None
    assert losses.dense.targets.body is body
    without = build_losses(compose_config("train", ["losses.dense=null"]), body)
    assert without.dense is None


def test_data_take_their_sizes_and_stages_from_the_configuration() -> None:
    data = build_data(compose_config("train", [*TINY, "data.batch_size=9", "augmentation=none"]), "open")
    assert (data.image_size, data.batch_size, data.seed, data.body_model) == (64, 9, 3, "open")
    assert set(data.sources) == {"studio", "wild"}
    assert data.augmentation is not None
    assert data.augmentation.flip_probability == 0
    assert all(stage.epochs > 0 for stage in data.stages)


def test_records_of_configurations_are_resolved(body: BodyModel) -> None:
    config = compose_config("train", TINY)
    config.model.hidden = "${image_size}"
    assert checkpoint_record(config, body)["network"]["model"]["hidden"] == 64
    assert OmegaConf.to_container(config.model)["hidden"] == "${image_size}"


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("trainer.precision=bf17", "trainer: Precision 'bf17' is invalid"),
        ("trainer.devices=none", "trainer: `devices`"),
    ],
)
def test_a_trainer_that_lightning_refuses_is_one_line(override: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        make_trainer(compose_config("train", [override]).trainer, logger=False)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)
