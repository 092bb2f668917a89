"""The left half of MakeHuman's body as one disk of triangles: cavities closed, regions marked.

The base mesh has a mouth cavity and two eye sockets, which a body model does not need. The lips are sewn
together, and each eye opening is filled with rings that lie on the eyeball, so that it follows every shape.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.csgraph import connected_components

from build_open_body.arrays import BoolArray, FloatArray, IntArray
from build_open_body.macro_shapes import MacroShapes, Phenotype
from build_open_body.makehuman import BaseMesh
from build_open_body.topology import BODY, FOOT, HAND, HEAD

ON_MIDLINE = 1e-5  # metres
_REGION_ISLANDS = {"body": BODY, "head": HEAD, "left hand": HAND, "left foot": FOOT}
# The islands of MakeHuman's texture map, told apart by their number of quads.
_SINGLE_ISLANDS = {3938: "body", 3116: "head", 398: "mouth"}
_PAIRED_ISLANDS = {1598: "hand", 1072: "foot", 293: "eye"}

# Bodies whose surface the coarser mesh has to follow: average, muscular man, heavy and thin woman.
REFERENCE_PEOPLE = (
    Phenotype(),
    Phenotype(gender=0, muscle=0.9),
    Phenotype(gender=1, weight=0.9, cup=0.6),
    Phenotype(gender=1, weight=0.25),
)

_EYE_RINGS = (0.45, 0.8)  # of the way from the lids to the middle of the eye opening; the second has half the vertices


@dataclass(frozen=True)
class HalfMesh:
    """Left half of the body. Its vertices are MakeHuman's, with those of the eye filling appended."""

    faces: IntArray
    """(F, 3) triangles."""
    source_index: IntArray
    """(N, 3) base vertices of each vertex."""
    source_weight: FloatArray
    """(N, 3) their shares."""
    is_midline: BoolArray
    """(N,)"""
    region: IntArray
    """(N,)"""
    shapes: FloatArray
    """(N, 4, 3) positions in each of `REFERENCE_PEOPLE`, metres."""


def half_mesh(base: BaseMesh, macro: MacroShapes) -> HalfMesh:
    """Build the half from the base mesh."""
    average = macro.vertices(REFERENCE_PEOPLE[0])
    quads = base.groups["body"][:, :, 0]
    island = _texture_islands(base, average)
    is_left = (base.vertices[quads][:, :, 0] > -ON_MIDLINE).all(1)
    is_skin = ~np.isin(island, ["mouth", "left eye", "right eye"])

    region = np.zeros(len(base.vertices), int)
    for name, value in _REGION_ISLANDS.items():
        region[np.unique(quads[is_left & (island == name)])] = value
    skin = _split_quads(quads[is_left & is_skin], average)
    mouth = _sew_lips(base.vertices, average, quads[island == "mouth"].tolist())
    eye = _fill_eye(base, average, quads[island == "left eye"].tolist())

    num_base, num_new = len(base.vertices), len(eye.source_index)
    source_index = np.concatenate([np.repeat(np.arange(num_base)[:, None], 3, 1), eye.source_index])
    source_weight = np.concatenate([np.tile([1.0, 0.0, 0.0], (num_base, 1)), eye.source_weight])
    shapes = [(source_weight[:, :, None] * macro.vertices(p)[source_index]).sum(1) for p in REFERENCE_PEOPLE]
    return HalfMesh(
        faces=np.concatenate([skin, mouth, eye.faces]),
        source_index=source_index,
        source_weight=source_weight,
        is_midline=np.concatenate([np.abs(base.vertices[:, 0]) < ON_MIDLINE, np.zeros(num_new, bool)]),
        region=np.concatenate([region, np.full(num_new, HEAD)]),
        shapes=np.stack(shapes, 1),
    )


