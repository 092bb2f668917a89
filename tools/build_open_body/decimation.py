"""Coarsen the half mesh by collapsing edges onto existing vertices, cheapest first.

Quadric error metrics (Garland and Heckbert, "Surface simplification using quadric error metrics", 1997),
summed over several people so that the coarse mesh fits all of them, plus a small price for long edges that
keeps the triangles even. A vertex is never moved, so every vertex that is left is one of the source mesh.
"""

import heapq

import numpy as np

from build_open_body.arrays import FloatArray
from build_open_body.edit_mesh import EditMesh, Triangle, turns
from build_open_body.source_mesh import HalfMesh
from build_open_body.topology import BODY, FOOT, HAND, HEAD

# Vertices of the whole body per region, both sides together; the sum is SMPL's 6890.
VERTEX_QUOTA = {BODY: 3470, HEAD: 1420, HAND: 2 * 660, FOOT: 2 * 340}

_LENGTH_PRICE = {BODY: 0.02, HEAD: 0.004, HAND: 0.012, FOOT: 0.012}
_MIDLINE_WEIGHT = 2  # keeps the profile
_MAX_VALENCE = 9
_MIN_NORMAL_COSINE = 0.5
_MIN_QUALITY = 0.22


class Decimator:
    """State of one decimation. Costs sit in a heap; a changed neighbourhood makes its old entries stale."""

    def __init__(self, half: HalfMesh) -> None:
        self.mesh = EditMesh(half.faces)
        self._is_midline = half.is_midline
        self._region = half.region
        self._shapes = half.shapes  # (N, K, 3)
        num_vertices, num_shapes, _ = half.shapes.shape
        self._quadric = np.zeros((num_vertices, num_shapes, 4, 4))
        self._area = np.zeros(num_vertices)
        self._version = np.zeros(num_vertices, int)
        self._heap: list[tuple[float, int, int, int, int]] = []
        self._count = dict.fromkeys(VERTEX_QUOTA, 0)
        for vertex in self.mesh.around:
            self._count[self._region[vertex]] += self._share(vertex)
        self._add_face_quadrics()
        self._add_midline_quadrics()

    def run(self) -> EditMesh:
        """Collapse until every region meets its quota; return the mesh."""
        for vertex in list(self.mesh.around):
            self._push_from(vertex)
        while self._heap and any(self._count[region] > quota for region, quota in VERTEX_QUOTA.items()):
            _, removed_version, kept_version, removed, kept = heapq.heappop(self._heap)
            if removed not in self.mesh.around or kept not in self.mesh.around:
                continue
            if (removed_version, kept_version) != (self._version[removed], self._version[kept]):
                continue
            region = self._region[removed]
            if self._count[region] - self._share(removed) < VERTEX_QUOTA[region]:
                continue
            if self._may_collapse(removed, kept):
                self._collapse(removed, kept)
        return self.mesh

    def _share(self, vertex: int) -> int:
        """Return how many vertices of the whole body this one stands for."""
        return 1 if self._is_midline[vertex] else 2

    def _add_face_quadrics(self) -> None:
        for face in self.mesh.faces.values():
            corner = self._shapes[face[0]]
            normal = self._normals(face)
            length = np.linalg.norm(normal, axis=1) + 1e-15
            quadric = _plane_quadric(normal / length[:, None], corner, 0.5 * length)
            for vertex in face:
                self._quadric[vertex] += quadric
                self._area[vertex] += quadric[:, :3, :3].trace(axis1=1, axis2=2).mean() / 3

    def _add_midline_quadrics(self) -> None:
        """Add planes through the border edges, perpendicular to the sagittal plane."""
        for face in self.mesh.faces.values():
            for a, b, _ in turns(face):
                on_border = self._is_midline[a] and self._is_midline[b] and len(self.mesh.edge_faces(a, b)) == 1
                if on_border:
                    edge = self._shapes[b] - self._shapes[a]
                    length = np.linalg.norm(edge, axis=1) + 1e-15
                    normal = np.cross(edge / length[:, None], [1.0, 0, 0])
                    quadric = _plane_quadric(normal, self._shapes[a], _MIDLINE_WEIGHT * length**2)
                    self._quadric[a] += quadric
                    self._quadric[b] += quadric

    def _cost(self, removed: int, kept: int) -> float:
        num_shapes = self._shapes.shape[1]
        target = np.concatenate([self._shapes[kept], np.ones((num_shapes, 1))], 1)
        quadric = self._quadric[removed] + self._quadric[kept]
        error = np.einsum("ki,kij,kj->", target, quadric, target) / num_shapes
        squared_length = ((self._shapes[removed, 0] - self._shapes[kept, 0]) ** 2).sum()
        return max(error, 0) + _LENGTH_PRICE[self._region[removed]] * squared_length * self._area[removed]

    def _push(self, removed: int, kept: int) -> None:
        versions = (self._version[removed], self._version[kept])
        heapq.heappush(self._heap, (self._cost(removed, kept), *versions, removed, kept))

    def _push_from(self, vertex: int) -> None:
        for neighbour in self.mesh.neighbours(vertex):
            self._push(vertex, neighbour)

    def _collapse(self, removed: int, kept: int) -> None:
        self.mesh.collapse(removed, kept)
        self._quadric[kept] += self._quadric[removed]
        self._area[kept] += self._area[removed]
        self._count[self._region[removed]] -= self._share(removed)
        self._version[kept] += 1
        changed = self.mesh.neighbours(kept) | {kept}
        for vertex in changed:
            self._version[vertex] += 1
        for vertex in changed:
            self._push_from(vertex)
            for neighbour in self.mesh.neighbours(vertex):
                self._push(neighbour, vertex)

    def _may_collapse(self, removed: int, kept: int) -> bool:
        """Tell whether the collapse leaves a clean surface: a disk, no sharp valence, no folded or thin triangle."""
        mesh = self.mesh
        vanishing = mesh.edge_faces(removed, kept)
        if self._is_midline[removed] and not (self._is_midline[kept] and len(vanishing) == 1):
            return False
        removed_ring, kept_ring = mesh.neighbours(removed), mesh.neighbours(kept)
        common = removed_ring & kept_ring
        if len(common) != len(vanishing):  # the link condition (Dey et al., 1999)
            return False
        if len(kept_ring | removed_ring) - 2 > _MAX_VALENCE:
            return False
        if any(len(mesh.around[vertex]) <= 3 and not self._is_midline[vertex] for vertex in common):
            return False
        return all(self._stays_good(mesh.faces[n], removed, kept) for n in mesh.around[removed] - vanishing)

    def _stays_good(self, face: Triangle, removed: int, kept: int) -> bool:
        """Tell whether a face keeps its direction in all shapes, and a fair form in the first, when a corner moves."""
        a, b, c = (kept if corner == removed else corner for corner in face)
        before, after = self._normals(face), self._normals((a, b, c))
        before_length, after_length = np.linalg.norm(before, axis=1), np.linalg.norm(after, axis=1)
        if ((before * after).sum(1) < _MIN_NORMAL_COSINE * before_length * after_length).any():
            return False
        corners = [self._shapes[vertex, 0] for vertex in (a, b, c)]
        squared_sides = sum(((corners[k] - corners[k - 1]) ** 2).sum() for k in range(3))
        return after_length[0] * 2 * np.sqrt(3) / squared_sides >= _MIN_QUALITY

    def _normals(self, face: Triangle) -> FloatArray:
        """Return (K, 3) normals in all shapes, as long as twice the area."""
        a, b, c = (self._shapes[vertex] for vertex in face)
        return np.cross(b - a, c - a)


def _plane_quadric(normal: FloatArray, point: FloatArray, weight: FloatArray) -> FloatArray:
    """Return (K, 4, 4) weighted squared distances to planes with (K, 3) unit normals through (K, 3) points."""
    plane = np.concatenate([normal, -(normal * point).sum(1)[:, None]], 1)
    return weight[:, None, None] * plane[:, :, None] * plane[:, None, :]
