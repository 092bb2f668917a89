"""What is written as glTF, read back: by trimesh, and number by number from the file itself."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial.transform import Rotation
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.body.joints import PARENTS, SKELETON_24
from pymaf_pl.footage.results import rest_body
from pymaf_pl.motion.gltf import strongest, write_mesh_glb, write_motion_glb

_TYPES = {5126: "<f4", 5125: "<u4", 5123: "<u2", 5121: "u1"}
_WIDTH = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
FRAMES = 5


def read_glb(path: Path) -> tuple[dict[str, Any], Callable[[int], np.ndarray]]:
    """Return the JSON of a .glb and a reader of its accessors, from the specification alone."""
    data = path.read_bytes()
    magic, version, length = struct.unpack("<4sII", data[:12])
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack("<I4s", data[12:20])
    assert kind == b"JSON"
    assert size % 4 == 0
    document = json.loads(data[20 : 20 + size])
    binary = data[20 + size + 8 :]
    assert document["buffers"][0]["byteLength"] <= len(binary)

    def read(index: int) -> np.ndarray:
        accessor = document["accessors"][index]
        view = document["bufferViews"][accessor["bufferView"]]
        assert view["byteOffset"] % 4 == 0
        raw = binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
        return np.frombuffer(raw, _TYPES[accessor["componentType"]]).reshape(
            accessor["count"], _WIDTH[accessor["type"]]
        )

    return document, read


def skin(path: Path, frame: int) -> np.ndarray:
    """Play one frame of the animation as a viewer does: node hierarchy, inverse bind matrices, linear blending."""
    document, read = read_glb(path)
    local = []
    for node in document["nodes"]:
        matrix = np.eye(4)
        matrix[:3, 3] = node.get("translation", (0, 0, 0))
        local.append(matrix)
    animation = document["animations"][0]
    for channel in animation["channels"]:
        value = read(animation["samplers"][channel["sampler"]]["output"])[frame]
        node = channel["target"]["node"]
        if channel["target"]["path"] == "rotation":
            local[node][:3, :3] = Rotation.from_quat(value).as_matrix()
        else:
            local[node][:3, 3] = value
    world: dict[int, np.ndarray] = {}

    def visit(node: int, above: np.ndarray) -> None:
        world[node] = above @ local[node]
        for child in document["nodes"][node].get("children", ()):
            visit(child, world[node])

    for root in document["scenes"][document["scene"]]["nodes"]:
        visit(root, np.eye(4))
    skin_ = document["skins"][0]
    bind = read(skin_["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    transforms = np.stack([world[node] @ inverse for node, inverse in zip(skin_["joints"], bind, strict=True)])
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    points = np.concatenate([read(attributes["POSITION"]), np.ones((len(read(attributes["POSITION"])), 1))], axis=1)
    blended = np.einsum("vk,vkij->vij", read(attributes["WEIGHTS_0"]), transforms[read(attributes["JOINTS_0"])])
    return np.einsum("vij,vj->vi", blended, points)[:, :3]


@pytest.fixture
def motion(tmp_path: Path, body: BodyModel, people: Any) -> tuple[Path, Tensor, Tensor, np.ndarray]:
    rotmat, betas = people(FRAMES, seed=3)
    betas = betas[:1].expand(FRAMES, 10)
    transl = np.random.default_rng(0).normal(size=(FRAMES, 3)) + np.array([0, 0, 5])
    path = tmp_path / "motion.glb"
    rest = rest_body(body, betas[0].numpy())
    write_motion_glb(path, rest, np.arange(FRAMES) / 25, rotmat.double().numpy(), transl, "somebody")
    return path, rotmat, betas, transl


def test_a_viewer_sees_the_body_where_the_model_puts_it(motion: Any, body: BodyModel) -> None:
    path, rotmat, betas, transl = motion
    output = body(rotmat, betas)
    for frame in range(FRAMES):
        wanted = (output.vertices[frame].numpy() + transl[frame]) * [1, -1, -1]
        error = np.linalg.norm(skin(path, frame) - wanted, axis=1)
        # what glTF has no word for: pose correctives, and a fifth joint; these poses bend everything by 0.4 rad
        assert error.mean() < 0.012
        assert np.quantile(error, 0.99) < 0.06


def test_without_pose_correctives_it_is_the_model_exactly(motion: Any, body: BodyModel) -> None:
    path, rotmat, betas, transl = motion
    joints, weights = strongest(body.lbs_weights.numpy())
    few = torch.zeros_like(body.lbs_weights)
    few.scatter_add_(1, torch.from_numpy(joints), torch.from_numpy(weights).float())
    arrays = {k: v for k, v in body._skinning.items() if k not in ("posedirs", "weights")}
    plain = type(body.full)(**arrays, posedirs=torch.zeros_like(body._skinning["posedirs"]), weights=few)
    wanted = (plain(rotmat, betas).points.numpy() + transl[:, None]) * [1, -1, -1]
    played = np.stack([skin(path, frame) for frame in range(FRAMES)])
    np.testing.assert_allclose(played, wanted, atol=2e-5)


def test_trimesh_finds_vertices_joints_and_frames(motion: Any) -> None:
    path = motion[0]
    scene = trimesh.load(path)
    assert {name: len(mesh.vertices) for name, mesh in scene.geometry.items()} == {"somebody": 6890}
    assert len(scene.geometry["somebody"].faces) == 13776
    assert set(SKELETON_24) <= set(scene.graph.nodes)
    document, read = read_glb(path)
    assert [document["nodes"][node]["name"] for node in document["skins"][0]["joints"]] == list(SKELETON_24)
    animation = document["animations"][0]
    paths = [channel["target"]["path"] for channel in animation["channels"]]
    assert paths.count("rotation") == 24
    assert paths.count("translation") == 1
    for sampler in animation["samplers"]:
        assert len(read(sampler["output"])) == FRAMES
        np.testing.assert_allclose(read(sampler["input"])[:, 0], np.arange(FRAMES) / 25, atol=1e-6)


def test_the_skeleton_hangs_together_as_the_models_does(motion: Any) -> None:
    document, _ = read_glb(motion[0])
    joints = document["skins"][0]["joints"]
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            assert joints[joint] in document["nodes"][joints[parent]]["children"]


def test_quaternions_never_jump_to_the_other_side(tmp_path: Path, body: BodyModel) -> None:
    angles = np.linspace(0, 4 * np.pi, 40)
    rotmat = np.tile(np.eye(3), (40, 24, 1, 1))
    rotmat[:, 5] = Rotation.from_rotvec(np.outer(angles, [0, 1, 0])).as_matrix()
    path = tmp_path / "turn.glb"
    write_motion_glb(path, rest_body(body, np.zeros(10)), np.arange(40) / 25, rotmat, np.zeros((40, 3)))
    document, read = read_glb(path)
    for sampler in document["animations"][0]["samplers"][1:]:
        quaternions = read(sampler["output"])
        assert (np.sum(quaternions[1:] * quaternions[:-1], axis=1) > 0).all()


def test_a_still_mesh_loads_with_its_colours_and_looks_outwards(tmp_path: Path, body: BodyModel) -> None:
    vertices = body.v_template.numpy() * [1, -1, -1] + [0, 0, 4]
    colours = np.random.default_rng(0).uniform(size=(6890, 3))
    path = tmp_path / "still.glb"
    write_mesh_glb(path, vertices, body.faces.numpy(), colours, "still")
    mesh = trimesh.load(path).geometry["still"]
    assert mesh.vertices.shape == (6890, 3)
    np.testing.assert_allclose(mesh.vertices, vertices * [1, -1, -1], atol=1e-6)
    assert mesh.volume > 0.04  # m^3; negative if inside out
    document, read = read_glb(path)
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    linear = read(attributes["COLOR_0"])
    back = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(back, colours, atol=1e-5)
    outward = np.sum(read(attributes["NORMAL"]) * mesh.vertex_normals, axis=1)
    assert (outward > 0.8).mean() > 0.99
