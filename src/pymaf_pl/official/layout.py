"""The published networks key by key.

Their parameters are those of our own modules under other names, so names and shapes come from modules of ours that are
built without memory; what has no counterpart (mean body, grid, downsampling) is listed here.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import torch
from torch import nn

from pymaf_pl.models.backbone import ResNet
from pymaf_pl.models.dense_head import DenseHead
from pymaf_pl.models.evidence import MeshAlignedSampler
from pymaf_pl.models.pyramid import DeconvPyramid
from pymaf_pl.models.regressor import Regressor
from pymaf_pl.types import CAMERA_DIM, POSE_DIM, SHAPE_DIM

Kind = Literal["pymaf", "spin"]
TITLES: dict[Kind, str] = {"pymaf": "official PyMAF checkpoint", "spin": "official SPIN checkpoint"}

IMAGE_SIZE = 224  # both pool or sample for this size (PyMAF models/hmr.py, SPIN constants.py)
MAX_ITERATIONS = 3  # PyMAF asserts it; SPIN always runs three
NUM_VERTICES, NUM_POINTS, GRID_SIDE = 6890, 431, 21  # PyMAF models/maf_extractor.py, models/pymaf_net.py
POINT_CHANNELS = (256, 128, 64, 5)  # MLP_DIM (PyMAF core/cfgs.py)
MEAN_PARTS = {"init_pose": POSE_DIM, "init_shape": SHAPE_DIM, "init_cam": CAMERA_DIM}  # in the order of our ``mean``
_LINEAR = {"fc1": "fc1", "fc2": "fc2", "decpose": "pose", "decshape": "shape", "deccam": "camera"}
_DENSE = {"predict_u": "u", "predict_v": "v", "predict_uv_index": "part", "predict_ann_index": "coarse"}


@dataclass(frozen=True)
class Entry:
    """One key of theirs.

    Attributes:
        shape: of the tensor.
        dtype: of the tensor.
        ours: our keys that hold the same numbers: several where our iterations share a module, none for constants.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype = torch.float32
    ours: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """All keys of a published network without its body model, in the order of its file.

    Attributes:
        kind: which network.
        num_iterations: T.
        dense_head: whether it has one.
        entries: their key to what it is.
    """

    kind: Kind
    num_iterations: int
    dense_head: bool
    entries: dict[str, Entry] = field(default_factory=dict)

    def add(self, theirs: str, module: nn.Module, *ours: str) -> None:
        """Add all keys of a module: its name in their network, and its names in ours."""
        for key, value in module.state_dict().items():
            names = tuple(f"{name}.{key}" for name in ours)
            self.entries[f"{theirs}{key}"] = Entry(tuple(value.shape), value.dtype, names)

    def add_regressor(self, theirs: str, evidence_features: int, *ours: str) -> None:
        """Add a regressor and the mean body that it keeps."""
        module = Regressor(evidence_features)
        for name, size in MEAN_PARTS.items():
            self.entries[f"{theirs}{name}"] = Entry((1, size))
        for name, our_name in _LINEAR.items():
            self.add(f"{theirs}{name}.", module.get_submodule(our_name), *(f"{prefix}.{our_name}" for prefix in ours))


@cache
def pymaf_layout(num_iterations: int = 3, dense_head: bool = True) -> Layout:
    """Return PyMAF's: ResNet-50, three deconvolutions, the grid first and 431 vertices from then on."""
    layout = Layout("pymaf", num_iterations, dense_head)
    layout.entries["points_grid"] = Entry((1, 2, GRID_SIDE**2))
    with torch.device("meta"):
        backbone, sampler = ResNet(50), MeshAlignedSampler(POINT_CHANNELS)
        layout.add("feature_extractor.", backbone, "backbone")
        pyramid = DeconvPyramid(backbone.maps, POINT_CHANNELS[0], num_levels=3)
        for i, level in enumerate(pyramid.levels):
            for j, module in enumerate(level.children()):
                layout.add(f"deconv_layers.{3 * i + j}.", module, f"pyramid.levels.{i}.{j}")
        for t in range(num_iterations):
            layout.entries[f"maf_extractor.{t}.Dmap"] = Entry((NUM_POINTS, NUM_VERTICES))
            for j, module in enumerate(sampler.layers):
                layout.add(f"maf_extractor.{t}.conv{j}.", module, f"evidence.{t}.sampler.layers.{j}")
        for t in range(num_iterations):
            points = NUM_POINTS if t else GRID_SIDE**2
            layout.add_regressor(f"regressor.{t}.", points * POINT_CHANNELS[-1], f"regressors.{t}")
        if dense_head:
            head = DenseHead(POINT_CHANNELS[0])
            for theirs, ours in _DENSE.items():
                layout.add(f"dp_head.{theirs}.", head.get_submodule(ours), f"dense_head.{ours}")
    return layout


@cache
def spin_layout() -> Layout:
    """Return SPIN's: ResNet-50 and one regressor for all three iterations."""
    layout = Layout("spin", MAX_ITERATIONS, dense_head=False)
    with torch.device("meta"):
        backbone = ResNet(50)
        layout.add("", backbone, "backbone")
        ours = (f"regressors.{t}" for t in range(MAX_ITERATIONS))
        layout.add_regressor("", backbone.out_channels, *ours)
    return layout
