"""Crops: exact ones by default, and the published code's, written down once more with Pillow and by hand."""

import math

import numpy as np
import pytest
from PIL import Image

from pymaf_pl.data.cropping import Crop, Region
from pymaf_pl.data.images import resize, warp_crop
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.crop import crop_affine, flip_affine, transform_points

PUBLISHED = Crop(whole_pixels=True, stretch_contrast=True, truncate_keypoints=True)
PILLOW = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
}
BORDER = 1000


def picture(height: int = 260, width: int = 340, low: int = 20, high: int = 230) -> np.ndarray:
    """Smooth noise that does not use all grey levels."""
    coarse = np.random.default_rng(0).integers(low, high, (height // 10, width // 10, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR))


def region(x: float, y: float, side: float, rotation: float = 0.0, flip: bool = False) -> Region:
    return Region(np.array([x, y]), side, rotation, flip)


def published_crop(image: np.ndarray, where: Region, resampling: str, stretch: bool, size: int) -> np.ndarray:
    """The published steps, each with the plainest tool: cut at whole pixels, stretch, turn, cut again, resize, flip."""
    (x, y), half = where.center, where.side / 2
    left, top, right, bottom = int(x - half), int(y - half), int(x + half), int(y + half)  # towards zero
    pad = 0
    if where.rotation_deg:
        pad = int(math.hypot(right - left, bottom - top) / 2 - (bottom - top) / 2)
    padded = np.pad(image, ((BORDER, BORDER), (BORDER, BORDER), (0, 0)))
    rows = slice(top - pad + BORDER, bottom + pad + BORDER)
    window = padded[rows, left - pad + BORDER : right + pad + BORDER]
    if stretch:
        darkest, brightest = float(window.min()), float(window.max())
        window = np.floor((window - darkest) * 255 / (brightest - darkest) + 0.5).astype(np.uint8)
    if where.rotation_deg:
        window = np.asarray(Image.fromarray(window).rotate(where.rotation_deg, Image.Resampling.BILINEAR))
        window = window[pad:-pad, pad:-pad]
    crop = np.asarray(Image.fromarray(window).resize((size, size), PILLOW[resampling]))
    return crop[:, ::-1] if where.flip else crop


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("resampling", PILLOW)
@pytest.mark.parametrize(
    "box", [(170.4, 120.7, 150.3), (40.2, 30.9, 180.6), (330.3, 250.1, 90.7), (165.5, 133.4, 480.2)], ids=str
)
def test_whole_pixel_crops_are_pillows(box: tuple[float, float, float], resampling: str, flip: bool) -> None:
    where = region(*box, flip=flip)
    crop, _ = Crop(whole_pixels=True, resampling=resampling).picture(picture(), where, 224)
    expected = published_crop(picture(), where, resampling, stretch=False, size=224)
    difference = np.abs(crop.astype(int) - expected)
    assert difference.max() <= (0 if resampling == "nearest" else 2)  # Pillow rounds its weights to eight bits
    assert difference.mean() < 0.02


@pytest.mark.parametrize("rotation", [25.0, -60.0])
def test_turned_crops_are_pillows(rotation: float) -> None:
    where = region(170.4, 120.7, 150.3, rotation, flip=True)
    crop, _ = PUBLISHED.picture(picture(), where, 224)
    expected = published_crop(picture(), where, "bilinear", stretch=True, size=224)
    inner = np.abs(crop.astype(int) - expected)[4:-4, 4:-4]  # beyond its border Pillow's rotation is black at once
    assert np.percentile(inner, 99) <= 3  # OpenCV addresses pixels in 32nds
    assert inner.mean() < 0.7


def test_contrast_is_stretched_over_what_was_cut_out() -> None:
    where = region(170.4, 120.7, 150.3)
    plain, _ = Crop(whole_pixels=True).picture(picture(), where, 224)
    stretched, _ = Crop(whole_pixels=True, stretch_contrast=True).picture(picture(), where, 224)
    expected = published_crop(picture(), where, "bilinear", stretch=True, size=224)
    assert np.abs(stretched.astype(int) - expected).max() <= 2
    assert plain.min() > 15  # the picture has neither black nor white
    assert plain.max() < 235
    assert stretched.min() < 6
    assert stretched.max() > 249
    flat = np.full((90, 90, 3), 77, np.uint8)
    assert (Crop(whole_pixels=True, stretch_contrast=True).picture(flat, region(45, 45, 40), 32)[0] == 0).all()


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("rotation", [0.0, 37.0])
@pytest.mark.parametrize("whole_pixels", [False, True])
def test_the_map_is_the_pictures_own(whole_pixels: bool, rotation: float, flip: bool) -> None:
    """A blob lies where the map says, in whole-pixel crops too: they are used to draw into pictures."""
    blob = np.array([181.3, 117.8])
    y, x = np.mgrid[0:300, 0:340] + 0.5
    bump = 250 * np.exp(-((x - blob[0]) ** 2 + (y - blob[1]) ** 2) / (2 * 4.0**2))
    image = np.repeat(np.rint(bump).astype(np.uint8)[..., None], 3, axis=2)
    crop, affine = Crop(whole_pixels=whole_pixels).picture(image, region(170.4, 120.7, 130.3, rotation, flip), 224)
    y, x = np.mgrid[0:224, 0:224] + 0.5
    light = crop[..., 0].astype(float)
    centroid = np.array([(light * x).sum(), (light * y).sum()]) / light.sum()
    np.testing.assert_allclose(centroid, transform_points(blob, affine), atol=0.06)


@pytest.mark.parametrize("flip", [False, True])
def test_the_default_is_one_warp_and_its_points_follow(flip: bool) -> None:
    where = region(170.4, 120.7, 150.3, 30.0, flip)
    crop, affine = Crop().picture(picture(), where, 128)
    expected = crop_affine((170.9, 121.2), 150.3, 128, 30.0)  # from the first pixel's corner
    expected = flip_affine(expected, 128) if flip else expected
    np.testing.assert_allclose(affine, expected)
    np.testing.assert_array_equal(crop, warp_crop(picture(), expected, 128))
    points = np.random.default_rng(1).uniform(100, 200, (5, 2))
    np.testing.assert_allclose(
        Crop().keypoints(points, where, affine, 128), transform_points(points + 0.5, expected), atol=1e-9
    )


@pytest.mark.parametrize(
    ("point", "rotation", "flip", "expected"),
    [
        # 224 ((61 - 100) / 150 + 0.5) = 53.76 and 224 ((40 - 80) / 150 + 0.5) = 52.27: cut off, and one more
        ((61.0, 40.0), 0.0, False, (54, 53)),
        ((61.0, 40.0), 0.0, True, (224 - 54, 53)),
        # outside: -7.47 is cut off towards zero, 231.47 likewise
        ((20.0, 160.0), 0.0, False, (-6, 232)),
        # turned by 30 degrees, of (-58.24, -59.73) from the middle: 112 + cos x + sin y, 112 - sin x + cos y
        ((61.0, 40.0), 30.0, False, (int(112 - 0.8660254 * 58.24 - 0.5 * 59.7333) + 1,
                                     int(112 + 0.5 * 58.24 - 0.8660254 * 59.7333) + 1)),
    ],
)  # fmt: skip
def test_published_keypoints_by_hand(
    point: tuple[float, float], rotation: float, flip: bool, expected: tuple[int, int]
) -> None:
    where = region(100.0, 80.0, 150.0, rotation, flip)
    for crop in (PUBLISHED, Crop(truncate_keypoints=True)):
        _, affine = crop.picture(picture(), where, 224)
        assert crop.keypoints(np.array([point]), where, affine, 224).tolist() == [list(expected)]


def misplacement(crop: Crop) -> np.ndarray:
    """How far labels lie from where their point is seen, in px of the crop, for many boxes and points in them."""
    rng, image, off = np.random.default_rng(2), np.zeros((4, 4, 3), np.uint8), []
    for _ in range(300):
        side = rng.uniform(80, 600)
        where = region(*rng.uniform(200, 800, 2), side)
        points = where.center + side * rng.uniform(-0.5, 0.5, (20, 2))
        _, affine = crop.picture(image, where, 224)
        seen = transform_points(points + 0.5, affine)  # a point of the table is a pixel's centre
        off.append(crop.keypoints(points, where, affine, 224) - seen)
    return np.concatenate(off)


def test_what_truncation_costs() -> None:
    """The figures of docs/fidelity.md."""
    assert np.abs(misplacement(Crop())).max() < 1e-9
    off = misplacement(PUBLISHED)
    assert np.linalg.norm(off, axis=1).mean() == pytest.approx(0.80, abs=0.03)
    assert 1.5 < np.abs(off).max() < 4
    only_truncated = misplacement(Crop(truncate_keypoints=True))
    assert np.abs(only_truncated).max() < 1.5
    assert np.abs(only_truncated.std(axis=0) - 12**-0.5).max() < 0.05  # of a whole pixel's uniform


def test_a_box_that_is_the_picture_is_copied_bit_for_bit() -> None:
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    for side in (224.0, 200 * 1.12, 200.0 * float(np.float32(1.12))):  # as a table's scale gives it
        crop, affine = Crop(whole_pixels=True).picture(image, region(112.0, 112.0, side), 224)
        np.testing.assert_array_equal(crop, image)
        np.testing.assert_array_equal(affine, [[1, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(Crop().picture(image, region(111.5, 111.5, 224.0), 224)[0], image)


@pytest.mark.parametrize("rotation", [0.0, 20.0])
@pytest.mark.parametrize(
    "box", [(5000.0, 40.0, 50.0), (-400.0, -900.0, 30.0), (50.0, 50.0, 0.4), (50.2, 50.3, 3.1)], ids=str
)
def test_boxes_of_nothing_give_a_crop(box: tuple[float, float, float], rotation: float) -> None:
    """The published code fails here: an empty slice, or nothing to resize."""
    crop, affine = PUBLISHED.picture(picture(), region(*box, rotation), 64)
    assert crop.shape == (64, 64, 3)
    assert np.isfinite(affine).all()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match=r"crop\.resampling=lanczos: there are bilinear, bicubic, nearest"):
        Crop(resampling="lanczos")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"crop\.stretch_contrast=true belongs to crop\.whole_pixels=true"):
        Crop(stretch_contrast=True)
    with pytest.raises(InputError, match=r"a box of 20000 px is too large"):
        PUBLISHED.picture(picture(), region(0, 0, 20000.0), 224)


@pytest.mark.parametrize(("resampling", "aliases"), [("bilinear", False), ("bicubic", False), ("nearest", True)])
def test_only_nearest_aliases(resampling: str, aliases: bool) -> None:
    stripes = np.zeros((896, 896, 3), np.uint8)
    stripes[:, ::2] = 255  # one pixel wide: grey when four become one
    for crop in (
        resize(stripes, 224, resampling),
        warp_crop(stripes, crop_affine((448, 448), 896, 224), 224, resampling),
    ):
        spread = np.abs(crop[8:-8, 8:-8].astype(float) - 127.5).max()
        assert spread > 120 if aliases else spread < 3
