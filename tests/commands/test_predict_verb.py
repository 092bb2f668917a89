import json

import cv2
import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

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
        assert {key: arrays[key].shape for key in arrays if key != "picture_jpeg"} == KEYS
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
    for suffix in ("obj", "glb"):
        mesh = trimesh.load(tmp_path / f"someone_0.{suffix}", force="mesh", process=False)
        assert (len(mesh.vertices), len(mesh.faces)) == (6890, 13776)
        np.testing.assert_allclose(mesh.vertices, vertices * [1, -1, -1], atol=1e-5)
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
    assert names == {
        "someone.png", "someone_side.png", "someone_confidence.png", "someone_0.npz", "someone_0.obj", "someone_0.glb",
        "index.html",
    }  # fmt: skip
    with np.load(tmp_path / "predictions" / "someone_0.npz") as arrays:
        assert arrays["confidence"].shape == arrays["expected_error_mm"].shape == (49,)
        assert 0 <= arrays["confidence"].min() <= arrays["confidence"].max() <= 1
    mesh = trimesh.load(tmp_path / "predictions" / "someone_0.glb").geometry["someone_0"]
    assert len(np.unique(mesh.visual.vertex_attributes["color"], axis=0)) > 10


def test_help_explains_boxes(capsys):
    with pytest.raises(SystemExit) as stop:
        predict("--help")
    assert stop.value.code == 0
    assert '"center": [412.0, 300.5]' in capsys.readouterr().out


def mixed_folder(folder, large=(600, 400)):
    """Photos as they come: all kinds that can be read, and two that cannot."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    rgb = cv2.resize(rng.integers(0, 256, (12, 8, 3), dtype=np.uint8), (80, 120), interpolation=cv2.INTER_CUBIC)
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera turned
    Image.fromarray(rgb).save(folder / "turned.jpg", exif=exif, quality=95)
    Image.fromarray(rgb).convert("L").save(folder / "grey.png")
    cv2.imwrite(str(folder / "deep.png"), rgb[..., ::-1].astype(np.uint16) * 257)
    Image.fromarray(np.dstack([rgb, np.full((120, 80), 128, np.uint8)])).save(folder / "clear.png")
    Image.fromarray(rgb).convert("CMYK").save(folder / "print.jpg")
    Image.fromarray(rgb).resize(large).save(folder / "large.jpg", quality=80)
    (folder / "text.jpg").write_text("not a photo")
    (folder / "empty.png").touch()
    return {"turned": (80, 120), "grey": (120, 80), "deep": (120, 80), "clear": (120, 80), "print": (120, 80),
            "large": large[::-1]}  # fmt: skip


def check_mixed(folder, good, out, checkpoint, capsys):
    assert predict(folder, "--checkpoint", checkpoint, "--out", out, "--detector", "none") == 2
    said = capsys.readouterr().err.strip().splitlines()
    problems = [line for line in said if line.startswith("pymaf predict: ")]
    assert len(problems) == 2
    assert "empty.png: not an image" in problems[0]
    assert "text.jpg: not an image" in problems[1]
    endings = ("_0.npz", "_0.obj", "_0.glb", ".png", "_side.png")
    assert {path.name for path in out.iterdir()} == {f"{n}{e}" for n in good for e in endings} | {"index.html"}
    for name, (height, width) in good.items():
        with np.load(out / f"{name}_0.npz") as arrays:
            assert arrays["bbox_center"].tolist() == [width / 2, height / 2]
            assert arrays["bbox_size"] == max(height, width)
        drawn = read_image(out / f"{name}.png")
        assert max(drawn.shape) == min(2048, max(height, width))
        assert drawn.shape[0] / drawn.shape[1] == pytest.approx(height / width, rel=2e-3)
    page = (out / "index.html").read_text()
    assert "text.jpg" in page
    assert "empty.png" in page


def test_the_good_photos_of_a_folder_are_done_and_the_bad_ones_named(checkpoint, tmp_path, capsys):
    good = mixed_folder(tmp_path / "photos")
    check_mixed(tmp_path / "photos", good, tmp_path / "out", checkpoint, capsys)


@pytest.mark.slow
def test_so_are_forty_megapixels(checkpoint, tmp_path, capsys):
    good = mixed_folder(tmp_path / "photos", large=(7304, 5478))
    check_mixed(tmp_path / "photos", good, tmp_path / "out", checkpoint, capsys)


def test_torchvisions_detector_takes_given_weights_and_says_what_to_do_without(
    photo, checkpoint, tmp_path, capsys, monkeypatch
):
    from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fail_to_download)
    words = (photo, "--checkpoint", checkpoint, "--out", tmp_path / "out", "--detector", "torchvision")
    assert predict(*words) == 2
    error = capsys.readouterr().err.strip()
    assert "\n" not in error
    for part in ("no network", "https://download.pytorch.org", str(tmp_path / "cache"), "--detector-weights"):
        assert part in error
    assert not (tmp_path / "out").exists()

    torch.save({"fc": torch.zeros(1)}, tmp_path / "other.pth")
    assert predict(*words, "--detector-weights", tmp_path / "other.pth") == 2
    assert "not the weights of torchvision's detector" in capsys.readouterr().err
    assert predict(*words, "--detector-weights", tmp_path / "none.pth") == 2
    assert "none.pth: no such file of weights" in capsys.readouterr().err

    torch.manual_seed(0)
    network = fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None)
    torch.save(network.state_dict(), tmp_path / "weights.pth")  # random: it finds nobody
    assert predict(*words, "--detector-weights", tmp_path / "weights.pth") == 0
    assert (tmp_path / "out" / "someone_0.npz").is_file()
    assert predict(*words[:-1], "hog", "--detector-weights", tmp_path / "weights.pth") == 2


def fail_to_download(*_, **__):
    raise OSError("no network")


def test_confidence_is_asked_of_models_that_have_it(photo, checkpoint, tmp_path, capsys):
    out = tmp_path / "out"
    assert predict(photo, "--checkpoint", checkpoint, "--out", out, "--confidence") == 2
    assert "has no calibration; `pymaf checkpoint confidence` makes one" in capsys.readouterr().err
    assert predict(photo, "--out", out, "--no-confidence") == 0
    assert not (out / "someone_confidence.png").exists()


def test_the_nearer_person_is_drawn_in_front(photo, checkpoint, tmp_path):
    boxes = tmp_path / "boxes.json"
    # the larger box is the nearer person: same body, same pixel, other depth
    pair = [{"image": "someone.png", "center": [45, 60], "size": size} for size in (100, 60)]
    for name, order in (("a", pair), ("b", pair[::-1])):
        boxes.write_text(json.dumps(order))
        assert predict(photo, "--checkpoint", checkpoint, "--out", tmp_path / name, "--boxes", boxes) == 0
    with np.load(tmp_path / "a" / "someone_0.npz") as near, np.load(tmp_path / "a" / "someone_1.npz") as far:
        assert near["cam_transl"][-1, 2] < far["cam_transl"][-1, 2]
        x, y = (int(v) for v in near["keypoints_2d"][-1, 8])  # on both bodies
    one, other = (read_image(tmp_path / name / "someone.png")[y, x].astype(int) for name in ("a", "b"))
    # the front person has the first colour in a and the second in b: steel blue, then apricot
    assert one[2] > one[0]
    assert other[0] > other[2]
