"""The last mesh of the people whom a report shows, as ``.glb`` files."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pymaf_pl.motion import write_mesh_glb
from pymaf_pl.report.views import PersonView

MESHES = "meshes"


def write_meshes(run_dir: Path, people: Sequence[PersonView], faces: npt.NDArray[np.integer]) -> list[Path]:
    """Write ``meshes/NN_NAME.glb``, numbered as in the report; files of an earlier report go.

    Args:
        run_dir: of the run.
        people: with vertices.
        faces: (F, 3).

    Returns:
        The files, in the order of the people.
    """
    folder = run_dir / MESHES
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, person in enumerate(people, start=1):
        if person.vertices is not None:
            path = folder / f"{number:02d}_{re.sub(r'[^A-Za-z0-9_.-]', '_', person.name)}.glb"
            write_mesh_glb(path, person.vertices[-1], faces, name=person.name)
            paths.append(path)
    for path in folder.glob("*.glb"):
        if path not in paths:
            path.unlink()
    return paths
