"""Silhouettes and body parts from label maps: accuracy and F1 over a whole set of pictures, IoU picture by picture.

The rules are those of the LSP evaluation of SPIN and PyMAF (their eval.py), which follows Unite the People:

- Sums are *global*: pixels of all pictures are counted together, so a large picture weighs more than a small one.
- Silhouettes: a label above 0 is foreground. The F1 is the mean of the background's and the foreground's.
- Parts: labels 0 to 6, and 255 where the annotators left the part open. The F1 is the mean over the seven classes,
  *background included*; a predicted pixel on a 255 counts for no class. For the accuracy a 255 counts as background.
- ``foreground_f1`` and ``labelled_accuracy`` are the other readings: the mean over the six parts alone, and the share
  of the pixels that have a label.

Maps are (N, H, W), or (H, W) for one picture; of a set whose pictures differ in size, add up the counts.

Shapes:  N pictures, H W picture. Counts are int64 and additive.
"""

from typing import Any, Final

import torch
from torch import Tensor

from pymaf_pl.body.parts import LIMB_NAMES

IGNORED: Final = 255
NUM_CLASSES: Final = len(LIMB_NAMES)  # background and six parts
SILHOUETTE_COUNTS: Final = 4  # true positive, false positive, false negative, true negative
PART_COUNTS: Final = 3 * NUM_CLASSES + 4  # tp, fp and fn of each class; equal and all pixels, equal and all labelled


def silhouette_counts(predicted: Tensor | Any, target: Tensor | Any) -> Tensor:
    """Count pixels of foreground (labels above 0).

    Args:
        predicted: (N, H, W) bool or labels.
        target: (N, H, W) likewise.

    Returns:
        (N, 4) int64: true positive, false positive, false negative, true negative.

    Raises:
        ValueError: the maps differ in shape.
    """
    ours, truth = (maps > 0 for maps in _maps(predicted, target))
    cells = (ours & truth, ours & ~truth, ~ours & truth, ~ours & ~truth)
    return torch.stack([cell.sum(dim=(1, 2)) for cell in cells], dim=-1)


def silhouette_scores(counts: Tensor) -> dict[str, Tensor]:
    """Turn summed counts (..., 4) into ``accuracy``, ``f1`` and ``iou`` in [0, 1], float64.

    A class that is neither in the prediction nor in the truth has no F1 and is left out of the mean; NaN where nothing
    is left.
    """
    tp, fp, fn, tn = counts.double().unbind(-1)
    f1 = torch.stack([2 * tp / (2 * tp + fp + fn), 2 * tn / (2 * tn + fp + fn)], dim=-1)
    return {
        "accuracy": (tp + tn) / (tp + fp + fn + tn),
        "f1": f1.nanmean(dim=-1),
        "iou": tp / (tp + fp + fn),
    }


def part_counts(predicted: Tensor | Any, target: Tensor | Any) -> Tensor:
    """Count pixels of background and the six parts.

    Args:
        predicted: (N, H, W) labels 0 to 6.
        target: (N, H, W) labels 0 to 6, or 255.

    Returns:
        (N, 25) int64: true positives of the seven classes, then false positives, then false negatives; then equal
        pixels and all pixels with 255 as background, and the same of labelled pixels.

    Raises:
        ValueError: the maps differ in shape or hold another label.
    """
    ours, truth = (maps.long() for maps in _maps(predicted, target))
    _check_labels(ours, "the prediction", NUM_CLASSES)
    ignored = truth == IGNORED
    _check_labels(truth.masked_fill(ignored, 0), "the ground truth", NUM_CLASSES)
    # one cell for each pair of labels; a 255 is the truth's eighth
    pairs = truth.masked_fill(ignored, NUM_CLASSES) * NUM_CLASSES + ours
    cells = NUM_CLASSES * (NUM_CLASSES + 1)
    picture = torch.arange(len(pairs), device=pairs.device)[:, None, None]
    table = torch.bincount((pairs + cells * picture).flatten(), minlength=cells * len(pairs))
    table = table[: cells * len(pairs)].view(-1, NUM_CLASSES + 1, NUM_CLASSES)
    known = table[:, :NUM_CLASSES]
    tp = known.diagonal(dim1=1, dim2=2)
    fp, fn = known.sum(dim=1) - tp, known.sum(dim=2) - tp
    equal, everything = tp.sum(dim=1), table.sum(dim=(1, 2))
    as_background = equal + table[:, NUM_CLASSES, 0]
    totals = torch.stack([as_background, everything, equal, known.sum(dim=(1, 2))], dim=-1)
    return torch.cat([tp, fp, fn, totals], dim=-1)