def _texture_islands(base: BaseMesh, vertices: FloatArray) -> np.ndarray:
    """Return the name of each body quad's island in the texture map; the islands are the regions of the body."""
    quads, texture = base.groups["body"][:, :, 0], base.groups["body"][:, :, 1]
    size = texture.max() + 1
    joined = (np.ones(texture.size), (texture.ravel(), np.roll(texture, -1, 1).ravel()))
    _, label = connected_components(sparse.coo_matrix(joined, shape=(size, size)), directed=False)
    island = label[texture[:, 0]]
    names = np.empty(len(quads), dtype=object)
    for number in np.unique(island):
        inside = island == number
        count = int(inside.sum())
        if count in _SINGLE_ISLANDS:
            names[inside] = _SINGLE_ISLANDS[count]
        else:
            side = "left" if vertices[np.unique(quads[inside])][:, 0].mean() > 0 else "right"
            names[inside] = f"{side} {_PAIRED_ISLANDS[count]}"
    return names


def _split_quads(quads: IntArray, vertices: FloatArray) -> IntArray:
    """Return triangles: each quad split along its shorter diagonal."""
    first = np.linalg.norm(vertices[quads[:, 0]] - vertices[quads[:, 2]], axis=1)
    second = np.linalg.norm(vertices[quads[:, 1]] - vertices[quads[:, 3]], axis=1)
    by_first = (first <= second)[:, None]
    upper = np.where(by_first, quads[:, [0, 1, 2]], quads[:, [0, 1, 3]])
    lower = np.where(by_first, quads[:, [0, 2, 3]], quads[:, [1, 2, 3]])
    return np.concatenate([upper, lower])


def boundary_loop(faces: list[list[int]]) -> list[int]:
    """Return the border of a patch as one loop, along the direction of its faces."""
    directed = {(a, b) for face in faces for a, b in zip(face, [*face[1:], face[0]], strict=True)}
    following = {a: b for a, b in directed if (b, a) not in directed}
    loop = [min(following)]
    while following[loop[-1]] != loop[0]:
        loop.append(following[loop[-1]])
    if len(loop) != len(following):
        raise ValueError("the border of the patch is more than one loop")
    return loop


def _sew_lips(base_vertices: FloatArray, vertices: FloatArray, cavity: list[list[int]]) -> IntArray:
    """Return triangles between the inner rims of the lower and the upper lip, left half."""
    rim = [vertex for vertex in boundary_loop(cavity) if base_vertices[vertex][0] > -ON_MIDLINE]
    middle = [k for k, vertex in enumerate(rim) if abs(base_vertices[vertex][0]) < ON_MIDLINE]
    start = min(middle, key=lambda k: vertices[rim[k]][1])
    rim = rim[start:] + rim[:start]  # from the middle of the lower lip ...
    if abs(base_vertices[rim[-1]][0]) > ON_MIDLINE:
        rim = rim[:1] + rim[:0:-1]  # ... round the corner of the mouth to the middle of the upper lip
    directed = {(a, b) for face in cavity for a, b in zip(face, face[1:] + face[:1], strict=True)}
    runs_with_cavity = (rim[0], rim[1]) in directed

    corner = int(np.argmax([vertices[vertex][0] for vertex in rim]))
    low, high = 0, len(rim) - 1
    triangles = []
    while high - low > 1:
        down, up = rim[low], rim[high]
        to_upper = np.linalg.norm(vertices[down] - vertices[rim[high - 1]])
        to_lower = np.linalg.norm(vertices[rim[low + 1]] - vertices[up])
        if low + 1 > corner or (high - 1 >= corner and to_upper < to_lower):
            triangles.append((down, rim[high - 1], up))
            high -= 1
        else:
            triangles.append((down, rim[low + 1], up))
            low += 1
    sewn = np.array(triangles)
    return sewn if runs_with_cavity else sewn[:, [0, 2, 1]]


@dataclass(frozen=True)
class _Filling:
    faces: IntArray
    source_index: IntArray
    source_weight: FloatArray


