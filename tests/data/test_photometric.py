"""Effects on pixels: each does what its name says, none changes anything when it is off."""

import numpy as np
import pytest

from pymaf_pl.data.photometric import PixelEffects
from pymaf_pl.errors import InputError


@pytest.fixture
def image() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(40, 215, (64, 64, 3), dtype=np.uint8)


def rngs(count: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in range(count)]


def test_nothing_happens_when_all_is_off(image: np.ndarray) -> None:
    for rng in rngs(10):
        np.testing.assert_array_equal(PixelEffects()(image, rng), image)


def test_the_picture_itself_is_left_alone(image: np.ndarray) -> None:
    before = image.copy()
    for rng in rngs(20):
        PixelEffects(0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 5.0, 1.0)(image, rng)
    np.testing.assert_array_equal(image, before)


def test_brightness_scales_levels_within_its_range(image: np.ndarray) -> None:
    ratios = [PixelEffects(brightness=0.25)(image, rng).mean() / image.mean() for rng in rngs(200)]
    # 2 ** 0.25 = 1.189; 215 * 1.189 clips a little at the top
    assert 2**-0.25 - 0.01 < min(ratios) < 0.88
    assert 1.12 < max(ratios) < 2**0.25 + 0.01


def test_contrast_keeps_the_middle() -> None:
    grey = np.full((8, 8, 3), 128, np.uint8)
    steps = np.full((8, 8, 3), 60, np.uint8)
    changed = [PixelEffects(contrast=1.0)(steps, rng)[0, 0, 0] for rng in rngs(100)]
    assert all(abs(int(PixelEffects(contrast=1.0)(grey, rng)[0, 0, 0]) - 128) <= 1 for rng in rngs(20))
    assert min(changed) == 0  # (60 - 127.5) * 2 + 127.5 is below black
    assert 90 <= max(changed) <= 94  # (60 - 127.5) / 2 + 127.5


def test_gamma_keeps_black_and_white() -> None:
    ends = np.zeros((2, 2, 3), np.uint8)
    ends[0] = 255
    for rng in rngs(20):
        np.testing.assert_array_equal(PixelEffects(gamma=1.0)(ends, rng), ends)


def test_grey_has_one_luma_and_no_colour(image: np.ndarray) -> None:
    grey = PixelEffects(grey=1.0)(image, np.random.default_rng(0))
    assert (grey == grey[..., :1]).all()
    np.testing.assert_allclose(grey[..., 0], image @ [0.299, 0.587, 0.114], atol=1)


def test_saturation_keeps_luma(image: np.ndarray) -> None:
    muted = image // 4 + 96  # far from the ends, so that nothing clips
    for rng in rngs(10):
        changed = PixelEffects(saturation=0.5)(muted, rng)
        np.testing.assert_allclose(changed @ [0.299, 0.587, 0.114], muted @ [0.299, 0.587, 0.114], atol=1.2)


def test_blur_and_noise_change_the_spread_as_they_should(image: np.ndarray) -> None:
    def roughness(picture: np.ndarray) -> float:
        return float(np.abs(np.diff(picture.astype(float), axis=1)).mean())

    blurred = PixelEffects(blur=1.0)(np.kron(image, np.ones((4, 4, 1), np.uint8)), np.random.default_rng(1))
    assert roughness(blurred) < roughness(np.kron(image, np.ones((4, 4, 1), np.uint8)))
    flat = np.full((64, 64, 3), 128, np.uint8)
    spreads = [PixelEffects(noise=10.0)(flat, rng).std() for rng in rngs(50)]
    assert max(spreads) < 10.5
    assert np.mean(spreads) == pytest.approx(5.0, abs=1.0)


def test_an_erased_patch_is_a_rectangle_of_limited_size(image: np.ndarray) -> None:
    for rng in rngs(20):
        changed = (PixelEffects(erase=1.0)(image, rng) != image).any(-1)
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        assert 0 < np.ptp(rows) + 1 <= 0.4 * 64
        assert 0 < np.ptp(columns) + 1 <= 0.4 * 64


@pytest.mark.parametrize(("name", "value"), [("grey", 1.5), ("blur", -0.1), ("erase", 2), ("noise", -1), ("gamma", -2)])
def test_values_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"augmentation.pixels.{name}={value}"):
        PixelEffects(**{name: value})
