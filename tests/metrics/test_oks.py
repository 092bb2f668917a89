"""OKS and AP against COCO's definition written out, and at their edges."""

import sys
from typing import Any

import numpy as np
import pytest
import torch

from pymaf_pl.errors import InputError
from pymaf_pl.metrics import oks
from pymaf_pl.metrics.oks import AP_FIGURES, ap_shares, detections, keypoint_ap, truth_document

pytest.importorskip("pycocotools", reason="AP needs the extra [coco]")


def people(count: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures of one to three people of all sizes: (N,) picture, (N, 17, 3) keypoints, (N,) area."""
    rng = np.random.default_rng(seed)
    images = np.sort(rng.integers(1, count // 2, count))
    size = np.exp(rng.uniform(np.log(20), np.log(200), count))
    points = rng.uniform(0, 1, (count, 17, 2)) * size[:, None, None] + rng.uniform(0, 400, (count, 1, 2))
    seen = rng.random((count, 17, 1)) < 0.8
    return images, np.concatenate([points, seen], -1), size**2 * 0.4


def misses(keypoints: np.ndarray, areas: np.ndarray, seed: int = 1) -> np.ndarray:
    """Predictions that are off by a part of the person's size: some hardly, some hopelessly."""
    rng = np.random.default_rng(seed)
    scale = np.sqrt(areas) * rng.uniform(0, 0.25, len(areas))
    return keypoints[..., :2] + scale[:, None, None] * rng.normal(size=(*keypoints.shape[:2], 2))


def similarity(predicted: np.ndarray, truth: np.ndarray, area: float) -> float:
    sigmas = (
        np.array([0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89])
        / 10
    )
    seen = truth[:, 2] > 0
    squared = ((predicted - truth[:, :2]) ** 2).sum(1)
    return float(np.exp(-squared / (2 * area * (2 * sigmas) ** 2))[seen].mean())  # fmt: skip


def reference_ap(images, keypoints, areas, predicted, scores) -> dict[str, float]:  # type: ignore[no-untyped-def]
    """COCO's AP and AR for people who all have labelled keypoints, in loops."""

    def at(threshold: float, low: float, high: float) -> tuple[float, float]:
        found, wanted = [], 0
        for image in sorted(set(images.tolist())):
            rows = np.flatnonzero(images == image)
            inside = (areas[rows] >= low) & (areas[rows] <= high)
            wanted += inside.sum()
            # ground truth of the size looked for comes first; the others may swallow a detection, unpunished
            ground = [*rows[inside], *rows[~inside]]
            free = dict.fromkeys(ground, True)
            for row in rows[np.argsort(-scores[rows], kind="stable")]:
                best, chosen = min(threshold, 1 - 1e-10), None
                for place in ground:
                    if not free[place]:
                        continue
                    if chosen is not None and chosen in rows[inside] and place not in rows[inside]:
                        break
                    value = similarity(predicted[row], keypoints[place], areas[place])
                    if value >= best:
                        best, chosen = value, place
                if chosen is not None:
                    free[chosen] = False
                    if chosen in rows[inside]:
                        found.append((scores[row], True))
                    continue
                box = np.ptp(predicted[row], axis=0).prod()
                if low <= box <= high:
                    found.append((scores[row], False))
        if not wanted:
            return float("nan"), float("nan")
        order = np.argsort([-score for score, _ in found], kind="stable")
        hits = np.array([hit for _, hit in found], bool)[order]
        recall = np.cumsum(hits) / wanted
        precision = np.cumsum(hits) / (np.cumsum(hits) + np.cumsum(~hits) + np.spacing(1))
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        places = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
        curve = [precision[place] if place < len(precision) else 0.0 for place in places]
        return float(np.mean(curve)), float(recall[-1]) if len(recall) else 0.0

    thresholds = np.linspace(0.5, 0.95, 10)
    ranges = {"": (0, 1e10), "_m": (32**2, 96**2), "_l": (96**2, 1e10)}
    figures = {}
    for name, ends in ranges.items():
        both = np.array([at(threshold, *ends) for threshold in thresholds])
        figures["ap" + name], figures["ar" + name] = both.mean(0)
        if not name:
            (figures["ap50"], figures["ar50"]), (figures["ap75"], figures["ar75"]) = both[0], both[5]
    return figures


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("equal", [True, False])
def test_ap_equals_the_definition(seed: int, equal: bool) -> None:
    images, keypoints, areas = people(seed=seed)
    predicted = misses(keypoints, areas, seed + 10)
    scores = np.ones(len(images)) if equal else np.random.default_rng(seed).random(len(images))
    found = keypoint_ap(truth_document(images, keypoints, areas), detections(images, predicted, scores))
    expected = reference_ap(images, keypoints, areas, predicted, scores)
    assert set(found) == set(AP_FIGURES) == set(expected)
    assert 0.1 < found["ap"] < 0.9
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-9), name


