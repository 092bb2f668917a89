"""Parts of a video to one file, with the sound of the film that they were made from; pictures are not coded again."""

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pymaf_pl.atomic import replacing
from pymaf_pl.video.frames import Timing, pyav

_COPIED = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"})  # what an .mp4 may hold; else AAC


def join_segments(path: Path, segments: Sequence[tuple[Path, int]], timing: Timing, sound: Path | None = None) -> None:
    """Write one ``.mp4``; packets are read one at a time, however long the film.

    Args:
        path: there whole or not at all.
        segments: of :func:`pymaf_pl.video.writing.write_segment`, in order, with the time of each one's first frame in
            ticks of ``timing``; at least one.
        timing: of the film.
        sound: a file whose sound tracks are taken over as they are; None for a silent film.
    """
    av = pyav()
    with replacing(path) as draft, ExitStack() as stack:
        out = stack.enter_context(av.open(str(draft), "w", options={"movflags": "faststart"}))
        with av.open(str(segments[0][0])) as first:
            picture = out.add_stream_from_template(first.streams.video[0])
        picture.time_base = timing.time_base
        packets = [_pictures(av, segments, picture, timing)]
        if sound is not None:
            container = stack.enter_context(av.open(str(sound)))
            tracks = {stream.index: _track(out, stream) for stream in container.streams.audio}
            if tracks:
                packets.append(_sounds(container, tracks))
        for _, packet in heapq.merge(*packets, key=lambda timed: timed[0]):
            out.mux(packet)


def _pictures(
    av: Any, segments: Sequence[tuple[Path, int]], stream: Any, timing: Timing
) -> Iterator[tuple[float, Any]]:
    for path, begin in segments:
        with av.open(str(path)) as container:
            for packet in container.demux(container.streams.video[0]):
                if packet.size == 0:  # the mark of the end
                    continue
                tick = packet.time_base / timing.time_base
                pts, packet.duration = begin + round(packet.pts * tick), round((packet.duration or 0) * tick)
                packet.pts = packet.dts = pts
                packet.time_base, packet.stream = timing.time_base, stream
                yield timing.seconds(pts), packet


def _track(out: Any, stream: Any) -> tuple[Any, bool]:
    if stream.codec_context.name in _COPIED or stream.codec_context.codec.canonical_name in _COPIED:
        return out.add_stream_from_template(stream), True
    channels = stream.codec_context.layout.nb_channels  # an .avi does not say which ones they are
    layout = {1: "mono", 2: "stereo"}.get(channels, stream.codec_context.layout.name)
    return out.add_stream("aac", rate=stream.codec_context.sample_rate, layout=layout), False


def _sounds(container: Any, tracks: dict[int, tuple[Any, bool]]) -> Iterator[tuple[float, Any]]:
    coded = []
    for packet in container.demux(container.streams.audio):
        track, copied = tracks[packet.stream.index]
        if not copied:
            for frame in packet.decode():
                frame.pts = None  # the encoder counts samples
                for made in track.encode(frame):
                    yield _seconds(made), made
            if packet.size == 0:
                coded.append(track)
        elif packet.dts is not None:
            packet.stream = track
            yield _seconds(packet), packet
    for track in coded:
        for made in track.encode(None):
            yield _seconds(made), made


def _seconds(packet: Any) -> float:
    return float((packet.dts if packet.dts is not None else packet.pts or 0) * packet.time_base)
