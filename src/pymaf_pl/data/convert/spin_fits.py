"""SPIN's fits as pseudo-labels of a table that is there already: the static ones and the final ones.

Three files are meant: ``NAME_fits.npy`` (N, 82) static; ``NAME.npz`` with pose, betas, valid_fit, final; and
``mpi-inf-3dhp_mview_fits.npz`` with pose, shape, has_smpl. Their rows are those of SPIN's training tables, in order.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pymaf_pl.data.annotations import load_annotations
from pymaf_pl.data.convert.reading import array, complaining
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import Rows
from pymaf_pl.data.npz import NpzFile
from pymaf_pl.errors import InputError

LARGEST_BETA = 3.0  # SPIN distrusts fits with a coefficient beyond it (core/trainer.py)
_KEPT = (
    "center",
    "scale",
    "part",
    "openpose",
    "S",
    "has_3d",
    "maskname",
    "partname",
    "gender",
    "cam_intrinsics",
    "transl",
)


def convert(request: Request) -> Rows:
    """Put the fits of the file ``root`` into ``table``, whose number of rows must be the same.

    A final or multi-view fit is valid where its file says so. Static fits say nothing: those that are all zeros or have
    a shape coefficient beyond 3 are not valid.
    """
    if request.table is None:
        raise InputError("spin_fits needs --table: the table that the fits belong to")
    pose, shape, valid = read_fits(request.root)
    table = load_annotations(request.table)
    if len(table) != len(pose):
        raise InputError(
            f"{request.root}: {len(pose)} fits, {request.table} has {len(table)} rows; fits belong to SPIN's rows in "
            "their order, so convert the data set from the same files as SPIN, whole"
        )
    rows = Rows()
    if table.body_model != "smpl":
        raise InputError(f"{request.table}: its body is {table.body_model!r}, SPIN's fits are of smpl")
    columns: dict[str, Any] = {key: getattr(table, key) for key in _KEPT}
    columns = {key: values for key, values in columns.items() if np.any(values != "") and np.any(values)}
    rows.add(table.imgname, pose=pose * valid[:, None], shape=shape * valid[:, None], has_smpl=valid, **columns)
    rows.notes.append(f"{valid.sum()} of {len(valid)} fits are valid ({valid.mean():.1%})")
    return rows


def read_fits(path: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return pose (N, 72), shape (N, 10) and which of them are valid (N,).

    Raises:
        InputError: the file is none of the three.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; --root is one of SPIN's fit files, such as lspet.npz or coco_fits.npy")
    if path.suffix == ".npy":
        with complaining(path, "SPIN's static fits (N, 82)"):
            both = array(np.load(path, allow_pickle=False), (-1, 82), path, "the array")
        pose, shape = both[:, :72], both[:, 72:]
        return pose, shape, pose.any(axis=1) & (np.abs(shape).max(axis=1) <= LARGEST_BETA)
    with NpzFile(path) as file:
        betas = "betas" if "betas" in file else "shape"
        mask = "valid_fit" if "valid_fit" in file else "has_smpl"
        for key in ("pose", betas, mask):
            if key not in file:
                raise InputError(f"{path}: no key '{key}'; expected pose, betas, valid_fit or pose, shape, has_smpl")
        pose = array(file.read("pose"), (-1, 72), path, "pose")
        shape = array(file.read(betas), (len(pose), 10), path, betas)
        return pose, shape, array(np.ravel(file.read(mask)), (len(pose),), path, mask) != 0
