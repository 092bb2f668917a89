"""Labels on the faces of a triangle mesh: who touches whom, voting, islands, smoothing.

Plain graph operations on numpy arrays. Nothing here knows about bodies.

Shapes:  V vertices, F faces, E pairs of faces that share an edge.
"""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# A face keeps its own label against one dissenting neighbour, and gives way to two that agree.
_OWN_VOTE = 1.2


def face_pairs(faces: IntArray) -> IntArray:
    """Return (E, 2) indices of faces that share an edge, each pair once."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    owner = np.tile(np.arange(len(faces)), 3)
    order = np.lexsort((edges[:, 1], edges[:, 0]))
    edges, owner = edges[order], owner[order]
    shared = (edges[1:] == edges[:-1]).all(axis=1)
    return np.stack([owner[:-1][shared], owner[1:][shared]], axis=1)


def face_normals(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """Return (F, 3) normals whose length is twice the face's area."""
    corners = vertices[faces]
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def vertex_normals(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """Return (V, 3) unit normals, the area-weighted mean of the faces around each vertex."""
    per_face = face_normals(vertices, faces)
    total = _scatter_sum(np.repeat(per_face, 3, axis=0), faces.reshape(-1), len(vertices))
    return total / (np.linalg.norm(total, axis=1, keepdims=True) + 1e-12)


def smooth_over_vertices(values: FloatArray, faces: IntArray, steps: int) -> FloatArray:
    """Move every vertex value (V, C) half-way to the mean of its neighbours, ``steps`` times."""
    tail = faces[:, [0, 1, 2, 1, 2, 0]].reshape(-1)
    head = faces[:, [1, 2, 0, 0, 1, 2]].reshape(-1)
    degree = np.bincount(tail, minlength=len(values)).astype(np.float64)[:, None]
    for _ in range(steps):
        values = 0.5 * values + 0.5 * _scatter_sum(values[head], tail, len(values)) / degree
    return values


def connected_components(labels: IntArray, pairs: IntArray) -> IntArray:
    """Return (F,) ids, equal for faces that are joined through faces of their own label.

    The id of a component is the smallest face index in it.
    """
    same = labels[pairs[:, 0]] == labels[pairs[:, 1]]
    first, second = pairs[same].T
    component = np.arange(len(labels))
    while True:
        smallest = np.minimum(component[first], component[second])
        updated = component.copy()
        np.minimum.at(updated, first, smallest)
        np.minimum.at(updated, second, smallest)
        updated = updated[updated]  # follow the pointer once more: distances double in every round
        if np.array_equal(updated, component):
            return component
        component = updated


def majority_vote(labels: IntArray, pairs: IntArray, passes: int) -> IntArray:
    """Straighten borders: a face changes to the label that two or more of its neighbours share."""
    faces = np.arange(len(labels))
    for _ in range(passes):
        votes = _votes(labels, pairs, int(labels.max()) + 1)
        votes[faces, labels] += _OWN_VOTE
        labels = votes.argmax(axis=1)
    return labels


def absorb_islands(labels: IntArray, pairs: IntArray, area: FloatArray, passes: int = 3) -> IntArray:
    """Leave one component per label, its largest; the others join the neighbour they touch most.

    Args:
        labels: (F,) non-negative labels.
        pairs: (E, 2) neighbouring faces. Leaving pairs out keeps labels from crossing that border.
        area: (F,) weights that decide which component of a label is the largest.
        passes: repetitions; an absorbed island can cut another label in two.
    """
    labels = labels.copy()
    for _ in range(passes):
        component = connected_components(labels, pairs)
        size = np.bincount(component, weights=area, minlength=len(labels))
        roots = np.unique(component)
        by_size = roots[np.lexsort((size[roots], labels[roots]))]
        last_of_label = np.append(labels[by_size[1:]] != labels[by_size[:-1]], True)
        stray = ~np.isin(component, by_size[last_of_label])
        if not stray.any():
            break
        while stray.any():
            adopted = _adopt(labels, stray, pairs)
            if not adopted.any():
                break
            stray &= ~adopted
    return labels


def _adopt(labels: IntArray, stray: BoolArray, pairs: IntArray) -> BoolArray:
    """Relabel, in place, the stray faces that touch settled ones; return which faces these were."""
    both_ways = np.concatenate([pairs, pairs[:, ::-1]])
    crossing = both_ways[stray[both_ways[:, 0]] & ~stray[both_ways[:, 1]]]
    num_labels = int(labels.max()) + 1
    key = crossing[:, 0] * num_labels + labels[crossing[:, 1]]
    votes = np.bincount(key, minlength=len(labels) * num_labels).reshape(len(labels), num_labels)
    adopted = np.asarray(votes.any(axis=1))
    labels[adopted] = votes[adopted].argmax(axis=1)
    return adopted


def _votes(labels: IntArray, pairs: IntArray, num_labels: int) -> FloatArray:
    """Count (F, num_labels) how many neighbours of each face carry each label."""
    both_ways = np.concatenate([pairs, pairs[:, ::-1]])
    key = both_ways[:, 0] * num_labels + labels[both_ways[:, 1]]
    counts = np.bincount(key, minlength=len(labels) * num_labels)
    return counts.reshape(len(labels), num_labels).astype(np.float64)


def _scatter_sum(values: FloatArray, index: IntArray, size: int) -> FloatArray:
    """Sum the rows of ``values`` (N, C) that share an index into (size, C)."""
    columns = [np.bincount(index, weights=column, minlength=size) for column in values.T]
    return np.stack(columns, axis=1)
