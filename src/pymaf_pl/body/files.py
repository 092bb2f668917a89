"""Body-model files: what is on disk, read into plain arrays and checked.

Two sources, one result: the body that ships with the project (``open``), and a folder of the user's own licensed SMPL
files (``smpl``) as ``.npz``, clean ``.pkl`` or old chumpy ``.pkl``.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pymaf_pl.body.joints import EXTRA_9, H36M_17, SKELETON_24, select
from pymaf_pl.body.smpl_pickle import load_smpl_pickle
from pymaf_pl.errors import InputError

Gender = Literal["neutral", "male", "female"]
GENDERS: tuple[Gender, ...] = ("neutral", "male", "female")
FloatArray = npt.NDArray[np.float64]

_SHAPES = {"v_template": (6890, 3), "weights": (6890, 24), "J_regressor": (24, 6890), "f": (13776, 3)}
_MEAN_SHAPES = {"pose": (144,), "shape": (10,), "cam": (3,)}  # SPIN smpl_mean_params.npz, in the order of a BodyState
_OFFICIAL_NAMES = {  # as downloaded from smpl.is.tue.mpg.de and smplify.is.tue.mpg.de
    "neutral": ("basicModel_neutral_lbs_10_207_0_v1.0.0.pkl", "basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl"),
    "male": ("basicModel_m_lbs_10_207_0_v1.0.0.pkl", "basicmodel_m_lbs_10_207_0_v1.1.0.pkl"),
    "female": ("basicModel_f_lbs_10_207_0_v1.0.0.pkl", "basicmodel_f_lbs_10_207_0_v1.1.0.pkl"),
}
_REGRESSOR_TOLERANCE = 0.12  # m; regressors of another topology miss by half a body


@dataclass(frozen=True)
class BodyArrays:
    """A body model as arrays, metres, y up, in SMPL's layout.

    Attributes:
        name: ``open`` or ``smpl``.
        gender: neutral, male or female.
        source: the file it came from.
        v_template, shapedirs, posedirs, j_regressor, weights, faces: SMPL's own.
        extra_regressor: (9, V) rows of SPIN's J_regressor_extra, for this topology.
        h36m_regressor: (17, V) rows of J_regressor_h36m, for this topology.
        mean: (157,) the mean body that comes with it, pose, betas and camera; None for ours.
    """

    name: str
    gender: Gender
    source: str
    v_template: FloatArray
    shapedirs: FloatArray
    posedirs: FloatArray
    j_regressor: FloatArray
    weights: FloatArray
    faces: npt.NDArray[np.int64]
    extra_regressor: FloatArray
    h36m_regressor: FloatArray
    mean: npt.NDArray[np.float32] | None = None

    @property
    def topology(self) -> str:
        """What stands for the faces: equal only for models whose vertices correspond."""
        return topology_of(self.faces)


def topology_of(faces: npt.NDArray[np.integer[Any]]) -> str:
    """Return twelve hexadecimal digits that stand for (F, 3) faces."""
    return hashlib.sha256(faces.astype("<i4").tobytes()).hexdigest()[:12]


def read_open_body(gender: Gender = "neutral") -> BodyArrays:
    """Read the licence-free body that ships with the project."""
    resource = files("pymaf_pl.body") / "assets" / "open_body.npz"
    with resource.open("rb") as stream, np.load(stream) as archive:
        data = dict(archive)
    num_vertices = len(data["weights_idx"])
    weights = np.zeros((num_vertices, 24))
    np.put_along_axis(weights, data["weights_idx"].astype(np.int64), data["weights_val"].astype(np.float64), 1)

    def regressor(name: str, rows: int) -> FloatArray:
        matrix = np.zeros((rows, num_vertices))
        row, column = data[f"{name}_rc"].astype(np.int64)
        matrix[row, column] = data[f"{name}_val"]
        return matrix / matrix.sum(1, keepdims=True)

    return BodyArrays(
        name="open",
        gender=gender,
        source="open_body.npz",
        v_template=data[f"{gender}_v_template"].astype(np.float64),
        shapedirs=data[f"{gender}_shapedirs"].astype(np.float64),
        posedirs=data["posedirs"].astype(np.float64),
        j_regressor=regressor(f"{gender}_J_regressor", 24),
        weights=weights / weights.sum(1, keepdims=True),
        faces=data["faces"].astype(np.int64),
        extra_regressor=regressor("J_regressor_extra", len(EXTRA_9)),
        h36m_regressor=regressor("J_regressor_h36m", len(H36M_17)),
    )


def find_smpl_file(directory: Path, gender: Gender) -> Path:
    """Return the file of one gender: our ``.npz`` before a ``.pkl`` before an official download's name.

    Raises:
        InputError: none is there; says which names are looked for and where SMPL comes from.
    """
    names = (f"SMPL_{gender.upper()}.npz", f"SMPL_{gender.upper()}.pkl", *_OFFICIAL_NAMES[gender])
    for folder in (directory, directory / "smpl"):
        for name in names:
            if (folder / name).is_file():
                return folder / name
    where = "smplify.is.tue.mpg.de" if gender == "neutral" else "smpl.is.tue.mpg.de"
    raise InputError(
        f"{directory}: no {gender} SMPL model; looked for {', '.join(names)} (register at {where}, "
        "or use body=open, which needs no licence)"
    )


def read_smpl_file(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the checked arrays of one SMPL file: v_template, shapedirs (10), posedirs, J_regressor, weights, f.

    Raises:
        InputError: an unreadable file, or an array that is missing or of another shape than SMPL's.
    """
    if path.suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as archive:
                raw: dict[str, Any] = dict(archive)
        except Exception as error:
            raise InputError(f"{path}: not a readable .npz ({error})") from None
    else:
        raw = load_smpl_pickle(path)
    arrays: dict[str, npt.NDArray[Any]] = {}
    for key in ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "f"):
        if key not in raw:
            raise InputError(f"{path}: no array '{key}'; an SMPL body file has it, a regressor or fit file has not")
        arrays[key] = np.asarray(raw[key])
    for key, array in arrays.items():
        if array.dtype.kind not in "fiu":
            raise InputError(f"{path}: '{key}' holds {array.dtype}, not numbers")
    for key, shape in _SHAPES.items():
        if arrays[key].shape != shape:
            raise InputError(f"{path}: '{key}' has the shape {arrays[key].shape}, SMPL's is {shape}")
    if arrays["shapedirs"].shape[:2] != (6890, 3) or arrays["shapedirs"].shape[2] < 10:
        raise InputError(f"{path}: 'shapedirs' has the shape {arrays['shapedirs'].shape}, expected (6890, 3, >= 10)")
    if arrays["posedirs"].shape != (6890, 3, 207):
        raise InputError(f"{path}: 'posedirs' has the shape {arrays['posedirs'].shape}, expected (6890, 3, 207)")
    arrays["shapedirs"] = arrays["shapedirs"][:, :, :10]
    return arrays


