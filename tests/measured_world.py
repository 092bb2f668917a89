"""People whose labels are known, in pictures of 160 px, and everything that a protocol may ask about them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.crop import crop_affine
from pymaf_pl.geometry.rotation import rotmat_from_6d, rotmat_to_6d, rotmat_to_axis_angle
from pymaf_pl.metrics.masks import to_image
from pymaf_pl.metrics.measuring import Protocol
from pymaf_pl.metrics.people import mean_rows
from pymaf_pl.metrics.per_person import Measured, PerPerson
from pymaf_pl.render import render_labels
from pymaf_pl.types import Batch, BodyState

SIDE, CROP = 160, 64
MakeWorld = Callable[..., "World"]


@dataclass
class MadeTable:
    """A table of annotations, as far as protocols look at it."""

    path: Path
    imgname: np.ndarray
    part: np.ndarray
    maskname: np.ndarray
    partname: np.ndarray
    gender: np.ndarray
    body_model: str = "open"

    def __len__(self) -> int:
        return len(self.imgname)


@dataclass
class World:
    """Estimates that are right, their labels, and the pictures' masks."""

    body: BodyModel
    root: Path
    table: MadeTable
    batch: Batch
    truth: BodyState

    def measure(self, protocol: Protocol, *states: BodyState, batches: int = 1) -> Measured:
        """Go through a whole measurement; the states are body[0..T]."""
        protocol.attach(self.table, self.root, self.body)
        metric = PerPerson(len(self.table), len(states), protocol.per_person, protocol.pieces)
        for rows in torch.arange(len(self.table)).chunk(batches):
            batch = Batch(**{key: value[rows] for key, value in self.batch.items()})  # type: ignore[typeddict-item]
            prepared = protocol.prepare(self.body, batch)
            metric.update(batch["index"], [protocol.evaluate(self.body, state[rows], prepared) for state in states])
        gathered = metric.compute()
        figures = gathered.figures | protocol.pool(gathered)
        return Measured(gathered.row, {name: figures[name] for name in protocol.everything}, gathered.pieces)

    def mean(self, protocol: Protocol, *states: BodyState, iteration: int = -1) -> dict[str, float]:
        """Return the figures of one iteration."""
        measured = self.measure(protocol, *states)
        return {name: mean_rows({name: values})[iteration][name] for name, values in measured.figures.items()}

    def mean_body(self) -> BodyState:
        state = self.body.mean_state()
        count = len(self.table)
        return BodyState(*(part.expand(count, *part.shape[1:]).clone() for part in
                           (state.pose_6d, state.betas, state.weak_cam)))  # fmt: skip


def build_world(body: BodyModel, tmp_path: Path, count: int = 4, seed: int = 2, ignored: bool = False) -> World:
    """Make people in boxes of different places and sizes."""
    generator, mean = torch.Generator().manual_seed(seed), body.mean_state()
    rotmat = rotmat_from_6d(mean.pose_6d + 0.15 * torch.randn(count, 24, 6, generator=generator))
    betas = torch.randn(count, 10, generator=generator)
    cameras = mean.weak_cam + 0.05 * torch.randn(count, 3, generator=generator)
    state = BodyState(rotmat_to_6d(rotmat), betas, cameras)
    rng = np.random.default_rng(seed)
    affines = torch.from_numpy(
        np.stack([crop_affine(rng.uniform(70, 90, 2), rng.uniform(100, 150), CROP) for _ in range(count)])
    ).float()
    joints = body.joints_49(rotmat, betas)
    in_image = to_image(joints, cameras, affines, CROP)[..., :2]
    vertices = to_image(body(rotmat, betas).vertices, cameras, affines, CROP)
    limb = torch.from_numpy(body.surface.limb).long()
    labels = render_labels(vertices, body.faces, limb, SIDE, SIDE).numpy().astype(np.uint8)
    for row, picture in enumerate(labels):
        cv2.imwrite(str(tmp_path / f"{row}_mask.png"), (picture > 0) * np.uint8(255))
        if ignored:
            picture[:, ::7] = 255
        cv2.imwrite(str(tmp_path / f"{row}_part.png"), picture)
    rows = range(count)
    part = torch.cat([in_image[:, 25:] - 0.5, torch.ones(count, 24, 1)], dim=-1).numpy()
    yes = torch.ones(count, dtype=torch.bool)
    ndc = project(joints, cameras)
    batch = Batch(
        image=torch.zeros(count, 3, CROP, CROP, dtype=torch.uint8),
        pose=rotmat_to_axis_angle(rotmat),
        betas=betas,
        keypoints_2d=torch.cat([ndc, torch.ones(count, 49, 1)], dim=-1),
        keypoints_3d=stored(body, rotmat, betas),
        has_pose=yes,
        has_betas=yes.clone(),
        has_keypoints_3d=yes.clone(),
        crop_affine=affines,
        index=torch.arange(count),
    )
    table = MadeTable(
        path=tmp_path / "table.npz",
        imgname=np.array([f"video/image_{row:05d}.jpg" for row in rows]),
        part=part.astype(np.float32),
        maskname=np.array([f"{row}_mask.png" for row in rows]),
        partname=np.array([f"{row}_part.png" for row in rows]),
        gender=np.array(["m", "f", "n", ""] * count, dtype="<U1")[:count],
    )
    return World(body, tmp_path, table, batch, state)


def stored(body: BodyModel, rotmat: Tensor, betas: Tensor) -> Tensor:
    """The 17 joints of Human3.6M in the order of the 24, relative to their pelvis, as converters store them."""
    # rows of the 24 for Human3.6M's 17 joints: datasets/preprocess/h36m.py of SPIN
    place = [14, 3, 4, 5, 2, 1, 0, 16, 12, 17, 18, 9, 10, 11, 8, 7, 6]
    joints = body.joints_h36m(rotmat, betas)
    result = torch.zeros(len(betas), 24, 4)
    result[:, place, :3], result[:, place, 3] = joints - joints[:, :1], 1.0
    return result
