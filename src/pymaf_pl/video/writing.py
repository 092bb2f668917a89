"""A part of a video as a file of its own, to be joined with the others later."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from pymaf_pl.atomic import replacing
from pymaf_pl.video.frames import Frame, ImageArray, Timing, pyav

# no B-frames: packets leave in the order of the frames, so that parts join without a gap; one thread: the same frames
# give the same bytes, and the time goes elsewhere
_OPTIONS = {"crf": "20", "preset": "veryfast", "bf": "0", "threads": "1"}


def write_segment(path: Path, frames: Iterable[Frame], timing: Timing) -> None:
    """Write frames as H.264 that browsers play; times count from the first frame.

    Args:
        path: an ``.mp4``; there whole or not at all.
        frames: at least one, all of one size; an odd row or column is left out, which H.264's colours ask for.
        timing: of the video that they come from.
    """
    av = pyav()
    with replacing(path) as draft, av.open(str(draft), "w") as container:
        stream, first = None, 0
        for frame in frames:
            image = _even(frame.image)
            if stream is None:
                stream = container.add_stream("libx264", rate=timing.rate, options=_OPTIONS)
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.codec_context.time_base = timing.time_base
                first = frame.pts
            picture = av.VideoFrame.from_ndarray(image, format="rgb24")
            picture.pts, picture.time_base = frame.pts - first, timing.time_base
            container.mux(stream.encode(picture))
        if stream is not None:
            container.mux(stream.encode(None))


def _even(image: ImageArray) -> ImageArray:
    height, width = (max(2, extent // 2 * 2) for extent in image.shape[:2])
    short = [(0, max(0, want - have)) for want, have in zip((height, width), image.shape[:2], strict=True)]
    return np.ascontiguousarray(np.pad(image[:height, :width], (*short, (0, 0)), mode="edge"))
