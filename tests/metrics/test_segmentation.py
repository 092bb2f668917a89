"""Silhouettes and parts, by hand, by scikit-free NumPy, and at their edges."""

import numpy as np
import pytest
import torch

from pymaf_pl.metrics import segmentation
from pymaf_pl.metrics.segmentation import (
    iou,
    mean_iou,
    part_accuracy_f1,
    part_counts,
    part_scores,
    part_shares,
    silhouette_accuracy_f1,
    silhouette_counts,
    silhouette_scores,
    silhouette_shares,
)


def pictures(count: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Part pictures that agree in most pixels; the truth has pixels without a label."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 7, (count, 6, 8))
    predicted = np.where(rng.random(truth.shape) < 0.7, truth, rng.integers(0, 7, truth.shape))
    return predicted, np.where(rng.random(truth.shape) < 0.1, 255, truth)


def spins_part_scores(predicted: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """The rules of SPIN's and PyMAF's LSP evaluation, class by class and picture by picture."""
    tp, fp, fn = np.zeros(7), np.zeros(7), np.zeros(7)
    right = total = 0
    for ours, theirs in zip(predicted, truth, strict=True):
        for c in range(7):
            wanted, drawn = theirs == c, (ours == c) & (theirs != 255)
            tp[c] += (wanted & drawn).sum()
            fp[c] += (~wanted & drawn).sum()
            fn[c] += (wanted & ~drawn).sum()
        right += (np.where(theirs == 255, 0, theirs) == ours).sum()
        total += theirs.size
    return right / total, float((2 * tp / (2 * tp + fp + fn)).mean())


def test_a_silhouette_by_hand() -> None:
    predicted = np.array([[1, 1, 0, 0], [1, 0, 0, 0]])
    truth = np.array([[255, 0, 0, 0], [255, 255, 0, 0]])
    assert silhouette_counts(predicted, truth).tolist() == [[2, 1, 1, 4]]
    scores = silhouette_scores(silhouette_counts(predicted, truth)[0])
    assert scores["accuracy"].item() == 6 / 8
    assert scores["iou"].item() == 2 / 4
    assert scores["f1"].item() == pytest.approx((4 / 6 + 8 / 10) / 2)  # foreground and background
    assert silhouette_accuracy_f1(predicted, truth) == (0.75, pytest.approx((4 / 6 + 8 / 10) / 2))


def test_sums_are_global_and_iou_is_picture_by_picture() -> None:
    first, second = np.zeros((2, 4, 4)), np.zeros((2, 4, 4))
    first[0, :, :2] = second[0, :, :2] = 1  # eight pixels, all right
    first[1, 0, 0], second[1, 0, :2] = 1, 1  # one of two
    assert mean_iou(first, second) == pytest.approx((1 + 0.5) / 2)
    assert silhouette_accuracy_f1(first, second)[0] == 31 / 32
    foreground, background = 2 * 9 / (2 * 9 + 1), 2 * 22 / (2 * 22 + 1)
    assert silhouette_accuracy_f1(first, second)[1] == pytest.approx((foreground + background) / 2)


def test_empty_masks() -> None:
    nothing, something = np.zeros((1, 3, 3)), np.ones((1, 3, 3))
    assert iou(nothing, nothing).isnan().all()
    assert iou(something, nothing).tolist() == [0]
    assert iou(nothing, something).tolist() == [0]
    # only the background exists: its F1 is 1, the foreground has none
    assert silhouette_accuracy_f1(nothing, nothing) == (1.0, 1.0)
    assert np.isnan(mean_iou(nothing, nothing))
    assert mean_iou(np.stack([nothing[0], something[0]]), np.stack([nothing[0], something[0]])) == 1.0


def test_parts_equal_the_published_rules() -> None:
    predicted, truth = pictures()
    accuracy, f1 = part_accuracy_f1(predicted, truth)
    expected = spins_part_scores(predicted, truth)
    assert accuracy == pytest.approx(expected[0], abs=1e-12)
    assert f1 == pytest.approx(expected[1], abs=1e-12)


def test_a_pixel_without_label_by_hand() -> None:
    truth, predicted = np.array([[1, 255, 255, 0]]), np.array([[1, 3, 0, 0]])
    scores = {name: value.item() for name, value in part_scores(part_counts(predicted, truth)[0]).items()}
    assert scores["accuracy"] == 3 / 4  # a 255 counts as background: the 3 is wrong, the 0 is right
    assert scores["labelled_accuracy"] == 1.0
    assert scores["f1"] == 1.0  # the 3 on the 255 counts for no class; classes that nobody has are left out
    assert scores["foreground_f1"] == 1.0


def test_perfect_parts_are_one_in_every_reading() -> None:
    _, truth = pictures()
    truth = np.where(truth == 255, 0, truth)
    assert all(value == 1 for value in part_scores(part_counts(truth, truth).sum(0)).values())


def test_a_set_without_any_label_has_no_figure() -> None:
    truth = np.full((2, 3, 3), 255)
    scores = part_scores(part_counts(np.ones((2, 3, 3), int), truth).sum(0))
    assert scores["accuracy"] == 0  # of the published rule
    assert scores["f1"].isnan()
    assert scores["labelled_accuracy"].isnan()


def test_the_mean_of_everybodys_share_is_the_figure() -> None:
    predicted, truth = pictures(9)
    counts = part_counts(predicted, truth)
    for name, value in part_scores(counts.sum(0)).items():
        assert part_shares(counts)[name].mean().item() == pytest.approx(value.item(), abs=1e-12)
    counts = silhouette_counts(predicted, np.where(truth == 255, 0, truth))
    scores = silhouette_scores(counts.sum(0))
    for name, shares in silhouette_shares(counts[None]).items():
        assert shares.shape == (1, 9)
        assert shares.mean().item() == pytest.approx(scores[name].item(), abs=1e-12)


def test_shares_spread_as_the_figure_does_when_people_are_drawn_anew() -> None:
    predicted, truth = pictures(300, seed=1)
    counts = part_counts(predicted, truth)
    rng = np.random.default_rng(0)
    drawn = [part_scores(counts[torch.from_numpy(rng.integers(300, size=300))].sum(0))["f1"].item() for _ in range(400)]
    shares = part_shares(counts)["f1"].numpy()
    assert shares.std() / np.sqrt(300) == pytest.approx(np.std(drawn), rel=0.15)


def test_one_picture_and_bool_maps_are_taken_as_they_are() -> None:
    predicted, truth = pictures(1)
    assert part_counts(predicted[0], truth[0]).equal(part_counts(predicted, truth))
    mask = torch.from_numpy(truth > 0)
    assert silhouette_counts(mask, mask)[0, 1:3].tolist() == [0, 0]


def test_what_is_no_label_map_is_refused() -> None:
    with pytest.raises(ValueError, match="label maps must both be"):
        silhouette_counts(np.zeros((2, 3, 3)), np.zeros((2, 3, 4)))
    with pytest.raises(ValueError, match="the prediction has label 7"):
        part_counts(np.full((1, 2, 2), 7), np.zeros((1, 2, 2)))
    with pytest.raises(ValueError, match="the ground truth has label 9"):
        part_counts(np.zeros((1, 2, 2)), np.full((1, 2, 2), 9))
    assert segmentation.PART_COUNTS == 25
