"""The motion file, through smplx itself."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pymaf_pl.body import BodyModel
from pymaf_pl.body.model import load_smplx
from pymaf_pl.footage.results import rest_body
from pymaf_pl.geometry.rotation import geodesic_angle
from pymaf_pl.motion import Motion, write_amass
from pymaf_pl.motion.amass import CAMERA_TO_AMASS, fill_gaps

SEEN = np.array([3, 4, 5, 9, 10])


@pytest.fixture
def written(tmp_path: Path, body: BodyModel, people: Any) -> tuple[dict[str, np.ndarray], Any]:
    rotmat, betas = people(len(SEEN), seed=2)
    transl = np.random.default_rng(0).normal(size=(len(SEEN), 3)) + np.array([0, 0, 5])
    shape = betas[0].double().numpy()
    motion = Motion(
        frames=SEEN, rotmat=rotmat.double().numpy(), betas=shape, transl=transl, rate=29.97,
        root=rest_body(body, shape).joints[0], gender="neutral", extra={"own": np.arange(3)},
    )  # fmt: skip
    write_amass(tmp_path / "motion.npz", motion)
    with np.load(tmp_path / "motion.npz", allow_pickle=False) as file:
        return dict(file), motion


def test_it_has_the_keys_and_shapes_of_amass(written: Any) -> None:
    file, _ = written
    frames = 8  # from 3 to 10
    shapes = {"poses": (frames, 156), "trans": (frames, 3), "betas": (10,), "poses_smpl": (frames, 72), "own": (3,)}
    assert {key: file[key].shape for key in shapes} == shapes
    assert str(file["gender"]) == "neutral"
    assert float(file["mocap_framerate"]) == 29.97
    assert file["frames"].tolist() == list(range(3, 11))
    assert file["observed"].tolist() == [True, True, True, False, False, False, True, True]
    assert not file["poses"][:, 66:].any()  # hands at rest


@pytest.mark.parametrize("key", ["poses", "poses_smpl"])
def test_smplx_places_the_body_as_we_do_with_z_up(written: Any, body: BodyModel, key: str) -> None:
    file, motion = written
    rows = file["observed"]
    poses = torch.from_numpy(file[key][rows])
    if key == "poses":
        poses = torch.cat([poses[:, :66], torch.zeros(len(poses), 6)], dim=1)
    smpl = load_smplx(body.arrays)
    betas = torch.from_numpy(file["betas"]).expand(len(poses), 10)
    with torch.no_grad():
        out = smpl(
            betas=betas,
            global_orient=poses[:, :3],
            body_pose=poses[:, 3:],
            transl=torch.from_numpy(file["trans"][rows]),
        )
        rotmat = torch.from_numpy(motion.rotmat).float()
        ours = body(rotmat, betas).vertices.double().numpy() + motion.transl[:, None]
    wanted = ours @ CAMERA_TO_AMASS.T
    error = np.linalg.norm(out.vertices.numpy() - wanted, axis=-1)
    hands = np.linalg.norm(out.vertices.numpy() - wanted, axis=-1).mean()
    if key == "poses_smpl":
        assert error.max() < 1e-4
    else:  # SMPL-H has other hand joints than SMPL: theirs are at rest
        assert hands < 5e-3
        assert np.median(error) < 1e-3


def test_z_is_up_and_y_leads_away_from_the_camera() -> None:
    assert (CAMERA_TO_AMASS @ [0, -1, 0]).tolist() == [0, 0, 1]
    assert (CAMERA_TO_AMASS @ [0, 0, 1]).tolist() == [0, 1, 0]
    assert np.linalg.det(CAMERA_TO_AMASS) == pytest.approx(1)


def test_gaps_are_filled_along_the_shortest_way(people: Any) -> None:
    rotmat = people(2, seed=5)[0].double().numpy()
    frames, turned, moved = fill_gaps(np.array([4, 8]), rotmat, np.array([[0.0, 0, 4], [2.0, 0, 6]]))
    assert frames.tolist() == [4, 5, 6, 7, 8]
    np.testing.assert_allclose(moved[2], [1, 0, 5])
    whole = geodesic_angle(*(torch.from_numpy(r) for r in (turned[0], turned[4])))
    half = geodesic_angle(*(torch.from_numpy(r) for r in (turned[0], turned[2])))
    torch.testing.assert_close(half, whole / 2, atol=1e-6, rtol=0)
