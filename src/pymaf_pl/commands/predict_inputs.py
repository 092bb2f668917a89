"""What ``pymaf predict`` is given: photos, folders of them, glob patterns, videos, cameras."""

import argparse
import glob
import math
from collections.abc import Sequence
from pathlib import Path

import torch

from pymaf_pl.errors import InputError
from pymaf_pl.inference import Box
from pymaf_pl.video.camera import PREFIX
from pymaf_pl.video.reading import SUFFIXES as VIDEO_SUFFIXES

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


def find_photos(inputs: Sequence[str]) -> list[Path]:
    """Return the image files that files, folders and glob patterns stand for.

    Raises:
        InputError: a path that does not exist, or a folder or pattern without images.
    """
    photos: list[Path] = []
    for given in inputs:
        path = Path(given)
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if p.suffix.lower() in PHOTO_SUFFIXES)
            if not found:
                raise InputError(f"{path}: no image in this folder; looked for {', '.join(PHOTO_SUFFIXES)}")
        elif path.is_file():
            found = [path]
        else:
            names = sorted(glob.glob(given, recursive=True))
            found = [p for name in names if (p := Path(name)).suffix.lower() in PHOTO_SUFFIXES and p.is_file()]
            if not found:
                raise InputError(f"{given}: no such photo or folder")
        photos += found
    return list(dict.fromkeys(photos))


def is_moving(given: str) -> bool:
    """Tell whether an input is a video or a camera."""
    return given.startswith(PREFIX) or Path(given).suffix.lower() in VIDEO_SUFFIXES


def split_inputs(inputs: Sequence[str]) -> tuple[list[Path], str | None]:
    """Return the photos, or the one video or camera.

    Raises:
        InputError: as :func:`find_photos`, or a video among other inputs.
    """
    moving = [given for given in inputs if is_moving(given)]
    if not moving:
        return find_photos(inputs), None
    if len(inputs) > 1:
        raise InputError(f"{moving[0]}: one video or camera at a time, and no photos beside it")
    return [], moving[0]


def unique_names(photos: Sequence[Path]) -> list[str]:
    """One output name per photo: the file's stem, with its folder's name where two would be the same."""
    stems = [photo.stem for photo in photos]
    names: list[str] = []
    for photo in photos:
        name = photo.stem if stems.count(photo.stem) == 1 else f"{photo.parent.name}_{photo.name.replace('.', '_')}"
        while name in names:
            name += "_"
        names.append(name)
    return names


def check_options(options: argparse.Namespace) -> None:
    """Refuse numbers, devices and folders that cannot be, before anything is loaded."""
    if options.focal_length is not None and not 0 < options.focal_length < math.inf:
        raise InputError(f"--focal-length {options.focal_length}: a number of pixels above 0")
    if options.detector_weights is not None and options.detector != "torchvision":
        raise InputError("--detector-weights is for --detector torchvision")
    try:
        torch.zeros(1, device=options.device)
    except (RuntimeError, AssertionError):  # AssertionError: torch without CUDA
        raise InputError(f"--device {options.device}: torch finds none here; cpu always works") from None
    if options.out.exists() and not options.out.is_dir():
        raise InputError(f"{options.out}: --out is a folder, this is a file")


def check_targets(written: Sequence[tuple[Path, Path]]) -> None:
    """Refuse to draw over what is read; pairs of an input and its picture to be."""
    for path, picture in written:
        if picture.exists() and picture.samefile(path):
            raise InputError(f"{path}: its overlay would overwrite it; choose an --out folder that holds no photo")


def check_boxes(boxes: dict[str, list[Box]], photos: Sequence[Path], path: str) -> None:
    """Refuse a file of boxes that has none, or none for these photos."""
    if not boxes:
        raise InputError(f"{path}: it lists no box")
    unknown = sorted(boxes.keys() - {photo.name for photo in photos})
    if len(unknown) == len(boxes):
        raise InputError(f"{path}: none of its boxes is for a given photo; the first is for '{unknown[0]}'")
