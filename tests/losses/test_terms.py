"""Each term against a loop over people and joints that follows the published formula."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.rotation import rotmat_from_6d, rotmat_from_axis_angle
from pymaf_pl.losses import Camera, FeedbackLoss, Keypoints2D, Keypoints3D, Pose, Shape, Vertices
from pymaf_pl.types import Batch, BodyState, NetworkOutput

TERMS = {
    "keypoints_2d": Keypoints2D(),
    "keypoints_3d": Keypoints3D(),
    "pose": Pose(),
    "shape": Shape(),
    "camera": Camera(),
    "vertices": Vertices(weight=1.0),
}
LABELS = {
    "keypoints_3d": ("keypoints_3d", "has_keypoints_3d"),
    "pose": ("pose", "has_pose"),
    "shape": ("betas", "has_betas"),
    "vertices": ("betas", "has_betas"),
}


def naive(name: str, body: BodyModel, state: BodyState, batch: Batch) -> float:
    """One unweighted term of one iteration, person by person and joint by joint."""
    count = len(state)
    sums, people = 0.0, 0
    for b in range(count):
        rotmat, truth = rotmat_from_6d(state.pose_6d[b]), rotmat_from_axis_angle(batch["pose"][b])
        joints = body.joints_49(rotmat[None], state.betas[b : b + 1])[0]
        if name == "keypoints_2d":
            pixels = project(joints[None], state.weak_cam[b : b + 1])[0]
            for j in range(25, 49):  # the 25 detected joints have weight zero
                x, y, confidence = batch["keypoints_2d"][b, j].tolist()
                sums += confidence * ((pixels[j, 0] - x) ** 2 + (pixels[j, 1] - y) ** 2).item()
        elif name == "keypoints_3d" and batch["has_keypoints_3d"][b]:
            people += 1
            label = batch["keypoints_3d"][b]
            ours = joints[25:] - (joints[25 + 2] + joints[25 + 3]) / 2  # right and left hip are 2 and 3 of the 24
            theirs = label[:, :3] - (label[2, :3] + label[3, :3]) / 2
            sums += sum((label[j, 3] * (ours[j] - theirs[j]).pow(2).sum()).item() for j in range(24))
        elif name == "pose" and batch["has_pose"][b]:
            people += 1
            sums += (rotmat - truth).pow(2).sum().item()
        elif name == "shape" and batch["has_betas"][b]:
            people += 1
            sums += (state.betas[b] - batch["betas"][b]).pow(2).sum().item()
        elif name == "vertices" and batch["has_pose"][b] and batch["has_betas"][b]:
            people += 1
            ours = body(rotmat[None], state.betas[b : b + 1]).vertices
            sums += (ours - body(truth[None], batch["betas"][b : b + 1]).vertices).abs().sum().item()
        elif name == "camera":
            sums += math.exp(-10 * state.weak_cam[b, 0].item()) ** 2
    size = {"keypoints_2d": 49 * 2 * count, "camera": count, "keypoints_3d": 24 * 3, "pose": 24 * 9, "shape": 10}
    per_person = size.get(name, 3 * body.num_vertices)
    return sums / per_person if name in ("keypoints_2d", "camera") else sums / (per_person * max(1, people))


@pytest.fixture
def mixed_batch(labelled_people: Callable[..., tuple[BodyState, Batch]]) -> Batch:
    """Four people, each without some label, and keypoints of uneven confidence."""
    _, batch = labelled_people(4)
    generator = torch.Generator().manual_seed(5)
    batch["keypoints_2d"][..., 2] = torch.randint(0, 3, (4, 49), generator=generator) / 2
    batch["keypoints_3d"][..., 3] = torch.randint(0, 3, (4, 24), generator=generator) / 2
    batch["has_pose"] = torch.tensor([True, False, True, True])
    batch["has_betas"] = torch.tensor([False, True, True, True])
    batch["has_keypoints_3d"] = torch.tensor([True, True, False, False])
    return batch


def term_of(body: BodyModel, name: str, output: NetworkOutput, batch: Batch, **change: float) -> Tensor:
    """Return the (T,) values of one term alone, weighted."""
    term = type(TERMS[name])(**({"weight": TERMS[name].weight} | change))
    _, parts = FeedbackLoss(body, {name: term})(output, batch)
    return torch.stack([parts[f"{name}/iter_{t}"] for t in range(1, len(output.iterations))])


@pytest.mark.parametrize("name", TERMS)
def test_every_term_equals_the_loop_over_people(
    name: str, body: BodyModel, guess: Callable[..., NetworkOutput], mixed_batch: Batch
) -> None:
    output = guess(4)
    expected = [TERMS[name].weight * naive(name, body, state, mixed_batch) for state in output.iterations[1:]]
    assert min(expected) > 0
    torch.testing.assert_close(
        term_of(body, name, output, mixed_batch).detach(), torch.tensor(expected), rtol=1e-4, atol=1e-9
    )


def test_default_weights_are_the_published_ones() -> None:
    weights = {name: type(term)().weight for name, term in TERMS.items()}
    assert weights == {
        "keypoints_2d": 300, "keypoints_3d": 300, "pose": 60, "shape": 0.06, "camera": 1, "vertices": 0
    }  # fmt: skip
    assert (Keypoints2D().openpose_weight, Keypoints2D().truth_weight) == (0, 1)


@pytest.mark.parametrize("name", ["keypoints_2d", "keypoints_3d", "pose", "shape", "vertices"])
def test_the_truth_as_prediction_costs_nothing(
    name: str, body: BodyModel, labelled_people: Callable[..., tuple[BodyState, Batch]]
) -> None:
    state, batch = labelled_people(3)
    value = term_of(body, name, NetworkOutput((state, state)), batch)
    assert 0 <= value.item() < 1e-4 * TERMS[name].weight


def test_one_labelled_joint_counts_300_over_49_times_2_times_the_batch(
    body: BodyModel, labelled_people: Callable[..., tuple[BodyState, Batch]]
) -> None:
    state, batch = labelled_people(5)
    batch["keypoints_2d"][..., 2] = 0
    batch["keypoints_2d"][1, 30, 2] = 1
    batch["keypoints_2d"][1, 30, 0] += 0.5
    value = term_of(body, "keypoints_2d", NetworkOutput((state, state)), batch)
    assert value.item() == pytest.approx(300 / (49 * 2 * 5) * 0.25, rel=1e-4)


def test_detected_joints_count_only_when_asked(
    body: BodyModel, labelled_people: Callable[..., tuple[BodyState, Batch]]
) -> None:
    state, batch = labelled_people(2)
    batch["keypoints_2d"][0, 4, :2] += torch.tensor([0.3, 0.4])
    output = NetworkOutput((state, state))
    assert term_of(body, "keypoints_2d", output, batch).item() < 1e-6
    counted = term_of(body, "keypoints_2d", output, batch, openpose_weight=2.0).item()
    assert counted == pytest.approx(300 * 2 * 0.25 / (49 * 2 * 2), rel=1e-4)


@pytest.mark.parametrize(("scale", "expected"), [(0.9, math.exp(-18)), (0.0, 1.0), (-0.1, math.exp(2))])
def test_camera_term_acts_only_on_scales_near_zero(
    scale: float, expected: float, body: BodyModel, labelled_people: Callable[..., tuple[BodyState, Batch]]
) -> None:
    state, batch = labelled_people(2)
    cam = torch.tensor([scale, 0.3, -0.2]).expand(2, 3)
    value = term_of(body, "camera", NetworkOutput((state, BodyState(state.pose_6d, state.betas, cam))), batch)
    assert value.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("garbage", [float("nan"), float("inf"), 1e20])
@pytest.mark.parametrize("name", LABELS)
def test_a_missing_label_may_hold_anything(
    name: str, garbage: float, body: BodyModel, guess: Callable[..., NetworkOutput], mixed_batch: Batch
) -> None:
    label, mask = LABELS[name]
    clean = term_of(body, name, guess(4), mixed_batch)
    mixed_batch[label][~mixed_batch[mask]] = garbage
    output = guess(4)
    dirty = term_of(body, name, output, mixed_batch)
    torch.testing.assert_close(dirty, clean)
    dirty.sum().backward()
    assert all(leaf.isfinite().all() for leaf in gradients(output))


def test_an_unlabelled_keypoint_may_lie_anywhere(
    body: BodyModel, guess: Callable[..., NetworkOutput], mixed_batch: Batch
) -> None:
    clean = [term_of(body, name, guess(4), mixed_batch) for name in ("keypoints_2d", "keypoints_3d")]
    mixed_batch["keypoints_2d"][..., :2][mixed_batch["keypoints_2d"][..., 2] == 0] = torch.nan
    unseen = mixed_batch["keypoints_3d"][..., 3] == 0
    unseen[:, [2, 3]] = False  # the hips are the origin, whatever their confidence
    mixed_batch["keypoints_3d"][..., :3][unseen] = torch.nan
    output = guess(4)
    dirty = [term_of(body, name, output, mixed_batch) for name in ("keypoints_2d", "keypoints_3d")]
    torch.testing.assert_close(dirty, clean)
    torch.cat(dirty).sum().backward()
    assert all(leaf.isfinite().all() for leaf in gradients(output))


@pytest.mark.parametrize("name", LABELS)
def test_nobody_labelled_is_exactly_zero_with_finite_gradients(
    name: str, body: BodyModel, guess: Callable[..., NetworkOutput], mixed_batch: Batch
) -> None:
    mixed_batch[LABELS[name][1]] = torch.zeros(4, dtype=torch.bool)
    output = guess(4)
    values = term_of(body, name, output, mixed_batch)
    assert values.tolist() == [0.0, 0.0, 0.0]
    values.sum().backward()
    assert all((leaf == 0).all() for leaf in gradients(output))


def gradients(output: NetworkOutput) -> list[Tensor]:
    """Gradients that reached the (157,) vectors behind the supervised states."""
    leaves = [state.betas._base for state in output.iterations[1:]]
    return [leaf.grad for leaf in leaves if leaf is not None and leaf.grad is not None]
