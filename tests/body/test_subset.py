"""The points of the feedback loop."""

from importlib.resources import files

import numpy as np
import pytest

from pymaf_pl.body import BodyModel
from pymaf_pl.body.subset import farthest_points


@pytest.fixture(scope="module")
def mirror() -> np.ndarray:
    with (files("pymaf_pl.body") / "assets" / "open_body.npz").open("rb") as stream, np.load(stream) as archive:
        return archive["mirror"].astype(np.int64)


def test_431_points_are_distinct_sorted_and_closed_under_mirroring(body: BodyModel, mirror: np.ndarray) -> None:
    points = body.mesh_points
    assert len(set(points)) == len(points) == 431
    assert points == sorted(points)
    assert {int(mirror[point]) for point in points} == set(points)


def test_points_are_the_same_on_every_machine(body: BodyModel) -> None:
    assert farthest_points(body.arrays.v_template, 431) == body.mesh_points
    # checkpoints trained on these points depend on them
    assert body.mesh_points[:4] == [0, 4, 14, 27]
    assert sum(body.mesh_points) == 1250208


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_any_count_is_met_exactly_and_symmetrically(count: int, body: BodyModel, mirror: np.ndarray) -> None:
    points = farthest_points(body.arrays.v_template, count)
    assert len(set(points)) == count
    assert {int(mirror[point]) for point in points} == set(points)


def test_points_cover_the_surface_evenly(body: BodyModel) -> None:
    surface = body.arrays.v_template
    chosen = surface[body.mesh_points]
    gap = np.linalg.norm(surface[:, None] - chosen[None], axis=-1).min(1).max()
    assert gap < 0.06  # no vertex is farther from its nearest point; 1.9 m2 / 431 is a square of 6.6 cm
    between = np.linalg.norm(chosen[:, None] - chosen[None], axis=-1) + np.eye(431)
    assert between.min() > 0.01


def test_points_stay_distinct_on_a_surface_that_is_not_quite_symmetric(body: BodyModel) -> None:
    surface = body.arrays.v_template
    uneven = surface + np.random.default_rng(0).normal(0, 0.002, surface.shape)
    points = farthest_points(uneven, 431)
    assert len(set(points)) == 431


@pytest.mark.parametrize("count", [3000, 6889, 6890])
def test_points_stay_distinct_when_most_of_an_uneven_surface_is_taken(count: int, body: BodyModel) -> None:
    surface = body.arrays.v_template
    uneven = surface + np.random.default_rng(0).normal(0, 0.002, surface.shape)
    assert len(set(farthest_points(uneven, count))) == count
