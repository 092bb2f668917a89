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
  Without --boxes, OpenCV's detector looks for people who stand or walk, large in the photo. Where it finds nobody, the
  photo is taken to show one person, whom the network's own dense head looks for. With --detector none the photo is
  the box."""
_ENLARGE = 1.2  # SPIN's rule around the labelled joints


def read_boxes(path: str | Path) -> dict[str, list[Box]]:
    """Read a file of boxes.

    Returns:
        File name of the photo (without folders) to its boxes, in the file's order.

    Raises:
        InputError: names the file and the entry that is wrong.
    """
    path = Path(path)
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
    boxes: dict[str, list[Box]] = defaultdict(list)
    for number, entry in enumerate(entries, start=1):
        try:
            boxes[Path(str(entry["image"])).name].append(_box(entry))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: box {number} is not understood ({type(error).__name__}: {error}); "
                'write {"image": "photo.jpg", "center": [x, y], "size": side}'
            ) from None
    return dict(boxes)


def _from_csv(row: dict[str, str]) -> dict[str, Any]:
    if row.get("size"):
        return {"image": row["image"], "center": [row["center_x"], row["center_y"]], "size": row["size"]}
    return {"image": row["image"], "bbox": [row["x"], row["y"], row["width"], row["height"]]}


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
