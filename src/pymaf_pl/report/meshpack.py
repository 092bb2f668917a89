"""Many meshes of one topology in few bytes, for a browser to unpack without a library.

Half a millimetre is plenty for the eye, and neighbours move alike. So every mesh is moved to its own mean, rounded to a
grid, and written as what its two predictors leave over:

1. the mesh before it (the previous iteration; for body[0] the body[0] of the person before, as both are the mean body);
2. of that difference, the mean over the neighbours with a lower index, which are already known when a vertex is read.

Residuals become unsigned 16-bit words (zigzag: 0, -1, 1, -2, ... are 0, 1, 2, 3, ...), all low bytes before all high
bytes, in one zlib stream. The faces come first, because the neighbours are read off them. ``meshes.js`` is the twin of
:func:`unpack_meshes`.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pymaf_pl.errors import InputError

FINEST_STEP = 5e-4  # metres: at most 0.25 mm per axis, 0.43 mm in space
GRID_RADIUS = 8000  # two differences of such numbers still fit a signed 16-bit word
MAX_VERTICES = 1 << 15  # differences of two indices still fit a signed 16-bit word


@dataclass(frozen=True)
class MeshPack:
    """Meshes as one compressed stream and the few numbers needed to read it."""

    num_vertices: int
    num_faces: int
    step: float
    """metres per grid step"""
    counts: tuple[int, ...]
    """meshes per group; the groups follow each other in the stream"""
    centres: tuple[tuple[float, float, float], ...]
    """metres, one per mesh: where its mean vertex was"""
    stream: bytes


def pack_meshes(groups: Sequence[np.ndarray], faces: np.ndarray) -> MeshPack:
    """Pack groups of meshes that share ``faces``.

    Args:
        groups: arrays (N_k, V, 3) in metres; within a group, meshes that resemble each other should be neighbours.
        faces: (F, 3) vertex indices.

    Returns:
        The packed meshes; exact to 0.5 mm as long as no vertex is more than 4 m from the mean of its mesh.
    """
    faces = _checked_faces(faces)
    shapes = {np.shape(group)[1:] for group in groups}
    if len(shapes) != 1 or any(len(shape) != 2 or shape[1] != 3 for shape in shapes):
        raise InputError(f"groups of meshes have shapes {sorted(shapes)}, expected (N, V, 3) with the same V for all")
    meshes = np.concatenate([np.asarray(group, np.float64) for group in groups])
    num_vertices = meshes.shape[1]
    if num_vertices > MAX_VERTICES:
        raise InputError(f"meshes have {num_vertices} vertices, a page can show at most {MAX_VERTICES}")
    if faces.max(initial=0) >= num_vertices:
        raise InputError(f"faces name vertex {faces.max()}, but the meshes have only {num_vertices} vertices")
    if not np.isfinite(meshes).all():
        raise InputError("vertices hold values that are not finite; leave such a person's meshes out (vertices=None)")
    counts = tuple(len(group) for group in groups)
    centres = meshes.mean(axis=1).round(6)
    local = meshes - centres[:, None]
    step = max(FINEST_STEP, float(np.abs(local).max()) / GRID_RADIUS)
    moves = _differences(np.rint(local / step).astype(np.int64), counts)
    _, flat, owner, degree = _lower_neighbours(faces, num_vertices)
    sums = np.zeros_like(moves)
    np.add.at(sums.swapaxes(0, 1), owner, moves[:, flat].swapaxes(0, 1))
    residuals = moves - _rounded_mean(sums, degree[:, None])
    words = _zigzag(np.concatenate([_face_deltas(faces).T.ravel(), residuals.transpose(0, 2, 1).ravel()]))
    stream = zlib.compress(words.astype("<u2").view(np.uint8).reshape(-1, 2).T.tobytes(), level=9)
    return MeshPack(num_vertices, len(faces), step, counts, tuple((x, y, z) for x, y, z in centres.tolist()), stream)


def unpack_meshes(pack: MeshPack) -> tuple[list[np.ndarray], np.ndarray]:
    """The inverse of :func:`pack_meshes`: the groups (N_k, V, 3) float64 in metres and the faces (F, 3)."""
    planes = np.frombuffer(zlib.decompress(pack.stream), np.uint8).reshape(2, -1).astype(np.int64)
    words = planes[0] | planes[1] << 8
    signed = (words >> 1) ^ -(words & 1)
    split = 3 * pack.num_faces
    faces = signed[:split].reshape(3, -1).T.copy()
    faces[:, 0] = faces[:, 0].cumsum()
    faces[:, 1:] += faces[:, :1]
    moves = signed[split:].reshape(-1, 3, pack.num_vertices).transpose(0, 2, 1).copy()
    start, flat, _, degree = _lower_neighbours(faces, pack.num_vertices)
    for vertex in range(1, pack.num_vertices):
        known = moves[:, flat[start[vertex] : start[vertex + 1]]].sum(axis=1)
        moves[:, vertex] += _rounded_mean(known, degree[vertex])
    for index, reference in enumerate(_references(pack.counts)):
        if reference is not None:
            moves[index] += moves[reference]
    meshes = moves * pack.step + np.asarray(pack.centres)[:, None]
    return np.split(meshes, np.cumsum(pack.counts)[:-1]), faces


def _checked_faces(faces: np.ndarray) -> np.ndarray:
    faces = np.asarray(faces)
    if faces.ndim != 2 or faces.shape[1] != 3 or not np.issubdtype(faces.dtype, np.integer):
        raise InputError(f"faces are {faces.dtype} of shape {faces.shape}, expected integers of shape (F, 3)")
    if faces.min(initial=0) < 0:
        raise InputError(f"faces name vertex {faces.min()}, expected indices from 0")
    return faces.astype(np.int64)


def _references(counts: Sequence[int]) -> list[int | None]:
    """For every mesh the one it is predicted from: its predecessor, or the first mesh of the group before."""
    references: list[int | None] = []
    first = None
    for count in counts:
        start = len(references)
        references += [first, *range(start, start + count - 1)] if count else []
        first = start if count else first
    return references


def _differences(meshes: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    references = _references(counts)
    return np.stack([m if r is None else m - meshes[r] for m, r in zip(meshes, references, strict=True)])


def _lower_neighbours(faces: np.ndarray, num_vertices: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Neighbours with a lower index, as one list sorted by owner: (start, neighbours, owners, how many).

    An edge counts once per face. A vertex without such a neighbour borrows the vertex before it; vertex 0 has none.
    """
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = edges[edges[:, 0] != edges[:, 1]]
    alone = np.setdiff1d(np.arange(1, num_vertices), edges.max(axis=1, initial=0))
    edges = np.concatenate([edges, np.stack([alone - 1, alone], axis=1)])
    lower, owner = edges.min(axis=1), edges.max(axis=1)
    order = np.argsort(owner, kind="stable")
    degree = np.bincount(owner, minlength=num_vertices)
    return np.concatenate([[0], degree.cumsum()]), lower[order], owner[order], degree


def _rounded_mean(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    mean: np.ndarray = np.floor_divide(2 * total + count, 2 * np.maximum(count, 1))
    return mean


def _face_deltas(faces: np.ndarray) -> np.ndarray:
    deltas = faces.copy()
    deltas[:, 1:] -= faces[:, :1]
    deltas[1:, 0] -= faces[:-1, 0]
    return deltas


def _zigzag(values: np.ndarray) -> np.ndarray:
    return (values << 1) ^ (values >> 63)
