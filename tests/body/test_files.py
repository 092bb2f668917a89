"""Reading body models: what is accepted, and the one line that a user gets otherwise."""

import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from pymaf_pl.body import BodyModel, load_body
from pymaf_pl.body.files import BodyArrays, check_regressors, find_smpl_file, read_open_body, read_smpl_file
from pymaf_pl.errors import InputError

Replace = Callable[[str], Path]


def refusal(action: Callable[[], object]) -> str:
    """Return the message, which must be one line."""
    with pytest.raises(InputError) as caught:
        action()
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("gender", ["neutral", "male", "female"])
def test_shipped_body_has_smpls_shapes_and_normalised_rows(gender) -> None:
    arrays = read_open_body(gender)
    assert (arrays.name, arrays.gender) == ("open", gender)
    assert arrays.v_template.shape == (6890, 3)
    assert arrays.shapedirs.shape == (6890, 3, 10)
    assert arrays.posedirs.shape == (6890, 3, 207)
    assert arrays.faces.shape == (13776, 3)
    assert sorted(set(arrays.faces.ravel())) == list(range(6890))
    for rows, count in (
        (arrays.weights, 6890),
        (arrays.j_regressor, 24),
        (arrays.extra_regressor, 9),
        (arrays.h36m_regressor, 17),
    ):
        assert len(rows) == count
        np.testing.assert_allclose(rows.sum(1), 1, rtol=0, atol=1e-12)
        assert rows.min() >= 0


def test_genders_share_the_topology_but_not_the_shape() -> None:
    neutral, male, female = (read_open_body(gender) for gender in ("neutral", "male", "female"))
    assert neutral.topology == male.topology == female.topology
    height = [np.ptp(arrays.v_template[:, 1]) for arrays in (male, neutral, female)]
    assert height[0] > height[1] > height[2] > 1.5


def test_topology_stands_for_the_order_of_vertices_in_faces(open_arrays: BodyArrays) -> None:
    assert open_arrays.topology == "07700d963dde"  # checkpoints carry it: the shipped faces must never change
    as_read_elsewhere = dataclasses.replace(open_arrays, faces=open_arrays.faces.astype(np.uint32))
    assert as_read_elsewhere.topology == open_arrays.topology
    renumbered = np.random.default_rng(0).permutation(6890)[open_arrays.faces]
    assert dataclasses.replace(open_arrays, faces=renumbered).topology != open_arrays.topology


def same_surface(ours: BodyModel, theirs: BodyModel, people) -> None:
    rotmat, betas = people(3)
    torch.testing.assert_close(ours(rotmat, betas).vertices, theirs(rotmat, betas).vertices, atol=1e-6, rtol=0)
    torch.testing.assert_close(ours.joints_49(rotmat, betas), theirs.joints_49(rotmat, betas), atol=1e-6, rtol=0)
    torch.testing.assert_close(ours.joints_h36m(rotmat, betas), theirs.joints_h36m(rotmat, betas), atol=1e-6, rtol=0)


def test_smpl_npz_is_the_same_body(smpl_folder: Path, body: BodyModel, people) -> None:
    smpl = load_body("smpl", directory=smpl_folder)
    assert (smpl.name, smpl.gender, smpl.topology) == ("smpl", "neutral", body.topology)
    assert smpl.arrays.source == str(smpl_folder / "SMPL_NEUTRAL.npz")
    assert smpl.arrays.shapedirs.shape == (6890, 3, 10)  # official files hold more
    same_surface(smpl, body, people)


def test_clean_pickle_under_its_download_name_in_a_subfolder_is_the_same_body(
    smpl_folder: Path, smpl_dict, body: BodyModel, people, replace_file: Replace
) -> None:
    replace_file("SMPL_NEUTRAL.npz")
    (smpl_folder / "smpl").mkdir()
    path = smpl_folder / "smpl" / "basicModel_neutral_lbs_10_207_0_v1.0.0.pkl"
    path.write_bytes(pickle.dumps(smpl_dict, protocol=2))
    assert find_smpl_file(smpl_folder, "neutral") == path
    same_surface(load_body("smpl", directory=str(smpl_folder)), body, people)