def part_scores(counts: Tensor) -> dict[str, Tensor]:
    """Turn summed counts (..., 25) into figures in [0, 1], float64.

    Returns:
        ``accuracy`` and ``f1`` as SPIN and PyMAF report them, ``labelled_accuracy`` and ``foreground_f1``. A class
        that is neither in the prediction nor in the truth is left out of a mean.
    """
    counts = counts.double()
    tp, fp, fn = counts[..., : 3 * NUM_CLASSES].unflatten(-1, (3, NUM_CLASSES)).unbind(-2)
    f1 = 2 * tp / (2 * tp + fp + fn)
    equal, everything, equal_labelled, labelled = counts[..., 3 * NUM_CLASSES :].unbind(-1)
    return {
        "accuracy": equal / everything,
        "f1": f1.nanmean(dim=-1),
        "labelled_accuracy": equal_labelled / labelled,
        "foreground_f1": f1[..., 1:].nanmean(dim=-1),
    }


def silhouette_accuracy_f1(predicted: Tensor | Any, target: Tensor | Any) -> tuple[float, float]:
    """Return accuracy and F1 of silhouettes over a set of pictures of one size."""
    scores = silhouette_scores(silhouette_counts(predicted, target).sum(dim=0))
    return float(scores["accuracy"]), float(scores["f1"])


def part_accuracy_f1(predicted: Tensor | Any, target: Tensor | Any) -> tuple[float, float]:
    """Return accuracy and F1 of the six parts and the background over a set of pictures of one size."""
    scores = part_scores(part_counts(predicted, target).sum(dim=0))
    return float(scores["accuracy"]), float(scores["f1"])


def iou(predicted: Tensor | Any, target: Tensor | Any) -> Tensor:
    """Return the intersection over union of each silhouette; (N,) float64, NaN where both are empty."""
    return silhouette_scores(silhouette_counts(predicted, target))["iou"]


def mean_iou(predicted: Tensor | Any, target: Tensor | Any) -> float:
    """Return the mean of :func:`iou` over the pictures where anything is, as SSP-3D reports it."""
    return float(iou(predicted, target).nanmean())


def share_of_ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Spread a ratio of sums over those who make it, so that the mean of their shares is the ratio itself.

    A person's share is the ratio plus how much it would change, to first order, with that person's weight; its spread
    over people is what an interval of the ratio needs (the infinitesimal jackknife, Efron 1982).

    Args:
        numerator: (..., N) counts.
        denominator: (..., N) counts.

    Returns:
        (..., N) float64; NaN where the denominators sum to 0.
    """
    numerator, denominator = numerator.double(), denominator.double()
    ratio = numerator.sum(dim=-1, keepdim=True) / denominator.sum(dim=-1, keepdim=True)
    return ratio + (numerator - ratio * denominator) / denominator.mean(dim=-1, keepdim=True)


def silhouette_shares(counts: Tensor) -> dict[str, Tensor]:
    """Return everybody's share (..., N) of the global ``accuracy`` and ``f1`` of counts (..., N, 4)."""
    tp, fp, fn, tn = counts.double().unbind(-1)
    wrong = fp + fn
    f1 = torch.stack([share_of_ratio(2 * hit, 2 * hit + wrong) for hit in (tp, tn)])
    return {"accuracy": share_of_ratio(tp + tn, tp + tn + wrong), "f1": f1.nanmean(dim=0)}


def part_shares(counts: Tensor) -> dict[str, Tensor]:
    """Return everybody's share (..., N) of the global figures of :func:`part_scores` of counts (..., N, 25)."""
    counts = counts.double()
    tp, fp, fn = counts[..., : 3 * NUM_CLASSES].unflatten(-1, (3, NUM_CLASSES)).movedim(-1, 0).unbind(-1)
    f1 = torch.stack([share_of_ratio(2 * tp[c], 2 * tp[c] + fp[c] + fn[c]) for c in range(NUM_CLASSES)])
    equal, everything, equal_labelled, labelled = counts[..., 3 * NUM_CLASSES :].unbind(-1)
    return {
        "accuracy": share_of_ratio(equal, everything),
        "f1": f1.nanmean(dim=0),
        "labelled_accuracy": share_of_ratio(equal_labelled, labelled),
        "foreground_f1": f1[1:].nanmean(dim=0),
    }


def _maps(predicted: Tensor | Any, target: Tensor | Any) -> tuple[Tensor, Tensor]:
    ours, truth = (torch.as_tensor(maps) for maps in (predicted, target))
    if ours.shape != truth.shape or ours.dim() not in (2, 3):
        raise ValueError(
            f"label maps must both be (N, H, W) or (H, W), got {tuple(ours.shape)} and {tuple(truth.shape)}"
        )
    if ours.dim() == 2:
        ours, truth = ours.unsqueeze(0), truth.unsqueeze(0)
    return ours, truth.to(ours.device)


def _check_labels(labels: Tensor, what: str, count: int) -> None:
    if labels.numel() and (labels.min() < 0 or labels.max() >= count):
        found = int(labels.min()) if labels.min() < 0 else int(labels.max())
        raise ValueError(f"{what} has label {found}; there are 0 to {count - 1}, and {IGNORED} in the ground truth")
