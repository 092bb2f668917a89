"""Make the 6890-vertex mesh: half source mesh, decimation, edge flips, mirroring, vertex order.

A closed triangle mesh without handles has F = 2 V - 4 faces, so 6890 vertices give SMPL's 13776 faces.
The order of the vertices puts nose, eyes, ears, finger tips, toes and heels at the indices that the smplx
package has wired in, so that its joints 24 to 44 are right.

The order of collapses hangs on the last bits of floating point; on another machine the result may differ
from the committed topology, and a body on another topology is another body.
"""

import logging

import numpy as np
from scipy.spatial import cKDTree

from build_open_body.arrays import MIRROR_X, IntArray
from build_open_body.decimation import Decimator
from build_open_body.edge_flips import flip_edges
from build_open_body.edit_mesh import EditMesh, euler_characteristic
from build_open_body.landmarks import find_landmarks
from build_open_body.macro_shapes import MacroShapes, Phenotype
from build_open_body.makehuman import Assets, BaseMesh
from build_open_body.source_mesh import HalfMesh, half_mesh
from build_open_body.topology import NUM_FACES, NUM_VERTICES, Topology

logger = logging.getLogger(__name__)


def retopologise(assets: Assets) -> Topology:
    """Return the mesh of the shipped body, made from the base mesh."""
    base = assets.base_mesh()
    macro = MacroShapes(assets, base)
    half = half_mesh(base, macro)
    logger.info("half mesh: %d faces, Euler characteristic %d", len(half.faces), euler_characteristic(half.faces))
    mesh = Decimator(half).run()
    flipped = flip_edges(mesh, half.shapes[:, 0])
    logger.info("decimated: %d faces, %d edges flipped", len(mesh.faces), flipped)
    topology = _with_smplx_order(_mirrored(half, mesh, base), base, macro)
    if len(topology.faces) != NUM_FACES or euler_characteristic(topology.faces) != 2:
        raise ValueError("the new mesh is not a closed surface of the wanted size")
    return topology


def _mirrored(half: HalfMesh, mesh: EditMesh, base: BaseMesh) -> Topology:
    """Join the half and its mirror image: midline vertices first, then left, then right."""
    faces = mesh.to_array()
    used = np.unique(faces)
    position = half.shapes[used, 0]
    ordered = used[np.lexsort((position[:, 0], -position[:, 1], half.region[used]))]
    middle, left = ordered[half.is_midline[ordered]], ordered[~half.is_midline[ordered]]
    num_middle, num_left = len(middle), len(left)

    left_number = np.full(len(half.region), -1)
    left_number[np.concatenate([middle, left])] = np.arange(num_middle + num_left)
    right_number = left_number.copy()
    right_number[left] += num_left
    source = np.concatenate([middle, left, left])
    source_index = half.source_index[source]
    _, twin = cKDTree(base.vertices).query(base.vertices * MIRROR_X)
    source_index[num_middle + num_left :] = np.asarray(twin)[half.source_index[left]]
    middle_numbers, left_numbers, right_numbers = np.split(np.arange(len(source)), [num_middle, num_middle + num_left])
    return Topology(
        source_index=source_index.astype(np.int32),
        source_weight=half.source_weight[source].astype(np.float32),
        faces=np.concatenate([left_number[faces], right_number[faces][:, [0, 2, 1]]]).astype(np.int32),
        mirror=np.concatenate([middle_numbers, right_numbers, left_numbers]).astype(np.int32),
        region=half.region[source].astype(np.uint8),
    )


def _with_smplx_order(topology: Topology, base: BaseMesh, macro: MacroShapes) -> Topology:
    """Renumber the vertices so that each landmark gets the index that smplx expects."""
    from smplx.vertex_ids import vertex_ids  # imports torch, which nothing else here needs

    wanted: dict[str, int] = vertex_ids["smplh"]
    source = macro.vertices(Phenotype())
    vertices = (source[topology.source_index] * topology.source_weight[..., None].astype(np.float64)).sum(1)
    landmarks = find_landmarks(vertices, topology.region, topology.mirror, base, source)
    if set(wanted) != set(landmarks) or len(set(landmarks.values())) != len(wanted):
        raise ValueError("the landmarks do not match those of smplx one to one")

    new_number = np.full(NUM_VERTICES, -1)
    new_number[[landmarks[name] for name in wanted]] = list(wanted.values())
    new_number[new_number < 0] = np.setdiff1d(np.arange(NUM_VERTICES), list(wanted.values()))
    return renumber(topology, new_number)


def renumber(topology: Topology, new_number: IntArray) -> Topology:
    """Return the same mesh with vertex ``i`` called ``new_number[i]`` and its faces sorted."""
    old_number = np.argsort(new_number)
    faces = new_number[topology.faces]
    return Topology(
        source_index=topology.source_index[old_number],
        source_weight=topology.source_weight[old_number],
        faces=faces[np.lexsort((faces[:, 2], faces[:, 1], faces[:, 0]))].astype(np.int32),
        mirror=new_number[topology.mirror[old_number]].astype(np.int32),
        region=topology.region[old_number],
    )
