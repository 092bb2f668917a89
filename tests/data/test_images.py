"""Pictures of every kind, and crops whose pixels lie where their points do."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pymaf_pl.data.images import paste_back, read_image, warp_crop
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.crop import crop_affine, flip_affine, transform_points


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("content", [b"", b"not an image at all", b"\x89PNG\r\n\x1a\n" + bytes(30)])
def test_what_is_not_an_image_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_image(path)
    assert str(caught.value).startswith(f"{path}: not an image")
    assert "\n" not in str(caught.value)


def test_a_missing_image_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.png", tmp_path):
        with pytest.raises(InputError, match="no such image"):
            read_image(path)


def test_colours_are_rgb(tmp_path: Path) -> None:
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), np.full((4, 5, 3), (10, 20, 250), np.uint8))  # OpenCV writes BGR
    image = read_image(path)
    assert image.shape == (4, 5, 3)
    assert image.dtype == np.uint8
    assert image[0, 0].tolist() == [250, 20, 10]


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.full((3, 4), 77, np.uint8), [77, 77, 77]),
        (np.full((3, 4, 4), (30, 20, 10, 128), np.uint8), [132, 137, 142]),  # half of it white
        (np.full((3, 4, 3), (30 * 257, 20 * 257, 10 * 257), np.uint16), [10, 20, 30]),
    ],
    ids=["grey", "alpha", "16 bit"],
)
def test_grey_transparent_and_deep_pictures_become_rgb(pixels: np.ndarray, expected: list[int], tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), pixels)
    image = read_image(path)
    assert image.shape == (3, 4, 3)
    assert image.dtype == np.uint8
    assert (image == expected).all()


def test_the_orientation_that_the_camera_wrote_is_applied(tmp_path: Path) -> None:
    """EXIF orientation 6: held upright, stored lying; what is left in the file is up in the picture."""
    stored = np.zeros((16, 32, 3), np.uint8)
    stored[:, :16, 2] = 255  # the left half is red
    _, jpeg = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, 95])
    tiff = b"II*\x00\x08\x00\x00\x00" + b"\x01\x00" + b"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00" + bytes(4)
    payload = b"Exif\x00\x00" + tiff
    segment = b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload
    path = tmp_path / "phone.jpg"
    path.write_bytes(jpeg.tobytes()[:2] + segment + jpeg.tobytes()[2:])
    image = read_image(path)
    assert image.shape == (32, 16, 3)
    assert image[4, 8, 0] > 200
    assert image[28, 8, 0] < 50


def test_a_box_of_the_crops_own_size_is_copied_bit_for_bit() -> None:
    image = noise(300, 400)
    crop = warp_crop(image, crop_affine((150.0, 140.0), 224.0, 224), 224)
    np.testing.assert_array_equal(crop, image[140 - 112 : 140 + 112, 150 - 112 : 150 + 112])


def test_a_flip_is_the_mirrored_crop_bit_for_bit() -> None:
    image = noise(224, 224)
    affine = flip_affine(crop_affine((112.0, 112.0), 224.0, 224), 224)
    np.testing.assert_array_equal(warp_crop(image, affine, 224), image[:, ::-1])


def test_half_size_is_the_mean_of_four_and_outside_is_black() -> None:
    image = noise(64, 64)
    crop = warp_crop(image, crop_affine((32.0, 32.0), 128.0, 64), 64)
    mean = image.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(crop[16:48, 16:48].astype(float) - mean).max() <= 0.5 + 1e-9
    outside = crop.copy()
    outside[15:49, 15:49] = 0
    assert not outside.any()


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("rotation", [0.0, 37.0, -120.0])
@pytest.mark.parametrize("box", [80.0, 224.0, 300.0, 470.0, 900.0])
def test_a_blob_in_the_image_lands_where_its_point_does(box: float, rotation: float, flip: bool) -> None:
    """Half a pixel of misalignment between pictures and keypoints is the classic bug of this code."""
    size = 224
    center, blob = np.array([401.3, 377.8]), np.array([401.3 + 0.17 * box, 377.8 - 0.11 * box])
    sigma = max(3.0, 4 * box / size)
    y, x = np.mgrid[0:800, 0:800] + 0.5  # pixel i has its centre at i + 0.5
    bump = 250 * np.exp(-((x - blob[0]) ** 2 + (y - blob[1]) ** 2) / (2 * sigma**2))
    image = np.repeat(np.rint(bump).astype(np.uint8)[..., None], 3, axis=2)
    affine = crop_affine(center, box, size, rotation)
    if flip:
        affine = flip_affine(affine, size)
    crop = warp_crop(image, affine, size)[..., 1].astype(float)
    y, x = np.mgrid[0:size, 0:size] + 0.5
    found = np.array([(crop * x).sum(), (crop * y).sum()]) / crop.sum()
    np.testing.assert_allclose(found, transform_points(blob, affine), atol=0.05)


def test_strong_shrinking_does_not_alias() -> None:
    stripes = np.zeros((896, 896, 3), np.uint8)
    stripes[:, ::2] = 255  # one pixel wide: after shrinking by four all grey
    crop = warp_crop(stripes, crop_affine((448.0, 448.0), 896.0, 224), 224)
    assert np.abs(crop[2:-2, 2:-2].astype(float) - 127.5).max() < 2


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (500, 2)])
def test_tiny_pictures_and_huge_boxes_do_not_fail(shape: tuple[int, int]) -> None:
    crop = warp_crop(np.full((*shape, 3), 200, np.uint8), crop_affine((1.0, 1.0), 5000.0, 64), 64)
    assert crop.shape == (64, 64, 3)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(("box", "rotation"), [(112.0, 0.0), (90.0, 25.0), (224.0, -70.0)])
def test_pasting_back_inverts_the_crop(box: float, rotation: float, flip: bool) -> None:
    """Labels painted in the image, cropped and pasted back are the labels that were inside the crop."""
    height, width, size = 180, 240, 224
    blocks = np.random.default_rng(0).integers(1, 6, (9, 12)).astype(np.uint8)
    labels = np.kron(blocks, np.ones((20, 20), np.uint8))
    affine = crop_affine((120.0, 90.0), box, size, rotation)
    if flip:
        affine = flip_affine(affine, size)
    y, x = np.mgrid[0:height, 0:width] + 0.5
    inside = (np.abs(transform_points(np.stack([x, y], -1), affine) - size / 2) < size / 2 - 2).all(axis=-1)
    outside = (np.abs(transform_points(np.stack([x, y], -1), affine) - size / 2) > size / 2 + 2).any(axis=-1)
    # crop by looking up the label under every crop pixel's centre
    v, u = np.mgrid[0:size, 0:size] + 0.5
    inverse = np.linalg.inv(np.vstack([affine, [0, 0, 1]]))[:2]
    source = np.floor(transform_points(np.stack([u, v], -1), inverse)).astype(int)
    within = ((source >= 0) & (source < [width, height])).all(axis=-1)
    crop = np.where(within, labels[source[..., 1].clip(0, height - 1), source[..., 0].clip(0, width - 1)], 0)
    pasted = paste_back(crop.astype(np.uint8), affine, height, width)
    assert pasted.shape == (height, width)
    assert not pasted[outside].any()
    interior = inside & (np.minimum(x % 20, 20 - x % 20) > 1.5) & (np.minimum(y % 20, 20 - y % 20) > 1.5)
    assert interior.sum() > 1000
    np.testing.assert_array_equal(pasted[interior], labels[interior])
