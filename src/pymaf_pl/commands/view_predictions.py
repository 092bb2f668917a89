"""The page of predictions: the ``.npz`` files of `pymaf predict`, their pictures found again.

Shapes:  T feedback iterations, V vertices, F faces.
"""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from pymaf_pl.data.images import ImageArray, read_image, warp_crop
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.crop import crop_affine
from pymaf_pl.inference import PICTURE_SIDE
from pymaf_pl.report import PersonView, write_page
from pymaf_pl.report.change import move_figures
from pymaf_pl.report.people import view_of_arrays

_SHAPES = {  # axis: a number, or None for any
    "vertices": (None, None, 3), "weak_cam": (None, 3), "pose_rotmat": (None, 24, 3, 3),
    "bbox_center": (2,), "bbox_size": (), "faces": (None, 3),
}  # fmt: skip
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
_PAPER = 236  # grey level where there is no picture


def write_predictions_page(given: Path, out: Path, photos: Path | None, most: int) -> tuple[int, int]:
    """Write the page of a folder of predictions or of a single one.

    Args:
        given: the folder or the ``.npz``.
        out: the page.
        photos: folder with the photos of files that hold no picture; NAME.jpg (.png, ...) belongs to NAME_0.npz.
        most: people to show.

    Returns:
        How many people are shown, and how many there are.

    Raises:
        InputError: nothing is there to show, or a file is no prediction.
    """
    paths = sorted(given.glob("*.npz"), key=_place) if given.is_dir() else [given]
    if not paths:
        raise InputError(f"{given}: no run (config.yaml) and no prediction (.npz) in it")
    shown = paths[:most]
    faces: npt.NDArray[Any] | None = None
    views, bare = [], []
    for path in shown:
        arrays = _read(path)
        if faces is not None and not np.array_equal(faces, arrays["faces"]):
            raise InputError(f"{path}: another topology than {shown[0].name}; a page shows one body model")
        faces = arrays["faces"]
        picture = _picture(path, arrays, photos)
        if picture is None:
            bare.append(path.name)
            picture = np.full((PICTURE_SIDE, PICTURE_SIDE, 3), _PAPER, np.uint8)
        views.append(_view(path.stem, picture, arrays))
    notes = [f"Without a picture of their own: {', '.join(bare)}; --photos says where the photos are."] if bare else []
    write_page(
        out,
        title=given.resolve().name if given.is_dir() else given.stem,
        facts={"People": _of(len(shown), len(paths)), "Iterations": str(len(views[0].overlays) - 1)},
        iterations=[],
        people=views,
        faces=faces,
        notes=notes,
    )
    return len(shown), len(paths)


def _view(name: str, picture: ImageArray, arrays: Mapping[str, npt.NDArray[Any]]) -> PersonView:
    figures: Sequence[Mapping[str, float]] = move_figures(arrays["vertices"], arrays["pose_rotmat"])
    told = arrays.get("expected_error_mm")
    if told is not None:
        figures = [*figures[:-1], {**figures[-1], "expected error mm": float(np.nanmean(told))}]
    return view_of_arrays(name, picture, arrays["vertices"], arrays["weak_cam"], arrays["faces"], figures)


def _place(path: Path) -> tuple[str, int]:
    """People of a photo by their number, 10 after 9."""
    name, _, number = path.stem.rpartition("_")
    return (name, int(number)) if number.isdecimal() else (path.stem, -1)


def _read(path: Path) -> dict[str, npt.NDArray[Any]]:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: not readable as a prediction ({error})") from None
    for key, shape in _SHAPES.items():
        if key not in arrays:
            raise InputError(f"{path}: no key '{key}'; not a prediction of one photo by `pymaf predict`")
        found = arrays[key].shape
        if len(found) != len(shape) or any(n not in (None, m) for n, m in zip(shape, found, strict=True)):
            expected = ", ".join("N" if n is None else str(n) for n in shape)
            raise InputError(f"{path}: '{key}' has shape {found}, expected ({expected})")
    if len({len(arrays[key]) for key in ("vertices", "weak_cam", "pose_rotmat")}) > 1:
        raise InputError(f"{path}: vertices, weak_cam and pose_rotmat have different numbers of iterations")
    if not np.isfinite(arrays["vertices"]).all():
        raise InputError(f"{path}: 'vertices' holds values that are not finite")
    return arrays


def _picture(path: Path, arrays: Mapping[str, npt.NDArray[Any]], photos: Path | None) -> ImageArray | None:
    """Return the box of the photo: from the folder that was named, else what the file itself holds."""
    if photos is not None:
        stem = path.stem.rpartition("_")[0] or path.stem
        found = [photo for suffix in _SUFFIXES for photo in sorted(photos.glob(f"*{suffix}")) if photo.stem == stem]
        if found:
            affine = crop_affine(arrays["bbox_center"], float(arrays["bbox_size"]), PICTURE_SIDE)
            return warp_crop(read_image(found[0]), affine, PICTURE_SIDE)
    data = arrays.get("picture_jpeg")
    if data is None or data.dtype != np.uint8 or not data.size:
        return None
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    return None if decoded is None else np.asarray(decoded, np.uint8)


def _of(shown: int, total: int) -> str:
    return str(total) if shown == total else f"{shown} of {total}"
