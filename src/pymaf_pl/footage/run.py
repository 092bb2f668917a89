"""A whole video: piece by piece, then joined."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from pymaf_pl.body import BodyModel
from pymaf_pl.footage.drawing import draw_bodies
from pymaf_pl.footage.following import Follower
from pymaf_pl.footage.results import PersonSummary, write_people
from pymaf_pl.footage.store import Record, Store
from pymaf_pl.video import Frame, FrameSource, join_segments, write_segment

Progress = Callable[[int], None]
"""Told how many more frames are done."""


@dataclass(frozen=True)
class Footage:
    """What to make of a video.

    Attributes:
        source: its frames.
        out: folder of the results, which is there.
        name: that they begin with.
        sound: the file whose sound the drawn video gets; None for a camera.
        batch: frames that are in memory at a time.
        piece: frames between two points that a killed run can go on from.
        limit: stop after as many frames; None for all.
    """

    source: FrameSource
    out: Path
    name: str
    sound: Path | None = None
    batch: int = 16
    piece: int = 96
    limit: int | None = None


def follow_video(footage: Footage, follower: Follower, store: Store, progress: Progress) -> list[PersonSummary]:
    """Go on where the store ends, then write the drawn video and everybody's files, and clear the store.

    Memory does not grow with the video's length, but for the rows of one person at the end, a kilobyte a frame.
    """
    done = store.count()
    last = follower.recall(store.pieces("frame", "detection", "row", "memory"))
    seen = 0 if last is None else last.index + 1
    progress(seen)
    left = None if footage.limit is None else max(0, footage.limit - seen)
    frames = islice(footage.source.frames(last), left)
    for number in _count_from(done):
        first = next(frames, None)
        if first is None:
            break
        record = Record()
        ahead = chain([first], islice(frames, footage.piece - 1))
        drawn = _follow_piece(ahead, footage.batch, follower, record, progress)
        write_segment(store.segment(number), drawn, follower.timing)
        follower.remember(record)
        store.finish(number, record)
    return _finish(footage, follower, store)


def _follow_piece(
    frames: Iterator[Frame], batch: int, follower: Follower, record: Record, progress: Progress
) -> Iterator[Frame]:
    while together := list(islice(frames, batch)):
        bodies = follower.follow(together, record)
        images = [frame.image for frame in together]
        body: BodyModel = follower.predictor.body
        for frame, image in zip(together, draw_bodies(images, bodies, body, follower.focal_length), strict=True):
            yield replace(frame, image=image)
        progress(len(together))


def _finish(footage: Footage, follower: Follower, store: Store) -> list[PersonSummary]:
    if not store.count():
        return []
    begins = [int(columns["frame.pts"][0]) for columns in store.pieces("frame")]
    segments = [(store.segment(number), begin) for number, begin in enumerate(begins)]
    join_segments(footage.out / f"{footage.name}.mp4", segments, follower.timing, footage.sound)
    body, timing = follower.predictor.body, follower.timing
    people = list(
        write_people(footage.out, footage.name, store, body, timing, follower.focal_length, follower.least_frames)
    )
    store.remove()
    return people


def _count_from(number: int) -> Iterator[int]:
    while True:
        yield number
        number += 1
