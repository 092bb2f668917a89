import numpy as np
import pytest

from pymaf_pl.errors import InputError
from pymaf_pl.report import pack_meshes, unpack_meshes

TRIANGLES = np.array([[0, 1, 2], [2, 1, 3]])


def furthest(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b, axis=-1).max())


class TestRoundTrip:
    def test_half_a_millimetre(self, make_meshes, body):
        groups = [make_meshes(5, seed) for seed in range(3)]
        back, faces = unpack_meshes(pack_meshes(groups, body["faces"]))
        np.testing.assert_array_equal(faces, body["faces"])
        assert max(furthest(a, b) for a, b in zip(groups, back, strict=True)) < 5e-4

    def test_far_from_the_origin_costs_nothing(self, make_meshes, body):
        near = make_meshes(3)
        far = near + np.array([[[1.0, -2.0, 40.0]], [[0.0, 0.0, 55.0]], [[-3.0, 0.5, 12.0]]])
        packed = [pack_meshes([group], body["faces"]) for group in (near, far)]
        assert furthest(unpack_meshes(packed[1])[0][0], far) < 5e-4
        assert len(packed[1].stream) < 1.02 * len(packed[0].stream)

    def test_worst_case_stays_on_the_grid(self):
        """Corners of a box 16 m wide that jump from end to end: the coarsest grid and the largest residuals."""
        corners = np.array([[8.0, 8, 8], [-8, -8, -8], [8, -8, 8], [-8, 8, -8]])
        group = np.stack([corners, -corners, corners, corners[::-1]])
        pack = pack_meshes([group, -group], TRIANGLES)
        assert pack.step == pytest.approx(1e-3)
        for a, b in zip([group, -group], unpack_meshes(pack)[0], strict=True):
            assert furthest(a, b) < pack.step

    def test_sizes_of_groups_may_differ(self):
        random = np.random.default_rng(0)
        groups = [random.normal(size=(count, 4, 3)) for count in (1, 4, 2)]
        back, _ = unpack_meshes(pack_meshes(groups, TRIANGLES))
        assert [len(group) for group in back] == [1, 4, 2]
        assert max(furthest(a, b) for a, b in zip(groups, back, strict=True)) < 5e-4

    def test_vertices_without_faces(self):
        group = np.random.default_rng(1).normal(size=(2, 9, 3))
        (back,), faces = unpack_meshes(pack_meshes([group], np.array([[8, 4, 0]])))
        assert furthest(group, back) < 5e-4
        np.testing.assert_array_equal(faces, [[8, 4, 0]])


class TestSize:
    def test_twelve_people_of_four_iterations(self, make_meshes, body):
        groups = [make_meshes(4, seed) for seed in range(12)]
        in_page = len(pack_meshes(groups, body["faces"]).stream) * 4 / 3
        assert in_page < 1.0e6

    def test_the_mean_body_is_paid_once(self, make_meshes, body):
        one, many = ([make_meshes(1, seed) for seed in range(n)] for n in (1, 10))
        sizes = [len(pack_meshes(groups, body["faces"]).stream) for groups in (one, many)]
        assert sizes[1] < 1.1 * sizes[0]


class TestRefusals:
    @pytest.mark.parametrize(
        ("group", "faces", "message"),
        [
            (np.zeros((1, 3, 3)), TRIANGLES, "vertex 3, but the meshes have only 3"),
            (np.zeros((1, 4, 3)), TRIANGLES - 1, "indices from 0"),
            (np.zeros((1, 4, 3)), TRIANGLES.astype(float), "expected integers of shape"),
            (np.zeros((1, 4, 2)), TRIANGLES, r"expected \(N, V, 3\)"),
            (np.full((1, 4, 3), np.nan), TRIANGLES, "not finite"),
            (np.zeros((1, 40_000, 3)), TRIANGLES, "at most 32768"),
        ],
    )
    def test_says_what_is_wrong(self, group, faces, message):
        with pytest.raises(InputError, match=message):
            pack_meshes([group], faces)

    def test_different_topologies(self):
        with pytest.raises(InputError, match="the same V for all"):
            pack_meshes([np.zeros((1, 4, 3)), np.zeros((1, 5, 3))], TRIANGLES)
