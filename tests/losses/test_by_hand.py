"""Every term on numbers that can be added up on paper."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.losses import Camera, DenseLoss, FeedbackLoss, Keypoints2D, Keypoints3D, Pose, Shape, Vertices
from pymaf_pl.losses.dense import DenseTargets
from pymaf_pl.losses.terms import DecodedBodies, Targets
from pymaf_pl.types import DenseLogits

LAST_24 = 25  # where the annotated joints begin among the 49
RIGHT_HIP, LEFT_HIP = 2, 3  # of the 24


@pytest.fixture
def predicted(dtype: torch.dtype) -> DecodedBodies:
    """Two people after one iteration: no turns, no shape, all joints and both vertices at the origin, s = 1."""
    return DecodedBodies(
        rotmat=torch.eye(3, dtype=dtype).expand(1, 2, 24, 3, 3).clone(),
        betas=torch.zeros(1, 2, 10, dtype=dtype),
        weak_cam=torch.tensor([1.0, 0, 0], dtype=dtype).expand(1, 2, 3).clone(),
        joints_49=torch.zeros(1, 2, 49, 3, dtype=dtype),
        keypoints_2d=torch.zeros(1, 2, 49, 2, dtype=dtype),
        vertices=torch.zeros(1, 2, 2, 3, dtype=dtype),
    )


@pytest.fixture
def target(dtype: torch.dtype) -> Targets:
    """The same two people; no keypoint is labelled, and only the first has pose, shape and 3D joints."""
    first = torch.tensor([True, False])
    return Targets(
        rotmat=torch.eye(3, dtype=dtype).expand(2, 24, 3, 3).clone(),
        betas=torch.zeros(2, 10, dtype=dtype),
        keypoints_2d=torch.zeros(2, 49, 3, dtype=dtype),
        keypoints_3d=torch.zeros(2, 24, 4, dtype=dtype),
        has_pose=first,
        has_betas=first,
        has_keypoints_3d=first,
        vertices=torch.zeros(2, 2, 3, dtype=dtype),
    )


def value(term: Any, predicted: DecodedBodies, target: Targets) -> float:
    values: Tensor = term(predicted, target)
    assert values.shape == (1,)
    return values.item()


def test_2d_keypoints(predicted: DecodedBodies, target: Targets) -> None:
    target.keypoints_2d[0, LAST_24 + 5] = target.keypoints_2d.new_tensor([0.3, -0.4, 1.0])  # 0.09 + 0.16
    target.keypoints_2d[1, LAST_24 + 6] = target.keypoints_2d.new_tensor([1.0, 0.0, 0.5])  # 0.5 x 1
    target.keypoints_2d[1, 7] = target.keypoints_2d.new_tensor([9.0, 9.0, 1.0])  # detected: weight 0
    assert value(Keypoints2D(), predicted, target) == pytest.approx(0.75 / (2 * 49 * 2))
    # detected ones at 0.1: 0.1 x (81 + 81)
    assert value(Keypoints2D(openpose_weight=0.1), predicted, target) == pytest.approx((0.75 + 16.2) / (2 * 49 * 2))


def test_3d_keypoints(predicted: DecodedBodies, target: Targets) -> None:
    joints, labels = predicted.joints_49[0, 0], target.keypoints_3d[0]
    joints[LAST_24 + LEFT_HIP] = joints.new_tensor([2.0, 0, 0])  # the hips' middle is (1, 0, 0)
    labels[RIGHT_HIP] = labels.new_tensor([7.0, 1, 0, 1])  # and (7, 0, 0)
    labels[LEFT_HIP] = labels.new_tensor([7.0, -1, 0, 1])
    # each hip lies at (-+1, 0, 0) and should at (0, +-1, 0): 2 + 2
    joints[LAST_24 + 9] = joints.new_tensor([1.0, 0, 3])  # (0, 0, 3) and should be at (0, 0, 1), half sure: 0.5 x 4
    labels[9] = labels.new_tensor([7.0, 0, 1, 0.5])
    target.keypoints_3d[1] = 5.0  # of somebody without 3D labels
    assert value(Keypoints3D(), predicted, target) == pytest.approx(6 / (1 * 24 * 3))


def test_pose(predicted: DecodedBodies, target: Targets) -> None:
    quarter = predicted.rotmat.new_tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    predicted.rotmat[0, 0, 0] = quarter  # the root counts: four entries are off by one
    predicted.rotmat[0, 1, 4] = quarter  # of somebody without a label
    assert value(Pose(), predicted, target) == pytest.approx(4 / (1 * 24 * 9))


def test_shape(predicted: DecodedBodies, target: Targets) -> None:
    predicted.betas[0, 0, :2] = predicted.betas.new_tensor([1.0, -2.0])
    predicted.betas[0, 1] = 3.0
    assert value(Shape(), predicted, target) == pytest.approx(5 / (1 * 10))


def test_camera(predicted: DecodedBodies, target: Targets) -> None:
    predicted.weak_cam[0, :, 0] = predicted.weak_cam.new_tensor([0.0, 0.1])
    predicted.weak_cam[0, :, 1:] = 4.0
    assert value(Camera(), predicted, target) == pytest.approx((1 + math.exp(-2)) / 2)  # over everybody


def test_vertices(predicted: DecodedBodies, target: Targets) -> None:
    assert predicted.vertices is not None
    predicted.vertices[0, 0, 1] = predicted.vertices.new_tensor([0.1, -0.2, 0.0])
    predicted.vertices[0, 1] = 1.0
    assert value(Vertices(), predicted, target) == pytest.approx(0.3 / (1 * 2 * 3))


@pytest.mark.parametrize(("uv_people", "people"), [("labelled", 1), ("batch", 2)])
def test_dense(uv_people: Any, people: int, body: BodyModel, target: Targets) -> None:
    """Two people on 2 x 2 pixels, the first labelled: background, part 1, background and part 2."""
    loss = DenseLoss(body, uv_people=uv_people)
    part = torch.tensor([[[0, 1], [0, 2]], [[0, 0], [0, 0]]])
    wanted = torch.zeros(2, 2, 2)
    wanted[0] = torch.tensor([[0.0, 0.8], [0.0, 0.25]])
    truth = DenseTargets(part, wanted, torch.zeros(2, 2, 2), torch.tensor([True, False]))
    loss.targets.forward = lambda *_: truth  # type: ignore[method-assign, assignment]
    u = torch.full((2, 25, 2, 2), 50.0)  # nobody looks at channels of other parts
    u[0, 0, 0, 0], u[0, 1, 0, 1], u[0, 0, 1, 0], u[0, 2, 1, 1] = 0.5, 0.3, -2.0, 0.25
    parts = loss(DenseLogits(u, torch.zeros(2, 25, 2, 2), torch.zeros(2, 25, 2, 2), torch.zeros(2, 15, 2, 2)), target)
    # 0.5^2 / 2 + 0.5^2 / 2 + (2 - 0.5) + 0, times 0.5
    assert parts["dense_u"].item() == pytest.approx(0.5 * 1.75 / people)
    assert parts["dense_v"].item() == 0
    assert parts["dense_part"].item() == pytest.approx(math.log(25))  # all parts alike
    assert parts["dense_coarse"].item() == pytest.approx(math.log(15))


def test_three_iterations_have_nineteen_summands(body: BodyModel, labelled_people: Any, guess: Any) -> None:
    names = {"keypoints_2d": Keypoints2D(), "keypoints_3d": Keypoints3D(), "pose": Pose(), "shape": Shape(),
             "camera": Camera(), "vertices": Vertices()}  # fmt: skip
    _, batch = labelled_people(2)
    output = guess(2, iterations=3)
    logits = DenseLogits(*(torch.zeros(2, channels, 8, 8) for channels in (25, 25, 25, 15)))
    total, parts = FeedbackLoss(body, names, dense=DenseLoss(body))(type(output)(output.iterations, logits), batch)
    assert len(parts) == 3 * 5 + 4  # the vertices' weight is 0
    assert total.item() == pytest.approx(sum(part.item() for part in parts.values()), rel=1e-6)
