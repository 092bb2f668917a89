"""People before other backdrops: nothing of the person changes, nothing of the old backdrop stays."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pymaf_pl.commands.composing import compose_config
from pymaf_pl.data.annotations import load_annotations
from pymaf_pl.data.augment import Augmentation
from pymaf_pl.data.backdrops import Backdrops
from pymaf_pl.data.dataset import PersonDataset
from pymaf_pl.data.sources import SpinTable, SyntheticWorld
from pymaf_pl.engine.datamodule import CurriculumData
from pymaf_pl.errors import InputError

SIZE = 64
Columns = dict[str, Any]
STILL: dict[str, Any] = {
    "flip_probability": 0.0, "channel_noise": 0.0, "rotation_deg": 0.0, "scale": 0.0, "no_rotation_probability": 1.0
}  # fmt: skip


@pytest.fixture
def crop() -> np.ndarray:
    return np.full((SIZE, SIZE, 3), (200, 100, 50), np.uint8)


@pytest.fixture
def seen() -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[16:48, 24:40] = 255
    mask[48, 24:40] = 128
    return mask


def blue() -> np.ndarray:
    return np.full((SIZE, SIZE, 3), (0, 0, 250), np.uint8)


def test_the_person_stays_and_the_backdrop_is_new(crop: np.ndarray, seen: np.ndarray) -> None:
    pasted = Backdrops(1, collages=0, light=0, edge=0)(crop, seen, blue, np.random.default_rng(0))
    np.testing.assert_array_equal(pasted[seen == 255], crop[seen == 255])
    np.testing.assert_array_equal(pasted[seen == 0], blue()[seen == 0])
    # 128 / 255 of the person, the rest of what is behind
    np.testing.assert_allclose(pasted[48, 30], (100.4, 50.2, 149.6), atol=0.5)


def test_collages_differ_and_are_the_same_for_the_same_state(crop: np.ndarray, seen: np.ndarray) -> None:
    paste = Backdrops(1, collages=1, light=0, edge=0)
    first, again, second = (paste(crop, seen, blue, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != second)[seen == 0].mean() > 0.5
    assert first[seen == 0].std() > 10  # shapes, not one colour


def test_light_falls_on_person_and_backdrop_apart(crop: np.ndarray, seen: np.ndarray) -> None:
    paste = Backdrops(1, collages=0, light=1, edge=0)
    pairs = np.array([(p[30, 30, 1] / 100, p[0, 0, 2] / 250) for p in (
        paste(crop, seen, blue, np.random.default_rng(seed)) for seed in range(300)
    )])  # fmt: skip
    assert 0.49 < pairs[:, 0].min() < 0.55  # 2 ** -1
    assert 1.85 < pairs[:, 0].max() < 2.01
    assert abs(np.corrcoef(np.log(pairs.T))[0, 1]) < 0.15


def test_an_edge_is_black_beside_the_person_and_leaves_the_other_side(crop: np.ndarray, seen: np.ndarray) -> None:
    for seed in range(20):
        pasted = Backdrops(1, collages=0, light=0, edge=1)(crop, seen, blue, np.random.default_rng(seed))
        black = (pasted == 0).all(axis=(0, 2))
        assert black[0] != black[-1]
        assert 0.03 * SIZE <= black.sum() <= 0.36 * SIZE
        np.testing.assert_array_equal(pasted[seen == 255], crop[seen == 255])


@pytest.mark.parametrize(
    ("change", "says"),
    [({"share": 1.5}, "backdrops.share=1.5"), ({"edge": -0.1}, "backdrops.edge=-0.1"), ({"light": -1}, "light=-1")],
)
def test_what_is_out_of_range_is_refused(change: dict[str, float], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Backdrops(**change)


@pytest.fixture
def people(columns: Columns, save: Callable[[Columns], Path], images: Path) -> PersonDataset:
    """People of whom the first has a silhouette, before other people's pictures."""
    rng = np.random.default_rng(0)
    for row in range(len(columns["imgname"])):
        cv2.imwrite(str(images / str(columns["imgname"][row])), rng.integers(1, 255, (100, 100, 3), dtype=np.uint8))
    mask = np.zeros((100, 100), np.uint8)
    mask[40:60, 45:65] = 255
    cv2.imwrite(str(images / "images/mask.png"), mask)
    columns["maskname"] = np.array(["images/mask.png"] + [""] * (len(columns["imgname"]) - 1))
    columns["center"][:], columns["scale"][:] = 50, 0.32  # 64 px to 64
    augmentation = Augmentation(**STILL, backdrops=Backdrops(1, collages=0, light=0, edge=0))
    return PersonDataset(load_annotations(save(columns)), images, SIZE, "smpl", augmentation)


def test_a_sample_is_cut_out_where_its_silhouette_is(people: PersonDataset) -> None:
    plain, pasted = (people.sample(0, rng)["image"].numpy() for rng in (None, np.random.default_rng(3)))
    same = (plain == pasted).all(axis=0)
    left, top = 45 - 18, 40 - 18  # the box begins 32 px before its centre, pixel 50's; half a pixel is shared
    assert same[top + 1 : top + 19, left + 1 : left + 19].all()
    assert same.mean() < 0.15  # of which the person is 0.10


def test_whoever_has_no_silhouette_stays_where_they_are(people: PersonDataset) -> None:
    plain, pasted = (people.sample(1, rng)["image"].numpy() for rng in (None, np.random.default_rng(3)))
    np.testing.assert_array_equal(plain, pasted)


def test_nobody_is_moved_in_evaluation(people: PersonDataset) -> None:
    without = PersonDataset(people.table, people.image_root, SIZE, "smpl")
    np.testing.assert_array_equal(people.sample(0)["image"], without.sample(0)["image"])


def curriculum(*sources: Any) -> CurriculumData:
    mix = {f"source{number}": 1.0 for number in range(len(sources))}
    validation = SyntheticWorld("wild", "nowhere", 4, "val")
    stages = [{"name": "only", "epochs": 1, "mix": mix}]
    paste = Augmentation(backdrops=Backdrops())
    return CurriculumData(dict(zip(mix, sources, strict=True)), validation, stages, "open", 64, augmentation=paste)


def test_worlds_without_silhouettes_are_refused_before_they_are_rendered(tmp_path: Path) -> None:
    without, with_them = (
        SyntheticWorld("wild", str(tmp_path / "new"), 4, options={"silhouettes": on}) for on in (False, True)
    )
    curriculum(without, with_them).check_files()
    with pytest.raises(InputError, match=r"no source has silhouettes \(source0\).*silhouettes: true"):
        curriculum(without).prepare_data()
    assert not (tmp_path / "new").exists()


def test_tables_without_silhouettes_are_refused(people: PersonDataset) -> None:
    table, images = str(people.table.path), str(people.image_root)
    with pytest.raises(InputError, match=r"no source has silhouettes \(source0\); tables name them under maskname"):
        curriculum(SpinTable(table, images, (1, 3))).prepare_data()


def test_the_option_is_composed() -> None:
    config = compose_config("train", ["augmentation=pasted", "augmentation.backdrops.share=0.25"])
    assert config.augmentation.backdrops.share == 0.25
    assert config.augmentation.pixels.noise == 6.0  # pasted is strong and more
    assert compose_config("train", ["augmentation=strong"]).augmentation.backdrops is None
