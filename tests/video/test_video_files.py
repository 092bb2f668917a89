"""Frames in and out of files, with their times and their sound, on films that are made here."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pymaf_pl.errors import InputError
from pymaf_pl.video import Frame, Timing, VideoFile, join_segments, write_segment
from pymaf_pl.video.camera import Webcam

FRAMES, RATE, SAMPLES = 40, Fraction(30000, 1001), 48000


def make(path: Path, sound: str | None = "aac", size: tuple[int, int] = (64, 48)) -> Path:
    """A film that grows brighter by 5 levels a frame, with a tone."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=RATE, options={"crf": "10"})
        picture.width, picture.height, picture.pix_fmt = *size, "yuv420p"
        track = container.add_stream(sound, rate=SAMPLES, layout="mono") if sound else None
        for index in range(FRAMES):
            image = np.full((size[1], size[0], 3), 5 * index, np.uint8)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            if track is not None:
                begin = index * 1600
                tone = 8000 * np.sin(2 * np.pi * 440 * np.arange(begin, begin + 1600) / SAMPLES)
                heard = av.AudioFrame.from_ndarray(tone.astype(np.int16)[None], format="s16", layout="mono")
                heard.sample_rate, heard.pts, heard.time_base = SAMPLES, begin, Fraction(1, SAMPLES)
                container.mux(track.encode(heard))
        for stream in filter(None, (picture, track)):
            container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module", params=[("film.mp4", "aac"), ("film.avi", "pcm_s16le"), ("film.mkv", "flac")])
def film(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name, sound = request.param
    return make(tmp_path_factory.mktemp("films") / name, sound)


def brightness(frames: Iterator[Frame]) -> list[float]:
    return [float(frame.image.mean()) for frame in frames]


def heard(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray().mean(axis=0) for frame in container.decode(container.streams.audio[0])]
    return np.concatenate(frames).astype(float)


def test_every_frame_comes_once_in_order(film: Path) -> None:
    video = VideoFile(film)
    frames = list(video.frames())
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert np.diff([frame.pts for frame in frames]).min() > 0
    assert float(video.timing.rate) == pytest.approx(29.97, rel=1e-3)
    assert video.num_frames == pytest.approx(FRAMES, abs=2)
    np.testing.assert_allclose(brightness(iter(frames)), 5.0 * np.arange(FRAMES), atol=4)


def test_going_on_behind_a_frame_gives_the_same_frames(film: Path) -> None:
    video = VideoFile(film)
    frames = list(video.frames())
    later = list(video.frames(after=frames[23]))
    assert [(f.index, f.pts) for f in later] == [(f.index, f.pts) for f in frames[24:]]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(later, frames[24:], strict=True))


