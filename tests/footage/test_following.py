"""From frames to people: numbers, smoothing, pieces, and going on where another process was killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pymaf_pl.body import BodyModel
from pymaf_pl.detection import Detection
from pymaf_pl.errors import InputError
from pymaf_pl.footage import Follower, Footage, Store, follow_video
from pymaf_pl.footage.following import Sighting
from pymaf_pl.footage.store import Record
from pymaf_pl.inference import Box, Predictor
from pymaf_pl.motion import Smoothing
from pymaf_pl.types import BodyState, NetworkOutput
from pymaf_pl.video import Frame, Timing, VideoFile

TIMING = Timing(Fraction(10), Fraction(1, 1000))
HEIGHT, WIDTH, FRAMES = 48, 80, 30


class Shaky(nn.Module):
    """A network that sees the mean body, trembling, at a size that follows the crop's brightness."""

    def __init__(self, body: BodyModel) -> None:
        super().__init__()
        self.mean, self.num_iterations, self.calls = body.mean_state(), 1, 0

    def forward(self, images: Tensor) -> NetworkOutput:
        self.calls += 1
        start = BodyState.cat([self.mean] * len(images))
        shake = 0.05 * torch.sin(1e3 * images.flatten(1).mean(1))  # a function of the picture alone
        moved = BodyState(start.pose_6d + shake[:, None, None], start.betas + shake[:, None], start.weak_cam)
        return NetworkOutput((start, moved))


class Film:
    """Grey frames with noise; the same every time."""

    def __init__(self, frames: int = FRAMES) -> None:
        self.timing, self.num_frames = TIMING, frames

    def frames(self, after: Frame | None = None) -> Iterator[Frame]:
        for index in range(0 if after is None else after.index + 1, self.num_frames):
            image = np.random.default_rng(index).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
            yield Frame(index, 100 * index, image)


def two_who_walk(frames: Sequence[Frame]) -> list[list[Sighting]]:
    """One goes right, one left, lower in the picture; the second is only there from frame 5 to 24."""
    found = []
    for frame in frames:
        people = [Detection.around(Box((15 + frame.index, 20), 24))]
        if 5 <= frame.index < 25:
            people.append(Detection.around(Box((70 - frame.index, 30), 30)))
        found.append([Sighting(person) for person in people[:: 1 if frame.index % 2 else -1]])
    return found


@pytest.fixture
def predictor(body: BodyModel) -> Predictor:
    return Predictor(Shaky(body), body, 32)  # type: ignore[arg-type]


def follower(predictor: Predictor, smoothing: Smoothing | None = Smoothing(), finder: Any = two_who_walk) -> Follower:  # noqa: B008
    return Follower(predictor, finder, TIMING, smoothing, focal_length=90.0)


def run(predictor: Predictor, folder: Path, film: Film, **how: Any) -> list[Any]:
    folder.mkdir(exist_ok=True)
    footage = Footage(film, folder, "film", batch=4, piece=8)
    return follow_video(footage, follower(predictor, **how), Store(folder / "pieces", {}), lambda _: None)


def test_everybody_gets_a_motion_an_animation_and_a_place_in_the_film(predictor: Predictor, tmp_path: Path) -> None:
    people = run(predictor, tmp_path, Film())
    assert [person.person for person in people] == [0, 1]
    assert people[0].frames == FRAMES  # the first detection of a film counts at once
    assert 16 <= people[1].frames <= 20
    with np.load(tmp_path / "film_1.npz") as second:
        assert set(second["frames_observed"].tolist()) <= set(range(5, 25))
        np.testing.assert_allclose(second["bbox"][:, 0], 70 - second["frames_observed"])
        assert float(second["mocap_framerate"]) == 10
    assert {path.name for path in tmp_path.iterdir()} == {
        "film.mp4", "film_0.npz", "film_0.glb", "film_1.npz", "film_1.glb",
    }  # fmt: skip
    assert len(list(VideoFile(tmp_path / "film.mp4").frames())) == FRAMES


def test_smoothing_takes_the_trembling_away(predictor: Predictor, tmp_path: Path) -> None:
    run(predictor, tmp_path, Film())
    with np.load(tmp_path / "film_0.npz") as motion:
        # without the root, which is half a turn from rest: its vector may point either way
        smoothed, plain = (motion[f"camera_pose{kind}"][:, 1:] for kind in ("", "_unsmoothed"))
        smooth, raw = (np.abs(np.diff(poses, n=2, axis=0)).mean() for poses in (smoothed, plain))
        assert smooth < 0.5 * raw  # ten frames a second leave a filter little to work with
        np.testing.assert_allclose(smoothed.mean(0), plain.mean(0), atol=0.05)
    run(predictor, tmp_path / "plain", Film(), smoothing=None)
    with np.load(tmp_path / "plain" / "film_0.npz") as motion:
        assert np.array_equal(motion["camera_pose"], motion["camera_pose_unsmoothed"])