def _find(directory: Path, name: str) -> Path | None:
    return next((f / name for f in (directory, directory / "smpl") if (f / name).is_file()), None)


def _read_mean(directory: Path) -> npt.NDArray[np.float32] | None:
    """Read SPIN's mean body, if there is one: raw 6D pose, betas, camera."""
    path = _find(directory, "smpl_mean_params.npz")
    if path is None:
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            parts = {key: np.asarray(archive[key], np.float32) for key in _MEAN_SHAPES}
    except KeyError as error:
        raise InputError(f"{path}: {error.args[0]}; SPIN's file has pose, shape and cam") from None
    except Exception as error:
        raise InputError(f"{path}: not a readable .npz ({error})") from None
    for key, shape in _MEAN_SHAPES.items():
        if parts[key].shape != shape:
            raise InputError(f"{path}: '{key}' has the shape {parts[key].shape}, expected {shape}")
    return np.concatenate(list(parts.values()))


def _read_regressor(directory: Path, name: str, rows: int) -> FloatArray:
    path = _find(directory, name)
    if path is None:
        raise InputError(f"{directory}: no {name} ({rows} rows); it comes with SPIN's data.tar.gz")
    try:
        matrix = np.load(path, allow_pickle=False)
    except Exception as error:
        raise InputError(f"{path}: not a readable .npy ({error})") from None
    if matrix.shape != (rows, 6890):
        hint = "; this is GraphCMR's file, SPIN's has 9 rows" if matrix.shape[:1] == (14,) and rows == 9 else ""
        raise InputError(f"{path}: shape {matrix.shape}, expected {(rows, 6890)}{hint}")
    return matrix.astype(np.float64)


def check_regressors(arrays: BodyArrays) -> None:
    """Refuse joint regressors that were made for another topology: their joints miss the body's skeleton.

    Raises:
        InputError: names the regressor and how far its joints are off.
    """
    skeleton = arrays.j_regressor @ arrays.v_template
    names = ("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_elbow",
             "right_elbow", "left_wrist", "right_wrist")  # fmt: skip
    regressed = (arrays.h36m_regressor @ arrays.v_template)[select(names, H36M_17)]
    miss = np.linalg.norm(regressed - skeleton[select(names, SKELETON_24)], axis=1).max()
    extra = (arrays.extra_regressor @ arrays.v_template)[select(("right_hip_lsp", "left_hip_lsp", "neck_lsp"), EXTRA_9)]
    extra_miss = np.linalg.norm(extra - skeleton[select(("right_hip", "left_hip", "neck"), SKELETON_24)], axis=1).max()
    for file, value in (("J_regressor_h36m", miss), ("J_regressor_extra", extra_miss)):
        if value > _REGRESSOR_TOLERANCE:
            raise InputError(
                f"{file} is not for the '{arrays.name}' body of topology {arrays.topology}: its joints miss the "
                f"skeleton by {100 * value:.0f} cm; take the one that belongs to this body"
            )


def read_smpl_body(directory: str | Path, gender: Gender = "neutral") -> BodyArrays:
    """Read the user's own SMPL files from a folder.

    Args:
        directory: holds ``SMPL_NEUTRAL.npz`` or ``.pkl`` (also under its download's name), ``J_regressor_extra.npy``,
            ``J_regressor_h36m.npy`` and, where SPIN's mean body is wanted, ``smpl_mean_params.npz``.
        gender: which of the three.

    Raises:
        InputError: a file is missing, unreadable, of another shape or of another topology.
    """
    directory = Path(directory).expanduser()
    if not directory.is_dir():
        raise InputError(f"{directory}: no such folder; body=smpl needs body.directory=FOLDER with your own SMPL files")
    path = find_smpl_file(directory, gender)
    raw = read_smpl_file(path)
    arrays = BodyArrays(
        name="smpl",
        gender=gender,
        source=str(path),
        v_template=raw["v_template"].astype(np.float64),
        shapedirs=raw["shapedirs"].astype(np.float64),
        posedirs=raw["posedirs"].astype(np.float64),
        j_regressor=raw["J_regressor"].astype(np.float64),
        weights=raw["weights"].astype(np.float64),
        faces=raw["f"].astype(np.int64),
        extra_regressor=_read_regressor(directory, "J_regressor_extra.npy", len(EXTRA_9)),
        h36m_regressor=_read_regressor(directory, "J_regressor_h36m.npy", len(H36M_17)),
        mean=_read_mean(directory),
    )
    check_regressors(arrays)
    return arrays
