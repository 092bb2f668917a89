"""Set a scene for one picture: who, where, seen by which camera, in which light, before which backdrop.

The two worlds differ only here. Everything after (posing, framing, rendering, labels) is common.

Frames:  world axes, metres, ground at y = 0; heading 0 faces +z and grows towards +x.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from pymaf_pl.data.synth import studio
from pymaf_pl.data.synth.anatomy import Anatomy
from pymaf_pl.data.synth.camera import Array, Camera, Image, Window, look_at
from pymaf_pl.data.synth.clutter import render_clutter
from pymaf_pl.data.synth.indoors import render_indoors
from pymaf_pl.data.synth.landscape import render_landscape
from pymaf_pl.data.synth.lighting import SceneLight, ground_shadow, plain_daylight
from pymaf_pl.data.synth.options import WorldOptions
from pymaf_pl.data.synth.people import Appearance, draw_appearance, mannequin
from pymaf_pl.data.synth.textures import muted_colour
from pymaf_pl.errors import InputError

Backdrop = Callable[[Window, Image], Image]
"""From a window and the person's surface (V, 3) in world axes to a picture (S, S, 3), shadow included."""

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


@dataclass(frozen=True)
class Stage:
    """One scene, set but not yet entered."""

    betas: Array
    appearance: Appearance
    camera: Camera
    spot: Array
    """(2,) where on the ground the pelvis is, x and z."""
    heading: float
    light: SceneLight
    backdrop: Backdrop
    labelled: bool
    """Whether the row keeps its 3D labels."""
    tumble: Array | None = None
    """(3, 3) a rotation that the body takes before its heading, for those who do not stand."""


def set_studio(a: Anatomy, options: WorldOptions, split: str, rng: np.random.Generator) -> Stage:
    """Let one of the split's subjects walk into the studio."""
    subjects = studio.TRAIN_SUBJECTS if split == "train" else studio.HELD_OUT_SUBJECTS
    number = int(rng.choice(subjects))
    betas, looks = studio.subject(number, patterns=options.patterns, thickness=options.thickness)
    index = int(rng.integers(4))
    camera = studio.cameras()[index]
    reach, angle = studio.REACH * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi)
    spot = reach * np.array([np.cos(angle), np.sin(angle)])
    light = studio.light() if options.varied_light else plain_daylight()

    def backdrop(window: Window, surface: Image) -> Image:
        if not options.scenery:
            return _plain(window, surface, camera, light, np.full(3, 0.55, np.float32), options.shadow)
        picture, floor, x, z = studio.backdrop(index, window)
        if options.shadow:
            shade = ground_shadow(surface, light, x, z)
            picture = picture * (1 + floor[..., None] * (shade - 1))
        return picture

    return Stage(
        betas=betas,
        appearance=looks if options.clothing else mannequin(a),
        camera=camera,
        spot=spot,
        heading=_heading(camera, spot, options, rng),
        light=light,
        backdrop=backdrop,
        labelled=_keeps_labels(options, split, rng),
    )


def set_wild(a: Anatomy, options: WorldOptions, split: str, rng: np.random.Generator) -> Stage:
    """Meet somebody new somewhere new."""
    betas = np.clip(rng.normal(size=10) * options.shape_std, -2.5, 2.5)
    looks = draw_appearance(a, rng, patterns=options.patterns, thickness=options.thickness, loose=options.loose)
    azimuth, distance = rng.uniform(0, 2 * np.pi), rng.uniform(*options.distance_m)
    eye_level = np.clip(rng.normal(1.45, options.eye_level_std), 0.2, 4.0)
    camera = look_at(
        np.array([distance * np.sin(azimuth), eye_level, distance * np.cos(azimuth)]),
        np.array([0.0, 0.85, 0.0]),
        yaw_deg=rng.uniform(-1, 1) * options.off_axis_deg,
        pitch_deg=rng.uniform(-0.6, 0.6) * options.off_axis_deg,
        roll_deg=rng.normal() * options.tilt_deg,
    )
    light = _draw_light(options.exposure, rng) if options.varied_light else plain_daylight()
    spot = np.zeros(2)
    tumble = Rotation.random(random_state=rng).as_matrix() if rng.uniform() < options.tumble else None
    return Stage(
        betas=betas,
        appearance=looks if options.clothing else mannequin(a),
        camera=camera,
        spot=spot,
        heading=_heading(camera, spot, options, rng),
        light=light,
        backdrop=_draw_backdrop(camera, light, options, rng),
        labelled=_keeps_labels(options, split, rng),
        tumble=tumble,
    )


