"""Pack, write and compare the shipped archive, ``open_body.npz``.

Arrays, for each GENDER in neutral, male, female:

    faces (F, 3) uint16, mirror (V,) uint16
    weights_idx (V, 6) uint8, weights_val (V, 6) float32    the six strongest joints of each vertex
    posedirs (V, 3, 207) float16                            shared by the three models
    GENDER_v_template (V, 3) float32                        float16 would be 0.5 mm off
    GENDER_shapedirs (V, 3, 10) float16
    GENDER_J_regressor_rc (2, n) uint16, ..._val (n,) float32       rows and columns of the entries that are not 0
    J_regressor_extra_rc, ..._val (9, V), J_regressor_h36m_rc, ..._val (17, V)
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from build_open_body.arrays import FloatArray
from build_open_body.keypoint_regressors import Model
from build_open_body.topology import Topology

MAX_INFLUENCES = 6

Arrays = dict[str, NDArray[Any]]


def pack(
    topology: Topology, models: Mapping[str, Model], extra_regressor: FloatArray, h36m_regressor: FloatArray
) -> Arrays:
    """Return the arrays of the archive.

    Args:
        topology: faces and mirror map.
        models: gender -> model; the first gives the weights and posedirs that all share.
        extra_regressor: (9, V).
        h36m_regressor: (17, V).
    """
    shared = next(iter(models.values()))
    strongest = np.argsort(-shared.weights, 1)
    kept, dropped = strongest[:, :MAX_INFLUENCES], strongest[:, MAX_INFLUENCES:]
    if np.take_along_axis(shared.weights, dropped, 1).max() >= 1e-6:
        raise ValueError(f"a vertex has more than {MAX_INFLUENCES} influences")
    arrays: Arrays = {
        "faces": topology.faces.astype(np.uint16),
        "mirror": topology.mirror.astype(np.uint16),
        "weights_idx": kept.astype(np.uint8),
        "weights_val": np.take_along_axis(shared.weights, kept, 1).astype(np.float32),
        "posedirs": shared.posedirs.astype(np.float16),
    }
    for gender, model in models.items():
        arrays[f"{gender}_v_template"] = model.template.astype(np.float32)
        arrays[f"{gender}_shapedirs"] = model.shapedirs.astype(np.float16)
        arrays |= sparse_entries(f"{gender}_J_regressor", model.joint_regressor)
    arrays |= sparse_entries("J_regressor_extra", extra_regressor)
    arrays |= sparse_entries("J_regressor_h36m", h36m_regressor)
    return arrays


def sparse_entries(name: str, matrix: FloatArray) -> Arrays:
    """Return the non-zero entries of a matrix as ``name_rc`` and ``name_val``."""
    rows, columns = np.nonzero(matrix)
    return {
        f"{name}_rc": np.stack([rows, columns]).astype(np.uint16),
        f"{name}_val": matrix[rows, columns].astype(np.float32),
    }


def write(path: Path, arrays: Arrays) -> None:
    """Write the archive whole or not at all: under a temporary name first, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with temporary.open("wb") as stream:
            np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]  # the stub takes ** for its flags
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def differences(first: Path, second: Path) -> dict[str, float]:
    """Return array name -> largest absolute difference; infinite where name or shape differ."""
    with np.load(first) as ours, np.load(second) as theirs:
        result = {}
        for name in sorted({*ours.files, *theirs.files}):
            same_shape = name in ours and name in theirs and ours[name].shape == theirs[name].shape
            result[name] = (
                float(np.abs(ours[name].astype(np.float64) - theirs[name].astype(np.float64)).max())
                if same_shape
                else float("inf")
            )
        return result
