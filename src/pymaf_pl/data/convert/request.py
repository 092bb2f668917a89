"""What is asked of a converter."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Request:
    """A data set to convert.

    Attributes:
        root: folder (or file) as it was downloaded; ``imgname`` becomes relative to it.
        split: one of the converter's splits.
        spin: reproduce what SPIN's preprocessing did, its mistakes included (``--compat spin``).
        parts: folder for finished parts of a long conversion, so that it can go on where it stopped.
        protocol: Human3.6M's evaluation protocol, 1 for four cameras, 2 for the frontal one.
        mosh: folder of Human3.6M's MoSh fits.
        extract: write the frames that are needed from the videos.
        masks: folder of UPi-S1h's masks for LSP.
        table: table that fits belong to.
        skip_bad: leave out rows that cannot be used, instead of refusing the whole.
        boxes: what the four numbers of HumanData's boxes are.
    """

    root: Path
    split: str
    spin: bool = False
    parts: Path | None = None
    protocol: Literal[1, 2] = 1
    mosh: Path | None = None
    extract: bool = False
    masks: Path | None = None
    table: Path | None = None
    skip_bad: bool = False
    boxes: Literal["xywh", "xyxy"] = "xywh"
