"""Find nose, eyes, ears, finger tips, toes and heels on a mesh in MakeHuman's rest pose."""

import numpy as np

from build_open_body.arrays import BoolArray, FloatArray, IntArray
from build_open_body.makehuman import BaseMesh
from build_open_body.topology import FOOT, HAND, HEAD

_FINGERS = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "pinky": 5}
_TOES = {"BigToe": "joint-l-toe-1-3", "SmallToe": "joint-l-toe-5-4"}


def find_landmarks(
    vertices: FloatArray, region: IntArray, mirror: IntArray, base: BaseMesh, source: FloatArray
) -> dict[str, int]:
    """Return landmark -> vertex under the names that smplx's ``vertex_ids`` uses.

    Args:
        vertices: (V, 3) the mesh.
        region: (V,) its regions.
        mirror: (V,) its left/right twins.
        base: groups of the base mesh, which hold the joint cubes and the eyeball.
        source: positions of the base mesh's vertices.
    """

    def cube(name: str) -> FloatArray:
        return source[base.group_vertices(name)].mean(0)

    is_left = vertices[:, 0] > 1e-6
    is_head, is_hand, is_foot = (region == HEAD), (region == HAND) & is_left, (region == FOOT) & is_left
    eye_joint = cube("joint-l-eye")

    on_profile = (np.abs(vertices[:, 0]) < 1e-6) & is_head
    below_eyes = (vertices[:, 1] < eye_joint[1] - 0.01) & (vertices[:, 1] > eye_joint[1] - 0.07)
    left = {"eye": _nearest(vertices, _front_of_eye(source[base.group_vertices("helper-l-eye")]), is_head & is_left)}
    is_ear = is_head & is_left & (vertices[:, 0] > 0.93 * vertices[is_head, 0].max())
    is_ear &= vertices[:, 2] < eye_joint[2] - 0.04
    left["ear"] = _nearest(vertices, vertices[is_ear].mean(0), is_ear)
    for name, finger in _FINGERS.items():
        tip, knuckle = cube(f"joint-l-finger-{finger}-4"), cube(f"joint-l-finger-{finger}-3")
        near_tip = is_hand & (np.linalg.norm(vertices - tip, axis=1) < 0.02)
        left[name] = _farthest(vertices, tip - knuckle, near_tip, origin=tip)
    for name, joint in _TOES.items():
        left[name] = _nearest(vertices, cube(joint) + np.array([0, 0, 0.01]), is_foot)
    is_low = is_foot & (vertices[:, 1] < vertices[is_foot, 1].min() + 0.035)
    left["Heel"] = _farthest(vertices, np.array([0, 0, -1.0]), is_low)

    landmarks = {"nose": _farthest(vertices, np.array([0, 0, 1.0]), on_profile & below_eyes)}
    for name, vertex in left.items():
        left_letter, right_letter = ("L", "R") if name[0].isupper() else ("l", "r")
        landmarks[left_letter + name] = vertex
        landmarks[right_letter + name] = int(mirror[vertex])
    return landmarks


def _front_of_eye(eyeball: FloatArray) -> FloatArray:
    return np.array([eyeball[:, 0].mean(), eyeball[:, 1].mean(), eyeball[:, 2].max()])


def _nearest(vertices: FloatArray, point: FloatArray, among: BoolArray) -> int:
    return int(np.nonzero(among)[0][np.argmin(np.linalg.norm(vertices[among] - point, axis=1))])


def _farthest(vertices: FloatArray, direction: FloatArray, among: BoolArray, origin: FloatArray | float = 0.0) -> int:
    return int(np.nonzero(among)[0][np.argmax((vertices[among] - origin) @ direction)])
