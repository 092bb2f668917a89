"""Read the shards of ``pymaf data pack``, from a folder or from object storage, one person at a time."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pymaf_pl.data.annotations import Annotations, load_annotations
from pymaf_pl.data.augment import Augmentation
from pymaf_pl.data.cropping import Crop, Region, region_affine
from pymaf_pl.data.images import ImageArray, warp_crop
from pymaf_pl.data.levels import LEVELS, Margins, fingerprint
from pymaf_pl.data.packing import INDEX, RECORD, need_litdata
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.crop import FloatArray


@dataclass(frozen=True)
class PackedTable:
    """A table of one's own whose pictures are in shards; mixes with any other source.

    Args:
        table: the ``.npz`` that was packed. Its labels are read from here, so that fits may change; its pictures' names
            and boxes must be those of the shards.
        shards: folder, or an address that litdata streams from, such as ``s3://bucket/folder``.
        rows: first row and end, exclusive, to use only a part of it.
        cache: folder for shards that come over the network; it should hold all of them. None for litdata's own.
        storage: options of the storage's client, such as ``endpoint_url``.
    """

    table: str
    shards: str
    rows: tuple[int, int] | None = None
    cache: str | None = None
    storage: Mapping[str, Any] = field(default_factory=dict)

    def needs(self) -> Sequence[Path]:
        """Return the table, and the index of shards that are in a folder."""
        return (Path(self.table), *([] if ":" in self.shards else [Path(self.shards) / INDEX]))

    def prepare(self) -> None:
        """Nothing to make."""

    def load(self) -> tuple[Annotations, Path]:
        """Read and check the table; the shards stand where other tables have their image root."""
        table = load_annotations(self.table)
        return (table if self.rows is None else table.rows(*self.rows)), Path(self.shards)

    def open(self, augmentation: Augmentation | None, size: int, crop: Crop | None) -> "PackedPictures":
        """Open the shards for crops of that kind.

        Raises:
            InputError: they are of another table, or do not reach as far as such crops do.
        """
        shards = Shards(self.shards, self.cache, dict(self.storage))
        pictures = open_pictures(shards, load_annotations(self.table), augmentation, size, crop)
        return pictures if self.rows is None else pictures.rows(*self.rows)


class Shards:
    """The entries of a packed table by number; every process opens them anew.

    Args:
        address: folder, or what litdata streams from.
        cache: for what comes over the network.
        storage: options of the storage's client.

    Raises:
        InputError: the storage would not be asked over https.
    """

    def __init__(self, address: str, cache: str | None = None, storage: Mapping[str, Any] | None = None) -> None:
        need_litdata()
        endpoint = str((storage or {}).get("endpoint_url", ""))
        if endpoint.lower().startswith("http:"):
            # the index would come, but litdata's client for shards has plain http switched off
            raise InputError(f"{address}: storage.endpoint_url={endpoint}: shards are fetched over https only")
        self.address, self.cache, self.storage = address, cache, dict(storage or {})
        self._opened: tuple[int, Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_opened": None}

    def __getitem__(self, number: int) -> Mapping[str, Any]:
        return self._dataset()[number]

    def record(self) -> dict[str, Any]:
        """Return what the shards say about themselves."""
        dataset = self._dataset()
        try:
            return dict(json.loads((Path(dataset.input_dir.path) / INDEX).read_text())[RECORD])
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(f"{self.address}: not shards of `pymaf data pack`") from None

    def _dataset(self) -> Any:
        # open files and threads do not survive a fork
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), self._open())
        return self._opened[1]

    def _open(self) -> Any:
        from litdata import StreamingDataset

        try:
            dataset = StreamingDataset(
                self.address, cache_dir=self.cache, storage_options=self.storage or None, batch_decode=0
            )
            dataset[0]  # builds its reader
            dataset.on_demand_bytes = False  # from here on fetch and keep whole shards, not a piece for every person
        except Exception as error:  # of whichever client the address needs
            reason = str(error).strip().splitlines()
            raise InputError(f"{self.address}: shards cannot be opened ({reason[0] if reason else error!r})") from error
        return dataset


def open_pictures(
    shards: Shards, table: Annotations, augmentation: Augmentation | None, size: int, crop: Crop | None = None
) -> "PackedPictures":
    """Open the shards of a whole table for crops of a kind.

    Raises:
        InputError: they are of another table, or do not reach as far as such crops do.
    """
    record = shards.record()
    if (record["rows"], record["fingerprint"]) != (len(table), fingerprint(table)):
        raise InputError(
            f"{shards.address}: stale shards: {table.path} has other pictures or boxes than when it was packed; "
            "pack it again (`pymaf data pack`)"
        )
    if augmentation is not None and augmentation.backdrops is not None:
        raise InputError(
            f"{shards.address}: shards hold no silhouettes for augmentation.backdrops; give the plain table, or set "
            "augmentation.backdrops=null"
        )
    margins = Margins(**record["margins"])
    margins.check(augmentation, size)
    if crop is not None and crop != Crop():
        raise InputError(f"{shards.address}: shards are cropped exactly; another crop=... needs the plain files")
    return PackedPictures(shards, margins, 200.0 * table.scale.astype(np.float64))


@dataclass(frozen=True)
class PackedPictures:
    """Crops from shards.

    Args:
        shards: of the table.
        margins: that they were made for.
        sides: (N,) of the boxes in px of the original pictures.
        start: number of the first row's entry.
    """

    shards: Shards
    margins: Margins
    sides: FloatArray
    start: int = 0

    def rows(self, start: int, stop: int) -> "PackedPictures":
        """Return those of rows ``start`` to ``stop`` (exclusive)."""
        return replace(self, sides=self.sides[start:stop], start=self.start + start)

    def crop(self, row: int, region: Region, size: int) -> tuple[ImageArray, FloatArray]:
        """Return a row's crop as the whole picture would give it, but for what resampling and JPEG change."""
        entry = self.shards[self.start + row]
        side = float(self.sides[row])
        level = self.margins.level(region.side / side, side, region.rotation_deg != 0)
        sx, sy, tx, ty = np.frombuffer(entry["places"], "<f8").reshape(len(LEVELS), 4)[LEVELS.index(level)]
        image = cv2.imdecode(np.frombuffer(entry[level], np.uint8), cv2.IMREAD_COLOR_RGB)
        affine = region_affine(region, size)
        linear = affine[:, :2] / [sx, sy]
        here = np.column_stack([linear, affine[:, 2] - linear @ [tx, ty]])
        return warp_crop(np.asarray(image, np.uint8), here, size), affine

    def silhouette(self, row: int, affine: FloatArray, size: int) -> None:
        """Shards hold none."""
