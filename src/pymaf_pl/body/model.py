"""The body model: from rotations and shape to a surface, its joints and its labels.

One code path for the shipped body and for licensed SMPL files: both are loaded through the ``smplx`` package, which
owns SMPL's format; this is the only file that imports it. smplx itself is published under a non-commercial licence.
"""

import contextlib
import io
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from smplx import SMPL
from smplx.utils import Struct
from torch import Tensor, nn

from pymaf_pl.body.files import GENDERS, BodyArrays, Gender, read_open_body, read_smpl_body
from pymaf_pl.body.joints import JOINTS_49_FROM_54, PARENTS, SURFACE_21
from pymaf_pl.body.mean import mean_state
from pymaf_pl.body.skinning import Skinner
from pymaf_pl.body.subset import farthest_points
from pymaf_pl.body.surface import Surface, build_surface
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.rotation import rotmat_from_6d
from pymaf_pl.types import BodyState

NUM_MESH_POINTS = 431  # what PyMAF samples (GraphCMR mesh_downsampling.npz, twice coarsened)


class BodyOutput(NamedTuple):
    """A decoded body in metres, before any camera translation: vertices (B, V, 3) and joints_24 (B, 24, 3)."""

    vertices: Tensor
    joints_24: Tensor


def load_smplx(arrays: BodyArrays, dtype: torch.dtype = torch.float32) -> SMPL:
    """Hand arrays to the real ``smplx.SMPL``, without the parameters that it would add to an optimiser."""
    table = np.stack([PARENTS, range(len(PARENTS))]).astype(np.int64)
    struct = Struct(
        v_template=arrays.v_template,
        shapedirs=arrays.shapedirs,
        posedirs=arrays.posedirs,
        J_regressor=arrays.j_regressor,
        weights=arrays.weights,
        kintree_table=table,
        f=arrays.faces.astype(np.uint32),
        bs_style="lbs",
        bs_type="lrotmin",
    )
    with contextlib.redirect_stdout(io.StringIO()):  # smplx prints that 10 betas are few
        return SMPL(
            "",
            data_struct=struct,
            gender=arrays.gender,
            dtype=dtype,
            create_betas=False,
            create_body_pose=False,
            create_global_orient=False,
            create_transl=False,
        )


class BodyModel(nn.Module):
    """A parametric body in SMPL's format: 6890 vertices, 24 joints, 10 betas. Holds no parameter and no state.

    Args:
        arrays: the model as :func:`read_open_body` or :func:`read_smpl_body` give it.
    """

    faces: Tensor

    def __init__(self, arrays: BodyArrays) -> None:
        super().__init__()
        self.arrays = arrays
        self.name, self.gender, self.topology = arrays.name, arrays.gender, arrays.topology
        smpl = load_smplx(arrays)
        self._skinning = {
            "v_template": smpl.v_template,
            "shapedirs": smpl.shapedirs,
            "posedirs": smpl.posedirs,
            "weights": smpl.lbs_weights,
            "j_regressor": smpl.J_regressor,
        }
        self.register_buffer("faces", torch.from_numpy(arrays.faces), persistent=False)
        self.full = Skinner(**self._skinning)
        self.keypoints = self.points(list(SURFACE_21.values()), torch.from_numpy(arrays.extra_regressor))
        self.h36m = self.points([], torch.from_numpy(arrays.h36m_regressor))

    @property
    def num_vertices(self) -> int:
        """Number of vertices of the full surface."""
        return len(self._skinning["v_template"])

    @property
    def v_template(self) -> Tensor:
        """(V, 3) rest surface of the mean shape, metres, y up."""
        return self._skinning["v_template"]

    @property
    def lbs_weights(self) -> Tensor:
        """(V, 24) skinning weights."""
        return self._skinning["weights"]

    def points(self, vertices: list[int] | Tensor, regressor: Tensor | None = None) -> Skinner:
        """Return a module that skins only these vertices and linear combinations of vertices, exactly."""
        return Skinner(**self._skinning, vertices=vertices, regressor=regressor)

    def forward(self, pose_rotmat: Tensor, betas: Tensor) -> BodyOutput:
        """Decode the full surface from (B, 24, 3, 3) rotations and (B, 10) betas."""
        return BodyOutput(*self.full(pose_rotmat, betas))

    def decode(self, state: BodyState) -> BodyOutput:
        """Decode the full surface of an estimate."""
        return self(rotmat_from_6d(state.pose_6d.float()), state.betas)

    def joints_49(self, pose_rotmat: Tensor, betas: Tensor) -> Tensor:
        """Return SPIN's (B, 49, 3) joint set, equal to regressing it from the full surface."""
        points, skeleton = self.keypoints(pose_rotmat, betas)
        return torch.cat([skeleton, points], dim=1)[:, JOINTS_49_FROM_54]

    def joints_h36m(self, pose_rotmat: Tensor, betas: Tensor) -> Tensor:
        """Return the (B, 17, 3) joints of J_regressor_h36m, equal to regressing them from the full surface."""
        return self.h36m(pose_rotmat, betas).points

    @cached_property
    def surface(self) -> Surface:
        """Part, uv and limb labels of the faces, computed from the mean shape."""
        a = self.arrays
        return build_surface(a.v_template, a.faces, a.weights, a.j_regressor @ a.v_template)

    @cached_property
    def mesh_points(self) -> list[int]:
        """Indices of the 431 evenly spread vertices that the feedback loop projects."""
        return farthest_points(self.arrays.v_template, NUM_MESH_POINTS)

    def mean_state(self) -> BodyState:
        """Return ``body[0]``, the (1, ...) mean body that feedback starts from; SPIN's own where its file is there."""
        if self.arrays.mean is None:
            return mean_state()
        return BodyState.from_vector(torch.from_numpy(self.arrays.mean).unsqueeze(0))


def load_body(name: str = "open", gender: Gender = "neutral", directory: str | Path | None = None) -> BodyModel:
    """Load a body by name.

    Args:
        name: ``open`` for the body that ships with the project, ``smpl`` for the user's own files.
        gender: neutral, male or female.
        directory: folder of the SMPL files, for ``smpl`` only.

    Raises:
        InputError: an unknown name or gender, or files that are missing or do not fit together.
    """
    if gender not in GENDERS:
        raise InputError(f"body.gender={gender}: there are {', '.join(GENDERS)}")
    if name == "open":
        return BodyModel(read_open_body(gender))
    if name == "smpl":
        if directory is None:
            raise InputError(
                "body=smpl needs body.directory=FOLDER (pymaf predict: --body-dir FOLDER), the folder with your own "
                "SMPL files"
            )
        return BodyModel(read_smpl_body(directory, gender))
    raise InputError(f"body '{name}' is unknown; there are open and smpl")