def test_perfect_detections_are_one() -> None:
    images, keypoints, areas = people()
    figures = keypoint_ap(truth_document(images, keypoints, areas), detections(images, keypoints[..., :2]))
    assert all(value == pytest.approx(1.0) for value in figures.values())


def test_one_person_and_nobody_of_a_size() -> None:
    _, keypoints, _ = people(4)
    areas = np.array([50.0**2])
    truth = truth_document(np.array([1]), keypoints[:1], areas)
    figures = keypoint_ap(truth, detections(np.array([1]), keypoints[:1, :, :2]))
    assert figures["ap"] == figures["ap_m"] == pytest.approx(1.0)
    assert np.isnan(figures["ap_l"])
    missed = keypoint_ap(truth, detections(np.array([1]), keypoints[:1, :, :2] + 500))
    assert missed["ap"] == 0
    assert keypoint_ap(truth, [])["ap"] == 0


def test_people_without_a_visible_joint_do_not_count() -> None:
    images, keypoints, areas = people()
    keypoints[::3, :, 2] = 0
    figures = keypoint_ap(truth_document(images, keypoints, areas), detections(images, keypoints[..., :2]))
    assert figures["ar"] == pytest.approx(1.0)
    nobody = keypoint_ap(truth_document(images, keypoints * [1, 1, 0], areas), detections(images, keypoints[..., :2]))
    assert np.isnan(nobody["ap"])
    values = oks.oks(*(torch.from_numpy(x) for x in (keypoints[..., :2], keypoints[..., :2], keypoints[..., 2], areas)))
    assert values.isnan()[::3].all()


def test_oks_equals_the_definition(dtype: torch.dtype) -> None:
    _, keypoints, areas = people(6)
    predicted = misses(keypoints, areas)
    values = oks.oks(
        *(torch.from_numpy(x).to(dtype) for x in (predicted, keypoints[..., :2], keypoints[..., 2], areas))
    )
    expected = [similarity(*entry) for entry in zip(predicted, keypoints, areas, strict=True)]
    assert values.dtype == dtype
    np.testing.assert_allclose(values.numpy(), expected, atol=1e-5 if dtype == torch.float32 else 1e-12)


def test_the_mean_of_everybodys_share_is_the_figure_and_their_spread_its_own() -> None:
    images, keypoints, areas = people(120)
    images = np.arange(1, 121)  # one person a picture
    predicted = misses(keypoints, areas)
    own = np.array([similarity(*entry) for entry in zip(predicted, keypoints, areas, strict=True)])
    figures = keypoint_ap(truth_document(images, keypoints, areas), detections(images, predicted))
    shares = ap_shares(own, areas, figures)
    for name, value in figures.items():
        assert np.nanmean(shares[name]) == pytest.approx(value, abs=1e-12), name
    rng, drawn = np.random.default_rng(0), []
    for _ in range(60):
        rows = rng.integers(120, size=120)
        again = np.arange(1, 121)
        drawn.append(
            keypoint_ap(truth_document(again, keypoints[rows], areas[rows]), detections(again, predicted[rows]))["ap"]
        )
    assert shares["ap"].std() / np.sqrt(120) == pytest.approx(np.std(drawn), rel=0.35)


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pycocotools", "pycocotools.coco", "pycocotools.cocoeval"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"pymaf-pl\[coco\]"):
        oks.check_installed()


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no such annotation file"), ("[]", "not COCO's keypoint annotations"), ("{", "not COCO's keypoint"),
     ('{"images": [{"id": 1}], "annotations": [], "categories": []}', "it has no picture 2")],
)  # fmt: skip
def test_a_wrong_annotation_file_is_answered_in_one_line(tmp_path: Any, content: str | None, words: str) -> None:
    path = tmp_path / "person_keypoints_val2014.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError) as caught:
        oks.load_truth(str(path), [1, 2])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