def _heading(camera: Camera, spot: Array, options: WorldOptions, rng: np.random.Generator) -> float:
    facing_camera = np.arctan2(camera.position[0] - spot[0], camera.position[2] - spot[1])
    turn = rng.uniform(-180, 180) if options.heading_deg >= 180 else rng.normal() * options.heading_deg
    return float(facing_camera + np.radians(turn))


def _keeps_labels(options: WorldOptions, split: str, rng: np.random.Generator) -> bool:
    return bool(rng.uniform() >= options.unlabelled_share or split != "train")


def _draw_light(exposure: tuple[float, float], rng: np.random.Generator) -> SceneLight:
    """Anything from an overcast noon to a low sun or a lamp in a dim room."""
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(22, 78))
    direction = np.array([np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)])
    total, sunny = rng.uniform(*exposure), rng.uniform(0.15, 0.75)
    warmth = rng.normal(0, 0.05)
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    return SceneLight(
        direction=direction,
        key=(total * sunny * tint * (1.04, 1.0, 0.94)).astype(np.float32),
        sky=(total * (1.05 - sunny) * tint * (0.96, 1.0, 1.06)).astype(np.float32),
        ground=(total * (1.05 - sunny) * rng.uniform(0.45, 0.8) * tint).astype(np.float32),
        softness=float(rng.uniform(0.8, 3.5)),
    )


def _draw_backdrop(camera: Camera, light: SceneLight, options: WorldOptions, rng: np.random.Generator) -> Backdrop:
    kind = rng.choice(["landscape", "indoors", "plain"], p=[0.52, 0.36, 0.12])
    cluttered = rng.uniform() < options.clutter
    colour = muted_colour(rng, (0.4, 0.95))
    scene_rng = rng.spawn(1)[0]
    photo = options.backgrounds is not None and rng.uniform() < 0.5
    target = np.zeros(3)

    def backdrop(window: Window, surface: Image) -> Image:
        if photo and options.backgrounds is not None:
            return _photograph(options.backgrounds, window.size, scene_rng)
        if cluttered and options.scenery:
            return render_clutter(window.size, light.on_ground, scene_rng)
        if kind == "plain" or not options.scenery:
            flat = colour if options.scenery else np.full(3, 0.55, np.float32)
            return _plain(window, surface, camera, light, flat, options.shadow)
        render = render_landscape if kind == "landscape" else render_indoors
        picture, x, z = render(camera, window, light, target, scene_rng)
        return _shadowed(picture, surface, light, x, z) if options.shadow else picture

    return backdrop


def _shadowed(picture: Image, surface: Image, light: SceneLight, x: Image, z: Image) -> Image:
    return picture * ground_shadow(surface, light, np.nan_to_num(x, nan=1e3), np.nan_to_num(z, nan=1e3))


def _plain(window: Window, surface: Image, camera: Camera, light: SceneLight, colour: Array, shadow: bool) -> Image:
    """A seamless paper backdrop that comes forward as the floor."""
    rays = window.rays(camera)
    eye = camera.position.astype(np.float32)
    along = np.minimum(eye[1] / np.maximum(-rays[1], np.float32(1e-3)), np.float32(60))
    fall = 1 - np.float32(0.25) * np.clip(rays[1] * 2 + np.float32(0.3), 0, 1)
    picture: Image = fall[..., None] * (colour * light.on_ground).astype(np.float32)
    if shadow:
        picture = picture * ground_shadow(surface, light, eye[0] + along * rays[0], eye[2] + along * rays[2])
    return picture


@cache
def photographs(folder: Path) -> tuple[Path, ...]:
    """List the photographs of a folder and its subfolders, in a fixed order."""
    found = tuple(sorted(p for p in folder.rglob("*") if p.suffix.lower() in PHOTO_SUFFIXES)) if folder.is_dir() else ()
    if not found:
        raise InputError(f"backgrounds folder {folder} holds no photographs ({', '.join(PHOTO_SUFFIXES)})")
    return found


def _photograph(folder: Path, size: int, rng: np.random.Generator) -> Image:
    """Cut a random square, at least half the shorter side, from a random photograph."""
    choices = photographs(folder)
    path = choices[rng.integers(len(choices))]
    photo = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if photo is None:
        raise InputError(f"background {path} is not a readable picture; remove it from the folder")
    side = int(min(photo.shape[:2]) * rng.uniform(0.5, 1))
    top, left = (rng.integers(0, extent - side + 1) for extent in photo.shape[:2])
    cut = cv2.resize(photo[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)
    return cut.astype(np.float32) / np.float32(255)