def test_joined_pieces_have_the_films_pictures_times_and_sound(film: Path, tmp_path: Path) -> None:
    video = VideoFile(film)
    frames = list(video.frames())
    segments = []
    for number, begin in enumerate(range(0, FRAMES, 15)):
        path = tmp_path / f"{number}.mp4"
        write_segment(path, frames[begin : begin + 15], video.timing)
        segments.append((path, frames[begin].pts))
    out = tmp_path / "out.mp4"
    join_segments(out, segments, video.timing, film)
    again = VideoFile(out)
    joined = list(again.frames())
    np.testing.assert_allclose(brightness(iter(joined)), 5.0 * np.arange(FRAMES), atol=5)
    times = [again.timing.seconds(frame.pts) for frame in joined]
    np.testing.assert_allclose(times, [video.timing.seconds(frame.pts) for frame in frames], atol=1e-3)
    before, after = heard(film), heard(out)
    assert len(after) == pytest.approx(len(before), abs=3000)  # a coder's block or two at the ends
    spectrum = np.abs(np.fft.rfft(after[: SAMPLES // 2]))
    assert abs(np.argmax(spectrum[1:]) + 1 - 220) <= 1  # 440 Hz in half a second
    with av.open(str(out)) as container:
        assert {stream.type for stream in container.streams} == {"video", "audio"}
        assert container.streams.video[0].codec_context.name == "h264"


def test_a_film_without_sound_stays_silent_and_odd_sizes_lose_a_row(tmp_path: Path) -> None:
    timing = Timing(Fraction(25), Fraction(1, 12800))
    images = [np.full((33, 51, 3), 40, np.uint8)] * 3
    write_segment(tmp_path / "a.mp4", [Frame(i, i * 512, image) for i, image in enumerate(images)], timing)
    join_segments(tmp_path / "b.mp4", [(tmp_path / "a.mp4", 0)], timing, None)
    assert next(VideoFile(tmp_path / "b.mp4").frames()).image.shape == (32, 50, 3)


def test_a_film_that_breaks_off_ends_there(tmp_path: Path) -> None:
    timing, rng = Timing(Fraction(25), Fraction(1, 1000)), np.random.default_rng(0)
    noise = [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(FRAMES)]
    whole = tmp_path / "whole.mkv"
    write_segment(whole, [Frame(i, 40 * i, image) for i, image in enumerate(noise)], timing)
    data = whole.read_bytes()
    (tmp_path / "half.mkv").write_bytes(data[: len(data) // 2])
    assert FRAMES // 4 < len(list(VideoFile(tmp_path / "half.mkv").frames())) < FRAMES


def test_what_is_no_video_is_one_line(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("hello")
    with pytest.raises(InputError, match=r"text\.mp4: not a video that can be decoded"):
        VideoFile(text)
    with pytest.raises(InputError, match=r"none\.mp4: no such video"):
        VideoFile(tmp_path / "none.mp4")
    with av.open(str(tmp_path / "tone.mp4"), "w") as container:
        track = container.add_stream("aac", rate=SAMPLES, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
        silence.sample_rate = SAMPLES
        container.mux(track.encode(silence))
        container.mux(track.encode(None))
    with pytest.raises(InputError, match="it has no picture, only audio"):
        VideoFile(tmp_path / "tone.mp4")


def test_a_telephones_film_stands_upright(tmp_path: Path) -> None:
    # a display matrix cannot be written with PyAV, so that a frame says what a decoder would
    from pymaf_pl.video.reading import _upright

    class Lying:
        rotation = -90

        def to_ndarray(self, format: str) -> np.ndarray:
            picture = np.zeros((4, 6, 3), np.uint8)
            picture[:, 0] = 255  # the left edge is shown at the top
            return picture

    upright = _upright(Lying())
    assert upright.shape == (6, 4, 3)
    assert upright[0].all()


class Camera:
    """What cv2.VideoCapture looks like from outside."""

    opened, count = True, 5

    def __init__(self, number: int) -> None:
        self.left = self.count

    def isOpened(self) -> bool:  # noqa: N802
        return self.opened

    def get(self, _: int) -> float:
        return 0.0  # many drivers do not know their rate

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.left -= 1
        return (True, np.full((6, 8, 3), (1, 2, 3), np.uint8)) if self.left >= 0 else (False, None)

    def release(self) -> None:
        self.left = -1


def test_a_camera_gives_frames_in_rgb_until_it_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cv2.VideoCapture", Camera)
    camera = Webcam(0)
    frames = list(camera.frames())
    assert len(frames) == 4  # the first tells the size
    assert frames[0].image[0, 0].tolist() == [3, 2, 1]
    assert np.diff([frame.pts for frame in frames]).min() > 0
    assert camera.timing.rate == 30
    ended = Webcam(0)
    several = ended.frames()
    next(several)
    ended.stop()
    assert list(several) == []
    assert len(list(Webcam(0, num_frames=2).frames())) == 2


def test_a_camera_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cv2.VideoCapture", type("Absent", (Camera,), {"opened": False}))
    with pytest.raises(InputError, match="webcam:3: no such camera"):
        Webcam(3)
    monkeypatch.setattr("cv2.VideoCapture", type("Blind", (Camera,), {"count": 0}))
    with pytest.raises(InputError, match="gives no picture"):
        Webcam(0)
