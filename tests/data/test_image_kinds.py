"""Pictures of every kind become 8-bit RGB that looks like what was drawn."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pymaf_pl.data.images import read_image
from pymaf_pl.errors import InputError

RED, GREEN = (200, 40, 10), (0, 180, 30)


@pytest.fixture(scope="module")
def rgb() -> np.ndarray:
    """60 x 40: red above, green below."""
    image = np.zeros((60, 40, 3), np.uint8)
    image[:20], image[20:] = RED, GREEN
    return image


def test_a_turned_jpeg_is_turned_back(rgb: np.ndarray, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown a quarter turn clockwise
    Image.fromarray(rgb).save(tmp_path / "a.jpg", exif=exif, quality=95)
    image = read_image(tmp_path / "a.jpg")
    assert image.shape == (40, 60, 3)
    np.testing.assert_allclose(image[20, 55], RED, atol=6)
    np.testing.assert_allclose(image[20, 5], GREEN, atol=6)


@pytest.mark.parametrize("name", ["print.jpg", "print.tif"])
def test_cmyk_keeps_its_colours(rgb: np.ndarray, tmp_path: Path, name: str) -> None:
    Image.fromarray(rgb).convert("CMYK").save(tmp_path / name)
    image = read_image(tmp_path / name)
    np.testing.assert_allclose(image[5, 5], RED, atol=8)
    np.testing.assert_allclose(image[50, 20], GREEN, atol=8)


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P"])
def test_grey_and_palettes_have_three_channels(rgb: np.ndarray, tmp_path: Path, mode: str) -> None:
    Image.fromarray(rgb).convert(mode).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.shape == (60, 40, 3)
    assert image.dtype == np.uint8
    if mode != "P":
        assert (image[..., 0] == image[..., 2]).all()


def test_sixteen_bits_become_eight(rgb: np.ndarray, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), rgb[..., ::-1].astype(np.uint16) * 257)
    assert np.array_equal(read_image(tmp_path / "a.png"), rgb)
    cv2.imwrite(str(tmp_path / "g.png"), rgb[..., 1].astype(np.uint16) * 257)
    assert np.array_equal(read_image(tmp_path / "g.png")[..., 0], rgb[..., 1])


@pytest.mark.parametrize("name", ["a.png", "deep.png", "a.webp"])
def test_what_is_transparent_lies_over_white(rgb: np.ndarray, tmp_path: Path, name: str) -> None:
    alpha = np.full((60, 40, 1), 255, np.uint8)
    alpha[:10], alpha[10:20] = 0, 128
    rgba = np.concatenate([rgb, alpha], axis=2)
    if name == "deep.png":
        cv2.imwrite(str(tmp_path / name), rgba[..., [2, 1, 0, 3]].astype(np.uint16) * 257)
    else:
        Image.fromarray(rgba).save(tmp_path / name, lossless=True)
    image = read_image(tmp_path / name)
    assert image[5, 5].tolist() == [255, 255, 255]
    np.testing.assert_allclose(image[15, 5], (np.array(RED) + 255) / 2, atol=1.5)
    assert image[50, 5].tolist() == list(GREEN)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG", b"\x89PNG\r\n\x1a\n" + bytes(22)])
def test_what_is_no_picture_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.jpg: not an image"):
        read_image(tmp_path / "a.jpg")


def test_a_picture_too_long_to_cut_crops_from_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (32_767, 2)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: 32767 x 2 px; a side may have 32,766 at most"):
        read_image(tmp_path / "a.png")
    Image.new("RGB", (32_766, 2)).save(tmp_path / "b.png")
    assert read_image(tmp_path / "b.png").shape == (2, 32_766, 3)
