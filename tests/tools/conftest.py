"""The shipped body as arrays; also puts tools/ on the path."""

import sys
from pathlib import Path

import numpy as np
import pytest

TOP = Path(__file__).resolve().parents[2]
SHIPPED = TOP / "src" / "pymaf_pl" / "body" / "assets" / "open_body.npz"
sys.path.insert(0, str(TOP / "tools"))


@pytest.fixture(scope="session")
def shipped() -> dict[str, np.ndarray]:
    with np.load(SHIPPED) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="session")
def weights(shipped: dict[str, np.ndarray]) -> np.ndarray:
    dense = np.zeros((len(shipped["weights_idx"]), 24))
    np.put_along_axis(dense, shipped["weights_idx"].astype(int), shipped["weights_val"].astype(float), 1)
    return dense
