"""Files that run without the project give what the network gives."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from pymaf_pl.body import BodyModel, load_body
from pymaf_pl.exporting import PortableNetwork, export_onnx, export_torch
from pymaf_pl.models import FeedbackNetwork, pymaf
from pymaf_pl.models.backbone import ResNet

SIZE = 64


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body("open")


@pytest.fixture(scope="module")
def network(body: BodyModel) -> FeedbackNetwork:
    torch.manual_seed(0)
    return pymaf(ResNet(depth=18, width=8), body, pyramid_channels=8, point_channels=(8, 5), hidden=16, head_gain=0.3)


def test_outputs_are_those_of_the_loop(network: FeedbackNetwork, body: BodyModel) -> None:
    image = torch.randint(0, 256, (2, 3, SIZE, SIZE)).float()
    last = PortableNetwork(network, body, "mesh")
    every = PortableNetwork(network, body, "points", all_iterations=True)
    with torch.no_grad():
        shapes = dict(zip(last.outputs, (tuple(v.shape) for v in last(image)), strict=True))
        assert shapes == {
            "pose_rotmat": (2, 24, 3, 3), "betas": (2, 10), "weak_cam": (2, 3), "joints_49": (2, 49, 3),
            "vertices": (2, 6890, 3),
        }  # fmt: skip
        final, all_of_them = last(image), every(image)
    assert every.outputs[-1] == "points"
    assert all_of_them[-1].shape == (2, 4, 431, 3)
    for one, many in zip(final[:4], all_of_them[:4], strict=True):
        torch.testing.assert_close(many[:, -1], one)
    torch.testing.assert_close(all_of_them[-1][:, -1], final[-1][:, body.mesh_points])
    assert not torch.allclose(all_of_them[1][:, 0], all_of_them[1][:, -1])  # the mean body and the last one


@pytest.mark.slow
@pytest.mark.parametrize("surface", ["none", "points", "mesh"])
def test_onnx_gives_the_same_at_any_batch(
    network: FeedbackNetwork, body: BodyModel, tmp_path: Path, surface: str
) -> None:
    model = PortableNetwork(network, body, surface)  # type: ignore[arg-type]
    difference = export_onnx(model, tmp_path / "net.onnx", SIZE)
    assert tuple(difference.per_output) == model.outputs
    assert difference.largest < 1e-4  # metres on vertices
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    image = torch.randint(0, 256, (5, 3, SIZE, SIZE)).float()
    with torch.no_grad():
        ours = model(image)
    for one, other in zip(ours, session.run(list(model.outputs), {"image": image.numpy()}), strict=True):
        np.testing.assert_allclose(other, one.numpy(), atol=1e-4)


@pytest.mark.slow
def test_torch_export_gives_the_same(network: FeedbackNetwork, body: BodyModel, tmp_path: Path) -> None:
    difference = export_torch(PortableNetwork(network, body, "mesh", True), tmp_path / "net.pt2", SIZE)
    assert difference.largest < 1e-5
    assert list(tmp_path.iterdir()) == [tmp_path / "net.pt2"]
