"""The invariants of the shipped body."""

import numpy as np
import pytest

from build_open_body.arrays import MIRROR_X
from build_open_body.edit_mesh import euler_characteristic
from build_open_body.keypoint_regressors import EXTRA_KEYPOINTS, H36M_KEYPOINTS
from build_open_body.skeleton import (
    MIRRORED_JOINT,
    mirrored_rotation_signs,
)
from build_open_body.topology import BODY, FOOT, HAND, HEAD, NUM_FACES, NUM_VERTICES, Topology

MODELS = ("neutral", "male", "female")


def regressor(arrays: dict[str, np.ndarray], name: str, num_rows: int) -> np.ndarray:
    rows, columns = arrays[f"{name}_rc"].astype(int)
    dense = np.zeros((num_rows, NUM_VERTICES))
    dense[rows, columns] = arrays[f"{name}_val"]
    return dense


class TestShippedBody:
    def test_the_mesh_is_closed_and_of_smpl_size(self, shipped: dict[str, np.ndarray]) -> None:
        faces = shipped["faces"].astype(int)
        assert len(faces) == NUM_FACES
        assert len(np.unique(faces)) == NUM_VERTICES
        assert euler_characteristic(faces) == 2
        edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1)
        _, count = np.unique(edges, axis=0, return_counts=True)
        assert (count == 2).all()

    def test_the_mesh_faces_outward(self, shipped: dict[str, np.ndarray]) -> None:
        corners = shipped["neutral_v_template"].astype(float)[shipped["faces"].astype(int)]
        volume = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
        assert 0.055 < volume < 0.075  # cubic metres

    def test_the_committed_topology_is_that_of_the_shipped_body(self, shipped: dict[str, np.ndarray]) -> None:
        topology = Topology.load()
        np.testing.assert_array_equal(topology.faces, shipped["faces"])
        np.testing.assert_array_equal(topology.mirror, shipped["mirror"])
        np.testing.assert_allclose(topology.source_weight.sum(1), 1, atol=1e-6)
        counts = np.bincount(topology.region)
        assert [counts[region] for region in (BODY, HEAD, HAND, FOOT)] == [3470, 1420, 1320, 680]

    def test_the_mirror_map_is_an_involution_of_the_faces(self, shipped: dict[str, np.ndarray]) -> None:
        mirror, faces = shipped["mirror"].astype(int), shipped["faces"].astype(int)
        np.testing.assert_array_equal(mirror[mirror], np.arange(NUM_VERTICES))
        own = {tuple(corners) for corners in np.sort(faces, 1).tolist()}
        assert {tuple(corners) for corners in np.sort(mirror[faces], 1).tolist()} == own

    @pytest.mark.parametrize("model", MODELS)
    def test_shapes_are_symmetric(self, shipped: dict[str, np.ndarray], model: str) -> None:
        mirror = shipped["mirror"].astype(int)
        template, directions = shipped[f"{model}_v_template"], shipped[f"{model}_shapedirs"].astype(float)
        np.testing.assert_allclose(template[mirror] * MIRROR_X, template, atol=1e-6)
        np.testing.assert_allclose(directions[mirror] * MIRROR_X[:, None], directions, atol=1e-4)

    @pytest.mark.parametrize("model", MODELS)
    def test_shape_directions_are_orthogonal_and_fall_off(self, shipped: dict[str, np.ndarray], model: str) -> None:
        directions = shipped[f"{model}_shapedirs"].astype(float).reshape(-1, 10)
        gram = directions.T @ directions
        assert np.abs(gram - np.diag(np.diag(gram))).max() < 1e-4 * gram.max()
        assert (np.diff(np.diag(gram)) <= 0).all()

    def test_the_first_beta_makes_a_body_taller(self, shipped: dict[str, np.ndarray]) -> None:
        template, directions = shipped["neutral_v_template"], shipped["neutral_shapedirs"].astype(float)
        assert np.ptp((template + 2 * directions[..., 0])[:, 1]) > np.ptp(template[:, 1]) + 0.1

    def test_weights_are_a_symmetric_partition(self, shipped: dict[str, np.ndarray], weights: np.ndarray) -> None:
        np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
        assert weights.min() >= 0
        assert (weights > 0).sum(1).max() <= 5
        np.testing.assert_allclose(weights[shipped["mirror"].astype(int)][:, MIRRORED_JOINT], weights, atol=1e-6)

    @pytest.mark.parametrize("model", MODELS)
    def test_joint_regressors_are_symmetric_partitions(self, shipped: dict[str, np.ndarray], model: str) -> None:
        rows = regressor(shipped, f"{model}_J_regressor", 24)
        assert rows.min() >= 0
        np.testing.assert_allclose(rows.sum(1), 1, atol=1e-6)
        np.testing.assert_allclose(rows[MIRRORED_JOINT][:, shipped["mirror"].astype(int)], rows, atol=1e-7)

    @pytest.mark.parametrize(
        ("name", "keypoints"), [("J_regressor_extra", EXTRA_KEYPOINTS), ("J_regressor_h36m", H36M_KEYPOINTS)]
    )
    def test_keypoint_regressors_are_symmetric_partitions(
        self, shipped: dict[str, np.ndarray], name: str, keypoints: dict[str, int]
    ) -> None:
        rows = regressor(shipped, name, len(keypoints))
        assert rows.min() >= 0
        np.testing.assert_allclose(rows.sum(1), 1, atol=1e-6)
        order = list(keypoints)
        for index, keypoint in enumerate(order):
            twin = keypoint.replace("Left", "Right") if "Left" in keypoint else keypoint.replace("Right", "Left")
            mirrored = rows[order.index(twin)][shipped["mirror"].astype(int)]
            np.testing.assert_allclose(mirrored, rows[index], atol=1e-7)

    def test_keypoints_lie_where_their_names_say(self, shipped: dict[str, np.ndarray]) -> None:
        template = shipped["neutral_v_template"].astype(float)
        at = dict(zip(H36M_KEYPOINTS, regressor(shipped, "J_regressor_h36m", 17) @ template, strict=True))
        assert at["Left Wrist"][0] > at["Left Elbow"][0] > at["Left Shoulder"][0] > 0 > at["Right Hip"][0]
        heights = [at[name][1] for name in ("Head", "Jaw", "Neck", "Spine", "Pelvis", "Left Knee", "Left Ankle")]
        assert (np.diff(heights) < 0).all()

    def test_the_pelvis_is_where_smpl_has_it(self, shipped: dict[str, np.ndarray]) -> None:
        pelvis = regressor(shipped, "neutral_J_regressor", 24)[0] @ shipped["neutral_v_template"]
        np.testing.assert_allclose(pelvis, [0, -0.2233, 0.028], atol=2e-3)

    def test_pose_correctives_are_symmetric_and_sparse(self, shipped: dict[str, np.ndarray]) -> None:
        blocks = shipped["posedirs"].astype(float).reshape(NUM_VERTICES, 3, 23, 9)
        twin = blocks[shipped["mirror"].astype(int)][:, :, MIRRORED_JOINT[1:] - 1]
        mirrored = twin * MIRROR_X[:, None, None] * mirrored_rotation_signs()
        np.testing.assert_allclose(mirrored, blocks, atol=1e-4)
        assert np.mean(blocks != 0) < 0.1
        assert np.abs(blocks).max() < 0.1

    def test_smplx_vertex_joints_are_the_right_spots(self, shipped: dict[str, np.ndarray]) -> None:
        from smplx.vertex_ids import vertex_ids

        template = shipped["neutral_v_template"].astype(float)
        spot = {name: template[vertex] for name, vertex in vertex_ids["smplh"].items()}
        region = Topology.load().region
        assert spot["nose"][2] > template[region == HEAD][:, 2].max() - 0.005
        assert spot["leye"][0] > 0.02
        assert spot["lear"][0] > spot["leye"][0] + 0.02
        assert spot["leye"][1] > spot["nose"][1]
        assert spot["lmiddle"][0] > template[:, 0].max() - 0.005
        assert spot["LBigToe"][2] > spot["LHeel"][2] + 0.15
        assert spot["LSmallToe"][0] > spot["LBigToe"][0]
        for left in ("leye", "lear", "lthumb", "lindex", "lpinky"):
            np.testing.assert_allclose(spot[left] * MIRROR_X, spot["r" + left[1:]], atol=1e-6)
