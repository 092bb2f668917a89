"""MPII Human Pose, from the stacked-hourglass ``train.h5`` or from the ``.json`` of HRNet and MMPose."""

import numpy as np

from pymaf_pl.data.convert.boxes import FACTOR
from pymaf_pl.data.convert.joint_maps import place, with_confidence
from pymaf_pl.data.convert.reading import array, complaining, hdf5_array, open_hdf5, read_json
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import Rows
from pymaf_pl.errors import InputError

_JSON = ("train.json", "annotations/train.json", "annot/train.json", "annotations/mpii_train.json")


def convert(request: Request) -> Rows:
    """Convert the people with all 16 joints (``train``), which are the paper's.

    MPII's scale is the person's height / 200 without any margin; it gets the other sets' factor of 1.2. SPIN leaves it.
    """
    root = request.root
    hdf5 = root / "data" / "train.h5" if (root / "data" / "train.h5").is_file() else root / "train.h5"
    if hdf5.is_file():
        with open_hdf5(hdf5, "MPII's train.h5") as content:
            images = [
                n.decode() if isinstance(n, bytes) else str(n) for n in hdf5_array(content["imgname"], hdf5).ravel()
            ]
            center = array(hdf5_array(content["center"], hdf5), (-1, 2), hdf5, "center")
            scale = array(hdf5_array(content["scale"], hdf5), (-1,), hdf5, "scale")
            points = array(hdf5_array(content["part"], hdf5), (-1, 16, 2), hdf5, "part")
        path = hdf5
    else:
        path = next((root / name for name in _JSON if (root / name).is_file()), None) or next(
            iter(sorted(root.glob("*mpii.json"))), root / "train.h5"
        )
        if path == root / "train.h5":
            raise InputError(f"{root}: neither train.h5 nor train.json of MPII is here")
        people = read_json(path, "MPII's people as a list")
        with complaining(path, "MPII's people (image, center, scale, joints)"):
            images = [str(person["image"]) for person in people]
            center = array([person["center"] for person in people], (-1, 2), path, "center")
            scale = array([person["scale"] for person in people], (-1,), path, "scale")
            points = array([person["joints"] for person in people], (-1, 16, 2), path, "joints")
    if not len(images) == len(center) == len(scale) == len(points):
        raise InputError(f"{path}: imgname, center, scale, part have different lengths")
    whole = np.asarray((points > 0).all(axis=(1, 2)))
    rows = Rows()
    if not whole.all():
        rows.notes.append(
            f"{(~whole).sum()} of {len(whole)} people lack some of the 16 joints and were left out, as in SPIN"
        )
    folder = "images/" if (root / "images").is_dir() or not images or not (root / images[0]).is_file() else ""
    rows.add(
        [folder + name for name, keep in zip(images, whole, strict=True) if keep],
        center=center[whole],
        scale=scale[whole] * (1.0 if request.spin else FACTOR),
        part=place(with_confidence(points[whole]), "mpii"),
    )
    return rows
