"""Label every face of a body with its segment, its limb and its dense part.

The labels are computed from skinning weights and rest shape, so any body in SMPL's format gets them
and no annotation file is needed.

Shapes:  V vertices, F faces, E pairs of faces that share an edge.
Frames:  body frame, T-pose: x to the body's left, y up, z forward; metres.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pymaf_pl.body.face_graph import (
    FloatArray,
    IntArray,
    absorb_islands,
    face_normals,
    face_pairs,
    majority_vote,
    smooth_over_vertices,
    vertex_normals,
)
from pymaf_pl.body.parts import SEGMENT_JOINTS, SEGMENT_LIMB, TUBES, WHOLE_PARTS, Segment, Tube


@dataclass(frozen=True)
class Frame:
    """Axes of a tube: ``axis`` runs along it, ``front`` faces forward, ``side`` completes the frame."""

    origin: FloatArray
    axis: FloatArray
    side: FloatArray
    front: FloatArray


@dataclass(frozen=True)
class RestBody:
    """The rest shape with the face quantities that labelling and unwrapping both need."""

    vertices: FloatArray  # (V, 3) body frame, metres
    faces: IntArray  # (F, 3)
    joints: FloatArray  # (24, 3)
    normals: FloatArray  # (V, 3) unit
    centers: FloatArray  # (F, 3)
    area: FloatArray  # (F,)
    pairs: IntArray  # (E, 2) faces that share an edge
    sagittal_x: float  # x of the plane between left and right

    @classmethod
    def of(cls, vertices: FloatArray, faces: IntArray, joints: FloatArray) -> "RestBody":
        """Measure a rest shape."""
        centers = vertices[faces].mean(axis=1)
        area = 0.5 * np.linalg.norm(face_normals(vertices, faces), axis=1)
        return cls(
            vertices=vertices,
            faces=faces,
            joints=joints,
            normals=vertex_normals(vertices, faces),
            centers=centers,
            area=area,
            pairs=face_pairs(faces),
            sagittal_x=float(np.average(centers[:, 0], weights=area)),
        )

    def frame(self, tube: Tube, segment: IntArray) -> Frame:
        """Return the frame of a limb segment, centred on its flesh: joints are not in a limb's middle."""
        start = self.joints[tube.start]
        axis = _unit(self.joints[tube.end] - start)
        forward = np.array([0.0, 0.0, 1.0])
        front = _unit(forward - axis[2] * axis)
        faces = segment == tube.segment
        offset = self.centers[faces] - start
        offset = offset - (offset @ axis)[:, None] * axis
        origin = start + np.average(offset, axis=0, weights=self.area[faces])
        return Frame(origin=origin, axis=axis, side=np.cross(front, axis), front=front)


def label_segments(body: RestBody, skin_weights: FloatArray) -> IntArray:
    """Return (F,) the `Segment` of each face: the strongest group of joints, borders straightened."""
    strength = np.stack([skin_weights[:, list(SEGMENT_JOINTS[s])].sum(axis=1) for s in Segment], axis=1)
    strongest = strength[body.faces].mean(axis=1).argmax(axis=1)
    return absorb_islands(majority_vote(strongest, body.pairs, passes=2), body.pairs, body.area)


def label_limbs(segment: IntArray) -> NDArray[np.uint8]:
    """Return (F,) limb labels 1..6 in the order of `LIMB_NAMES`."""
    return np.array(SEGMENT_LIMB, dtype=np.uint8)[segment]


def label_parts(body: RestBody, segment: IntArray, frames: dict[Segment, Frame]) -> IntArray:
    """Return (F,) dense part labels 1..24, each part in one piece."""
    part = np.zeros(len(segment), dtype=np.int64)
    for whole, label in WHOLE_PARTS.items():
        part[segment == whole] = label

    # Strong smoothing: the border then runs along the flanks and over the shoulders, not around the breasts.
    facing = smooth_over_vertices(body.normals, body.faces, steps=25)[body.faces].mean(axis=1)[:, 2]
    torso = segment == Segment.TORSO
    part[torso] = np.where(facing[torso] < 0, 1, 2)

    head = segment == Segment.HEAD
    part[head] = np.where(body.centers[head, 0] < body.sagittal_x, 23, 24)

    for tube in TUBES:
        frame, faces = frames[tube.segment], segment == tube.segment
        behind = (body.centers[faces] - frame.origin) @ frame.front < 0
        part[faces] = np.where(behind, tube.back, tube.front)

    # Straighten inside each segment only, so that the borders between segments stay where they are.
    inner = body.pairs[segment[body.pairs[:, 0]] == segment[body.pairs[:, 1]]]
    return absorb_islands(majority_vote(part, inner, passes=3), inner, body.area)


def _unit(vector: FloatArray) -> FloatArray:
    return vector / np.linalg.norm(vector)
