"""PyMAF and its baselines as a PyTorch Lightning + Hydra experiment framework.

import pymaf_pl
predictor = pymaf_pl.load()                 # the shipped model; or a checkpoint of `pymaf train`
people = predictor.predict("photo.jpg", [pymaf_pl.Box(center=(412, 300), size=380)])
people[0].figure()                          # a strip: the photo, and every iteration over it
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymaf_pl.shipped import DEFAULT_MODEL

if TYPE_CHECKING:
    from pymaf_pl.inference import Box, PersonPrediction, Predictor

__all__ = ["Box", "PersonPrediction", "Predictor", "load"]
__version__ = "0.1.0"


def load(
    checkpoint: str | Path = DEFAULT_MODEL, body_dir: str | Path | None = None, device: str = "cpu"
) -> "Predictor":
    """Load a trained network for photographs; see :meth:`pymaf_pl.inference.Predictor.from_checkpoint`."""
    from pymaf_pl.inference import Predictor  # torch is imported only when it is needed: the command stays quick

    return Predictor.from_checkpoint(checkpoint, body_dir, device)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'pymaf_pl' has no attribute '{name}'")
    from pymaf_pl import inference  # likewise

    return getattr(inference, name)