def _fill_eye(base: BaseMesh, vertices: FloatArray, socket: list[list[int]]) -> _Filling:
    """Fill the left eye's opening with two rings and a centre, all on the eyeball's surface."""
    lids = boundary_loop(socket)
    ball = base.groups["helper-l-eye"][:, :, 0]
    triangles = np.concatenate([ball[:, [0, 1, 2]], ball[:, [0, 2, 3]]])
    center = vertices[np.unique(triangles)].mean(0)
    triangles = triangles[vertices[triangles].mean(1)[:, 2] > center[2] - 0.002]  # the front
    corners = vertices[triangles]
    radius = np.linalg.norm(corners.reshape(-1, 3) - center, axis=1).mean()
    rim = vertices[lids]
    middle = rim.mean(0)

    index, weight = [], []

    def on_eyeball(toward: FloatArray) -> int:
        """Add the point of the eyeball in this direction; return its vertex number."""
        direction = toward - center
        point = center + direction / np.linalg.norm(direction) * radius
        nearest, barycentric = closest_on_triangles(point, corners)
        index.append(triangles[nearest])
        weight.append(barycentric)
        return len(vertices) + len(index) - 1

    count = len(lids)
    outer = [on_eyeball(rim[k] * (1 - _EYE_RINGS[0]) + middle * _EYE_RINGS[0]) for k in range(count)]
    inner = [on_eyeball(rim[k] * (1 - _EYE_RINGS[1]) + middle * _EYE_RINGS[1]) for k in range(0, count, 2)]
    pupil = on_eyeball(middle)

    faces: list[tuple[int, int, int]] = []
    for k in range(count):
        after = (k + 1) % count
        faces += [(lids[k], lids[after], outer[k]), (outer[k], lids[after], outer[after])]
    for k in range(count // 2):
        a, b, c = outer[2 * k], outer[2 * k + 1], outer[(2 * k + 2) % count]
        near, far = inner[k], inner[(k + 1) % (count // 2)]
        faces += [(a, b, near), (b, c, far), (b, far, near), (near, far, pupil)]
    return _Filling(np.array(faces), np.array(index), np.array(weight))


def closest_on_triangles(point: FloatArray, triangles: FloatArray) -> tuple[int, FloatArray]:
    """Return the triangle of (N, 3, 3) that is nearest to a point, and the (3,) barycentric weights of the foot."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    ab, ac, ap = b - a, c - a, point - a
    d00, d01, d11 = (ab * ab).sum(1), (ab * ac).sum(1), (ac * ac).sum(1)
    d20, d21 = (ap * ab).sum(1), (ap * ac).sum(1)
    determinant = d00 * d11 - d01 * d01 + 1e-30
    v = (d11 * d20 - d01 * d21) / determinant
    w = (d00 * d21 - d01 * d20) / determinant
    is_inside = (v >= 0) & (w >= 0) & (v + w <= 1)

    bc, bp = c - b, point - b
    on_ab = np.clip(d20 / (d00 + 1e-30), 0, 1)
    on_ac = np.clip(d21 / (d11 + 1e-30), 0, 1)
    on_bc = np.clip((bc * bp).sum(1) / ((bc * bc).sum(1) + 1e-30), 0, 1)
    zero = np.zeros_like(v)
    candidates = [
        np.stack([1 - v - w, v, w], 1),
        np.stack([1 - on_ab, on_ab, zero], 1),
        np.stack([1 - on_ac, zero, on_ac], 1),
        np.stack([zero, 1 - on_bc, on_bc], 1),
    ]
    squared = np.stack([(((bary[:, :, None] * triangles).sum(1) - point) ** 2).sum(1) for bary in candidates])
    squared[0] = np.where(is_inside, squared[0], np.inf)
    kind, nearest = np.unravel_index(np.argmin(squared), squared.shape)
    return int(nearest), candidates[kind][nearest]
