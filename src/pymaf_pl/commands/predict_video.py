"""A video or a camera to a drawn video, motions and animations."""

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from pymaf_pl import __version__
from pymaf_pl.checksums import sha256
from pymaf_pl.commands.boxes import read_frame_boxes
from pymaf_pl.commands.predict_inputs import check_targets
from pymaf_pl.commands.predict_photos import make_detector, wants_confidence
from pymaf_pl.data.images import ImageArray
from pymaf_pl.detection import Detection
from pymaf_pl.errors import InputError
from pymaf_pl.footage import Follower, Footage, PersonSummary, Store, follow_video
from pymaf_pl.footage.following import Finder, Sighting, finder_of
from pymaf_pl.inference import Predictor, default_focal_length
from pymaf_pl.motion import Smoothing
from pymaf_pl.report import write_page
from pymaf_pl.report.people import person_view
from pymaf_pl.shipped import locate
from pymaf_pl.types import BodyState
from pymaf_pl.video import Frame, VideoFile
from pymaf_pl.video.camera import PREFIX, Webcam

_BATCH_OF_CAMERA, _PIECE_OF_CAMERA = 4, 32  # frames; a camera does not wait
_MOST_SHOWN = 12  # people on the page, which holds all their meshes at once


def predict_video(given: str, options: argparse.Namespace) -> int:
    """Write the results of one video or camera.

    Raises:
        InputError: it cannot be opened, or checkpoint, detector, boxes or folder are wrong.
    """
    boxes = read_frame_boxes(options.boxes) if options.boxes else None
    if boxes is not None and not boxes:
        raise InputError(f"{options.boxes}: it lists no box")
    path, name = _place(given)
    if path is not None:
        check_targets([(path, options.out / f"{name}.mp4")])
    predictor = Predictor.from_checkpoint(options.checkpoint, options.body_dir, options.device, options.body)
    judged = bool(options.confidence) and wants_confidence(options, predictor)
    finder = finder_of(make_detector(options)) if boxes is None else _finder_of_file(boxes)
    source, picture = _open(given, path)
    options.out.mkdir(parents=True, exist_ok=True)
    settings = _settings(path, options, predictor, judged)
    store = Store(options.out / f".{name}.pieces", settings)
    if path is None and store.count():
        store.remove()  # what a camera saw is past; there is no going on
        store = Store(store.folder, settings)
    smoothing = None if options.no_smoothing else Smoothing()
    focal = options.focal_length or default_focal_length(picture)
    follower = Follower(predictor, finder, source.timing, smoothing, focal, judged)
    footage = Footage(source, options.out, name, path, limit=options.frames)
    if path is None:
        footage = replace(footage, batch=_BATCH_OF_CAMERA, piece=_PIECE_OF_CAMERA)
    total = source.num_frames if options.frames is None else min(options.frames, source.num_frames or options.frames)
    with _progress() as bar, _stoppable(source):
        task = bar.add_task(f"following {name}", total=total)
        people = follow_video(footage, follower, store, lambda count: bar.advance(task, count))
        frames = int(bar.tasks[0].completed)
    if not frames:
        raise InputError(f"{given}: it gave no frame")
    page = _write_page(people, name, frames, predictor, options)
    Console().print(f"{len(people)} people in {frames} frames: {page}", soft_wrap=True)
    return 0


def _place(given: str) -> tuple[Path | None, str]:
    """Return the file, None for a camera, and what the results are called."""
    if not given.startswith(PREFIX):
        return Path(given), Path(given).stem
    number = given.removeprefix(PREFIX)
    if not number.isdecimal():
        raise InputError(f"{given}: a camera is {PREFIX}0, {PREFIX}1, ...")
    return None, f"webcam_{number}"


def _open(given: str, path: Path | None) -> tuple[VideoFile | Webcam, ImageArray]:
    """Open a file or a camera; return a picture of it too."""
    if path is not None:
        video = VideoFile(path)
        return video, next(video.frames()).image
    camera = Webcam(int(given.removeprefix(PREFIX)))
    return camera, camera.picture


def _finder_of_file(boxes: dict[int, list[Any]]) -> Finder:
    def find(frames: Sequence[Frame]) -> list[list[Sighting]]:
        return [
            [Sighting(Detection.around(box), person) for box, person in boxes.get(frame.index, [])] for frame in frames
        ]

    return find


def _settings(path: Path | None, options: argparse.Namespace, predictor: Predictor, judged: bool) -> dict[str, Any]:
    """What the pieces depend on; the number of frames is not among it, so that more of a video can be asked for."""
    stat = path.stat() if path is not None else None
    return {
        "version": __version__,
        "input": str(path.resolve()) if path is not None else "camera",
        "size and time of the input": [stat.st_size, stat.st_mtime_ns] if stat is not None else None,
        "checkpoint": sha256(locate(options.checkpoint)),
        "body": predictor.body.name,
        "detector": None if options.boxes else options.detector,
        "boxes": sha256(Path(options.boxes)) if options.boxes else None,
        "smoothing": not options.no_smoothing,
        "confidence": judged,
        "focal length": options.focal_length,
    }


@contextmanager
def _stoppable(source: VideoFile | Webcam) -> Iterator[None]:
    """Let Ctrl-C end a camera's film well, instead of losing it."""
    if not isinstance(source, Webcam):
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: source.stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _progress() -> Progress:
    text = "{task.description}", "frames, left:"
    columns = (
        SpinnerColumn(), TextColumn(text[0]), BarColumn(), MofNCompleteColumn(), TextColumn(text[1]),
        TimeRemainingColumn(elapsed_when_finished=True),
    )  # fmt: skip
    return Progress(*columns, console=Console(file=sys.stderr), transient=True)


def _write_page(
    people: Sequence[PersonSummary], name: str, frames: int, predictor: Predictor, options: argparse.Namespace
) -> Path:
    views = []
    longest = sorted(people, key=lambda who: -who.frames)[:_MOST_SHOWN]
    for who in sorted(longest, key=lambda who: who.person):
        states = [BodyState.from_vector(torch.from_numpy(np.asarray(state))[None]) for state in who.states]
        caption = f"seen in {who.frames} frames, first at {who.first:.1f} s: {name}_{who.person}.npz and .glb"
        states = [BodyState(*(part.to(predictor.device) for part in vars(state).values())) for state in states]
        views.append(person_view(f"{name}, person {who.person}", who.crop, states, predictor.body, caption=caption))
    return write_page(
        options.out / "index.html",
        title=f"Predictions: {name}",
        facts={
            "Checkpoint": Path(options.checkpoint).name,
            "Frames": str(frames),
            "People": str(len(people)),
            "Body": predictor.body.name,
            "Video": f"{name}.mp4",
        },
        iterations=[],
        people=views,
        faces=predictor.body.faces.cpu().numpy(),
        notes=[f"The {_MOST_SHOWN} people who are seen longest."] if len(people) > _MOST_SHOWN else [],
    )
