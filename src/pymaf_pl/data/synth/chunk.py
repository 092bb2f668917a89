"""Make a chunk of rows: pose people, frame them, draw them, write the pictures, return the labels.

A chunk depends on its number and on the parameters alone, never on which process makes it or what was made before.

Frames:  camera axes: x right, y down, z forward, metres; raster px: pixel i has its centre at i + 0.5.
Shapes:  B rows of one render call, S picture side.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pymaf_pl.body import BodyModel
from pymaf_pl.body.pose_prior import PosePrior
from pymaf_pl.data.synth import effects
from pymaf_pl.data.synth.anatomy import shipped_anatomy
from pymaf_pl.data.synth.bystanders import as_figure, draw_bystander, lay_over, touches_edge
from pymaf_pl.data.synth.camera import Array, frame, heading_rotation
from pymaf_pl.data.synth.free_limbs import free_limbs
from pymaf_pl.data.synth.labels import (
    ROOT,
    Columns,
    Shot,
    label,
    silhouette_name,
    to_screen,
    write_masks,
    write_picture,
)
from pymaf_pl.data.synth.lighting import batch_light
from pymaf_pl.data.synth.limber import stretch
from pymaf_pl.data.synth.options import WORLDS, WorldOptions
from pymaf_pl.data.synth.recipe import SPLITS, Recipe
from pymaf_pl.data.synth.stage import Stage, set_studio, set_wild
from pymaf_pl.render import face_incidence, render_picture_fast

CHUNK = 64
_BATCH = 8  # a few pictures at a time stay in the cache


def make_chunk(recipe: Recipe, index: int, out: Path) -> Columns:
    """Write the pictures of one chunk under ``out`` and return its part of the table."""
    rows = range(index * CHUNK, min((index + 1) * CHUNK, recipe.num))
    place = (WORLDS.index(recipe.world), SPLITS.index(recipe.split), index)
    crowd, *own = (
        np.random.default_rng(s) for s in np.random.SeedSequence(recipe.seed, spawn_key=place).spawn(CHUNK + 1)
    )
    poses = _draw_poses(recipe.options, crowd)[: len(rows)]
    parts: list[Columns] = []
    for first in range(0, len(rows), _BATCH):
        batch = slice(first, min(first + _BATCH, len(rows)))
        parts.append(_make_batch(recipe, list(rows)[batch], poses[batch], own[batch], out))
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _draw_poses(options: WorldOptions, rng: np.random.Generator) -> Array:
    """Draw the poses of a whole chunk, so that a short last chunk is the beginning of a full one."""
    pose = _prior().sample(CHUNK, rng, options.temperature)
    rare = _prior().sample(CHUNK, rng, options.extreme_temperature)
    pose = np.where((rng.uniform(size=CHUNK) < options.extreme_share)[:, None, None], rare, pose)
    swap = (rng.uniform(size=CHUNK) < 0.5)[:, None, None] & options.mirror
    pose = np.where(swap, PosePrior.mirror(pose), pose)
    if options.limber > 0:
        bent = (rng.uniform(size=CHUNK) < options.limber)[:, None, None]
        pose = np.where(bent, stretch(pose, rng), pose)
    if options.free_limbs > 0:
        freed = (rng.uniform(size=CHUNK) < options.free_limbs)[:, None, None]
        pose = np.where(freed, free_limbs(pose, rng), pose)
    return pose


@cache
def _prior() -> PosePrior:
    return PosePrior()


@cache
def _incidence() -> torch.Tensor:
    body = shipped_anatomy()[0]
    return face_incidence(body.faces, body.num_vertices)


@torch.no_grad()
def _make_batch(recipe: Recipe, rows: list[int], poses: Array, rngs: list[np.random.Generator], out: Path) -> Columns:
    body, anatomy, _ = shipped_anatomy()
    set_stage = set_studio if recipe.world == "studio" else set_wild
    stages = [set_stage(anatomy, recipe.options, recipe.split, rng) for rng in rngs]
    shots = _pose_and_frame(recipe, stages, poses, rngs)
    pictures = _draw(body, shots, recipe.options.bystanders, rngs)
    for row, shot, picture, rng in zip(rows, shots, pictures, rngs, strict=True):
        _develop(recipe, row, shot, picture, rng, out)
    columns = label(recipe, rows, shots)
    if recipe.has_masks:
        columns |= write_masks(recipe, rows, shots, body, out)
    elif recipe.options.silhouettes:
        columns["maskname"] = np.array([silhouette_name(recipe, row) for row in rows])
    return columns


def _pose_and_frame(recipe: Recipe, stages: list[Stage], poses: Array, rngs: list[np.random.Generator]) -> list[Shot]:
    body, _, clothed = shipped_anatomy()
    poses = poses.copy()
    for pose, stage in zip(poses, stages, strict=True):
        upright = heading_rotation(stage.heading) @ Rotation.from_rotvec(pose[0]).as_matrix()
        if stage.tumble is not None:
            upright = stage.tumble @ upright
        pose[0] = Rotation.from_matrix(stage.camera.rotation @ upright).as_rotvec()
    # The table stores float32: decode what will be stored, not what was drawn.
    poses = poses.astype(np.float32).astype(np.float64)
    rotmat = torch.from_numpy(Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix()).float().view(-1, 24, 3, 3)
    betas = torch.from_numpy(np.stack([stage.betas for stage in stages])).float()
    thickness = torch.from_numpy(np.stack([stage.appearance.thickness for stage in stages]))
    surfaces = clothed(rotmat, torch.cat([betas, thickness], dim=1)).points.numpy()
    joints = body.joints_49(rotmat, betas).double().numpy()
    roots = joints[:, 25 + ROOT]

    shots = []
    for i, (stage, rng) in enumerate(zip(stages, rngs, strict=True)):
        camera = stage.camera
        skeleton = joints[i] - roots[i]
        # Stand on the ground: the lowest vertex, along the vertical, touches it.
        height = roots[i] @ camera.up - (surfaces[i] @ camera.up.astype(np.float32)).min()
        transl = (
            camera.to_camera(np.array([stage.spot[0], height, stage.spot[1]])).astype(np.float32).astype(np.float64)
        )
        surface, skeleton = surfaces[i] + (transl - roots[i]).astype(np.float32), skeleton + transl
        window = frame(
            skeleton[25:], surface, recipe.size, rng, margin=recipe.options.margin, truncate=recipe.options.truncate
        )
        shots.append(Shot(stage, window, poses[i], transl, skeleton, surface))
    return shots


def _draw(
    body: BodyModel, shots: list[Shot], bystanders: float, rngs: list[np.random.Generator]
) -> NDArray[np.float32]:
    """Render the people before their backdrops, some with a bystander from an earlier row: (B, S, S, 4).

    The last channel is how much of each pixel the person takes.
    """
    size = shots[0].window.size
    backdrops = []
    for shot in shots:
        camera = shot.stage.camera
        in_world = shot.surface @ camera.rotation.astype(np.float32) + camera.position.astype(np.float32)
        backdrops.append(shot.stage.backdrop(shot.window, in_world))
    surface = torch.from_numpy(np.stack([shot.surface for shot in shots]))
    albedo = torch.from_numpy(np.stack([shot.stage.appearance.albedo for shot in shots]))
    light = batch_light([shot.stage.light for shot in shots], [shot.stage.camera for shot in shots])
    screen = to_screen(surface, [shot.window for shot in shots])
    person = render_picture_fast(
        screen, surface, body.faces, albedo, light, size, size, cull=True, incidence=_incidence()
    )
    figures = [as_figure(rgb, alpha) for rgb, alpha in zip(person.rgb, person.alpha, strict=True)]
    drawn = []
    for i, (shot, rng) in enumerate(zip(shots, rngs, strict=True)):
        picture = np.asarray(backdrops[i], np.float32)
        passer_by = None
        if rng.uniform() < bystanders and i > 0:
            other = figures[rng.integers(i)]
            if not touches_edge(other):
                passer_by = draw_bystander(other, shot.window.project(shot.joints[25:]), rng)
        if passer_by is not None and not passer_by.in_front:
            picture = lay_over(picture, passer_by.figure)
        picture, seen = lay_over(picture, figures[i]), figures[i][..., 3:]
        if passer_by is not None and passer_by.in_front:
            picture, seen = lay_over(picture, passer_by.figure), seen * (1 - passer_by.figure[..., 3:])
        drawn.append(np.concatenate([picture, seen], axis=2))
    return np.stack(drawn)


def _develop(
    recipe: Recipe, row: int, shot: Shot, picture: NDArray[np.float32], rng: np.random.Generator, out: Path
) -> None:
    options = recipe.options
    if rng.uniform() < options.occlude:
        picture = effects.occlude(picture, shot.window.project(shot.joints[25:]), shot.stage.light.on_ground, rng)
    if rng.uniform() < options.blur:
        picture = effects.blur(np.ascontiguousarray(picture), rng)
    levels = effects.develop(picture[..., :3], options.noise, rng)
    quality = int(rng.integers(options.jpeg[0], options.jpeg[1] + 1))
    write_picture(out / recipe.folder / f"{row:06d}.jpg", levels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if options.silhouettes and not recipe.has_masks:
        write_picture(out / silhouette_name(recipe, row), np.rint(255 * picture[..., 3].clip(0, 1)).astype(np.uint8))
