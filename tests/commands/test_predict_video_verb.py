"""``pymaf predict`` on a film and on a camera."""

import json

import numpy as np
import pytest
import trimesh

from pymaf_pl import cli
from pymaf_pl.video import Frame, Timing, VideoFile, write_segment

FRAMES = 14


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    from fractions import Fraction

    path = tmp_path_factory.mktemp("films") / "dance.mp4"
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(FRAMES)]
    write_segment(path, [Frame(i, 512 * i, image) for i, image in enumerate(images)],
                  Timing(Fraction(25), Fraction(1, 12800)))  # fmt: skip
    return path


@pytest.fixture(scope="module")
def checkpoint(run_dir):
    return str(run_dir / "checkpoints" / "last.ckpt")


def predict(*words):
    return cli.main(["predict", *map(str, words)])


def test_a_film_gives_a_film_a_motion_an_animation_and_a_page(film, checkpoint, tmp_path):
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps([{"frame": i, "center": [30 + i, 24], "size": 40} for i in range(FRAMES)]))
    out = tmp_path / "out"
    assert predict(film, "--checkpoint", checkpoint, "--out", out, "--boxes", boxes) == 0
    assert {path.name for path in out.iterdir()} == {"dance.mp4", "dance_0.npz", "dance_0.glb", "index.html"}
    with np.load(out / "dance_0.npz") as motion:
        assert motion["poses"].shape == (FRAMES, 156)
        assert float(motion["mocap_framerate"]) == 25
    assert len(list(VideoFile(out / "dance.mp4").frames())) == FRAMES
    assert len(trimesh.load(out / "dance_0.glb").geometry["dance_0"].vertices) == 6890
    assert "dance, person 0" in (out / "index.html").read_text()


def test_boxes_may_say_who_is_who_in_a_table(film, checkpoint, tmp_path):
    boxes = tmp_path / "boxes.csv"
    rows = [f"{i},{person},{10 + 25 * person},4,20,40" for i in range(FRAMES) for person in (4, 1)]
    boxes.write_text("\n".join(["frame,person,x,y,width,height", *rows]))
    assert predict(film, "--checkpoint", checkpoint, "--out", tmp_path / "out", "--boxes", boxes, "--frames", 12) == 0
    for person in (1, 4):
        with np.load(tmp_path / "out" / f"dance_{person}.npz") as motion:
            assert len(motion["poses"]) == 12


def test_smoothing_and_confidence_are_to_be_had_or_not(film, tmp_path):
    out = tmp_path / "out"
    words = (film, "--out", out, "--detector", "none", "--frames", 10)
    assert predict(*words, "--no-smoothing", "--confidence") == 0
    with np.load(out / "dance_0.npz") as motion:
        assert np.array_equal(motion["camera_pose"], motion["camera_pose_unsmoothed"])
        assert motion["confidence"].shape == (10, 49)


def test_bad_input_is_one_line_and_exit_code_2(film, checkpoint, tmp_path, capsys):
    text = tmp_path / "text.mp4"
    text.write_text("hello")
    photo = tmp_path / "a.png"
    photo.touch()
    some = tmp_path / "some.json"
    some.write_text(
        '[{"frame": 0, "center": [1, 2], "size": 3, "person": 1}, {"frame": 1, "center": [1, 2], "size": 3}]'
    )
    half = tmp_path / "half.json"
    half.write_text('[{"frame": 0.5, "center": [1, 2], "size": 3}]')
    none = tmp_path / "none.json"
    none.write_text("[]")
    out = tmp_path / "out"
    cases = [
        ((text,), "text.mp4: not a video that can be decoded"),
        ((tmp_path / "absent.mp4",), "absent.mp4: no such video"),
        ((film, photo), "one video or camera at a time"),
        ((film, "--boxes", some), "some boxes say which person they are and some do not"),
        ((film, "--boxes", half), "box 1 is not understood"),
        ((film, "--boxes", none), "it lists no box"),
        ((film, "--confidence"), "has no calibration"),
        (("webcam:first",), "a camera is webcam:0"),
    ]
    for words, message in cases:
        assert predict(*words, "--checkpoint", checkpoint, "--out", out) == 2
        error = capsys.readouterr().err.strip()
        assert message in error
        assert "\n" not in error
        assert not out.exists()
    assert predict(film, "--checkpoint", checkpoint, "--out", film.parent) == 2
    assert "would overwrite it" in capsys.readouterr().err


class Camera:
    def __init__(self, number):
        self.left = 21

    def isOpened(self):  # noqa: N802
        return True

    def get(self, _):
        return 25.0

    def read(self):
        self.left -= 1
        if self.left < 0:
            return False, None
        return True, np.random.default_rng(self.left).integers(0, 256, (48, 64, 3), dtype=np.uint8)

    def release(self):
        self.left = 0


def test_a_camera_is_the_same_loop(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr("cv2.VideoCapture", Camera)
    words = ("--checkpoint", checkpoint, "--out", tmp_path, "--detector", "none")
    assert predict("webcam:0", *words) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "webcam_0.mp4",
        "webcam_0_0.npz",
        "webcam_0_0.glb",
        "index.html",
    }
    assert len(list(VideoFile(tmp_path / "webcam_0.mp4").frames())) == 20
    assert predict("webcam:0", *words, "--frames", 12) == 0
    assert len(list(VideoFile(tmp_path / "webcam_0.mp4").frames())) == 12
