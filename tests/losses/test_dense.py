"""Dense targets lie where the body is, and the dense terms follow the published formulas on one-hot maps."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.body.parts import PART_TO_COARSE
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.rotation import rotmat_from_axis_angle
from pymaf_pl.losses import DenseLoss
from pymaf_pl.losses.dense import DenseTargetRenderer
from pymaf_pl.losses.terms import Targets
from pymaf_pl.types import Batch, BodyState, DenseLogits

LabelledPeople = Callable[..., tuple[BodyState, Batch]]
# FACTS of DensePose: which of the 24 parts make each of the 15 coarse classes
COARSE = [(0,), (1, 2), (3,), (4,), (5,), (6,), (7, 9), (8, 10), (11, 13), (12, 14), (15, 17), (16, 18), (19, 21),
          (20, 22), (23, 24)]  # fmt: skip


def targets_of(batch: Batch) -> Targets:
    return Targets(
        rotmat=rotmat_from_axis_angle(batch["pose"]),
        vertices=None,
        **{k: batch[k] for k in Targets._fields if k not in ("rotmat", "vertices")},
    )


def logits(batch: int, size: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> DenseLogits:
    generator = torch.Generator().manual_seed(seed)

    def draw(channels: int) -> Tensor:
        return torch.randn(batch, channels, size, size, generator=generator, dtype=dtype).requires_grad_()

    return DenseLogits(draw(25), draw(25), draw(25), draw(15))


def visible_faces(body: BodyModel, vertices: Tensor, ndc: Tensor, pixel: float) -> np.ndarray:
    """Faces of at least two pixels that nothing hides, by looking at every other face; spread over the front."""
    corners = ndc[body.faces].numpy()
    depth = vertices[:, 2][body.faces].numpy().mean(axis=1)
    centre = corners.mean(axis=1)
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    shown = []
    for face in range(0, len(centre), 97):
        p = centre[face]
        cross = [(t - s)[:, 0] * (p - s)[:, 1] - (t - s)[:, 1] * (p - s)[:, 0] for s, t in ((a, b), (b, c), (c, a))]
        covers = np.all(np.array(cross) >= 0, axis=0) | np.all(np.array(cross) <= 0, axis=0)
        area = abs(np.linalg.det(np.stack([b[face] - a[face], c[face] - a[face]]))) / 2
        if area > 2 * pixel**2 and depth[face] <= depth[covers].min() + 1e-6:
            shown.append(face)
    return np.array(shown)


def test_the_pixel_under_a_visible_point_carries_its_part_and_uv(
    body: BodyModel, labelled_people: LabelledPeople
) -> None:
    state, batch = labelled_people(2)
    size = 448  # fine enough that a pixel is smaller than a face
    dense = DenseTargetRenderer(body)(targets_of(batch), size)
    vertices = body.decode(state).vertices
    ndc = project(vertices, state.weak_cam)
    for person in range(2):
        faces = visible_faces(body, vertices[person], ndc[person], 2 / size)
        assert len(faces) > 25
        centre = ndc[person][body.faces[faces]].mean(dim=1)
        column, row = ((centre + 1) / 2 * size).floor().long().clamp(0, size - 1).T
        inside = (centre.abs() < 1).all(dim=1)
        seen = dense.part[person][row, column]
        expected = torch.from_numpy(body.surface.part[faces]).long()
        agree = (seen == expected)[inside]
        assert agree.float().mean() > 0.95  # pixels on the border of two parts may fall on either side
        uv = torch.from_numpy(body.surface.uv[faces]).mean(dim=1)
        same = inside & (seen == expected)
        got = torch.stack([dense.u[person][row, column], dense.v[person][row, column]], dim=1)
        assert (got - uv)[same].abs().median() < 0.02


def test_targets_stand_on_the_keypoints_of_the_image_not_on_the_mean_camera(
    body: BodyModel, labelled_people: LabelledPeople
) -> None:
    state, batch = labelled_people(1)
    shifted = BodyState(state.pose_6d, state.betas, torch.tensor([[0.4, 0.5, -0.6]]))
    batch["keypoints_2d"][..., :2] = project(body.joints_49(targets_of(batch).rotmat, state.betas), shifted.weak_cam)
    dense = DenseTargetRenderer(body)(targets_of(batch), 64)
    ndc = project(body.decode(shifted).vertices, shifted.weak_cam)[0]
    rows, columns = (dense.part[0] > 0).nonzero().T
    box = torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / 64 * 2 - 1
    expected = torch.cat([ndc.min(dim=0).values, ndc.max(dim=0).values])
    assert (box - expected).abs().max() < 2 * 2 / 64


def test_rows_without_labels_are_background_and_not_valid(body: BodyModel, labelled_people: LabelledPeople) -> None:
    _, batch = labelled_people(4)
    batch["has_pose"][0] = False
    batch["has_betas"][1] = False
    batch["keypoints_2d"][2] = 0  # nothing to place the body by: the published code raises here
    batch["pose"][0], batch["betas"][1] = torch.nan, torch.nan
    dense = DenseTargetRenderer(body)(targets_of(batch), 56)
    assert dense.valid.tolist() == [False, False, False, True]
    assert (dense.part[:3] == 0).all()
    assert (dense.u[:3] == 0).all()
    assert 300 < (dense.part[3] > 0).sum() < 56 * 56
    assert all(x.isfinite().all() for x in (dense.u, dense.v))


def test_unknown_shapes_are_drawn_with_the_mean_shape_when_asked(
    body: BodyModel, labelled_people: LabelledPeople
) -> None:
    _, batch = labelled_people(2)
    batch["has_betas"][1] = False
    batch["betas"][1] = torch.nan
    dense = DenseTargetRenderer(body, without_betas=True)(targets_of(batch), 56)
    assert dense.valid.tolist() == [True, True]
    batch["betas"][1], batch["has_betas"][1] = 0, True
    mean_shape = DenseTargetRenderer(body)(targets_of(batch), 56)
    assert (dense.part[1] > 0).any()
    assert torch.equal(dense.part, mean_shape.part)


def naive(loss: DenseLoss, predicted: DenseLogits, batch: Batch, uv_people: str) -> dict[str, float]:
    """The published terms on one-hot maps, background channel included; u and v over whom we are asked."""
    count, _, size, _ = predicted.u.shape
    dense = loss.targets(targets_of(batch), size)
    one_hot = torch.nn.functional.one_hot(dense.part, 25).permute(0, 3, 1, 2).double()
    coarse_of = {part: c for c, group in enumerate(COARSE) for part in group}
    result = dict.fromkeys(("dense_u", "dense_v", "dense_part", "dense_coarse"), 0.0)
    rows = dense.valid.nonzero().flatten().tolist()
    people = count if uv_people == "batch" else len(rows)
    for b in rows:
        for name, own, wanted in (("dense_u", predicted.u[b], dense.u[b]), ("dense_v", predicted.v[b], dense.v[b])):
            on = one_hot[b] > 0
            error = (own.double() - one_hot[b] * wanted)[on].abs()
            assert len(error) == size * size  # one channel per pixel, the background's too
            result[name] += 0.5 * torch.where(error < 1, 0.5 * error**2, error - 0.5).sum().item() / people
        part_log = predicted.part[b].double().log_softmax(dim=0)
        coarse_log = predicted.coarse[b].double().log_softmax(dim=0)
        for y in range(size):
            for x in range(size):
                part = int(dense.part[b, y, x])
                result["dense_part"] -= part_log[part, y, x].item() / (len(rows) * size * size)
                result["dense_coarse"] -= coarse_log[coarse_of[part], y, x].item() / (len(rows) * size * size)
    return result


@pytest.mark.parametrize("uv_people", ["labelled", "batch"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dense_terms_equal_the_published_formulas(
    dtype: torch.dtype, uv_people: Any, body: BodyModel, labelled_people: LabelledPeople
) -> None:
    _, batch = labelled_people(3)
    batch["has_pose"][1] = False
    loss, predicted = DenseLoss(body, uv_people=uv_people), logits(3, 20, dtype=dtype)
    parts = loss(predicted, targets_of(batch))
    assert {k: v.item() for k, v in parts.items()} == pytest.approx(naive(loss, predicted, batch, uv_people), rel=1e-5)


@pytest.mark.parametrize(("uv_people", "factor"), [("labelled", 1.0), ("batch", 0.5)])
def test_people_without_labels_change_u_and_v_only_as_published(
    uv_people: Any, factor: float, body: BodyModel, labelled_people: LabelledPeople
) -> None:
    _, batch = labelled_people(2)
    loss, predicted = DenseLoss(body, uv_people=uv_people), logits(2, 16)
    batch["has_pose"][1] = False
    half = loss(predicted, targets_of(batch))
    first = Batch(**{k: v[:1] for k, v in batch.items()})
    alone = loss(DenseLogits(*(x[:1] for x in predicted)), targets_of(first))
    ratios = {name: (half[name] / alone[name]).item() for name in half}
    assert ratios == pytest.approx({"dense_u": factor, "dense_v": factor, "dense_part": 1, "dense_coarse": 1}, rel=1e-5)


def test_whom_u_and_v_are_averaged_over_is_one_of_two(body: BodyModel) -> None:
    with pytest.raises(InputError, match=r"losses\.dense\.uv_people=everybody: there are labelled and batch"):
        DenseLoss(body, uv_people="everybody")  # type: ignore[arg-type]


def test_flat_u_and_v_are_one_mean_for_each_face(body: BodyModel, labelled_people: LabelledPeople) -> None:
    _, batch = labelled_people(1)
    smooth, flat = (DenseTargetRenderer(body, flat_uv=flat)(targets_of(batch), 96) for flat in (False, True))
    assert flat.part.equal(smooth.part)
    means = cKDTree([(a + b + c) / 3 for a, b, c in body.surface.uv.astype(np.float64)])  # every face's own, by hand
    seen = flat.part[0] > 0
    nearest = {}
    for name, dense in (("flat", flat), ("smooth", smooth)):
        pairs = torch.stack([dense.u[0][seen], dense.v[0][seen]], dim=1).double().numpy()
        nearest[name], _ = means.query(pairs)
    assert nearest["flat"].max() < 1e-6
    assert np.median(nearest["smooth"]) > 1e-4  # interpolated ones lie between
    assert (flat.u - smooth.u).abs().max() < 0.1


def test_background_pixels_push_channel_zero_to_zero(body: BodyModel, labelled_people: LabelledPeople) -> None:
    _, batch = labelled_people(1)
    predicted = logits(1, 32)
    DenseLoss(body)(predicted, targets_of(batch))["dense_u"].backward()
    background = DenseTargetRenderer(body)(targets_of(batch), 32).part[0] == 0
    assert background.any()
    gradient = predicted.u.grad[0]
    assert (gradient[0][background] != 0).all()
    assert (gradient[1:][:, background] == 0).all()
    assert (gradient[0][~background] == 0).all()


def test_weights_scale_the_terms(body: BodyModel, labelled_people: LabelledPeople) -> None:
    _, batch = labelled_people(1)
    predicted = logits(1, 16)
    base = DenseLoss(body)(predicted, targets_of(batch))
    scaled = DenseLoss(body, uv_weight=1.5, part_weight=2.0, coarse_weight=0.25)(predicted, targets_of(batch))
    ratios = {name: (scaled[name] / base[name]).item() for name in base}
    assert ratios == pytest.approx({"dense_u": 3, "dense_v": 3, "dense_part": 2, "dense_coarse": 0.25}, rel=1e-5)


def test_nobody_labelled_is_zero_with_finite_gradients(body: BodyModel, labelled_people: LabelledPeople) -> None:
    _, batch = labelled_people(2)
    batch["has_pose"][:] = False
    predicted = logits(2, 16)
    parts = DenseLoss(body)(predicted, targets_of(batch))
    assert [v.item() for v in parts.values()] == [0, 0, 0, 0]
    torch.stack(list(parts.values())).sum().backward()
    # every head takes part in the graph, or DDP would wait for it
    assert all((x.grad == 0).all() for x in predicted)


def test_coarse_classes_are_the_published_unions() -> None:
    assert [[p for p in range(25) if PART_TO_COARSE[p] == c] for c in range(15)] == [list(g) for g in COARSE]
