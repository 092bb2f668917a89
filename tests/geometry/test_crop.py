"""From a box in the image to the crop and back."""

import numpy as np
import pytest

from pymaf_pl.geometry.crop import (
    box_from_points,
    crop_affine,
    crop_px_to_ndc,
    flip_affine,
    invert_affine,
    ndc_to_crop_px,
    ndc_to_image_px,
    transform_points,
)

CENTER, SIZE = (310.0, 170.0), 260.0
TILTED = crop_affine(CENTER, SIZE, 192, rotation_deg=-25)


def test_a_box_that_is_the_image_is_the_identity() -> None:
    np.testing.assert_allclose(crop_affine((112, 112), 224, 224), [[1, 0, 0], [0, 1, 0]], atol=1e-12)


def test_corners_of_the_box_become_corners_of_the_crop() -> None:
    corners = np.array(CENTER) + SIZE / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    crop = transform_points(corners, crop_affine(CENTER, SIZE, 224))
    np.testing.assert_allclose(crop, [[0, 0], [224, 0], [224, 224], [0, 224]], atol=1e-9)


def test_positive_rotation_turns_the_picture_counter_clockwise() -> None:
    quarter = crop_affine(CENTER, SIZE, 224, rotation_deg=90)
    right_of_centre, below_centre = np.array(CENTER) + SIZE / 4 * np.eye(2)
    np.testing.assert_allclose(transform_points(CENTER, quarter), [112, 112], atol=1e-9)
    np.testing.assert_allclose(transform_points(right_of_centre, quarter), [112, 56], atol=1e-9)  # y is down: up
    np.testing.assert_allclose(transform_points(below_centre, quarter), [168, 112], atol=1e-9)


def test_rotation_keeps_distances_and_is_undone_by_its_opposite() -> None:
    points = np.random.default_rng(0).uniform(0, 500, (6, 2))
    there = transform_points(points, crop_affine(CENTER, SIZE, 192, rotation_deg=30))
    scale = 192 / SIZE
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(there, axis=0), axis=1), scale * np.linalg.norm(np.diff(points, axis=0), axis=1)
    )
    back = transform_points(there, crop_affine((96, 96), 192, 192, rotation_deg=-30))
    np.testing.assert_allclose(back, transform_points(points, crop_affine(CENTER, SIZE, 192)), atol=1e-9)


def test_flip_mirrors_x_about_the_middle_of_the_crop_and_twice_is_nothing() -> None:
    points = np.random.default_rng(1).uniform(0, 500, (6, 2))
    plain, flipped = transform_points(points, TILTED), transform_points(points, flip_affine(TILTED, 192))
    np.testing.assert_allclose(flipped, np.column_stack([192 - plain[:, 0], plain[:, 1]]), atol=1e-9)
    np.testing.assert_allclose(flip_affine(flip_affine(TILTED, 192), 192), TILTED, atol=1e-9)


def test_inverse_brings_points_back() -> None:
    for affine in (TILTED, flip_affine(TILTED, 192)):
        points = np.random.default_rng(2).uniform(0, 500, (3, 6, 2))
        np.testing.assert_allclose(transform_points(transform_points(points, affine), invert_affine(affine)), points)


@pytest.mark.parametrize("output_size", [128, 224])
def test_crop_ndc_runs_from_edge_to_edge(output_size: int) -> None:
    px = np.array([[0, output_size], [output_size / 2, output_size / 4]])
    np.testing.assert_allclose(crop_px_to_ndc(px, output_size), [[-1, 1], [0, -0.5]])
    np.testing.assert_allclose(ndc_to_crop_px(crop_px_to_ndc(px, output_size), output_size), px)


def test_ndc_to_image_is_the_exact_inverse_of_the_crop() -> None:
    affine = flip_affine(TILTED, 192)
    points = np.random.default_rng(3).uniform(0, 500, (6, 2))
    ndc = crop_px_to_ndc(transform_points(points, affine), 192)
    np.testing.assert_allclose(ndc_to_image_px(ndc, affine, 192), points)


@pytest.mark.parametrize(("width", "height", "side"), [(100, 40, 120), (40, 100, 120)])
def test_spins_box_is_a_square_of_1_2_times_the_longer_side(width: float, height: float, side: float) -> None:
    low = np.array([30.0, 50.0])
    points = low + np.array([width, height]) * [[0, 0.5], [1, 1], [0.3, 0]]
    center, size = box_from_points(points)
    np.testing.assert_allclose(center, low + np.array([width, height]) / 2)
    assert size == pytest.approx(side)
    assert box_from_points(points, factor=1.0)[1] == pytest.approx(max(width, height))
