"""A table in SPIN's format, as small as it can be and with every column."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

Columns = dict[str, Any]


@pytest.fixture
def columns() -> Columns:
    """Seven rows of every column that the format knows."""
    rng, count = np.random.default_rng(0), 7
    part = rng.uniform(10, 90, (count, 24, 3))
    part[..., 2] = rng.integers(0, 2, (count, 24))
    openpose = rng.uniform(10, 90, (count, 25, 3))
    openpose[..., 2] = rng.random((count, 25))
    joints = np.concatenate([rng.normal(size=(count, 24, 3)), np.ones((count, 24, 1))], axis=-1)
    return {
        "imgname": np.array([f"images/{i}.png" for i in range(count)]),
        "center": rng.uniform(40, 60, (count, 2)),
        "scale": rng.uniform(0.2, 0.4, count),
        "part": part,
        "openpose": openpose,
        "S": joints,
        "pose": 0.3 * rng.normal(size=(count, 72)),
        "shape": rng.normal(size=(count, 10)),
        "has_smpl": np.array([1, 1, 0, 1, 1, 1, 1]),
        "gender": np.array(["m", "f"] * 3 + ["m"]),
    }


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Columns], Path]:
    """Return ``save(columns)``: the path of the written table."""

    def write(columns: Columns) -> Path:
        np.savez(tmp_path / "table.npz", **columns)
        return tmp_path / "table.npz"

    return write


@pytest.fixture
def images(tmp_path: Path, columns: Columns) -> Path:
    """Smooth 100 px pictures for every row of ``columns``; returns the image root."""
    (tmp_path / "images").mkdir()
    rng = np.random.default_rng(1)
    for name in columns["imgname"]:
        picture = cv2.resize(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8), (100, 100))
        cv2.imwrite(str(tmp_path / name), picture)
    return tmp_path
