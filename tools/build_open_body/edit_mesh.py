"""A triangle mesh that can be edited: faces by number, and the faces around each vertex."""

from collections.abc import Iterator

import numpy as np

from build_open_body.arrays import IntArray, face_edges

Triangle = tuple[int, int, int]


class EditMesh:
    """Mutable triangle mesh.

    Attributes:
        faces: number -> corner vertices.
        around: vertex -> numbers of the faces that have it; vertices without faces are not in it.
    """

    def __init__(self, faces: IntArray) -> None:
        self.faces: dict[int, Triangle] = {number: (int(a), int(b), int(c)) for number, (a, b, c) in enumerate(faces)}
        self.around: dict[int, set[int]] = {}
        for number, face in self.faces.items():
            for vertex in face:
                self.around.setdefault(vertex, set()).add(number)

    def neighbours(self, vertex: int) -> set[int]:
        """Return the vertices that share an edge with this one."""
        return {corner for number in self.around[vertex] for corner in self.faces[number]} - {vertex}

    def edge_faces(self, first: int, second: int) -> set[int]:
        """Return the faces on an edge: two inside the mesh, one on its border."""
        return self.around[first] & self.around[second]

    def collapse(self, removed: int, kept: int) -> None:
        """Move a vertex onto a neighbour; the faces on their edge vanish."""
        for number in self.edge_faces(removed, kept):
            for corner in self.faces.pop(number):
                self.around[corner].discard(number)
        for number in self.around.pop(removed):
            a, b, c = (kept if corner == removed else corner for corner in self.faces[number])
            self.faces[number] = (a, b, c)
            self.around[kept].add(number)

    def flip(self, first: int, second: int, left: int, right: int) -> None:
        """Replace the edge between two vertices by the edge between the opposite corners of its two faces.

        Args:
            first: start of the edge in face ``left``.
            second: its end.
            left: number of the face that has the edge as first -> second.
            right: number of the other face.
        """
        (left_corner,) = set(self.faces[left]) - {first, second}
        (right_corner,) = set(self.faces[right]) - {first, second}
        self.faces[left] = (left_corner, first, right_corner)
        self.faces[right] = (left_corner, right_corner, second)
        self.around[second].discard(left)
        self.around[first].discard(right)
        self.around[right_corner].add(left)
        self.around[left_corner].add(right)

    def to_array(self) -> IntArray:
        """Return (F, 3) corner vertices."""
        return np.array(list(self.faces.values()))


def turns(face: Triangle) -> Iterator[Triangle]:
    """Yield the three ways to write a triangle without changing its orientation."""
    a, b, c = face
    yield from ((a, b, c), (b, c, a), (c, a, b))


def euler_characteristic(faces: IntArray) -> int:
    """Return V - E + F: 1 for a disk, 2 for a closed surface without handles.

    Args:
        faces: (F, 3) triangles.

    Raises:
        ValueError: if two faces run through an edge in the same direction, so that the mesh is no oriented surface.
    """
    directed = face_edges(faces)
    if len(np.unique(directed, axis=0)) != len(directed):
        raise ValueError("two faces have an edge in the same direction")
    num_edges = len(np.unique(np.sort(directed, axis=1), axis=0))
    return len(np.unique(faces)) - num_edges + len(faces)
