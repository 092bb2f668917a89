"""Which people are in which photo: a file of boxes."""

import csv
import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

from pymaf_pl.errors import InputError
from pymaf_pl.inference import Box

HELP = """boxes:
  A JSON list, one entry per person:
    [{"image": "photo.jpg", "center": [412.0, 300.5], "size": 380.0}, ...]
  image: file name of the photo, without its folder; center: x, y in pixels of the photo, the top left corner being
  (0, 0); size: side of the square box, about 1.2 times the person's larger extent. Instead of center and size, a
  detector's "bbox": [x, y, width, height] is made square and enlarged by 1.2. A CSV works too, with the columns
  image, center_x, center_y, size or image, x, y, width, height.
  For a video, "frame": 12 takes the place of "image", counted from 0; "person": 3 says who it is, in every frame or in
  none, so that nobody needs to be told apart.
  Without --boxes, OpenCV's detector looks for people who stand or walk, large in the photo. Where it finds nobody, the
  photo is taken to show one person, whom the network looks for in some dozens of windows: where its mesh and its dense
  head agree. With --detector none the photo is the box."""
_ENLARGE = 1.2  # SPIN's rule around the labelled joints


def read_boxes(path: str | Path) -> dict[str, list[Box]]:
    """Read a file of boxes in photos.

    Returns:
        File name of the photo (without folders) to its boxes, in the file's order.

    Raises:
        InputError: names the file and the entry that is wrong.
    """
    boxes: dict[str, list[Box]] = defaultdict(list)
    for number, entry in enumerate(_read_entries(Path(path)), start=1):
        try:
            boxes[Path(str(entry["image"])).name].append(_box(entry))
        except (KeyError, TypeError, ValueError) as error:
            example = '{"image": "photo.jpg", "center": [x, y], "size": side}'
            raise _not_understood(path, number, error, example) from None
    return dict(boxes)


def read_frame_boxes(path: str | Path) -> dict[int, list[tuple[Box, int | None]]]:
    """Read a file of boxes in a video.

    Returns:
        Number of the frame to its boxes and who they are, None where the file does not say.

    Raises:
        InputError: names the file and the entry that is wrong; or some boxes say who they are and others do not.
    """
    boxes: dict[int, list[tuple[Box, int | None]]] = defaultdict(list)
    for number, entry in enumerate(_read_entries(Path(path)), start=1):
        try:
            person = None if entry.get("person") in (None, "") else _whole(entry["person"])
            boxes[_whole(entry["frame"])].append((_box(entry), person))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            example = '{"frame": 12, "center": [x, y], "size": side}'
            raise _not_understood(path, number, error, example) from None
    if len({person is None for here in boxes.values() for _, person in here}) > 1:
        raise InputError(f"{path}: some boxes say which person they are and some do not; all of them or none")
    return dict(boxes)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or float(value) != int(value) or int(value) < 0:
        raise ValueError(f"{value} is no whole number from 0")
    return int(value)


def _read_entries(path: Path) -> list[Any]:
    if not path.is_file():
        raise InputError(f"{path}: no such file of boxes")
    try:
        if path.suffix.lower() == ".csv":
            with path.open(newline="") as stream:
                entries: Any = [_from_csv(row) for row in csv.DictReader(stream)]
        else:
            entries = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, KeyError) as error:
        raise InputError(f"{path}: not a readable list of boxes ({error}); see pymaf predict --help") from None
    if not isinstance(entries, list):
        raise InputError(f"{path}: expected a list of boxes, found a {type(entries).__name__}")
    return entries


def _not_understood(path: str | Path, number: int, error: Exception, example: str) -> InputError:
    return InputError(f"{path}: box {number} is not understood ({type(error).__name__}: {error}); write {example}")


def _from_csv(row: dict[str, str]) -> dict[str, Any]:
    who = {key: row[key] for key in ("image", "frame", "person") if row.get(key)}
    if row.get("size"):
        return {**who, "center": [row["center_x"], row["center_y"]], "size": row["size"]}
    return {**who, "bbox": [row["x"], row["y"], row["width"], row["height"]]}


def _box(entry: dict[str, Any]) -> Box:
    if "bbox" in entry:
        x, y, width, height = map(float, entry["bbox"])
        center, size = (x + width / 2, y + height / 2), _ENLARGE * max(width, height)
    else:
        cx, cy = map(float, entry["center"])
        center, size = (cx, cy), float(entry["size"])
    if not 0 < size < math.inf or not all(map(math.isfinite, center)):
        raise ValueError(f"its centre is ({center[0]:g}, {center[1]:g}), its size {size:g}")
    return Box(center, size)
