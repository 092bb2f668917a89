"""Who is in the picture: skin, hair, face and clothes of one person, as colours of vertices and thickness of layers.

Shapes:  V vertices, M layers of ``anatomy.LAYERS``. Colours are RGB in [0, 1].
"""

from dataclasses import dataclass

import numpy as np

from pymaf_pl.data.synth.anatomy import FOLDS, LAYERS, Anatomy, Values
from pymaf_pl.data.synth.textures import Colour, hsv
from pymaf_pl.data.synth.wardrobe import Outfit, bottom_cover, cloth_colour, draw_outfit, lay, paint, soft, top_cover

# Light to dark, even steps in between are blended.
_SKIN = np.array(
    [(0.93, 0.78, 0.68), (0.86, 0.68, 0.55), (0.76, 0.56, 0.42), (0.60, 0.42, 0.30), (0.43, 0.29, 0.21),
     (0.28, 0.19, 0.14)], np.float32
)  # fmt: skip


@dataclass(frozen=True)
class Appearance:
    """What one person looks like, whatever the shape and pose."""

    albedo: Values
    """(V, 3)"""
    thickness: Values
    """(M,) metres, for the extra shape directions of the clothed surface: layers, then folds."""


def mannequin(a: Anatomy) -> Appearance:
    """Return a bare figure in one colour."""
    return Appearance(np.full((len(a.x), 3), 0.72, np.float32), np.zeros(len(LAYERS) + len(FOLDS), np.float32))


def draw_appearance(
    a: Anatomy, rng: np.random.Generator, *, patterns: bool, thickness: bool, loose: float = 0.0
) -> Appearance:
    """Draw one person's skin, hair and clothes; ``loose`` is the chance that these are wide."""
    tone = rng.uniform(0, len(_SKIN) - 1.001)
    skin = _SKIN[int(tone)] * (1 - tone % 1) + _SKIN[int(tone) + 1] * (tone % 1)
    albedo = (skin * (1 + 0.02 * a.folds[0][:, None])).astype(np.float32)
    depth = dict.fromkeys(LAYERS, 0.0)
    _paint_face(albedo, a, skin, rng)
    outfit = draw_outfit(rng, loose)
    _dress(albedo, a, outfit, rng, patterns)
    _wear(depth, outfit)
    _style_hair(albedo, depth, a, rng)
    folds = rng.normal(0, 0.3, len(FOLDS)) * [depth[name] for name, _ in FOLDS]
    values = np.array([*(depth[name] for name in LAYERS), *folds], np.float32)
    return Appearance(albedo, values if thickness else 0 * values)


def _paint_face(albedo: Values, a: Anatomy, skin: Colour, rng: np.random.Generator) -> None:
    albedo[a.eyes] = hsv(rng.uniform(0.03, 0.12), 0.4, 0.16)
    albedo[a.lips] = np.clip(skin * (0.95, 0.62, 0.62), 0, 1)


def _dress(albedo: Values, a: Anatomy, outfit: Outfit, rng: np.random.Generator, patterns: bool) -> None:
    if outfit.sock > 0:
        lay(albedo, a.leg * soft(a.along_leg - 0.97 + outfit.sock, 0.03), cloth_colour(rng, 0.9))
    is_dress = rng.uniform() < 0.1
    paint(albedo, a, bottom_cover(a, outfit), rng, top=False, patterns=patterns, staple=0.8)
    if outfit.shoe > 0:
        lay(albedo, a.leg * soft(a.along_leg - 1.0 + outfit.shoe, 0.03), cloth_colour(rng, 0.75))
        sole = cloth_colour(rng, 1.0) if rng.uniform() < 0.5 else np.array([0.88, 0.88, 0.86], np.float32)
        lay(albedo, a.leg * soft(a.y.min() + 0.02 - a.y, 0.012), sole)
    top = top_cover(a, outfit)
    if is_dress:
        top = np.maximum(top, a.leg * soft(rng.uniform(0.3, 0.6) - a.along_leg, 0.03))
    paint(albedo, a, top, rng, top=True, patterns=patterns, staple=0.45)


def _wear(depth: dict[str, float], outfit: Outfit) -> None:
    """Set how far each layer stands off, as far as the outfit reaches."""
    depth["trunk"] = outfit.top_fit
    depth["upper_arm"] = outfit.top_fit if outfit.sleeve > 0.3 else 0.0
    depth["forearm"] = outfit.top_fit if outfit.sleeve > 0.9 else 0.0
    depth["hip"] = depth["thigh"] = outfit.bottom_fit
    depth["shin"] = outfit.bottom_fit * 1.3 if outfit.trouser > 0.9 else 0.0
    depth["foot"] = 0.006 if outfit.shoe > 0 else 0.0


def _style_hair(albedo: Values, depth: dict[str, float], a: Anatomy, rng: np.random.Generator) -> None:
    style = rng.choice(["short", "long", "bald", "cap", "scarf"], p=[0.5, 0.29, 0.07, 0.09, 0.05])
    grey = rng.uniform() < 0.12
    hair = hsv(rng.uniform(0.055, 0.11), 0.08 if grey else rng.uniform(0.3, 0.75), rng.choice([0.08, 0.15, 0.3, 0.55]))
    if grey:
        hair = hair * 0 + rng.uniform(0.4, 0.75)
    brow = a.head & (np.abs(a.y - a.level["eye"] - 0.021) < 0.006) & (a.head_front > 0.75) & (np.abs(a.x) < 0.05)
    lay(albedo, 0.6 * brow, hair)
    if style == "bald":
        return
    if style in ("cap", "scarf"):
        colour = cloth_colour(rng, 0.5)
        covered = _scalp(a, front=0.055, nape=-0.01) if style == "cap" else _scarf(a)
        lay(albedo, covered, colour)
        depth["scalp"] = 0.014
        return
    length = rng.uniform(0.05, 0.32) if style == "long" else 0.0
    covered = _scalp(a, front=rng.uniform(0.045, 0.065), nape=rng.uniform(-0.09, -0.06))
    if style == "long":
        covered = np.maximum(covered, _scalp(a, front=0.05, nape=-0.3) * soft(0.5 - a.head_front, 0.1))
        behind = (a.neck | a.trunk) * soft(0.3 - a.head_front, 0.1) * soft(a.y - a.level["neck"] + length)
        covered = np.maximum(covered, behind * soft(0.09 - np.abs(a.x)))
        depth["nape"] = rng.uniform(0.01, 0.03)
    lay(albedo, covered, np.clip(hair * (1 + 0.12 * a.folds[3][:, None]), 0.02, 1))
    depth["scalp"] = rng.uniform(0.006, 0.022)
    if style == "short" and rng.uniform() < 0.3:
        beard = a.head & ~a.lips & (a.head_front > 0.35) & (a.y < a.level["nose"] - 0.02) & (a.y > a.level["neck"])
        lay(albedo, 0.7 * beard, hair)


def _scalp(a: Anatomy, *, front: float, nape: float) -> Values:
    """Cover above a hairline that falls from ``front`` to ``nape``, metres above eye level."""
    t = np.clip((a.head_front - 0.35) / 0.4, 0, 1)
    line = a.level["eye"] + nape + (front - nape) * t * t * (3 - 2 * t)
    return (a.head | a.neck) * soft(a.y - line, 0.015)


def _scarf(a: Anatomy) -> Values:
    """Cover of all of head and neck but the face."""
    face = soft(1 - np.hypot(a.x / 0.062, (a.y - a.level["nose"] - 0.01) / 0.085), 0.2) * (a.head_front > 0.45)
    return (a.head | a.neck) * (1 - face)
