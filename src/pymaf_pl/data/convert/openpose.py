"""What CMU's OpenPose writes: one ``NAME_keypoints.json`` per picture, BODY_25."""

import numpy as np

from pymaf_pl.data.convert.boxes import boxes_of_joints
from pymaf_pl.data.convert.reading import array, complaining, listing, need, read_json
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import Rows
from pymaf_pl.errors import InputError

FEWEST = 4  # joints that make a person
_SUFFIXES = (".jpg", ".png", ".jpeg", ".webp")


def convert(request: Request) -> Rows:
    """Convert a folder; the picture of ``x_keypoints.json`` is ``x.jpg`` (or .png ...) beside it or in ``images/``."""
    files = listing(need(request.root, "a folder of OpenPose's _keypoints.json"), "*_keypoints.json")
    if not files:
        raise InputError(f"{request.root}: no *_keypoints.json of OpenPose in it")
    rows, few, without = Rows(), 0, 0
    for file in files:
        stem = file.name.removesuffix("_keypoints.json")
        candidates = [f"{folder}{stem}{suffix}" for folder in ("", "images/") for suffix in _SUFFIXES]
        image = next((name for name in candidates if (request.root / name).is_file()), "")
        if not image:
            without += 1
            continue
        with complaining(file, "OpenPose's people (pose_keypoints_2d)"):
            flat = [person["pose_keypoints_2d"] for person in read_json(file, "OpenPose's people")["people"]]
        if not flat:
            continue
        points = array(flat, (-1, 75), file, "pose_keypoints_2d").reshape(-1, 25, 3)
        enough = (points[..., 2] > 0).sum(axis=1) >= FEWEST
        few += int((~enough).sum())
        points = points[enough]
        center, scale = boxes_of_joints(points[..., :2], points[..., 2])
        points[..., 2] = np.clip(points[..., 2], 0, 1)
        rows.add([image] * len(points), center=center, scale=scale, openpose=points)
    if few:
        rows.notes.append(f"{few} people with fewer than {FEWEST} joints were left out")
    if without:
        rows.notes.append(f"{without} of {len(files)} pictures are not there and were left out")
    return rows
