"""Array types and sparse mesh operators that several steps share."""

from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]

MIRROR_X = np.array([-1.0, 1.0, 1.0])
"""Multiply positions by this to reflect them in the sagittal plane x = 0."""


def face_edges(faces: IntArray) -> IntArray:
    """Return (3F, 2) directed edges: all first edges, all second edges, all third edges."""
    return np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def neighbours(faces: IntArray, num_vertices: int) -> sparse.csr_matrix:
    """Return the (V, V) adjacency matrix of the vertices, ones where an edge joins two of them."""
    edges = face_edges(faces)
    rows, columns = np.r_[edges[:, 0], edges[:, 1]], np.r_[edges[:, 1], edges[:, 0]]
    adjacency = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(num_vertices, num_vertices))
    adjacency.data[:] = 1  # an inner edge was counted once for each of its two faces
    return adjacency


def neighbour_mean(faces: IntArray, num_vertices: int) -> sparse.csr_matrix:
    """Return the (V, V) operator that replaces each vertex by the plain mean of its neighbours."""
    adjacency = neighbours(faces, num_vertices)
    return sparse.diags(1 / np.asarray(adjacency.sum(1)).ravel()) @ adjacency