def test_npz_is_taken_before_a_pickle(smpl_folder: Path) -> None:
    (smpl_folder / "SMPL_NEUTRAL.pkl").write_bytes(b"not read")
    assert find_smpl_file(smpl_folder, "neutral").name == "SMPL_NEUTRAL.npz"


def write_mean(path: Path, **changes: np.ndarray) -> np.ndarray:
    parts = {"pose": np.arange(144.0), "shape": np.full(10, 0.2), "cam": np.array([0.9, 0, 0])} | changes
    np.savez(path, **{name: part.astype(np.float32) for name, part in parts.items()})
    return np.concatenate(list(parts.values())).astype(np.float32)


@pytest.mark.parametrize("folder", ["", "smpl"])
def test_spins_mean_body_is_used_where_its_file_is_there(folder: str, smpl_folder: Path, body: BodyModel) -> None:
    ours = load_body("smpl", directory=smpl_folder).mean_state().vector()
    assert ours.equal(body.mean_state().vector())
    (smpl_folder / folder).mkdir(exist_ok=True)
    wanted = write_mean(smpl_folder / folder / "smpl_mean_params.npz")
    assert load_body("smpl", directory=smpl_folder).mean_state().vector().equal(torch.from_numpy(wanted)[None])


def test_a_mean_body_of_another_kind_is_named(smpl_folder: Path) -> None:
    path = smpl_folder / "smpl_mean_params.npz"
    write_mean(path, pose=np.zeros(72))
    assert refusal(lambda: load_body("smpl", directory=smpl_folder)) == (
        f"{path}: 'pose' has the shape (72,), expected (144,)"
    )
    np.savez(path, pose=np.zeros(144))
    assert "SPIN's file has pose, shape and cam" in refusal(lambda: load_body("smpl", directory=smpl_folder))
    path.write_bytes(b"<html>404</html>")
    assert refusal(lambda: load_body("smpl", directory=smpl_folder)).startswith(f"{path}: not a readable .npz")


def test_unknown_names_are_refused_with_what_there_is() -> None:
    assert refusal(lambda: load_body("star")) == "body 'star' is unknown; there are open and smpl"
    assert refusal(lambda: load_body("open", gender="men")) == "body.gender=men: there are neutral, male, female"  # type: ignore[arg-type]
    assert "body.directory=FOLDER" in refusal(lambda: load_body("smpl"))


def test_missing_folder_is_named(tmp_path: Path) -> None:
    assert refusal(lambda: load_body("smpl", directory=tmp_path / "nowhere")).startswith(f"{tmp_path}/nowhere: no such")


def test_missing_model_says_what_is_looked_for_and_where_it_comes_from(smpl_folder: Path) -> None:
    message = refusal(lambda: load_body("smpl", gender="male", directory=smpl_folder))
    assert message.startswith(f"{smpl_folder}: no male SMPL model; looked for SMPL_MALE.npz, SMPL_MALE.pkl, basicModel")
    assert "smpl.is.tue.mpg.de" in message
    assert "body=open" in message


def test_truncated_npz_is_named(smpl_shelf: Path, replace_file: Replace) -> None:
    path = replace_file("SMPL_NEUTRAL.npz")
    path.write_bytes((smpl_shelf / "SMPL_NEUTRAL.npz").read_bytes()[:100_000])
    assert refusal(lambda: load_body("smpl", directory=path.parent)).startswith(f"{path}: not a readable .npz")


