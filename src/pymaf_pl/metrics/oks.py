"""COCO's keypoint figures: OKS of a person, AP and AR of a set.

AP needs ``pycocotools`` (BSD, the extra ``coco``), which is imported when it is asked for; OKS needs nothing.

Shapes:  N people, 17 keypoints in COCO's order.
"""

import contextlib
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pymaf_pl.body.joints import COCO_17
from pymaf_pl.errors import InputError

SIGMAS: Final = tuple(
    s / 10 for s in (.26, .25, .25, .35, .35, .79, .79, .72, .72, .62, .62, 1.07, 1.07, .87, .87, .89, .89)
)  # pycocotools' Params.kpt_oks_sigmas  # fmt: skip
OKS_THRESHOLDS: Final = tuple(round(0.5 + 0.05 * n, 2) for n in range(10))  # pycocotools' Params.iouThrs
AP_FIGURES: Final = ("ap", "ap50", "ap75", "ap_m", "ap_l", "ar", "ar50", "ar75", "ar_m", "ar_l")  # COCOeval.stats
CATEGORY: Final = 1  # person
_AREAS: Final = {"all": (0.0, 1e10), "m": (32.0**2, 96.0**2), "l": (96.0**2, 1e10)}  # px^2, Params.areaRng


def oks(predicted: Tensor, target: Tensor, visible: Tensor, area: Tensor) -> Tensor:
    """Return the object keypoint similarity of COCO.

    Args:
        predicted: (N, 17, 2) px.
        target: (N, 17, 2) px.
        visible: (N, 17) a keypoint counts where it is positive.
        area: (N,) of the person, px^2.

    Returns:
        (N,) in [0, 1]; NaN where no keypoint is labelled.
    """
    labelled = visible > 0
    sigmas = predicted.new_tensor(SIGMAS)
    squared = (predicted - target).square().sum(dim=-1) / (2 * sigmas).square()
    # pycocotools adds the spacing of 1 to the area
    similar = torch.exp(-squared / (area.unsqueeze(-1) + 2.220446049250313e-16) / 2)
    total = torch.where(labelled, similar, torch.zeros_like(similar)).sum(dim=-1)
    return total / labelled.sum(dim=-1).to(predicted.dtype)


def truth_document(
    image_ids: npt.NDArray[np.int64], keypoints: npt.NDArray[Any], areas: npt.NDArray[Any]
) -> dict[str, Any]:
    """Lay out ground truth as COCO's JSON, for data that has none.

    Args:
        image_ids: (N,) which people are in one picture.
        keypoints: (N, 17, 3) px and confidence.
        areas: (N,) of the people, px^2.
    """
    people = []
    for number, (image, points, area) in enumerate(zip(image_ids, keypoints, areas, strict=True), start=1):
        seen = points[:, 2] > 0
        inside = points[seen, :2] if seen.any() else np.zeros((1, 2))
        low, high = inside.min(axis=0), inside.max(axis=0)
        flat = np.column_stack([np.where(seen[:, None], points[:, :2], 0.0), 2 * seen]).ravel()
        people.append(
            {
                "id": number,
                "image_id": int(image),
                "category_id": CATEGORY,
                "keypoints": flat.tolist(),
                "num_keypoints": int(seen.sum()),
                "area": float(area),
                "bbox": [*low.tolist(), *(high - low).tolist()],
                "iscrowd": 0,
            }
        )
    category = {"id": CATEGORY, "name": "person", "keypoints": list(COCO_17), "skeleton": []}
    images = [{"id": image} for image in sorted({int(image) for image in image_ids})]
    return {"images": images, "annotations": people, "categories": [category]}


def detections(
    image_ids: npt.NDArray[np.int64], keypoints: npt.NDArray[Any], scores: Sequence[float] | None = None
) -> list[dict[str, Any]]:
    """Lay out predicted (N, 17, 2) keypoints as COCO's results; by default everybody has score 1, as PyMAF's do."""
    ones = np.ones((len(keypoints), 17, 1))
    flat = np.concatenate([np.asarray(keypoints, np.float64), ones], axis=-1).reshape(len(keypoints), -1)
    given = [1.0] * len(flat) if scores is None else scores
    return [
        {"image_id": int(image), "category_id": CATEGORY, "keypoints": points.tolist(), "score": float(score)}
        for image, points, score in zip(image_ids, flat, given, strict=True)
    ]


