"""A table and its images as samples: crop, augment, normalise the labels' frames."""

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from pymaf_pl.data.annotations import Annotations
from pymaf_pl.data.augment import (
    Augmentation,
    AugmentationDraw,
    apply_channel_gain,
    augment_joints_3d,
    augment_pose,
    reorder_keypoints,
)
from pymaf_pl.data.backdrops import Backdrops
from pymaf_pl.data.cropping import Crop, Region
from pymaf_pl.data.images import ImageArray, read_image, warp_crop
from pymaf_pl.geometry.crop import FloatArray, crop_px_to_ndc


class SampleKey(NamedTuple):
    """Which sample to make: the random numbers depend on seed, epoch and position, never on the worker.

    Attributes:
        epoch: epoch of the training run.
        position: place in that epoch's order.
        source: name of the source.
        row: row of its table.
    """

    epoch: int
    position: int
    source: str
    row: int


class Pictures(Protocol):
    """The pictures of a table's rows."""

    def crop(self, row: int, region: Region, size: int) -> tuple[ImageArray, FloatArray]:
        """Return a row's (size, size, 3) crop and the (2, 3) map from px of the original picture to its px."""
        ...

    def silhouette(self, row: int, affine: FloatArray, size: int) -> ImageArray | None:
        """Return how much of each pixel of that crop the person takes, (size, size) 0 to 255; None if unknown."""
        ...


@dataclass(frozen=True)
class FilePictures:
    """Whole pictures, one file each.

    Args:
        table: says which.
        root: folder that ``imgname`` is relative to.
        how: boxes become crops.
    """

    table: Annotations
    root: Path
    how: Crop

    def crop(self, row: int, region: Region, size: int) -> tuple[ImageArray, FloatArray]:
        """Read the file and crop it."""
        return self.how.picture(read_image(self.root / self.table.imgname[row]), region, size)

    def silhouette(self, row: int, affine: FloatArray, size: int) -> ImageArray | None:
        """Read the row's mask, if it has one, and crop it."""
        name = self.table.maskname[row]
        return warp_crop(read_image(self.root / name), affine, size)[..., 0] if name else None


class PersonDataset:
    """One source: rows of a table, cropped from their images.

    Args:
        table: the labels.
        image_root: folder that ``imgname`` is relative to.
        image_size: side of the crops in px.
        body_model: the body in use; ``shape`` labels of another one are masked.
        augmentation: None for evaluation.
        crop: how boxes become crops; None for exact ones.
        pictures: where the pictures come from; None for the files under ``image_root``.
    """

    def __init__(
        self,
        table: Annotations,
        image_root: str | Path,
        image_size: int,
        body_model: str,
        augmentation: Augmentation | None = None,
        crop: Crop | None = None,
        pictures: Pictures | None = None,
    ) -> None:
        self.table, self.image_root, self.image_size = table, Path(image_root), image_size
        self.augmentation = augmentation
        self.crop = Crop() if crop is None else crop
        self.pictures = FilePictures(table, self.image_root, self.crop) if pictures is None else pictures
        self.has_betas = table.has_smpl & (table.body_model == body_model)

    def __len__(self) -> int:
        return len(self.table)

    def sample(self, row: int, rng: np.random.Generator | None = None) -> dict[str, Any]:
        """Return one entry of a :class:`pymaf_pl.types.Batch`, augmented if ``rng`` is given."""
        draw = self.augmentation.draw(rng) if self.augmentation and rng is not None else AugmentationDraw()
        table, size = self.table, self.image_size
        side = 200.0 * float(table.scale[row])
        center = table.center[row] + side * np.array(draw.shift)
        region = Region(center, side * draw.scale, draw.rotation_deg, draw.flip)
        image, affine = self.pictures.crop(row, region, size)
        if self.augmentation is not None and self.augmentation.backdrops is not None and rng is not None:
            image = self._elsewhere(image, row, affine, self.augmentation.backdrops, rng)
        image = apply_channel_gain(image, draw.channel_gain, draw.truncate_colours)
        if self.augmentation is not None and self.augmentation.pixels is not None and rng is not None:
            image = self.augmentation.pixels(image, rng)

        keypoints = np.concatenate([table.openpose[row], table.part[row]]).astype(np.float64)
        keypoints[:, :2] = crop_px_to_ndc(self.crop.keypoints(keypoints[:, :2], region, affine, size), size)
        keypoints = reorder_keypoints(keypoints, draw)
        keypoints[keypoints[:, 2] <= 0] = 0.0  # unlabelled joints lie anywhere; keep them out of every sum

        def tensor(values: Any) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))

        return {
            "image": torch.from_numpy(image).permute(2, 0, 1),
            "pose": tensor(augment_pose(table.pose[row], draw) * table.has_smpl[row]),
            "betas": tensor(table.shape[row] * self.has_betas[row]),
            "keypoints_2d": tensor(keypoints),
            "keypoints_3d": tensor(augment_joints_3d(table.S[row], draw) * table.has_3d[row]),
            "has_pose": torch.tensor(bool(table.has_smpl[row])),
            "has_betas": torch.tensor(bool(self.has_betas[row])),
            "has_keypoints_3d": torch.tensor(bool(table.has_3d[row])),
            "crop_affine": tensor(affine),
            "index": torch.tensor(row),
        }

    def _elsewhere(
        self, image: ImageArray, row: int, affine: FloatArray, backdrops: Backdrops, rng: np.random.Generator
    ) -> ImageArray:
        """Paste a row's person before another backdrop, now and then."""
        if not self.table.maskname[row] or rng.random() >= backdrops.share:
            return image
        seen = self.pictures.silhouette(row, affine, len(image))

        def another() -> ImageArray:
            other = int(rng.integers(len(self)))
            side = 200.0 * float(self.table.scale[other])
            region = Region(
                self.table.center[other] + side * rng.uniform(-0.35, 0.35, 2),
                side * rng.uniform(0.5, 1),
                flip=bool(rng.random() < 0.5),
            )
            return self.pictures.crop(other, region, len(image))[0]

        return image if seen is None else backdrops(image, seen, another, rng)


class MixtureDataset(Dataset[dict[str, Any]]):
    """Several sources behind one index of :class:`SampleKey`.

    Args:
        sources: name to data set.
        seed: of all augmentation.
    """

    def __init__(self, sources: Mapping[str, PersonDataset], seed: int = 0) -> None:
        self.sources, self.seed = dict(sources), seed

    def __len__(self) -> int:
        return sum(map(len, self.sources.values()))

    def __getitem__(self, key: SampleKey) -> dict[str, Any]:
        rng = np.random.default_rng([self.seed, key.epoch, key.position])
        return self.sources[key.source].sample(key.row, rng)


class EvaluationDataset(Dataset[dict[str, Any]]):
    """One source row by row, without augmentation."""

    def __init__(self, source: PersonDataset) -> None:
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return self.source.sample(row)


def one_thread_per_worker(_worker: int) -> None:
    """Keep OpenCV and torch of a loader's worker to one thread, so that workers do not fight over the cores."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    keep_freed_memory()


def keep_freed_memory() -> None:
    """Let this process keep the memory of pictures that are gone for those to come, where the C library is glibc.

    It would hand every buffer of a decoded picture back and ask the kernel for zeroed pages anew: half of the time that
    decoding takes.
    """
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD
    except (OSError, AttributeError):
        pass
