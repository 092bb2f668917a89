"""3D that projects is told from 3D that does not, with and without a camera."""

import numpy as np
import pytest

from pymaf_pl.data.projection import misfit

RNG = np.random.default_rng(0)


def person(distance: float, focal: float = 1100.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return 17 of 24 joints in 2D and 3D (relative to the first), and where the first is."""
    joints = RNG.uniform(-0.9, 0.9, (24, 3)) * [0.4, 1, 0.4]
    joints -= joints[0]
    place = np.array([0.3, -0.2, distance])
    there = joints + place
    points = focal * there[:, :2] / there[:, 2:] + [512, 515]
    known = (np.arange(24) < 17)[:, None] * 1.0
    return np.hstack([points, known]), np.hstack([joints, known]), place


@pytest.mark.parametrize("distance", [2.0, 2.7, 5.0, 15.0, 60.0])
def test_any_camera_that_looks_along_z_is_found(distance: float) -> None:
    points, joints, _ = person(distance)
    assert misfit(points, joints) < 0.012  # distances between those tried


def test_a_known_camera_is_exact() -> None:
    points, joints, place = person(3.0)
    assert misfit(points, joints, (1100, 1100, 512, 515), place) < 1e-12
    assert misfit(points, joints, (1000, 1100, 512, 515), place) > 0.01
    assert misfit(points, joints, (1100, 1100, 512, 515), place * [1, 1, -1]) == np.inf


def test_noise_of_annotators_is_measured_as_a_share_of_the_person() -> None:
    points, joints, _ = person(5.0)
    extent = np.ptp(points[:17, :2], axis=0).max()
    points[:, :2] += RNG.normal(size=(24, 2)) * 0.02 * extent
    assert 0.01 < misfit(points, joints) < 0.04  # sqrt(2) * 0.02, a little less for what the fit absorbs


@pytest.mark.parametrize("turn", [[-1, 1, 1, 1], [1, -1, 1, 1]])
def test_mirrored_and_upside_down_joints_do_not_project(turn: list[int]) -> None:
    points, joints, _ = person(4.0)
    assert misfit(points, joints * turn) > 0.1


def test_somebody_elses_joints_do_not_project() -> None:
    assert misfit(person(4.0)[0], person(4.0)[1]) > 0.1


def test_too_few_joints_say_nothing() -> None:
    points, joints, _ = person(4.0)
    points[5:, 2] = 0
    assert np.isnan(misfit(points, joints))
