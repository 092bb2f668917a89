import json

import numpy as np
import pytest
import torch

from pymaf_pl import cli
from pymaf_pl.data.images import read_image, write_png

KEYS = {
    "pose_rotmat": (4, 24, 3, 3),
    "betas": (4, 10),
    "weak_cam": (4, 3),
    "vertices": (4, 6890, 3),
    "joints_49": (4, 49, 3),
    "keypoints_2d": (4, 49, 2),
    "bbox_center": (2,),
    "bbox_size": (),
    "cam_transl": (4, 3),
    "focal_length": (),
    "faces": (13776, 3),
}


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "someone.png"
    rng = np.random.default_rng(0)
    return write_png(path, rng.integers(0, 255, (120, 90, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def checkpoint(run_dir):
    return str(run_dir / "checkpoints" / "last.ckpt")


def predict(*words):
    return cli.main(["predict", *map(str, words)])


def test_a_photo_gives_arrays_a_mesh_an_overlay_and_a_page(photo, checkpoint, tmp_path):
    assert predict(photo, "--checkpoint", checkpoint, "--out", tmp_path, "--detector", "none") == 0
    with np.load(tmp_path / "someone_0.npz") as arrays:
        assert {key: arrays[key].shape for key in arrays} == KEYS
        assert arrays["bbox_center"].tolist() == [45, 60]  # the middle of the photo, which the person fills
        assert arrays["bbox_size"] == 120
        vertices, faces = arrays["vertices"][-1], arrays["faces"]
        # both cameras place the pelvis at the same pixel
        pelvis = arrays["joints_49"][:, 8] + arrays["cam_transl"]
        pinhole = arrays["focal_length"] * pelvis[:, :2] / pelvis[:, 2:] + [45, 60]
        np.testing.assert_allclose(pinhole, arrays["keypoints_2d"][:, 8], atol=0.5)
    lines = (tmp_path / "someone_0.obj").read_text().splitlines()
    assert sum(line.startswith("v ") for line in lines) == len(vertices)
    assert lines[-1] == "f " + " ".join(map(str, faces[-1] + 1))
    assert read_image(tmp_path / "someone.png").shape == (120, 90, 3)
    assert "someone" in (tmp_path / "index.html").read_text()


def test_boxes_say_how_many_people_and_where(photo, checkpoint, tmp_path):
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps([
        {"image": "someone.png", "center": [30, 40], "size": 50},
        {"image": "someone.png", "bbox": [10, 20, 30, 40]},
    ]))  # fmt: skip
    assert predict(photo, "--checkpoint", checkpoint, "--out", tmp_path / "out", "--boxes", boxes) == 0
    with np.load(tmp_path / "out" / "someone_1.npz") as second:
        assert second["bbox_center"].tolist() == [25, 40]
        assert second["bbox_size"] == pytest.approx(48)  # 1.2 times the taller side


def test_photos_of_the_same_name_do_not_overwrite_each_other(photo, checkpoint, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_png(tmp_path / folder / "x.png", read_image(photo))
    assert predict(tmp_path / "a", tmp_path / "b", "--checkpoint", checkpoint, "--out", tmp_path / "out") == 0
    assert len(list((tmp_path / "out").glob("*.npz"))) == 2


def test_bad_input_is_one_line_and_exit_code_2(photo, checkpoint, tmp_path, capsys):
    not_image = tmp_path / "text.jpg"
    not_image.write_text("hello")
    empty = tmp_path / "empty"
    empty.mkdir()
    garbage = tmp_path / "garbage.ckpt"
    garbage.write_bytes(b"\x00" * 100)
    foreign = tmp_path / "foreign.pt"
    torch.save({"model": {}}, foreign)
    wrong_boxes = tmp_path / "boxes.json"
    wrong_boxes.write_text('[{"image": "someone.png", "center": [1, 2]}]')
    other_photo = tmp_path / "other.json"
    other_photo.write_text('[{"image": "else.png", "center": [1, 2], "size": 3}]')
    no_box = tmp_path / "none.json"
    no_box.write_text("[]")
    nan_box = tmp_path / "nan.json"
    nan_box.write_text('[{"image": "someone.png", "center": [NaN, 2], "size": 3}]')
    out = tmp_path / "out"
    cases = [
        ((not_image, "--checkpoint", checkpoint), "text.jpg: not an image"),
        ((photo, not_image, "--checkpoint", checkpoint), "text.jpg: not an image"),
        ((empty, "--checkpoint", checkpoint), "no image in this folder"),
        (("nowhere.jpg", "--checkpoint", checkpoint), "no such photo"),
        ((photo, "--checkpoint", "nowhere.ckpt"), "no such checkpoint"),
        ((photo, "--checkpoint", garbage), "not a readable checkpoint"),
        ((photo, "--checkpoint", foreign), "not a checkpoint of pymaf_pl"),
        ((photo, "--checkpoint", checkpoint, "--boxes", wrong_boxes), "box 1 is not understood"),
        ((photo, "--checkpoint", checkpoint, "--boxes", other_photo), "none of its boxes"),
        ((photo, "--checkpoint", checkpoint, "--boxes", no_box), "it lists no box"),
        ((photo, "--checkpoint", checkpoint, "--boxes", nan_box), "box 1 is not understood"),
        ((photo, "--checkpoint", checkpoint, "--focal-length", 0), "--focal-length 0"),
        ((photo, "--checkpoint", checkpoint, "--device", "cuda:99"), "--device cuda:99"),
        ((photo, "--checkpoint", checkpoint, "--device", "gpu"), "--device gpu"),
    ]
    for words, message in cases:
        assert predict(*words, "--out", out) == 2
        error = capsys.readouterr().err.strip()
        assert message in error
        assert "\n" not in error
        assert not out.exists()


def test_a_photo_is_never_overwritten_by_its_overlay(photo, checkpoint, capsys):
    before = photo.read_bytes()
    assert predict(photo, "--checkpoint", checkpoint, "--out", photo.parent) == 2
    assert "its overlay would overwrite it" in capsys.readouterr().err
    assert predict(photo, "--checkpoint", checkpoint, "--out", photo) == 2
    assert "this is a file" in capsys.readouterr().err
    assert photo.read_bytes() == before


def test_a_photo_is_all_that_is_needed(photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert predict(photo) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"predictions"}
    names = {path.name for path in (tmp_path / "predictions").iterdir()}
    assert names == {"someone.png", "someone_0.npz", "someone_0.obj", "index.html"}


def test_help_explains_boxes(capsys):
    with pytest.raises(SystemExit) as stop:
        predict("--help")
    assert stop.value.code == 0
    assert '"center": [412.0, 300.5]' in capsys.readouterr().out
