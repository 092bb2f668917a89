"""Draw the walkers before a landscape of the wild world, and write down the truth.

Frames:  camera axes: x right, y down, z forward, metres; raster px.
Shapes:  F frames, P people.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pymaf_pl.data.synth import effects
from pymaf_pl.data.synth.anatomy import shipped_anatomy
from pymaf_pl.data.synth.camera import Camera, Window, heading_rotation, look_at
from pymaf_pl.data.synth.landscape import render_landscape
from pymaf_pl.data.synth.lighting import SceneLight, batch_light, plain_daylight
from pymaf_pl.data.synth.people import Appearance, draw_appearance
from pymaf_pl.render import composite, face_incidence, render_picture_fast
from pymaf_pl.video import Frame, Timing, write_segment
from walking.gait import walk_across, walking_pose

Array = NDArray[np.float64]
RATE = 25
TIMING = Timing(Fraction(RATE), Fraction(1, 12800))


@dataclass(frozen=True)
class Walkers:
    """Two people and who they are in every frame.

    Attributes:
        pose: (F, P, 24, 3) axis-angle, camera axes.
        betas: (P, 10).
        transl: (F, P, 3) of the pelvis, camera axes.
        joints: (F, P, 49, 3) camera axes.
        corners: (F, P, 4) left, top, right, bottom of the surface, px.
        hidden: (F, P) share of a person's box that the other, nearer person's box covers.
        surface: (F, P, V, 3) clothed, camera axes.
        looks: of both.
        camera: where it stands.
        window: what it sees; the film is its middle.
        light: of the scene.
    """

    pose: Array
    betas: Array
    transl: Array
    joints: Array
    corners: Array
    hidden: Array
    surface: NDArray[np.float32]
    looks: list[Appearance]
    camera: Camera
    window: Window
    light: SceneLight


def set_off(num_frames: int, width: int, seed: int = 0) -> Walkers:
    """Let two people walk to and fro, one nearer than the other, so that they pass before each other."""
    rng = np.random.default_rng(seed)
    _, anatomy, _ = shipped_anatomy()
    camera = look_at(np.array([0.0, 1.4, 0.0]), np.array([0.0, 0.95, 5.0]))
    window = Window(0.95 * width, width / 2, width / 2, width)
    times = np.arange(num_frames) / RATE
    poses, transls, surfaces, joints = [], [], [], []
    betas = np.clip(rng.normal(size=(2, 10)), -1.5, 1.5)
    looks = [draw_appearance(anatomy, rng, patterns=True, thickness=True) for _ in range(2)]
    routes = (  # from, to, m/s, phase: the farther one turns round where the nearer one never is
        (np.array([-1.2, 4.6]), np.array([1.2, 4.8]), 1.25, 0.0),
        (np.array([2.6, 6.2]), np.array([-2.6, 6.0]), 1.0, 1.0),
    )
    for (start, end, speed, phase), shape, look in zip(routes, betas, looks, strict=True):
        place, heading, rate = walk_across(times, start, end, speed, phase)
        pose = walking_pose(phase + rate * times)
        pose, transl, surface, own = _place(pose, place, heading, shape, look, camera)
        poses.append(pose)
        transls.append(transl)
        surfaces.append(surface)
        joints.append(own)
    surface = np.stack(surfaces, axis=1)
    points = window.project(surface)
    corners = np.concatenate([points.min(axis=2), points.max(axis=2)], axis=-1)
    return Walkers(
        np.stack(poses, axis=1), betas, np.stack(transls, axis=1), np.stack(joints, axis=1), corners,
        _hidden(corners, np.stack(transls, axis=1)[..., 2]), surface, looks, camera, window, plain_daylight(),
    )  # fmt: skip


@torch.inference_mode()
def _place(
    pose: Array, place: Array, heading: Array, betas: Array, look: Appearance, camera: Camera
) -> tuple[Array, ...]:
    body, _, clothed = shipped_anatomy()
    count = len(pose)
    turned = np.stack([camera.rotation @ heading_rotation(angle) for angle in heading])
    pose = pose.copy()
    pose[:, 0] = Rotation.from_matrix(turned @ Rotation.from_rotvec(pose[:, 0]).as_matrix()).as_rotvec()
    rotmat = torch.from_numpy(Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix()).float().view(-1, 24, 3, 3)
    shape = torch.from_numpy(betas).float().expand(count, 10)
    worn = torch.from_numpy(look.thickness).expand(count, -1)
    surface = clothed(rotmat, torch.cat([shape, worn], dim=1)).points.numpy()
    joints = body.joints_49(rotmat, shape).double().numpy()
    root = body(rotmat[:1], shape[:1]).joints_24[0, 0].double().numpy()
    up = camera.up
    lowest = (surface @ up.astype(np.float32)).min(axis=1)
    ground = np.stack([place[:, 0], root @ up - lowest, place[:, 1]], axis=1)
    transl = camera.to_camera(ground) - root
    shifted = surface + transl[:, None].astype(np.float32)
    return pose, transl, shifted, joints + transl[:, None]


def _hidden(corners: Array, depth: Array) -> Array:
    first, second = corners[:, 0], corners[:, 1]
    low, high = np.maximum(first[:, :2], second[:, :2]), np.minimum(first[:, 2:], second[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    area = np.prod(corners[..., 2:] - corners[..., :2], axis=-1)
    behind = depth > depth[:, ::-1]
    return np.where(behind, shared[:, None] / area, 0.0)


@torch.inference_mode()
def shoot(walkers: Walkers, aspect: float = 9 / 16, seed: int = 0) -> Iterator[Frame]:
    """Draw frame after frame, the middle of the square window."""
    body, _, _ = shipped_anatomy()
    rng = np.random.default_rng(seed)
    window, size = walkers.window, walkers.window.size
    backdrop, _, _ = render_landscape(walkers.camera, window, walkers.light, np.array([0.0, 0.0, 30.0]), rng)
    background = torch.from_numpy(np.asarray(backdrop, np.float32)).permute(2, 0, 1)
    light = batch_light([walkers.light], [walkers.camera])
    faces = torch.cat([body.faces, body.faces + body.num_vertices])
    incidence = face_incidence(faces, 2 * body.num_vertices)
    albedo = torch.from_numpy(np.concatenate([look.albedo for look in walkers.looks]))
    top = round(size * (1 - aspect) / 2)
    for index, surface in enumerate(walkers.surface):
        points = np.concatenate([window.project(surface), surface[..., 2:]], axis=-1).reshape(1, -1, 3)
        both = torch.from_numpy(surface.reshape(1, -1, 3))
        screen = torch.from_numpy(points).float()
        picture = render_picture_fast(screen, both, faces, albedo, light, size, size, cull=True, incidence=incidence)
        drawn = composite(picture.rgb, picture.alpha, background)[0].permute(1, 2, 0).numpy()
        levels = effects.develop(np.ascontiguousarray(drawn), 2.0, rng)
        yield Frame(index, index * round(1 / (RATE * TIMING.time_base)), np.ascontiguousarray(levels[top : size - top]))


def make_film(path: Path, num_frames: int = 150, width: int = 480, seed: int = 0) -> Walkers:
    """Write the film, and beside it ``.truth.npz`` and ``.boxes.json``, what a good detector might say."""
    import json

    walkers = set_off(num_frames, width, seed)
    write_segment(path, shoot(walkers, seed=seed), TIMING)
    np.savez_compressed(
        path.with_suffix(".truth.npz"),
        pose=walkers.pose, betas=walkers.betas, transl=walkers.transl, joints=walkers.joints,
        corners=cropped(walkers), hidden=walkers.hidden,
    )  # fmt: skip
    path.with_suffix(".boxes.json").write_text(json.dumps(noisy_boxes(walkers, seed)))
    return walkers


def cropped(walkers: Walkers) -> Array:
    """Return the corners (F, P, 4) in px of the film, which is the middle of the window."""
    size = walkers.window.size
    return walkers.corners - np.array([0, 1, 0, 1]) * round(size * (1 - 9 / 16) / 2)


def noisy_boxes(walkers: Walkers, seed: int = 0, miss: float = 0.05, jitter: float = 0.02) -> list[dict[str, object]]:
    """Return boxes as a detector gives them: off by some per cent, now and then none, and none of who is hidden.

    Nothing in it says which person is which; the order within a frame is random.
    """
    rng = np.random.default_rng(seed + 1)
    entries: list[dict[str, object]] = []
    for index, (corners, hidden) in enumerate(zip(cropped(walkers), walkers.hidden, strict=True)):
        for person in rng.permutation(len(corners)):
            if rng.uniform() < miss or hidden[person] > 0.6:
                continue
            left, top, right, bottom = corners[person]
            tall = bottom - top
            x, y, wide, high = np.array([left, top, right - left, tall]) + rng.normal(size=4) * jitter * tall
            entries.append({"frame": index, "bbox": [round(float(v), 2) for v in (x, y, wide, high)]})
    return entries
