"""An even subset of the surface for the feedback loop to project."""

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

_TAKEN = -1.0  # in place of a distance


def farthest_points(vertices: npt.NDArray[np.float64], count: int) -> list[int]:
    """Pick vertices that lie far apart, in mirrored pairs.

    Starts at the topmost midline vertex and always takes the vertex farthest from all taken ones together with its
    mirror image (nearest vertex to the mirrored position, x = 0 being the sagittal plane); an odd rest ends on the
    midline. Deterministic, O(count * V).

    Args:
        vertices: (V, 3) left-right symmetric rest surface.
        count: how many to take, at most V.

    Returns:
        Sorted vertex indices, closed under mirroring for a symmetric surface.
    """
    mirror = _mirror_map(vertices)
    midline = mirror == np.arange(len(vertices))
    first = int(np.flatnonzero(midline)[vertices[midline, 1].argmax()])
    taken = [first]
    distance = np.linalg.norm(vertices - vertices[first], axis=1)
    distance[first] = _TAKEN
    while len(taken) < count:
        last_one = count - len(taken) == 1
        candidates = np.where(midline, distance, _TAKEN) if last_one else distance
        # an uneven rest ends off the midline only when nothing is left there
        pick = int((candidates if candidates.max() > _TAKEN else distance).argmax())
        partner = int(mirror[pick])
        # on a surface that is not quite symmetric the mirror image may be taken already
        for index in (pick,) if last_one or partner == pick or distance[partner] == _TAKEN else (pick, partner):
            taken.append(index)
            distance = np.minimum(distance, np.linalg.norm(vertices - vertices[index], axis=1))
            distance[index] = _TAKEN
    return sorted(taken)


def _mirror_map(vertices: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Index of the vertex nearest to each vertex's mirror image."""
    _, index = cKDTree(vertices).query(vertices * np.array([-1.0, 1.0, 1.0]))
    return np.asarray(index, dtype=np.int64)
