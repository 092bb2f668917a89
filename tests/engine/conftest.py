"""Two dozen small pictures with labels that belong together, and a network small enough to fit them in seconds."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from pymaf_pl.body import BodyModel
from pymaf_pl.data.augment import Augmentation
from pymaf_pl.data.sources import SpinTable
from pymaf_pl.engine.datamodule import CurriculumData
from pymaf_pl.engine.module import PyMAFModule
from pymaf_pl.engine.optim import adam, constant
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.rotation import rotmat_from_6d, rotmat_to_axis_angle
from pymaf_pl.losses import Camera, DenseLoss, FeedbackLoss, Keypoints2D, Keypoints3D, Pose, Shape
from pymaf_pl.metrics.protocols import FullBody
from pymaf_pl.models import pymaf
from pymaf_pl.models.backbone import ResNet

MakeData = Callable[..., CurriculumData]
MakeModule = Callable[..., PyMAFModule]


@pytest.fixture(scope="session")
def table(body: BodyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SPIN table of 24 people in pictures of 96 px: colours are noise, every label follows from the pose."""
    root, count = tmp_path_factory.mktemp("people"), 24
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    rotmat = rotmat_from_6d(body.mean_state().pose_6d + 0.1 * torch.randn(count, 24, 6, generator=generator))
    betas = torch.randn(count, 10, generator=generator)
    joints = body.joints_49(rotmat, betas)
    keypoints = 48 + 48 * project(joints, torch.tensor([[0.9, 0.0, 0.0]]).expand(count, 3))
    label_2d = np.concatenate([keypoints.numpy(), np.ones((count, 49, 1))], axis=-1)
    for row in range(count):
        coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        cv2.imwrite(str(root / f"{row}.jpg"), cv2.resize(coarse, (96, 96)))
    np.savez(
        root / "table.npz",
        imgname=np.array([f"{row}.jpg" for row in range(count)]),
        center=np.full((count, 2), 48.0),
        scale=np.full(count, 96 / 200),
        openpose=label_2d[:, :25],
        part=label_2d[:, 25:],
        S=np.concatenate([joints[:, 25:].numpy(), np.ones((count, 24, 1))], axis=-1),
        pose=rotmat_to_axis_angle(rotmat).flatten(1).numpy(),
        shape=betas.numpy(),
        body_model=np.array("open"),
    )
    return root / "table.npz"


@pytest.fixture
def make_data(table: Path) -> MakeData:
    """Return ``make_data(rows, few, ...)``: sources ``people`` and ``few`` of those rows; the last four validate."""

    def make(rows: tuple[int, int] = (0, 20), few: tuple[int, int] | None = None, **options: Any) -> CurriculumData:
        def source(start: int, stop: int) -> SpinTable:
            return SpinTable(str(table), str(table.parent), (start, stop))

        chosen: dict[str, Any] = {
            "sources": {"people": source(*rows)} | ({"few": source(*few)} if few else {}),
            "validation": source(20, 24),
            "stages": [{"name": "only", "epochs": 2, "mix": {"people": 1.0}}],
            "body_model": "open",
            "image_size": 64,
            "batch_size": 4,
            "augmentation": Augmentation(),
            "num_workers": 0,
        }
        return CurriculumData(**(chosen | options))

    return make


@pytest.fixture
def make_module(body: BodyModel) -> MakeModule:
    """Return ``make_module(...)``: the same random weights every time."""

    def make(lr: float = 1e-3, dense: bool = True, dropout: float = 0.0, **options: Any) -> PyMAFModule:
        torch.manual_seed(0)
        network = pymaf(
            ResNet(18, width=8), body, num_iterations=2, pyramid_channels=16, point_channels=(8, 4), hidden=32,
            dropout=dropout, dense_head=dense,
        )  # fmt: skip
        terms = {
            "keypoints_2d": Keypoints2D(),
            "keypoints_3d": Keypoints3D(),
            "pose": Pose(),
            "shape": Shape(),
            "camera": Camera(),
        }
        losses = FeedbackLoss(body, terms, DenseLoss(body) if dense else None)
        return PyMAFModule(network, losses, FullBody(), partial(adam, lr=lr), constant, **options)

    return make


@pytest.fixture
def make_trainer(tmp_path: Path) -> Callable[..., pl.Trainer]:
    """Return ``make_trainer(...)``: on the CPU, quiet."""

    def make(**options: Any) -> pl.Trainer:
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
        options = {"max_epochs": 2, "enable_checkpointing": False, "num_sanity_val_steps": 0} | quiet | options
        return pl.Trainer(
            accelerator="cpu", devices=1, use_distributed_sampler=False, default_root_dir=str(tmp_path), **options
        )

    return make