def keypoint_ap(truth: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return COCO's ten keypoint figures in [0, 1]: AP and AR over OKS .50:.05:.95, at .50, at .75, medium, large.

    Args:
        truth: COCO's JSON; only its pictures count.
        results: one entry a detection.

    Returns:
        The figures by the names of ``AP_FIGURES``; NaN where there is nobody of that size.

    Raises:
        InputError: ``pycocotools`` is not installed.
    """
    coco, evaluation = _pycocotools()
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools narrates
        ground = coco()
        ground.dataset = dict(truth)
        ground.createIndex()
        if not results:
            return dict.fromkeys(AP_FIGURES, 0.0 if truth["annotations"] else math.nan)
        run = evaluation(ground, ground.loadRes([dict(entry) for entry in results]), "keypoints")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return {name: float(value) if value >= 0 else math.nan for name, value in zip(AP_FIGURES, run.stats, strict=True)}


def ap_shares(similarity: npt.NDArray[Any], areas: npt.NDArray[Any], figures: Mapping[str, float]) -> dict[str, Any]:
    """Spread AP and AR over the people, so that the mean of their shares is the figure.

    Where everybody has one detection and all have one score, AP at a threshold is about precision times recall, and so
    is their first-order change with a person's weight; see :func:`pymaf_pl.metrics.segmentation.share_of_ratio`. Good
    for intervals; the figure itself is COCO's.

    Args:
        similarity: (N,) OKS of everybody's own detection; NaN where no keypoint is labelled.
        areas: (N,) px^2.
        figures: what :func:`keypoint_ap` returned.

    Returns:
        (N,) shares by the same names; NaN for people who do not count.
    """
    shares: dict[str, npt.NDArray[np.float64]] = {}
    for name, value in figures.items():
        kind, rest = name[:2], name[2:].lstrip("_")
        thresholds = OKS_THRESHOLDS if not rest.isdigit() else (int(rest) / 100,)
        low, high = _AREAS[rest if rest in _AREAS else "all"]
        counted = ~np.isnan(similarity) & (areas >= low) & (areas <= high)
        share = np.full(len(similarity), np.nan)
        if counted.any() and not math.isnan(value):
            hit = similarity[counted][:, None] >= np.asarray(thresholds)
            recall = hit.mean(axis=0)
            change = (hit - recall) * (2 * recall if kind == "ap" else 1.0)  # d(recall^2) or d(recall)
            share[counted] = value + change.mean(axis=1)
        shares[name] = share
    return shares


def load_truth(path: str, image_ids: Iterable[int]) -> dict[str, Any]:
    """Read COCO's annotation JSON, cut to the pictures that were looked at.

    Raises:
        InputError: it is missing, is no annotation file, or lacks one of the pictures.
    """
    wanted = {int(image) for image in image_ids}
    try:
        with open(path, encoding="utf-8") as stream:
            document = json.load(stream)
        found = {
            "images": [image for image in document["images"] if image["id"] in wanted],
            "annotations": [entry for entry in document["annotations"] if entry["image_id"] in wanted],
            "categories": document["categories"],
        }
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such annotation file; it is in COCO's annotations_trainval archive (cocodataset.org)"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not COCO's keypoint annotations ({type(error).__name__}: {error})") from None
    missing = wanted - {image["id"] for image in found["images"]}
    if missing:
        raise InputError(f"{path}: it has no picture {min(missing)} ({len(missing)} are missing); another year's file?")
    return found


def check_installed() -> None:
    """Make sure that AP can be computed, before hours are spent on the detections.

    Raises:
        InputError: ``pycocotools`` is not installed.
    """
    _pycocotools()


def _pycocotools() -> tuple[Any, Any]:
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError:
        raise InputError("AP needs pycocotools; pip install 'pymaf-pl[coco]'") from None
    return COCO, COCOeval
