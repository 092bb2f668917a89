"""Names and tables of the parts of a body's surface: 24 dense parts, 15 coarse classes, 6 limbs.

The parts follow the numbering of DensePose (Güler et al., CVPR 2018); the limbs follow the labels
of the Unite-the-People ground truth (Lassner et al., CVPR 2017) in the order that SPIN and PyMAF
use in their LSP evaluation. Tables only; `labelling` applies them to a mesh.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

PART_NAMES: Final[tuple[str, ...]] = (
    "background",
    "torso back",
    "torso front",
    "right hand",
    "left hand",
    "left foot",
    "right foot",
    "right thigh back",
    "left thigh back",
    "right thigh front",
    "left thigh front",
    "right shin back",
    "left shin back",
    "right shin front",
    "left shin front",
    "left upper arm front",
    "right upper arm front",
    "left upper arm back",
    "right upper arm back",
    "left forearm front",
    "right forearm front",
    "left forearm back",
    "right forearm back",
    "right head",
    "left head",
)
"""Name of each dense part label, 0 (background) to 24."""

NUM_PARTS: Final = 24

LIMB_NAMES: Final[tuple[str, ...]] = ("background", "left arm", "right arm", "head", "left leg", "right leg", "torso")
"""Name of each limb label, 0 (background) to 6."""

# Coarse class c is the union of the parts in row c (PyMAF's "Ann" map).
_COARSE_CLASSES: Final = (
    ("background", (0,)),
    ("torso", (1, 2)),
    ("right hand", (3,)),
    ("left hand", (4,)),
    ("left foot", (5,)),
    ("right foot", (6,)),
    ("right thigh", (7, 9)),
    ("left thigh", (8, 10)),
    ("right shin", (11, 13)),
    ("left shin", (12, 14)),
    ("left upper arm", (15, 17)),
    ("right upper arm", (16, 18)),
    ("left forearm", (19, 21)),
    ("right forearm", (20, 22)),
    ("head", (23, 24)),
)

COARSE_NAMES: Final[tuple[str, ...]] = tuple(name for name, _ in _COARSE_CLASSES)
"""Name of each of the 15 coarse classes, 0 (background) to 14."""

PART_TO_COARSE: Final[tuple[int, ...]] = tuple(
    next(coarse for coarse, (_, parts) in enumerate(_COARSE_CLASSES) if part in parts) for part in range(NUM_PARTS + 1)
)
"""Coarse class of each part label; 25 entries."""


class Segment(IntEnum):
    """A stretch of the body between two joints, the unit from which parts and limbs are made."""

    TORSO = 0
    HEAD = 1
    LEFT_THIGH = 2
    RIGHT_THIGH = 3
    LEFT_SHIN = 4
    RIGHT_SHIN = 5
    LEFT_FOOT = 6
    RIGHT_FOOT = 7
    LEFT_UPPER_ARM = 8
    RIGHT_UPPER_ARM = 9
    LEFT_FOREARM = 10
    RIGHT_FOREARM = 11
    LEFT_HAND = 12
    RIGHT_HAND = 13


# SMPL joints whose skinning weights pull a face into a segment.
SEGMENT_JOINTS: Final[dict[Segment, tuple[int, ...]]] = {
    Segment.TORSO: (0, 3, 6, 9, 13, 14),
    Segment.HEAD: (12, 15),
    Segment.LEFT_THIGH: (1,),
    Segment.RIGHT_THIGH: (2,),
    Segment.LEFT_SHIN: (4,),
    Segment.RIGHT_SHIN: (5,),
    Segment.LEFT_FOOT: (7, 10),
    Segment.RIGHT_FOOT: (8, 11),
    Segment.LEFT_UPPER_ARM: (16,),
    Segment.RIGHT_UPPER_ARM: (17,),
    Segment.LEFT_FOREARM: (18,),
    Segment.RIGHT_FOREARM: (19,),
    Segment.LEFT_HAND: (20, 22),
    Segment.RIGHT_HAND: (21, 23),
}

_LIMB_SEGMENTS: Final[dict[str, tuple[Segment, ...]]] = {
    "left arm": (Segment.LEFT_UPPER_ARM, Segment.LEFT_FOREARM, Segment.LEFT_HAND),
    "right arm": (Segment.RIGHT_UPPER_ARM, Segment.RIGHT_FOREARM, Segment.RIGHT_HAND),
    "head": (Segment.HEAD,),
    "left leg": (Segment.LEFT_THIGH, Segment.LEFT_SHIN, Segment.LEFT_FOOT),
    "right leg": (Segment.RIGHT_THIGH, Segment.RIGHT_SHIN, Segment.RIGHT_FOOT),
    "torso": (Segment.TORSO,),
}

SEGMENT_LIMB: Final[tuple[int, ...]] = tuple(
    LIMB_NAMES.index(next(name for name, group in _LIMB_SEGMENTS.items() if segment in group)) for segment in Segment
)
"""Limb label of each segment."""

# Segments that are one dense part each. The others are cut into a front and a back, the head into two sides.
WHOLE_PARTS: Final[dict[Segment, int]] = {
    Segment.RIGHT_HAND: 3,
    Segment.LEFT_HAND: 4,
    Segment.LEFT_FOOT: 5,
    Segment.RIGHT_FOOT: 6,
}


@dataclass(frozen=True)
class Tube:
    """A limb segment that is cut lengthwise: its two joints and the labels of its two halves."""

    segment: Segment
    start: int
    end: int
    back: int
    front: int


TUBES: Final[tuple[Tube, ...]] = (
    Tube(Segment.RIGHT_THIGH, start=2, end=5, back=7, front=9),
    Tube(Segment.LEFT_THIGH, start=1, end=4, back=8, front=10),
    Tube(Segment.RIGHT_SHIN, start=5, end=8, back=11, front=13),
    Tube(Segment.LEFT_SHIN, start=4, end=7, back=12, front=14),
    Tube(Segment.LEFT_UPPER_ARM, start=16, end=18, back=17, front=15),
    Tube(Segment.RIGHT_UPPER_ARM, start=17, end=19, back=18, front=16),
    Tube(Segment.LEFT_FOREARM, start=18, end=20, back=21, front=19),
    Tube(Segment.RIGHT_FOREARM, start=19, end=21, back=22, front=20),
)
