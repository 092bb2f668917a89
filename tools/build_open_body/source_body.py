"""People in MakeHuman's relaxed pose on the new mesh, together with the points of MakeHuman's rig."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sparse

from build_open_body.arrays import MIRROR_X, Float32Array, FloatArray, IntArray, neighbour_mean
from build_open_body.macro_shapes import MacroShapes, Phenotype
from build_open_body.makehuman import Assets
from build_open_body.topology import BODY, Topology

_SMOOTHING_STEPS = 8
_SMOOTHING_STEP = 0.6


@dataclass(frozen=True)
class RigPoints:
    """Positions of a person's rig points: joint cubes by their name, bones by ``head`` and ``tail``."""

    positions: FloatArray
    index: dict[str, int]

    def __getitem__(self, name: str) -> FloatArray:
        return self.positions[self.index[name]]

    def head(self, bone: str) -> FloatArray:
        """Return where a bone starts."""
        return self[f"{bone}:head"]


class SourceBody:
    """MakeHuman's body on the new mesh: shape targets, rig points and fine skinning weights, all linear.

    Attributes:
        topology: the new mesh.
        parents: bone name -> parent's name or None, in the rig's order.
        bone_weights: (V, 163) skinning weights of MakeHuman's rig, rows sum to 1.
    """

    def __init__(self, assets: Assets, topology: Topology) -> None:
        base = assets.base_mesh()
        rig = assets.rig()
        self.topology = topology
        self.parents: dict[str, str | None] = {bone: entry.get("parent") or None for bone, entry in rig.items()}
        self._macro = MacroShapes(assets, base)

        cubes = {name: base.group_vertices(name) for name in base.groups if name.startswith("joint")}
        points = _rig_point_vertices(rig, cubes)
        self._point_index = {name: row for row, name in enumerate(points)}
        point_operator = _mean_rows(list(points.values()), len(base.vertices))

        to_mesh = topology.operator(len(base.vertices))
        chest_tip = point_operator[self._point_index["breast.L:tail"]]
        smooth = _mannequin_operator(topology, to_mesh, self._macro, chest_tip)
        everything = sparse.vstack([smooth @ to_mesh, sparse.csr_matrix(point_operator)]).tocsr()
        self._base: FloatArray = everything @ base.vertices
        self._targets: Float32Array = np.stack([everything @ t for t in self._macro.targets]).astype(np.float32)

        weights = to_mesh @ _dense_weights(assets.rig_weights(), list(rig), len(base.vertices))
        self.bone_weights: FloatArray = weights / weights.sum(1, keepdims=True)

    @property
    def bones(self) -> list[str]:
        """Bone names in the order of `bone_weights`' columns."""
        return list(self.parents)

    def person(self, traits: Phenotype) -> tuple[FloatArray, RigPoints]:
        """Return (V, 3) vertices and the rig points of a person in MakeHuman's relaxed pose."""
        everything = self._base + np.tensordot(self._macro.coefficients(traits), self._targets, 1)
        num_vertices = self.topology.num_vertices
        return everything[:num_vertices], RigPoints(everything[num_vertices:], self._point_index)


def _rig_point_vertices(rig: dict[str, Any], cubes: dict[str, IntArray]) -> dict[str, IntArray]:
    """Return point name -> the base vertices whose mean it is."""
    points = {}
    for bone, entry in rig.items():
        for end in ("head", "tail"):
            rule = entry[end]
            match rule["strategy"]:
                case "CUBE":
                    vertices = cubes[rule["cube_name"]]
                case "MEAN":
                    vertices = np.array(rule["vertex_indices"])
                case _:
                    vertices = np.array([rule["vertex_index"]])
            points[f"{bone}:{end}"] = vertices
    return points | cubes


def _mean_rows(groups: list[IntArray], num_vertices: int) -> FloatArray:
    """Return one row per group that takes the mean of its vertices; a repeated vertex counts again."""
    rows = np.zeros((len(groups), num_vertices))
    for row, vertices in zip(rows, groups, strict=True):
        np.add.at(row, vertices, 1 / len(vertices))
    return rows


def _dense_weights(pairs: dict[str, list[list[float]]], bones: list[str], num_vertices: int) -> FloatArray:
    weights = np.zeros((num_vertices, len(bones)))
    for column, bone in enumerate(bones):
        if pairs.get(bone):
            entries = np.array(pairs[bone])
            weights[entries[:, 0].astype(int), column] = entries[:, 1]
    return weights


def _mannequin_operator(
    topology: Topology, to_mesh: sparse.csr_matrix, macro: MacroShapes, chest_tip: FloatArray
) -> sparse.csr_matrix:
    """Return a (V, V) operator that smooths chest tips and crotch into those of a shop-window mannequin.

    One fixed matrix for everybody, so that shapes stay linear in the targets.
    """
    source = macro.vertices(Phenotype(gender=1, muscle=0.4))
    vertices = to_mesh @ source
    tip = chest_tip @ source
    midline = (np.abs(vertices[:, 0]) < 1e-4) & (np.abs(vertices[:, 1]) < 0.12)
    perineum = vertices[midline][np.argmin(vertices[midline][:, 1])]
    pubis = perineum + np.array([0, 0.025, 0.03])

    strength = np.maximum(
        _soft_ball(np.linalg.norm(vertices - tip, axis=1), 0.045),
        _soft_ball(np.linalg.norm(vertices - tip * MIRROR_X, axis=1), 0.045),
    )
    strength = np.maximum(strength, _soft_ball(np.linalg.norm((vertices - pubis) * [1.1, 1, 1], axis=1), 0.075))
    strength[topology.region != BODY] = 0

    mean = neighbour_mean(topology.faces, topology.num_vertices)
    step = sparse.diags(1 - _SMOOTHING_STEP * strength) + sparse.diags(_SMOOTHING_STEP * strength) @ mean
    operator = sparse.identity(topology.num_vertices).tocsr()
    for _ in range(_SMOOTHING_STEPS):
        operator = step @ operator
    return operator.tocsr()


def _soft_ball(distance: FloatArray, radius: float) -> FloatArray:
    """Return 1 near the centre, falling to 0 at ``radius`` (metres)."""
    return np.clip(1.5 * (1 - distance / radius), 0, 1)
