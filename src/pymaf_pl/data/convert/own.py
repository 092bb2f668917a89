"""Data of one's own: a ``.csv`` with a row per person, or a ``.json`` with a list of people (docs/data.md)."""

import csv
import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pymaf_pl.body.joints import JOINTS_24, OPENPOSE_25
from pymaf_pl.data.convert.boxes import boxes_of_corners, boxes_of_joints
from pymaf_pl.data.convert.reading import array, complaining, need, read_json
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import Rows
from pymaf_pl.errors import InputError

JOINTS = (*OPENPOSE_25, *JOINTS_24)
FIELDS = ("image", "box", "keypoints", "keypoints_3d", "pose", "betas", "gender", "mask", "parts")
_TEXT = ("image", "gender", "mask", "parts")
_BOX = ("x", "y", "w", "h")


def convert(request: Request) -> Rows:
    """Convert the file ``root``; images are relative to its folder, or to the ``--image-root`` of later commands.

    A person without a box gets one around the labelled 2D joints. 3D joints are metres in camera axes; they are moved
    to the pelvis where that is labelled, and the pelvis' place is kept as ``transl``.
    """
    path = need(request.root, "a .csv or .json of people")
    if path.suffix.lower() == ".csv":
        people = _read_csv(path)
    elif path.suffix.lower() == ".json":
        people = read_json(path, "a list of people")
    else:
        raise InputError(f"{path}: expected a .csv or a .json")
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise InputError(f"{path}: expected a list of people, each an object with the fields {', '.join(FIELDS)}")
    rows = Rows()
    for index, person in enumerate(people):
        _check_names(person, FIELDS, f"{path}: person {index}: field")
        with complaining(path, f"person {index} ({', '.join(FIELDS)})"):
            _add(rows, person, path, index)
    return rows


def _add(rows: Rows, person: dict[str, Any], path: Path, index: int) -> None:
    where = f"of person {index}"
    if not person.get("image"):
        raise InputError(f"{path}: person {index} has no image")
    openpose, part = np.zeros((1, 25, 3)), np.zeros((1, 24, 3))
    keypoints = person.get("keypoints") or {}
    _check_names(keypoints, JOINTS, f"{path}: person {index}: joint")
    for name, values in keypoints.items():
        point = [*values, 1.0] if len(values) == 2 else values
        target, joint = (
            (openpose, list(OPENPOSE_25).index(name)) if name in OPENPOSE_25 else (part, JOINTS_24.index(name))
        )
        target[0, joint] = array(point, (3,), path, f"keypoint {name} {where}")
    columns: dict[str, Any] = {"openpose": openpose, "part": part}
    if person.get("box") is not None:
        box = array(person["box"], (4,), path, f"box {where}")
        columns["center"], columns["scale"] = boxes_of_corners(box[None, :2], box[None, :2] + box[None, 2:])
    else:
        both = np.concatenate([openpose, part], axis=1)
        if not (both[..., 2] > 0).any():
            raise InputError(f"{path}: person {index} has neither a box nor a labelled 2D joint")
        columns["center"], columns["scale"] = boxes_of_joints(both[..., :2], both[..., 2])
    if person.get("keypoints_3d"):
        joints, pelvis = np.zeros((1, 24, 4)), JOINTS_24.index("pelvis")
        _check_names(person["keypoints_3d"], JOINTS_24, f"{path}: person {index}: joint")
        for name, values in person["keypoints_3d"].items():
            joints[0, JOINTS_24.index(name)] = [*array(values, (3,), path, f"3D keypoint {name} {where}"), 1.0]
        if joints[0, pelvis, 3] > 0:
            columns["transl"] = joints[:, pelvis, :3].copy()
            joints[..., :3] = np.where(joints[..., 3:] > 0, joints[..., :3] - joints[:, [pelvis], :3], 0.0)
        columns |= {"S": joints, "has_3d": [1]}
    if (person.get("pose") is None) != (person.get("betas") is None):
        raise InputError(f"{path}: person {index} has only one of pose and betas")
    if person.get("pose") is not None:
        columns["pose"] = array(np.ravel(person["pose"]), (72,), path, f"pose {where}")[None]
        columns["shape"] = array(np.ravel(person["betas"]), (10,), path, f"betas {where}")[None]
        columns["has_smpl"] = [1]
    for field, key in (("gender", "gender"), ("mask", "maskname"), ("parts", "partname")):
        if person.get(field):
            columns[key] = [str(person[field])]
    rows.add([str(person["image"])], **columns)


def _read_csv(path: Path) -> list[dict[str, Any]]:
    """Return a table's rows as people; empty cells are labels that are not there."""
    with complaining(path, "a .csv of people"), path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, strict=True)
        columns = list(reader.fieldnames or ())
        known = {*_TEXT, *_BOX, *(f"pose_{i}" for i in range(72)), *(f"betas_{i}" for i in range(10))}
        known |= {f"{joint}_{axis}" for joint in JOINTS for axis in "xyc"}
        known |= {f"{joint}_{axis}" for joint in JOINTS_24 for axis in "XYZ"}
        _check_names(columns, known, f"{path}: column")
        people = []
        for line, cells in enumerate(reader, start=2):
            if None in cells or None in cells.values():
                raise InputError(f"{path}: line {line} has another number of cells than the {len(columns)} columns")
            people.append(_person({key: cell.strip() for key, cell in cells.items()}, f"{path}: line {line}"))
        return people


def _person(cells: dict[str, str], where: str) -> dict[str, Any]:
    def numbers(keys: Iterable[str]) -> list[float] | None:
        given = [cells.get(key, "") for key in keys]
        if not any(given):
            return None
        try:
            return [float(cell) for cell in given]
        except ValueError:
            raise InputError(
                f"{where}: {', '.join(keys)[:60]} are {given[:4]}, expected numbers in all or none"
            ) from None

    person: dict[str, Any] = {key: cells[key] for key in _TEXT if cells.get(key)}
    person["box"] = numbers(_BOX)
    person["pose"] = numbers([f"pose_{i}" for i in range(72)])
    person["betas"] = numbers([f"betas_{i}" for i in range(10)])
    flat, deep = {}, {}
    for joint in JOINTS:
        axes = "xyc" if cells.get(f"{joint}_c") else "xy"
        if (point := numbers([f"{joint}_{axis}" for axis in axes])) is not None:
            flat[joint] = point
        if (point := numbers([f"{joint}_{axis}" for axis in "XYZ"])) is not None:
            deep[joint] = point
    return person | {"keypoints": flat, "keypoints_3d": deep}


def _check_names(given: Iterable[str], known: Iterable[str], what: str) -> None:
    allowed = list(known)
    for name in given:
        if name not in allowed:
            near = difflib.get_close_matches(str(name), allowed, 1)
            raise InputError(f"{what} {name!r} is unknown" + (f"; is it {near[0]}?" if near else "; see docs/data.md"))