def test_who_is_named_by_the_boxes_is_not_told_apart(predictor: Predictor, tmp_path: Path) -> None:
    def named(frames: Sequence[Frame]) -> list[list[Sighting]]:
        return [[Sighting(Detection.around(Box((40, 24), 30)), 7 if f.index < 15 else 3)] for f in frames]

    assert [person.person for person in run(predictor, tmp_path, Film(), finder=named)] == [3, 7]


def test_a_film_without_anybody_is_a_film_all_the_same(predictor: Predictor, tmp_path: Path) -> None:
    assert run(predictor, tmp_path, Film(9), finder=lambda frames: [[] for _ in frames]) == []
    assert len(list(VideoFile(tmp_path / "film.mp4").frames())) == 9


def same(one: Path, other: Path) -> None:
    for name in ("film_0.npz", "film_1.npz"):
        with np.load(one / name) as first, np.load(other / name) as second:
            assert sorted(first.files) == sorted(second.files)
            for key in first.files:
                if first[key].dtype.kind == "f":
                    np.testing.assert_allclose(first[key], second[key], atol=1e-5, err_msg=key)
                else:
                    assert np.array_equal(first[key], second[key]), key
    pictures = [[f.image for f in VideoFile(folder / "film.mp4").frames()] for folder in (one, other)]
    assert len(pictures[0]) == len(pictures[1]) == FRAMES
    # matrix products round by where their numbers lie in memory, so that a pixel of an outline may change
    off = [float(np.abs(a.astype(int) - b).mean()) for a, b in zip(*pictures, strict=True)]
    assert max(off) < 2, off  # and the encoder spreads it


@pytest.mark.parametrize("seen", [1, 9, 23])
def test_an_interrupted_run_ends_as_if_nothing_had_been(predictor: Predictor, tmp_path: Path, seen: int) -> None:
    class Torn(Film):
        def frames(self, after: Frame | None = None) -> Iterator[Frame]:
            for frame in super().frames(after):
                if frame.index == seen:
                    raise RuntimeError("power cut")
                yield frame

    whole, torn = tmp_path / "whole", tmp_path / "torn"
    run(predictor, whole, Film())
    with pytest.raises(RuntimeError, match="power cut"):
        run(predictor, torn, Torn())
    calls = predictor.network.calls
    told: list[int] = []
    footage = Footage(Film(), torn, "film", batch=4, piece=8)
    follow_video(footage, follower(predictor), Store(torn / "pieces", {}), told.append)
    assert told[0] == seen // 8 * 8  # whole pieces are kept
    assert predictor.network.calls - calls == -(-(FRAMES - told[0]) // 4)
    same(whole, torn)


KILLED = """
import sys, time
from pathlib import Path
sys.path[:0] = [{tests!r}, {here!r}]
import test_following as t
from pymaf_pl.body import load_body
body = load_body()
class Slow(t.Film):
    def frames(self, after=None):
        for frame in super().frames(after):
            time.sleep(0.05)
            yield frame
t.run(t.Predictor(t.Shaky(body), body, 32), Path({out!r}), Slow())
"""


@pytest.mark.slow
def test_kill_minus_nine_and_again(predictor: Predictor, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run(predictor, whole, Film())
    here = Path(__file__).parent
    code = KILLED.format(tests=str(here.parent), here=str(here), out=str(killed))
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 120
    while not (killed / "pieces" / "000001.npz").is_file() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "film.mp4").exists()
    run(predictor, killed, Film())
    same(whole, killed)


def test_pieces_of_other_settings_are_refused(tmp_path: Path) -> None:
    Store(tmp_path / "p", {"checkpoint": "a", "smoothing": True})
    Store(tmp_path / "p", {"checkpoint": "a", "smoothing": True})
    with pytest.raises(InputError, match="begun with another smoothing"):
        Store(tmp_path / "p", {"checkpoint": "a", "smoothing": False})


def test_a_piece_counts_only_when_it_is_whole(tmp_path: Path) -> None:
    store, record = Store(tmp_path / "p", {}), Record()
    record.add("frame", index=0, pts=0)
    assert store.count() == 0
    store.finish(0, record)
    assert store.count() == 0  # no picture yet
    store.segment(0).write_bytes(b"video")
    assert store.count() == 1
    store.segment(2).write_bytes(b"video")
    store.finish(2, record)
    assert store.count() == 1  # what comes behind a gap is not to be trusted
    assert [columns["frame.index"].tolist() for columns in store.pieces("frame")] == [[0]]
    assert json.loads((tmp_path / "p" / "settings.json").read_text()) == {}
