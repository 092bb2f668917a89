"""The mesh of the shipped body: each of its 6890 vertices as a combination of MakeHuman's vertices.

The combination is a single vertex nearly everywhere and barycentric on the eyeballs, so shape targets
and skinning weights carry over by indexing. ``topology.npz`` beside this file is the committed result of
`retopology`, whose order of edge collapses hangs on the last bits of floating point.
"""

from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from build_open_body.arrays import Float32Array
from build_open_body.errors import InputError

NUM_VERTICES = 6890
NUM_FACES = 13776  # 2 V - 4: closed, genus 0

BODY, HEAD, HAND, FOOT = range(4)
"""Values of `Topology.region`."""

COMMITTED = Path(__file__).with_name("topology.npz")


@dataclass(frozen=True)
class Topology:
    """A mesh on MakeHuman's vertices."""

    source_index: NDArray[np.int32]
    """(V, 3) vertices of the base mesh."""
    source_weight: Float32Array
    """(V, 3) their shares, rows sum to 1."""
    faces: NDArray[np.int32]
    """(F, 3) outward orientation."""
    mirror: NDArray[np.int32]
    """(V,) index of each vertex's left/right twin; midline vertices are their own."""
    region: NDArray[np.uint8]
    """(V,) `BODY`, `HEAD`, `HAND` or `FOOT`."""

    @property
    def num_vertices(self) -> int:
        """Number of vertices V."""
        return len(self.mirror)

    def operator(self, num_source_vertices: int) -> sparse.csr_matrix:
        """Return the (V, num_source_vertices) matrix that turns base vertices into this mesh's."""
        rows = np.repeat(np.arange(self.num_vertices), 3)
        entries = (self.source_weight.ravel(), (rows, self.source_index.ravel()))
        return sparse.csr_matrix(entries, shape=(self.num_vertices, num_source_vertices))

    @classmethod
    def load(cls, path: Path = COMMITTED) -> "Topology":
        """Read a topology file; raise `InputError` if it is none."""
        try:
            with np.load(path) as archive:
                return cls(**{field.name: archive[field.name] for field in fields(cls)})
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"no topology in {path} ({error}); leave --topology out to use the committed one"
            ) from None

    def save(self, path: Path) -> None:
        """Write a topology file."""
        np.savez_compressed(path, **asdict(self))
