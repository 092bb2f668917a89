"""Meshes and skinned, animated bodies as binary glTF 2.0 (``.glb``), which Blender and every 3D viewer open.

The format is simple enough to be written with a JSON header and one block of numbers (Khronos, glTF 2.0 specification,
sections 3.7, 3.11 and 4.4). Its skinning is linear blending without SMPL's pose correctives, and with at most four
joints to a vertex: an animated mesh differs from SMPL's by centimetres where joints are strongly bent.

Frames:  in, camera axes: x right, y down, z forward; out, glTF's: x right, y up, z towards the viewer, metres.
Shapes:  V vertices, E triangles, J joints, F frames.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from pymaf_pl.atomic import replacing

FloatArray = npt.NDArray[np.floating[Any]]
CAMERA_TO_GLTF = np.diag([1.0, -1.0, -1.0])
_COMPONENT = {np.dtype("<f4"): 5126, np.dtype("<u4"): 5125, np.dtype("<u2"): 5123, np.dtype("u1"): 5121}
_KIND = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
_VERTICES, _INDICES = 34962, 34963  # bufferView targets
_INFLUENCES = 4
_SKIN_COLOUR = (0.62, 0.73, 0.87, 1.0)


@dataclass(frozen=True)
class RestBody:
    """A body at rest, in its own axes: x left, y up, z forward.

    Attributes:
        vertices: (V, 3).
        faces: (E, 3).
        joints: (J, 3).
        parents: of the joints, -1 for the root, which comes first.
        names: of the joints.
        weights: (V, J) skinning weights.
    """

    vertices: FloatArray
    faces: npt.NDArray[np.integer[Any]]
    joints: FloatArray
    parents: Sequence[int]
    names: Sequence[str]
    weights: FloatArray


def write_mesh_glb(
    path: Path,
    vertices: FloatArray,
    faces: npt.NDArray[np.integer[Any]],
    colours: FloatArray | None = None,
    name: str = "body",
) -> None:
    """Write a mesh that stands still.

    Args:
        path: the ``.glb``.
        vertices: (V, 3) metres, camera axes.
        faces: (E, 3).
        colours: (V, 3) r g b in [0, 1], as a screen shows them.
        name: of the mesh.
    """
    block = _Block()
    attributes = _surface(block, np.asarray(vertices) @ CAMERA_TO_GLTF, faces)
    if colours is not None:
        attributes["COLOR_0"] = block.add(_linear(np.asarray(colours)).astype("<f4"), _VERTICES)
    mesh = _mesh(block, attributes, faces, name, white=colours is not None)
    _write(path, block, {"meshes": [mesh], "nodes": [{"name": name, "mesh": 0}], "scenes": [{"nodes": [0]}]})


def write_motion_glb(
    path: Path, body: RestBody, times: FloatArray, rotmat: FloatArray, transl: FloatArray, name: str = "body"
) -> None:
    """Write a skinned body and its animation.

    Args:
        path: the ``.glb``.
        body: at rest.
        times: (F,) seconds, growing.
        rotmat: (F, J, 3, 3) rotations relative to the parent; the root's turns the body into camera axes.
        transl: (F, 3) metres, camera axes: what SMPL adds after turning the body about its pelvis.
        name: of the mesh.
    """
    block = _Block()
    attributes = _surface(block, body.vertices, body.faces)
    joints, weights = strongest(np.asarray(body.weights))
    attributes |= {
        "JOINTS_0": block.add(joints.astype("u1" if len(body.joints) < 256 else "<u2"), _VERTICES),
        "WEIGHTS_0": block.add(weights.astype("<f4"), _VERTICES),
    }
    count = len(body.joints)
    inverse_bind = np.tile(np.eye(4), (count, 1, 1))
    inverse_bind[:, :3, 3] = -body.joints
    first = 2  # the scene holds the mesh and the first joint; joints follow in their order
    nodes: list[dict[str, Any]] = [
        {"name": f"{name}_scene", "children": [1, first]},
        {"name": name, "mesh": 0, "skin": 0},
    ]
    for joint, (label, parent) in enumerate(zip(body.names, body.parents, strict=True)):
        offset = body.joints[joint] - (body.joints[parent] if parent >= 0 else 0)
        children = [first + child for child, above in enumerate(body.parents) if above == joint]
        node = {"name": label, "translation": np.asarray(offset, float).tolist()}
        nodes.append(node | ({"children": children} if children else {}))
    turned = np.array(rotmat, np.float64)
    turned[:, 0] = CAMERA_TO_GLTF @ turned[:, 0]
    moved = (np.asarray(transl, np.float64) + body.joints[0]) @ CAMERA_TO_GLTF
    clock = block.add(np.asarray(times).astype("<f4"), bounds=True)
    samplers = [{"input": clock, "output": block.add(moved.astype("<f4")), "interpolation": "LINEAR"}]
    channels: list[dict[str, Any]] = [{"sampler": 0, "target": {"node": first, "path": "translation"}}]
    for joint in range(count):
        samplers.append({"input": clock, "output": block.add(_quaternions(turned[:, joint]).astype("<f4"))})
        channels.append({"sampler": joint + 1, "target": {"node": first + joint, "path": "rotation"}})
    _write(
        path,
        block,
        {
            "meshes": [_mesh(block, attributes, body.faces, name)],
            "nodes": nodes,
            "scenes": [{"nodes": [0]}],
            "skins": [
                {
                    "joints": list(range(first, first + count)),
                    "inverseBindMatrices": block.add(inverse_bind.transpose(0, 2, 1).astype("<f4")),
                    "skeleton": first,
                }
            ],
            "animations": [{"name": "motion", "samplers": samplers, "channels": channels}],
        },
    )


def strongest(weights: FloatArray) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return the four joints (V, 4) that move each vertex most and their weights (V, 4), which sum to 1."""
    joints = np.argsort(-weights, axis=1, kind="stable")[:, :_INFLUENCES]
    kept = np.take_along_axis(weights, joints, axis=1)
    return np.where(kept > 0, joints, 0), kept / kept.sum(axis=1, keepdims=True)


