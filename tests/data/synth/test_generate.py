"""Data sets as files: labels against pictures and body, repeatability, resuming, refusals."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pymaf_pl.body import BodyModel, load_body
from pymaf_pl.body.joints import JOINTS_24
from pymaf_pl.data.synth import World, WorldOptions, default_options, generate, generate_world, studio
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.rotation import rotmat_from_axis_angle
from pymaf_pl.render import rasterize

Table = dict[str, NDArray[Any]]
WORLDS: tuple[World, ...] = ("studio", "wild")
PELVIS = JOINTS_24.index("pelvis")
SIZE = 64
ROWS = {"train": 70, "val": 12}  # 70 rows are two chunks


def load(path: Path) -> Table:
    with np.load(path) as opened:
        return dict(opened)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[World, str], Path]:
    out = tmp_path_factory.mktemp("synth")
    return lambda world, split: generate_world(
        world, out, ROWS[split], split, seed=3, size=SIZE, workers=1, progress=False
    )


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body("open")


def decode(table: Table, body: BodyModel) -> tuple[torch.Tensor, torch.Tensor]:
    """The labelled bodies in camera axes, root-centred: vertices and the 24 joints."""
    rotmat = rotmat_from_axis_angle(torch.from_numpy(table["pose"]).view(-1, 24, 3))
    betas = torch.from_numpy(table["shape"])
    joints = body.joints_49(rotmat, betas)[:, 25:]
    root = joints[:, PELVIS : PELVIS + 1]
    return body(rotmat, betas).vertices - root, joints - root


def project(points: NDArray[Any], intrinsics: NDArray[Any]) -> NDArray[Any]:
    return intrinsics[:, None, :2] * points[..., :2] / points[..., 2:] + intrinsics[:, None, 2:]


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("split", ["train", "val"])
def test_table_has_spins_keys_and_shapes(made: Callable[..., Path], world: World, split: str) -> None:
    path = made(world, split)
    table, n = load(path), ROWS[split]
    shapes = {
        "imgname": (n,), "center": (n, 2), "scale": (n,), "part": (n, 24, 3), "openpose": (n, 25, 3), "S": (n, 24, 4),
        "pose": (n, 72), "shape": (n, 10), "has_smpl": (n,), "has_3d": (n,), "cam_intrinsics": (n, 4),
        "transl": (n, 3), "body_model": (),
    }  # fmt: skip
    if split == "val":
        shapes |= {"maskname": (n,), "partname": (n,)}
    assert {key: value.shape for key, value in table.items()} == shapes
    assert str(table["body_model"]) == "open"
    for key in ("imgname", "maskname", "partname"):
        for name in table.get(key, ()):
            picture = cv2.imread(str(path.parent / name), cv2.IMREAD_UNCHANGED)
            assert picture is not None
            assert picture.shape[:2] == (SIZE, SIZE)


@pytest.mark.parametrize("world", WORLDS)
def test_3d_joints_project_onto_2d_joints(made: Callable[..., Path], world: World) -> None:
    table = load(made(world, "train"))
    rows = table["has_3d"] > 0
    points = table["S"][rows, :, :3] + table["transl"][rows, None]
    assert points[..., 2].min() > 2.5
    np.testing.assert_allclose(project(points, table["cam_intrinsics"][rows]), table["part"][rows, :, :2], atol=0.05)


@pytest.mark.parametrize("world", WORLDS)
def test_pose_and_shape_decode_to_the_3d_joints(made: Callable[..., Path], world: World, body: BodyModel) -> None:
    table = load(made(world, "train"))
    joints = decode(table, body)[1].numpy()
    rows = table["has_smpl"] > 0
    np.testing.assert_allclose(joints[rows], table["S"][rows, :, :3], atol=1e-4)
    assert np.abs(table["S"][:, PELVIS, :3]).max() < 1e-6


@pytest.mark.parametrize("world", WORLDS)
def test_masks_are_the_projected_body(made: Callable[..., Path], world: World, body: BodyModel) -> None:
    path = made(world, "val")
    table = load(path)
    assert table["has_smpl"].all()
    vertices = decode(table, body)[0].numpy() + table["transl"][:, None]
    screen = np.concatenate([project(vertices, table["cam_intrinsics"]) + 0.5, vertices[..., 2:]], -1)
    expected = (rasterize(torch.from_numpy(screen), body.faces, SIZE, SIZE) >= 0).numpy()
    for row, (mask_name, part_name) in enumerate(zip(table["maskname"], table["partname"], strict=True)):
        mask = cv2.imread(str(path.parent / mask_name), cv2.IMREAD_GRAYSCALE)
        part = cv2.imread(str(path.parent / part_name), cv2.IMREAD_GRAYSCALE)
        assert set(np.unique(mask)) == {0, 255}
        assert part.max() <= 6
        np.testing.assert_array_equal(part > 0, mask > 0)
        wrong, body_pixels = (expected[row] != (mask > 0)).sum(), expected[row].sum()
        assert wrong <= 0.01 * body_pixels + 1


def test_person_is_drawn_where_the_mask_is(tmp_path: Path) -> None:
    """Before a magenta photograph, what is not magenta is the person."""
    photos = tmp_path / "photos"
    photos.mkdir()
    cv2.imwrite(str(photos / "magenta.png"), np.full((40, 60, 3), (255, 0, 255), np.uint8))
    options = WorldOptions(clothing=False, backgrounds=photos, noise=0, thickness=False, jpeg=(95, 95))
    path = generate_world("wild", tmp_path, 12, "val", 0, size=96, workers=1, options=options, progress=False)
    table = load(path)
    compared = 0
    for image_name, mask_name in zip(table["imgname"], table["maskname"], strict=True):
        image = cv2.imread(str(tmp_path / image_name)).astype(int)
        mask = cv2.imread(str(tmp_path / mask_name), cv2.IMREAD_GRAYSCALE)
        if (np.abs(image[0] - (255, 0, 255)).max(-1) < 40).mean() < 0.9:
            continue  # one of the rows with scenery
        drawn = np.abs(image - (255, 0, 255)).max(-1) > 90
        assert drawn[cv2.erode(mask, np.ones((3, 3))) > 0].mean() > 0.98
        assert drawn[cv2.dilate(mask, np.ones((3, 3))) == 0].mean() < 0.002
        compared += 1
    assert 0 < compared < 12


def test_silhouettes_of_train_are_of_the_clothed_person_and_change_no_picture(
    made: Callable[..., Path], tmp_path: Path, body: BodyModel
) -> None:
    plain = made("wild", "train")
    options = replace(default_options("wild"), silhouettes=True)
    path = generate_world("wild", tmp_path, ROWS["train"], "train", 3, size=SIZE, workers=1, options=options)
    table = load(path)
    assert table["maskname"].tolist() == [f"wild_train/{row:06d}_mask.png" for row in range(ROWS["train"])]
    for name in table["imgname"]:
        assert (tmp_path / str(name)).read_bytes() == (plain.parent / str(name)).read_bytes()
    labelled = np.flatnonzero(table["has_smpl"])
    vertices = decode({key: table[key][labelled] for key in ("pose", "shape")}, body)[0].numpy()
    points = project(vertices + table["transl"][labelled, None], table["cam_intrinsics"][labelled])
    shares = []
    for row, xy in zip(labelled, points, strict=True):
        mask = cv2.imread(str(tmp_path / str(table["maskname"][row])), cv2.IMREAD_GRAYSCALE)
        assert mask.shape == (SIZE, SIZE)
        x, y = np.rint(xy).astype(int).T
        inside = (x >= 0) & (x < SIZE) & (y >= 0) & (y < SIZE)
        shares.append((mask[y[inside], x[inside]] > 127).mean())
    # the bare body lies within its clothes, but for the outline's own pixels, which are covered by half; and what
    # stands in front of one person in three is not the person's
    assert np.median(shares) > 0.92
    assert min(shares) < 0.9


@pytest.mark.parametrize("world", WORLDS)
def test_box_follows_spins_rule_and_holds_the_labelled_joints(made: Callable[..., Path], world: World) -> None:
    table = load(made(world, "train"))
    for part, center, scale in zip(table["part"], table["center"], table["scale"], strict=True):
        seen = part[part[:, 2] > 0, :2]
        assert 200 * scale == pytest.approx(1.2 * np.ptp(seen, axis=0).max(), rel=1e-3)
        np.testing.assert_allclose(center, (seen.min(0) + seen.max(0)) / 2, atol=1e-3)
        assert (np.abs(seen - center) <= 100 * scale).all()
        assert ((part[:, 2] > 0) == ((part[:, :2] >= -0.5) & (part[:, :2] < SIZE - 0.5)).all(1)).all()


def test_studio_pictures_leave_room_for_augmentation(made: Callable[..., Path]) -> None:
    table = load(made("studio", "train"))
    assert (table["part"][..., 2] == 1).all()
    assert (200 * table["scale"] * 1.149 <= SIZE).all()


def test_half_of_the_wild_rows_keep_their_3d_labels(made: Callable[..., Path]) -> None:
    table = load(made("wild", "train"))
    np.testing.assert_array_equal(table["has_3d"], table["has_smpl"])
    assert 0.3 < table["has_3d"].mean() < 0.7
    without = table["has_3d"] == 0
    for key in ("S", "pose", "shape", "transl"):
        assert (table[key][without] == 0).all()
        assert (np.abs(table[key][~without]).reshape((~without).sum(), -1).max(1) > 0).all()
    assert (table["part"][without, :, 2] > 0).any(1).all()


def test_studio_subjects_have_one_shape_each_and_are_held_out(made: Callable[..., Path]) -> None:
    shapes = {split: np.unique(load(made("studio", split))["shape"], axis=0) for split in ("train", "val")}
    assert len(shapes["train"]) == len(studio.TRAIN_SUBJECTS)
    assert len(shapes["val"]) == len(studio.HELD_OUT_SUBJECTS)
    assert not {tuple(s) for s in shapes["train"].tolist()} & {tuple(s) for s in shapes["val"].tolist()}
    assert len(np.unique(load(made("wild", "val"))["shape"], axis=0)) == ROWS["val"]


def test_people_are_upright_seen_from_every_side(made: Callable[..., Path]) -> None:
    table = load(made("studio", "train"))
    crown, feet = table["part"][:, JOINTS_24.index("head_top"), 1], table["part"][:, [0, 5], 1].mean(1)
    assert (crown < feet).mean() > 0.85  # y grows downwards; some lie
    right, left = (table["S"][:, JOINTS_24.index(f"{side}_shoulder"), 0] for side in ("right", "left"))
    assert 0.25 < (left > right).mean() < 0.75


def test_wild_people_mostly_face_the_camera(tmp_path: Path) -> None:
    options = replace(default_options("wild"), heading_deg=20.0, extreme_share=0.0)
    table = load(generate_world("wild", tmp_path, 24, "val", 1, size=32, workers=1, options=options, progress=False))
    right, left = (table["S"][:, JOINTS_24.index(f"{side}_hip"), 0] for side in ("right", "left"))
    assert (left > right).mean() > 0.8  # somebody facing us has their left hip on our right


def test_two_workers_and_an_interruption_change_nothing(
    tmp_path: Path, made: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made("wild", "train")
    before = json.loads(whole.with_suffix(".json").read_text())

    finish, finished = generate._finish_chunk, []

    def stop_after_one(*args: Any) -> int:
        if finished:
            raise KeyboardInterrupt
        finished.append(args)
        return finish(*args)

    call = {"num": ROWS["train"], "split": "train", "seed": 3, "size": SIZE, "progress": False}
    with monkeypatch.context() as patch:
        patch.setattr(generate, "_finish_chunk", stop_after_one)
        with pytest.raises(KeyboardInterrupt):
            generate_world("wild", tmp_path / "a", workers=1, **call)
    assert not (tmp_path / "a" / "wild_train.npz").exists()
    again = generate_world("wild", tmp_path / "a", workers=1, **call)
    spread = generate_world("wild", tmp_path / "b", workers=2, **call)
    for path in (again, spread):
        table = load(path)
        for key, value in load(whole).items():
            np.testing.assert_array_equal(table[key], value, err_msg=key)
        for name in table["imgname"]:
            assert (path.parent / name).read_bytes() == (whole.parent / name).read_bytes()
        assert json.loads(path.with_suffix(".json").read_text()) == before
        assert not list(path.parent.rglob(".parts*"))
        assert not list(path.parent.rglob("*.tmp"))


def test_a_finished_set_is_returned_at_once_and_never_mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call = {"split": "train", "size": 32, "workers": 1, "progress": False}
    path = generate_world("studio", tmp_path, 2, seed=0, **call)
    with monkeypatch.context() as patch:
        patch.setattr(generate, "make_chunk", None)
        assert generate_world("studio", tmp_path, 2, seed=0, **call) == path
    with pytest.raises(InputError, match=r"studio_train was made with other parameters \(seed 0 there, 1 now\)"):
        generate_world("studio", tmp_path, 2, seed=1, **call)
    with pytest.raises(InputError, match=r"options\.noise 2\.0 there, 0\.0 now"):
        generate_world("studio", tmp_path, 2, seed=0, options=WorldOptions(noise=0.0), **call)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num": 0}, "num is 0"),
        ({"size": 31}, "size is 31"),
        ({"seed": -1}, "seed is -1"),
        ({"workers": 0}, "workers is 0"),
        ({"world": "moon"}, "world 'moon' is unknown; there are studio and wild"),
        ({"split": "dev"}, "split 'dev' is unknown"),
    ],
)
def test_wrong_parameters_are_refused_in_one_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    call: dict[str, Any] = {"world": "wild", "num": 1, "split": "train", "seed": 0, "size": 32, "workers": 1}
    with pytest.raises(InputError, match=message) as caught:
        generate_world(out=tmp_path, **call | change)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write to"):
        generate_world("wild", tmp_path / "file", 1, "train", 0, workers=1)


def test_an_empty_backgrounds_folder_is_refused(tmp_path: Path) -> None:
    options = replace(default_options("wild"), backgrounds=tmp_path)
    with pytest.raises(InputError, match="holds no photographs"):
        generate_world("wild", tmp_path / "out", 1, "train", 0, options=options, workers=1)