def test_pickled_objects_inside_an_npz_are_not_loaded(tmp_path: Path, smpl_dict) -> None:
    marker = tmp_path / "executed"

    class Attack:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (marker,)

    np.savez(tmp_path / "evil.npz", v_template=np.array([Attack()], dtype=object))
    assert "not a readable .npz" in refusal(lambda: read_smpl_file(tmp_path / "evil.npz"))
    assert not marker.exists()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("posedirs", None, "no array 'posedirs'"),
        ("v_template", np.zeros((10475, 3)), "'v_template' has the shape (10475, 3), SMPL's is (6890, 3)"),
        ("weights", np.zeros((6890, 52)), "'weights' has the shape (6890, 52), SMPL's is (6890, 24)"),
        ("J_regressor", np.zeros((24, 778)), "'J_regressor' has the shape (24, 778), SMPL's is (24, 6890)"),
        ("f", np.zeros((13774, 3)), "'f' has the shape (13774, 3), SMPL's is (13776, 3)"),
        ("shapedirs", np.zeros((6890, 3, 8)), "'shapedirs' has the shape (6890, 3, 8), expected (6890, 3, >= 10)"),
        ("posedirs", np.zeros((6890, 3, 459)), "'posedirs' has the shape (6890, 3, 459), expected (6890, 3, 207)"),
        ("weights", np.full((6890, 24), "x"), "'weights' holds <U1, not numbers"),
    ],
)
def test_a_wrong_array_is_named_with_what_it_should_be(
    key: str, value: np.ndarray | None, said: str, smpl_dict, replace_file: Replace
) -> None:
    path = replace_file("SMPL_NEUTRAL.npz")
    changed = {name: array for name, array in smpl_dict.items() if name != key}
    if value is not None:
        changed[key] = value.astype(np.float16) if value.dtype.kind == "f" else value
    np.savez(path, **changed)
    message = refusal(lambda: load_body("smpl", directory=path.parent))
    assert message.startswith(f"{path}: ")
    assert said in message


def test_missing_regressor_says_where_it_comes_from(smpl_folder: Path, replace_file: Replace) -> None:
    replace_file("J_regressor_h36m.npy")
    message = refusal(lambda: load_body("smpl", directory=smpl_folder))
    assert message.startswith(f"{smpl_folder}: no J_regressor_h36m.npy (17 rows)")
    assert "SPIN" in message


def test_unreadable_regressor_is_named(replace_file: Replace) -> None:
    path = replace_file("J_regressor_extra.npy")
    path.write_bytes(b"<html>404</html>")
    assert refusal(lambda: load_body("smpl", directory=path.parent)).startswith(f"{path}: not a readable .npy")


def test_graphcmrs_regressor_of_the_same_name_is_recognised(replace_file: Replace) -> None:
    path = replace_file("J_regressor_extra.npy")
    np.save(path, np.zeros((14, 6890)))
    message = refusal(lambda: load_body("smpl", directory=path.parent))
    assert message.startswith(f"{path}: shape (14, 6890), expected (9, 6890)")
    assert "GraphCMR" in message


@pytest.mark.parametrize("name", ["J_regressor_extra", "J_regressor_h36m"])
def test_regressors_of_another_topology_are_refused(name: str, smpl_shelf: Path, replace_file: Replace) -> None:
    path = replace_file(f"{name}.npy")
    np.save(path, np.load(smpl_shelf / f"{name}.npy")[:, np.random.default_rng(0).permutation(6890)])
    message = refusal(lambda: load_body("smpl", directory=path.parent))
    assert message.startswith(f"{name} is not for the 'smpl' body of topology 07700d963dde")


def test_no_renumbering_of_the_vertices_slips_through(open_arrays: BodyArrays) -> None:
    random = np.random.default_rng(1)
    for _ in range(50):
        order = random.permutation(6890)
        for name in ("extra_regressor", "h36m_regressor"):
            with pytest.raises(InputError):
                check_regressors(dataclasses.replace(open_arrays, **{name: getattr(open_arrays, name)[:, order]}))


@pytest.mark.parametrize("gender", ["neutral", "male", "female"])
def test_the_bodys_own_regressors_pass(gender) -> None:
    check_regressors(read_open_body(gender))
