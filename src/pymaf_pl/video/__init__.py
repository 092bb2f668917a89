"""Moving pictures in and out: files through PyAV, cameras through OpenCV.

Where do I find ...
    frames of a file, from any frame on     ``reading``   VideoFile
    frames of a camera                      ``camera``    Webcam
    a part of a video, whole or not at all  ``writing``   write_segment
    parts joined, with another file's sound ``joining``   join_segments
"""

from pymaf_pl.video.frames import Frame, FrameSource, Timing
from pymaf_pl.video.joining import join_segments
from pymaf_pl.video.reading import VideoFile
from pymaf_pl.video.writing import write_segment

__all__ = ["Frame", "FrameSource", "Timing", "VideoFile", "join_segments", "write_segment"]