class _Block:
    """The numbers of a file, and where each array begins."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, values: npt.NDArray[Any], target: int | None = None, bounds: bool = False) -> int:
        """Append an array, (N,) or (N, ...); return its accessor."""
        self.data += b"\0" * (-len(self.data) % 4)
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": values.nbytes}
        self.views.append(view | ({"target": target} if target else {}))
        accessor: dict[str, Any] = {
            "bufferView": len(self.views) - 1,
            "componentType": _COMPONENT[values.dtype],
            "count": len(values),
            "type": _KIND[values.shape[1:]],
        }
        if bounds:
            accessor |= {"min": np.atleast_1d(values.min(0)).tolist(), "max": np.atleast_1d(values.max(0)).tolist()}
        self.accessors.append(accessor)
        self.data += np.ascontiguousarray(values).tobytes()
        return len(self.accessors) - 1


def _surface(block: _Block, vertices: FloatArray, faces: npt.NDArray[np.integer[Any]]) -> dict[str, int]:
    points = np.asarray(vertices, np.float64)
    return {
        "POSITION": block.add(points.astype("<f4"), _VERTICES, bounds=True),
        "NORMAL": block.add(_normals(points, faces).astype("<f4"), _VERTICES),
    }


def _mesh(
    block: _Block, attributes: dict[str, int], faces: npt.NDArray[np.integer[Any]], name: str, white: bool = False
) -> dict[str, Any]:
    indices = block.add(np.asarray(faces).astype("<u4").ravel(), _INDICES)
    return {
        "name": name,
        "primitives": [{"attributes": attributes, "indices": indices, "material": int(white)}],
    }


def _normals(vertices: FloatArray, faces: npt.NDArray[np.integer[Any]]) -> FloatArray:
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    summed, of_face = np.zeros_like(vertices), np.cross(b - a, c - a)
    for corner in range(3):
        np.add.at(summed, faces[:, corner], of_face)
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    return np.where(length > 0, summed / np.maximum(length, 1e-12), [0.0, 1.0, 0.0])


def _quaternions(rotmat: FloatArray) -> FloatArray:
    """Turn (F, 3, 3) into (F, 4) x y z w, each on the side of the one before: programs interpolate them as they are."""
    quaternions = Rotation.from_matrix(rotmat).as_quat()
    flips = np.sum(quaternions[1:] * quaternions[:-1], axis=1) < 0
    sign = np.where(np.concatenate([[False], np.logical_xor.accumulate(flips)]), -1.0, 1.0)
    return quaternions * sign[:, None]


def _linear(srgb: FloatArray) -> FloatArray:
    """Undo the screen's curve (IEC 61966-2-1): glTF's vertex colours are linear."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _write(path: Path, block: _Block, content: dict[str, Any]) -> None:
    def material(colour: Sequence[float]) -> dict[str, Any]:
        return {
            "pbrMetallicRoughness": {"baseColorFactor": list(colour), "metallicFactor": 0.0, "roughnessFactor": 0.8}
        }

    document = content | {
        "asset": {"version": "2.0", "generator": "pymaf_pl"},
        "scene": 0,
        "materials": [material(_linear(np.array(_SKIN_COLOUR)).tolist()), material((1.0, 1.0, 1.0, 1.0))],
        "bufferViews": block.views,
        "accessors": block.accessors,
        "buffers": [{"byteLength": len(block.data)}],
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    data = bytes(block.data) + b"\0" * (-len(block.data) % 4)
    with replacing(path) as draft, draft.open("wb") as stream:
        stream.write(struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + len(data)))
        stream.write(struct.pack("<I4s", len(text), b"JSON") + text)
        stream.write(struct.pack("<I4s", len(data), b"BIN\0") + data)
