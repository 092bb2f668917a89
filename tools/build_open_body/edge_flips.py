"""Flip edges of a coarse mesh where that makes its triangles rounder and leaves creases alone."""

import numpy as np

from build_open_body.arrays import FloatArray
from build_open_body.edit_mesh import EditMesh, turns

_MAX_PASSES = 6
_MIN_VALENCE = 4
_MIN_CREASE_COSINE = 0.93  # sharper edges are features


def flip_edges(mesh: EditMesh, vertices: FloatArray) -> int:
    """Flip edges of ``mesh`` in place until none gains; return how many were flipped."""
    total = 0
    for _ in range(_MAX_PASSES):
        flipped = sum(_flip_one_edge(mesh, vertices, number) for number in list(mesh.faces))
        total += flipped
        if not flipped:
            break
    return total


def _flip_one_edge(mesh: EditMesh, vertices: FloatArray, number: int) -> bool:
    """Flip the first edge of a face that is worth it."""
    for first, second, corner in turns(mesh.faces[number]):
        others = mesh.edge_faces(first, second) - {number}
        if len(others) != 1:
            continue
        (other,) = others
        (opposite,) = set(mesh.faces[other]) - {first, second}
        if opposite in mesh.neighbours(corner):
            continue
        if min(len(mesh.around[first]), len(mesh.around[second])) <= _MIN_VALENCE:
            continue
        if _is_worth_it(*(vertices[vertex] for vertex in (first, second, corner, opposite))):
            mesh.flip(first, second, left=number, right=other)
            return True
    return False


def _is_worth_it(first: FloatArray, second: FloatArray, corner: FloatArray, opposite: FloatArray) -> bool:
    before = min(_quality(first, second, corner), _quality(second, first, opposite))
    after = min(_quality(corner, first, opposite), _quality(corner, opposite, second))
    if after < before * 1.05 + 0.02:
        return False
    normal, other_normal = _normal(first, second, corner), _normal(second, first, opposite)
    cosine = normal @ other_normal / (np.linalg.norm(normal) * np.linalg.norm(other_normal) + 1e-20)
    if cosine < _MIN_CREASE_COSINE:
        return False
    mean = normal + other_normal
    return bool(min(_normal(corner, first, opposite) @ mean, _normal(corner, opposite, second) @ mean) > 0)


def _quality(a: FloatArray, b: FloatArray, c: FloatArray) -> float:
    """Return 1 for an equilateral triangle, 0 for a flat one."""
    sides = ((a - b) ** 2).sum() + ((b - c) ** 2).sum() + ((c - a) ** 2).sum() + 1e-20
    return 2 * np.sqrt(3) * np.linalg.norm(_normal(a, b, c)) / sides


def _normal(a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
    return np.cross(b - a, c - a)
