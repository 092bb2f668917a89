"""SMPL inside the published PyMAF's file: each regressor keeps a whole body model (PyMAF models/pymaf_net.py).

None of it is learnt, so none of it is read, but for the topology; the body comes from the user's own files.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.body.files import topology_of
from pymaf_pl.body.model import load_smplx

# parameters that smplx adds for a body that is not predicted; 64 is the batch size PyMAF builds it with
_PLACEHOLDERS = {"betas": (64, 10), "global_orient": (64, 3), "body_pose": (64, 69)}
_BODY_KEY = re.compile(r"regressor\.\d+\.smpl\.(.+)")
_FACES = "regressor.0.smpl.faces_tensor"


def body_note(key: str) -> str | None:
    """Say what a key of the body model is; None for any other key."""
    found = _BODY_KEY.fullmatch(key)
    if found is None:
        return None
    return "placeholder, never trained" if found[1] in _PLACEHOLDERS else "body buffer"


def body_topology(weights: Mapping[str, Any]) -> str | None:
    """Return the topology of the body that the file was trained on; None if it holds no closed surface."""
    faces = weights.get(_FACES)
    if not isinstance(faces, Tensor) or faces.is_floating_point() or faces.ndim != 2 or faces.shape[1] != 3:
        return None
    array = faces.numpy()
    edges = np.sort(array[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    _, count = np.unique(edges, axis=0, return_counts=True)
    return topology_of(array) if len(count) and (count == 2).all() else None


def body_buffers(body: BodyModel) -> dict[str, Tensor]:
    """Return what one regressor keeps of a body: smplx's buffers, the extra joint regressor and the placeholders."""
    state = {key: value.contiguous() for key, value in load_smplx(body.arrays).state_dict().items()}
    state["J_regressor_extra"] = torch.from_numpy(body.arrays.extra_regressor).float()
    return {key: torch.zeros(shape) for key, shape in _PLACEHOLDERS.items()} | state
