"""Unwrap each of the 24 parts of a body into its own unit square.

Limb halves are unwrapped as half cylinders, the torso by its width, the head as two half spheres and
hands and feet as two mittens side by side (upper surface in u < 0.5, lower surface in u > 0.5). Corners
carry their own coordinates, so a chart may jump from one face to the next where the part is cut open.
"""

import numpy as np

from pymaf_pl.body.face_graph import BoolArray, FloatArray, IntArray, majority_vote, smooth_over_vertices
from pymaf_pl.body.labelling import Frame, RestBody
from pymaf_pl.body.parts import TUBES, Segment

_LEFT = np.array([1.0, 0.0, 0.0])
_UP = np.array([0.0, 1.0, 0.0])
_FORWARD = np.array([0.0, 0.0, 1.0])

# Corners of a half may lie a little beyond its seam (radians); farther out the chart is squashed.
_TUBE_OVERHANG = 0.25
_TORSO_OVERHANG = 0.4
# Share of the angle about the vertical axis in the torso's u: opens the flanks, which width alone would fold.
_TORSO_ANGLE_SHARE = 0.15
# Height of the skull's centre between the head joint and the top of the head.
_SKULL_HEIGHT = 0.35


def unwrap(body: RestBody, segment: IntArray, part: IntArray, frames: dict[Segment, Frame]) -> FloatArray:
    """Return (F, 3, 2) chart coordinates in [0, 1] of each face corner."""
    uv = np.zeros((len(part), 3, 2))
    for tube in TUBES:
        for half in (tube.back, tube.front):
            uv[part == half] = _half_cylinder(body, part == half, frames[tube.segment])

    torso_depth = body.vertices[np.unique(body.faces[segment == Segment.TORSO]), 2].mean()
    spine = np.array([body.sagittal_x, 0.0, torso_depth])
    for half, facing in ((1, -1.0), (2, 1.0)):
        uv[part == half] = _torso_half(body, part == half, spine, facing)

    skull = _skull_center(body, segment)
    for half, outward in ((23, -_LEFT), (24, _LEFT)):
        uv[part == half] = _head_half(body, part == half, skull, outward)

    joints = body.joints
    for hand, wrist, knuckles in ((4, 20, 22), (3, 21, 23)):
        along = joints[knuckles] - joints[wrist]
        uv[part == hand] = _mitten(body, part == hand, along=along / np.linalg.norm(along), across=_FORWARD)
    for foot, across in ((5, _LEFT), (6, -_LEFT)):
        uv[part == foot] = _mitten(body, part == foot, along=_FORWARD, across=across)
    return uv


def _half_cylinder(body: RestBody, half: BoolArray, frame: Frame) -> FloatArray:
    """Unwrap half a limb: u is the angle across the half, v runs along the axis."""
    offset = body.vertices[body.faces[half]] - frame.origin
    facing = np.sign(((body.centers[half] - frame.origin) @ frame.front) @ body.area[half])
    angle = _angle_from_seam(facing * (offset @ frame.front), offset @ frame.side)
    u = _to_unit(np.clip(angle, -_TUBE_OVERHANG, np.pi + _TUBE_OVERHANG))
    return np.stack([u, _to_unit(offset @ frame.axis)], axis=-1)


def _torso_half(body: RestBody, half: BoolArray, spine: FloatArray, facing: float) -> FloatArray:
    """Unwrap the chest or the back: u is the width plus some angle, v runs from neck to crotch."""
    offset = body.vertices[body.faces[half]] - spine
    width = offset[..., 0] / np.abs(offset[..., 0]).max()
    angle = _angle_from_seam(facing * offset[..., 2], offset[..., 0])
    turn = 1 - np.clip(angle, -_TORSO_OVERHANG, np.pi + _TORSO_OVERHANG) / (np.pi / 2)
    u = _to_unit(_TORSO_ANGLE_SHARE * turn + 0.5 * width)
    return np.stack([u, _to_unit(-(offset @ _UP))], axis=-1)


def _skull_center(body: RestBody, segment: IntArray) -> FloatArray:
    head = body.vertices[np.unique(body.faces[segment == Segment.HEAD])]
    base, top = body.joints[15, 1], head[:, 1].max()
    depth = 0.5 * (head[:, 2].max() + head[:, 2].min())
    return np.array([body.sagittal_x, base + _SKULL_HEIGHT * (top - base), depth])


def _head_half(body: RestBody, half: BoolArray, skull: FloatArray, outward: FloatArray) -> FloatArray:
    """Unwrap one side of the head on a sphere: u is the longitude from the face to the back, v the latitude."""
    direction = body.vertices[body.faces[half]] - skull
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    # A corner on the midline, or a hair beyond, belongs to the rim of both sides.
    sideways = np.maximum(direction @ outward, 0.0) + 1e-6
    longitude = np.arctan2(sideways, direction @ _FORWARD)
    latitude = np.arccos(np.clip(direction @ _UP, -1.0, 1.0))
    return np.stack([_to_unit(longitude), _to_unit(latitude)], axis=-1)


def _mitten(body: RestBody, faces: BoolArray, along: FloatArray, across: FloatArray) -> FloatArray:
    """Unwrap a hand or a foot flat: upper surface in u < 0.5, lower surface mirrored beside it."""
    corners = body.vertices[body.faces[faces]]
    width = 0.5 * _to_unit(corners @ across)
    upward = smooth_over_vertices(body.normals, body.faces, steps=3)[body.faces].mean(axis=1) @ _UP > 0
    inner = body.pairs[faces[body.pairs].all(axis=1)]
    is_upper = majority_vote(upward.astype(np.int64), inner, passes=3)[faces] > 0
    u = np.where(is_upper[:, None], width, 1 - width)
    return np.stack([u, _to_unit(corners @ along)], axis=-1)


def _angle_from_seam(forward: FloatArray, sideways: FloatArray) -> FloatArray:
    """Angle that runs 0..pi over the half in front; the far side continues it on both ends instead of wrapping."""
    angle = np.arctan2(forward, sideways)
    return np.where(angle < -np.pi / 2, angle + 2 * np.pi, angle)


def _to_unit(values: FloatArray) -> FloatArray:
    low, high = values.min(), values.max()
    return (values - low) / (high - low + 1e-12)
