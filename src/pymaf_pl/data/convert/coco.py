"""COCO keypoints, 2014 or 2017."""

from pathlib import Path

import numpy as np

from pymaf_pl.data.convert.boxes import boxes_of_corners
from pymaf_pl.data.convert.joint_maps import COCO_LIMBS, place, with_confidence
from pymaf_pl.data.convert.reading import array, complaining, need, read_json
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import Rows

_ANY, _LIMBS = 1, 12


def convert(request: Request) -> Rows:
    """Convert people with all 12 limb joints (``train``), or all with any keypoint (``train_all`` and ``val``).

    Boxes are the annotated ones with a margin of 1.2. Crowds are left out; SPIN keeps them (they have no keypoints, so
    that only a crowd with twelve would show).
    """
    part = "val" if request.split == "val" else "train"
    path, year = _annotations(request.root, part)
    content = read_json(path, "COCO's person keypoints")
    with complaining(path, "COCO's person keypoints (images, annotations)"):
        files = {image["id"]: str(image["file_name"]) for image in content["images"]}
        # in the order of images, then of their annotations, as pycocotools gives them
        people = sorted(content["annotations"], key=lambda person: (person["image_id"], person["id"]))
        people = [person for person in people if person.get("category_id", 1) == 1]
        crowds = sum(bool(person.get("iscrowd", 0)) for person in people)
        if not request.spin:
            people = [person for person in people if not person.get("iscrowd", 0)]
        keypoints = array([person["keypoints"] for person in people] or np.zeros((0, 51)), (-1, 51), path, "keypoints")
        corner = array([person["bbox"] for person in people] or np.zeros((0, 4)), (-1, 4), path, "bbox")
        images = [f"{part}{year}/{files[person['image_id']]}" for person in people]
    points = keypoints.reshape(-1, 17, 3)
    labelled = points[..., 2] > 0
    limbs = request.split == "train"
    keep = labelled[:, COCO_LIMBS].sum(axis=1) >= _LIMBS if limbs else labelled.sum(axis=1) >= _ANY
    center, scale = boxes_of_corners(corner[:, :2], corner[:, :2] + corner[:, 2:])
    rows = Rows()
    if crowds and not request.spin:
        rows.notes.append(f"{crowds} crowds were left out")
    rows.add(
        [name for name, chosen in zip(images, keep, strict=True) if chosen],
        center=center[keep],
        scale=scale[keep],
        part=place(with_confidence(points[keep][..., :2], labelled[keep]), "coco"),
    )
    return rows


def _annotations(root: Path, part: str) -> tuple[Path, str]:
    for year in ("2014", "2017"):
        path = root / "annotations" / f"person_keypoints_{part}{year}.json"
        if path.is_file():
            return path, year
    return need(root / "annotations" / f"person_keypoints_{part}2014.json", "COCO's person keypoints"), "2014"
