"""Long conversions in parts that survive an interruption."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pymaf_pl.atomic import replacing

FloatArray = npt.NDArray[np.float64]


def remembered(folder: Path | None, key: str, make: Callable[[], FloatArray]) -> FloatArray:
    """Return ``make()``, or what an earlier call left in ``folder`` under ``key``; None remembers nothing."""
    if folder is None:
        return make()
    path = folder / f"{key}.npy"
    if path.is_file():
        return np.asarray(np.load(path, allow_pickle=False))
    values = make()
    with replacing(path) as draft:
        np.save(draft, values, allow_pickle=False)
    return values
