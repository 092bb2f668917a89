"""The film of two walkers and its measure: what is drawn is what is written down."""

import json
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from walking.film import make_film

    path = tmp_path_factory.mktemp("walking") / "walk.mp4"
    make_film(path, num_frames=6, width=160)
    return path


def test_people_are_where_the_truth_says(film: Path) -> None:
    from pymaf_pl.video import VideoFile

    truth = np.load(film.with_suffix(".truth.npz"))
    frames = list(VideoFile(film).frames())
    assert len(frames) == 6
    assert frames[0].image.shape == (90, 160, 3)
    changed = np.abs(frames[5].image.astype(int) - frames[0].image).max(axis=2) > 40
    inside = np.zeros_like(changed)
    for frame in (0, 5):
        for left, top, right, bottom in truth["corners"][frame].round().astype(int):
            inside[max(0, top - 2) : bottom + 2, max(0, left - 2) : right + 2] = True
    assert changed.any()
    assert not (changed & ~inside).any()


def test_feet_stay_on_the_ground_and_the_pelvis_moves_on(film: Path) -> None:
    truth = np.load(film.with_suffix(".truth.npz"))
    step = np.linalg.norm(np.diff(truth["transl"], axis=0), axis=-1)
    np.testing.assert_allclose(step.mean(axis=0), [1.25 / 25, 1.0 / 25], rtol=0.3)


def test_a_perfect_prediction_has_no_error(film: Path, tmp_path: Path) -> None:
    from walking.measuring import measure

    truth = np.load(film.with_suffix(".truth.npz"))
    frames, corners = np.arange(6), truth["corners"]
    for person in (0, 1):
        box = np.concatenate([(corners[:, person, :2] + corners[:, person, 2:]) / 2, np.full((6, 1), 90)], axis=1)
        pose = truth["pose"][:, person]
        np.savez(
            tmp_path / f"walk_{person}.npz", frames_observed=frames, bbox=box, camera_pose=pose,
            camera_pose_unsmoothed=pose, betas=truth["betas"][person], betas_observed=truth["betas"][[person] * 6],
        )  # fmt: skip
    result = measure(film.with_suffix(".truth.npz"), tmp_path, "walk")
    assert (result.tracks, result.owners, result.switches, result.purity) == (2, [0, 1], 0, 1.0)
    for figures in result.figures.values():
        assert max(figures.values()) < 0.01  # mm


def test_boxes_say_nothing_of_who_is_who(film: Path) -> None:
    boxes = json.loads(film.with_suffix(".boxes.json").read_text())
    assert {key for box in boxes for key in box} == {"frame", "bbox"}
    assert 8 <= len(boxes) <= 12
