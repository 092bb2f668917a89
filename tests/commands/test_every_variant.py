"""Every file of conf/backbone, conf/pyramid and conf/feedback, and every other choice, trains two steps."""

import json

import pytest
import torch

from pymaf_pl import cli
from pymaf_pl.checkpoints import read_checkpoint
from pymaf_pl.commands.composing import available
from pymaf_pl.models.backbone import ResNet
from pymaf_pl.rebuilding import network_from_checkpoint

FROM_TIMM = {"hrnet_w48", "vit_small"}
SLOW = {"hrnet_w48", "vit_small", "resnet101"}
BACKBONES = [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in available("backbone")]


@pytest.fixture
def two_steps(worlds, tiny, tmp_path):
    """Train two steps with overrides after the miniature's; returns the checkpoint, rebuilt from its own record."""

    def run(*overrides, without=()):
        folders = [f"data.synthetic_root={worlds}/train", f"protocol.root={worlds}/val", f"hydra.run.dir={tmp_path}"]
        small = [line for line in tiny if not line.startswith(tuple(without))]
        assert cli.main(["train", *small, *folders, "trainer.max_steps=2", "report_people=0", *overrides]) == 0
        metrics = json.loads((tmp_path / "metrics.json").read_text())
        assert all(row["mpjpe"] == row["mpjpe"] for row in metrics["iterations"])
        checkpoint = read_checkpoint(tmp_path / "checkpoints" / "last.ckpt")
        assert checkpoint.step == 2
        network, _ = network_from_checkpoint(checkpoint)
        assert len(metrics["iterations"]) == network.num_iterations + 1
        return network

    return run


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_trains(backbone, two_steps, tmp_path):
    if backbone in FROM_TIMM:
        pytest.importorskip("timm")
        two_steps(f"backbone={backbone}", "backbone.weights=null", without=["backbone.width"])
        return
    weights = "null"
    if backbone == "resnet50_coco":  # the user's own file, here made up
        weights = tmp_path / "pose_resnet.pth.tar"
        state = {f"module.{key}": value for key, value in ResNet(50, width=8).state_dict().items()}
        torch.save({"state_dict": state | {"module.final_layer.weight": torch.zeros(17, 3, 1, 1)}}, weights)
    two_steps(f"backbone={backbone}", f"backbone.weights={weights}")


@pytest.mark.parametrize("pyramid", available("pyramid"))
def test_every_pyramid_trains(pyramid, two_steps):
    two_steps(f"pyramid={pyramid}")


@pytest.mark.parametrize("feedback", available("feedback"))
def test_every_feedback_trains(feedback, two_steps):
    two_steps(f"feedback={feedback}")


@pytest.mark.parametrize(
    "overrides",
    [
        ["model.num_iterations=1", "pyramid=lateral", "model.dense_size=24"],
        [
            "model.num_iterations=5",
            "pyramid=fixed",
            "model.detach=false",
            "losses.iteration_weights={pose:[0,0,1,1,2]}",
        ],
        ["feedback=mesh_only", "model.shared_regressor=true", "model.feedback.num_points=60", "model.feedback.seed=1"],
        ["pyramid=none", "feedback=global_feature", "losses.terms.shape.weight=0", "losses.terms.vertices.weight=1"],
        ["model=hmr", "model.rotation=axis_angle", "model.pose_noise=0.2"],
    ],
    ids=" ".join,
)
def test_every_other_choice_trains(overrides, two_steps):
    small = ["model.pyramid_channels", "model.point_channels"] if "model=hmr" in overrides else []
    two_steps(*overrides, without=small)


def test_a_network_without_dense_supervision_has_no_dense_head(two_steps):
    assert two_steps("losses.dense=null").dense_head is None


def test_the_record_rebuilds_the_variant_that_was_trained(two_steps):
    network = two_steps(
        "pyramid=lateral",
        "feedback=attention",
        "model.feedback.seed=4",
        "model.rotation=axis_angle",
        "model.pose_noise=0.1",
    )
    assert type(network.pyramid).__name__ == "LateralPyramid"
    assert type(network.evidence[1]).__name__ == "AttentionEvidence"
    assert type(network.regressors[0].code).__name__ == "AxisAngle"
    assert network.pose_filter is not None


@pytest.mark.slow
@pytest.mark.parametrize("group", ["pyramid", "feedback"])
def test_a_multirun_over_every_option_finishes(group, worlds, tiny, tmp_path):
    folders = [f"data.synthetic_root={worlds}/train", f"protocol.root={worlds}/val", f"hydra.sweep.dir={tmp_path}"]
    options = available(group)
    sweep = [f"{group}={','.join(options)}", "trainer.max_steps=2", "report_people=0"]
    assert cli.main(["train", "-m", *tiny, *folders, *sweep]) == 0
    assert len(list(tmp_path.glob("*/metrics.json"))) == len(options)
