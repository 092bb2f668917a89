"""EFT's fits (Exemplar Fine-Tuning) to COCO, MPII and LSP-Extended as pseudo-labels.

Format as in facebookresearch/eft docs/README_dataformat.md.
"""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from pymaf_pl.data.convert.reading import array, complaining, read_json
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import Rows
from pymaf_pl.errors import InputError

# split: the file (its folder in the download may be anything), and what stands before an image's bare name
FILES = {
    "coco_part": ("COCO2014-Part-ver01.json", "train2014/"),
    "coco_all": ("COCO2014-All-ver01.json", "train2014/"),
    "coco_val": ("COCO2014-Val-ver01.json", "val2014/"),
    "mpii": ("MPII_ver01.json", "images/"),
    "lspet": ("LSPet_ver01.json", ""),
}
_NEEDED = ("parm_pose", "parm_shape", "bbox_scale", "bbox_center", "imageName")


def convert(request: Request) -> Rows:
    """Convert one of the fit files; ``imgname`` is relative to the folder of the images, not to that of the fits."""
    name, prefix = FILES[request.split]
    path = _find(request.root, name)
    content = read_json(path, "EFT's fits")
    people = content.get("data") if isinstance(content, dict) else None
    if not isinstance(people, list) or not people:
        raise InputError(f"{path}: no people under 'data'; expected EFT's fits")
    rows, kinds = Rows(), {str(person.get("smpltype", "smpl")).lower() for person in people}
    if kinds != {"smpl"}:
        raise InputError(f"{path}: fits of {', '.join(sorted(kinds))}; only those of smpl can be used")
    with complaining(path, f"EFT's fits ({', '.join(_NEEDED)})"):
        columns: dict[str, list[Any]] = {key: [person[key] for person in people] for key in _NEEDED}
    matrices = array(columns["parm_pose"], (-1, 24, 3, 3), path, "parm_pose")
    with complaining(path, "EFT's fits (rotation matrices)"):
        pose = Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_rotvec().reshape(-1, 72)
    table: dict[str, Any] = {
        "center": array(columns["bbox_center"], (len(people), 2), path, "bbox_center"),
        "scale": array(np.reshape(columns["bbox_scale"], -1), (len(people),), path, "bbox_scale"),
        "pose": pose,
        "shape": array(np.reshape(columns["parm_shape"], (len(people), -1)), (len(people), 10), path, "parm_shape"),
        "has_smpl": np.ones(len(people)),
    }
    if all("gt_keypoint_2d" in person for person in people):
        points = array([person["gt_keypoint_2d"] for person in people], (-1, 49, 3), path, "gt_keypoint_2d")
        table |= {"openpose": points[:, :25], "part": points[:, 25:]}
    else:
        rows.notes.append("no gt_keypoint_2d in this version of the file: poses without 2D labels")
    rows.add([prefix + Path(str(image)).name for image in columns["imageName"]], **table)
    return rows


def _find(root: Path, name: str) -> Path:
    if root.is_file():
        return root
    found = sorted(root.rglob(name))
    if not found:
        raise InputError(f"{root}: no {name} in it or below; it comes with EFT's fits")
    return found[0]
