"""Clothes: what is cut where, of which cloth, in which pattern and colour; painted per vertex on the rest surface.

A cut is a soft cover in [0, 1] that falls off over about one edge of the mesh: interpolated between vertices that gives
a straight hem, where a hard mask would show the triangles.

Shapes:  V vertices. Colours are RGB in [0, 1].
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pymaf_pl.data.synth.anatomy import Anatomy, Values
from pymaf_pl.data.synth.textures import Colour, hsv

Pattern = Literal["plain", "stripes", "pinstripes", "checks", "blocks", "print", "dapple", "jacket"]
_PATTERNS: tuple[Pattern, ...] = ("plain", "stripes", "pinstripes", "checks", "blocks", "print", "dapple", "jacket")
_TOP_CHANCES = (0.34, 0.16, 0.07, 0.10, 0.10, 0.10, 0.05, 0.08)
_BOTTOM_CHANCES = (0.84, 0.0, 0.04, 0.05, 0.0, 0.0, 0.07, 0.0)

# What people wear most: black, charcoal, grey, white, navy, denim, light denim, khaki, olive, brown, cream.
_STAPLES = (
    (0.09, 0.09, 0.10), (0.22, 0.23, 0.25), (0.55, 0.56, 0.57), (0.90, 0.90, 0.88), (0.12, 0.16, 0.30),
    (0.22, 0.33, 0.50), (0.45, 0.57, 0.70), (0.66, 0.58, 0.43), (0.33, 0.36, 0.23), (0.36, 0.25, 0.18),
    (0.87, 0.82, 0.70),
)  # fmt: skip


def cloth_colour(rng: np.random.Generator, staple: float) -> Colour:
    """Draw a colour that clothes have; ``staple`` is the chance of one of the usual quiet ones."""
    if rng.uniform() < staple:
        base = np.array(_STAPLES[rng.integers(len(_STAPLES))], np.float32)
        return np.clip(base * rng.uniform(0.85, 1.15) + rng.normal(0, 0.015, 3), 0.04, 0.95).astype(np.float32)
    return hsv(rng.uniform(), rng.uniform(0.35, 0.85), rng.uniform(0.35, 0.9))


@dataclass(frozen=True)
class Outfit:
    """One person's clothes. Lengths along arm and leg are 0 at shoulder or hip and 1 at wrist or ankle.

    Heights are offsets in metres from a landmark: ``hem`` and ``waist`` from the pelvis, ``neckline`` below the neck.
    """

    sleeve: float
    hem: float
    neckline: float
    trouser: float
    waist: float
    shoe: float
    sock: float
    top_fit: float
    """Thickness of the top in metres."""
    bottom_fit: float


def draw_outfit(rng: np.random.Generator, loose: float = 0.0) -> Outfit:
    """Draw what somebody wears: sleeves, hems, trousers or shorts, shoes; tight, or with a chance of ``loose`` wide."""
    sleeve = rng.choice([-0.02, 0.45, 0.75, 0.97], p=[0.12, 0.43, 0.1, 0.35]) + rng.normal(0, 0.03)
    trouser = rng.choice([0.3, 0.48, 0.75, 1.0], p=[0.1, 0.2, 0.08, 0.62]) + rng.normal(0, 0.02)
    hem = rng.choice([-0.02, -0.13, -0.28], p=[0.25, 0.67, 0.08]) + rng.normal(0, 0.02)
    top_fit = rng.choice([0.003, 0.008, 0.016], p=[0.3, 0.45, 0.25])
    bottom_fit = rng.choice([0.002, 0.007, 0.014], p=[0.25, 0.5, 0.25])
    if rng.uniform() < loose:
        top_fit = rng.uniform(0.016, 0.05)
    if rng.uniform() < loose:
        bottom_fit = rng.uniform(0.014, 0.05)
    return Outfit(
        sleeve=float(sleeve),
        hem=float(hem),
        neckline=float(rng.choice([-0.03, 0.01, 0.07], p=[0.15, 0.6, 0.25])),
        trouser=float(trouser),
        waist=float(rng.uniform(0.02, 0.09)),
        shoe=float(rng.choice([-0.01, 0.03, 0.16], p=[0.06, 0.76, 0.18])),
        sock=float(rng.choice([0.0, 0.1, 0.22], p=[0.5, 0.35, 0.15])),
        top_fit=float(top_fit),
        bottom_fit=float(bottom_fit),
    )


def soft(inside: Values, width: float = 0.02) -> Values:
    """Turn a signed distance into a cover: 1 inside, 0 outside, with a ramp of ``width`` in between."""
    cover: Values = np.clip(inside * np.float32(1 / width) + np.float32(0.5), 0, 1)
    return cover


def top_cover(a: Anatomy, outfit: Outfit) -> Values:
    """Return how much of each vertex the shirt or jumper covers."""
    bump = np.exp(-((a.x / 0.06) ** 2)) * (a.z > 0.03)
    collar = a.level["neck"] - 0.01 - outfit.neckline * (bump if outfit.neckline > 0 else 1.0)
    below_collar = soft(collar + 0.35 * np.maximum(np.abs(a.x) - 0.09, 0) - a.y)
    body: Values = (a.trunk | a.leg | a.neck) * soft(a.y - a.level["pelvis"] - outfit.hem) * below_collar
    if outfit.sleeve < 0:
        return body * soft(0.15 - np.abs(a.x))
    return np.maximum(body, a.arm * soft(outfit.sleeve - a.along_arm, 0.05))


def bottom_cover(a: Anatomy, outfit: Outfit) -> Values:
    """Return how much of each vertex the trousers or shorts cover."""
    legs = a.leg * soft(outfit.trouser - a.along_leg, 0.03)
    return np.maximum(legs, a.trunk * soft(a.level["pelvis"] + outfit.waist - a.y))


def lay(albedo: Values, cover: Values, colour: Values | Colour) -> None:
    """Lay one colour, or one per vertex, over what is there, in place."""
    touched = np.flatnonzero(cover)
    if colour.ndim == 2:
        colour = colour[touched]
    below = albedo[touched]
    albedo[touched] = below + cover[touched, None] * (colour - below)


def paint(
    albedo: Values, a: Anatomy, cover: Values, rng: np.random.Generator, *, top: bool, patterns: bool, staple: float
) -> None:
    """Dress the vertices under ``cover`` in one cloth, in place."""
    colour, second = cloth_colour(rng, staple), cloth_colour(rng, 0.5)
    chances = _TOP_CHANCES if top else _BOTTOM_CHANCES
    pattern = _PATTERNS[rng.choice(len(_PATTERNS), p=chances)]
    share = _share_of_second(a, pattern if patterns else "plain", rng)[:, None]
    unevenness = 1 + np.float32(0.05) * a.folds[rng.integers(len(a.folds))][:, None]
    lay(albedo, cover, np.clip((colour + share * (second - colour)) * unevenness, 0.02, 0.97))


def _share_of_second(a: Anatomy, pattern: Pattern, rng: np.random.Generator) -> Values:
    """How much of the second colour each vertex shows, in [0, 1]."""
    # Round the trunk and round the sleeves: stripes follow the garment, not the room.
    along = np.where(a.arm, np.abs(a.x), a.y)
    across = np.where(a.arm, a.y + a.z, a.x)
    period, phase, duty = rng.uniform(0.05, 0.13), rng.uniform(), rng.uniform(0.3, 0.6)
    if pattern == "stripes":
        share = _bands(along / period + phase, duty)
    elif pattern == "pinstripes":
        share = 0.7 * _bands(across / (0.8 * period) + phase, 0.35)
    elif pattern == "checks":
        share = 0.5 * _bands(along / period + phase, 0.5) + 0.5 * _bands(across / period + phase, 0.5)
    elif pattern == "blocks":
        share = soft(a.y - rng.uniform(0.0, 0.16))
    elif pattern == "print":
        height, width = rng.uniform(0.03, 0.08), rng.uniform(0.05, 0.09)
        square = rng.uniform() < 0.5
        x, y = np.abs(a.x) / width, np.abs(a.y - 0.1) / height
        share = soft(1 - (np.maximum(x, y) if square else np.hypot(x, y)), 0.35) * (a.trunk & (a.z > 0.05))
    elif pattern == "dapple":
        share = np.clip(0.5 + 2 * a.folds[rng.integers(0, len(a.folds), 1)[0]], 0, 1) * 0.7
    elif pattern == "jacket":
        share = soft(rng.uniform(0.02, 0.06) - np.abs(a.x)) * (a.trunk & (a.z > 0.05))
    else:
        share = np.zeros_like(a.y)
    return np.asarray(share, np.float32)


def _bands(phase: Values, duty: float) -> Values:
    """Return 1 on bands that take the share ``duty`` of each period of 1, with soft edges."""
    return soft(duty / 2 - np.abs(phase % 1 - 0.5), 0.3)
