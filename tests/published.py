"""The published checkpoints with made-up weights, from a table of names and shapes that is written out here."""

import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pymaf_pl.body.files import read_open_body

Shape = tuple[int, ...]
Table = dict[str, Shape]
Weights = dict[str, Tensor]


def resnet50_table(prefix: str) -> Iterator[tuple[str, Shape]]:
    """torchvision's ResNet-50 without fc: 318 keys."""

    def norm(name: str, channels: int) -> Iterator[tuple[str, Shape]]:
        for last in ("weight", "bias", "running_mean", "running_var"):
            yield f"{prefix}{name}.{last}", (channels,)
        yield f"{prefix}{name}.num_batches_tracked", ()

    yield f"{prefix}conv1.weight", (64, 3, 7, 7)
    yield from norm("bn1", 64)
    channels = 64
    for stage, (count, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), start=1):
        for i in range(count):
            name = f"layer{stage}.{i}"
            shapes = ((width, channels, 1, 1), (width, width, 3, 3), (4 * width, width, 1, 1))
            for j, shape in enumerate(shapes, start=1):
                yield f"{prefix}{name}.conv{j}.weight", shape
                yield from norm(f"{name}.bn{j}", shape[0])
            if i == 0:
                yield f"{prefix}{name}.downsample.0.weight", (4 * width, channels, 1, 1)
                yield from norm(f"{name}.downsample.1", 4 * width)
            channels = 4 * width


def regressor_table(prefix: str, features: int) -> Iterator[tuple[str, Shape]]:
    for name, size in (("init_pose", 144), ("init_shape", 10), ("init_cam", 3)):
        yield f"{prefix}{name}", (1, size)
    linear = (("fc1", 1024, features + 157), ("fc2", 1024, 1024), ("decpose", 144, 1024), ("decshape", 10, 1024),
              ("deccam", 3, 1024))  # fmt: skip
    for name, out, into in linear:
        yield f"{prefix}{name}.weight", (out, into)
        yield f"{prefix}{name}.bias", (out,)


SMPL_TABLE: Table = {
    "betas": (64, 10), "global_orient": (64, 3), "body_pose": (64, 69), "shapedirs": (6890, 3, 10),
    "faces_tensor": (13776, 3), "v_template": (6890, 3), "J_regressor": (24, 6890), "posedirs": (207, 20670),
    "parents": (24,), "lbs_weights": (6890, 24), "vertex_joint_selector.extra_joints_idxs": (21,),
    "J_regressor_extra": (9, 6890),
}  # fmt: skip
HEADS = ("decpose.weight", "decshape.weight", "deccam.weight")
INTEGERS = ("num_batches_tracked", "faces_tensor", "parents", "extra_joints_idxs")


def pymaf_table() -> Table:
    """All 441 keys."""
    table: Table = dict(resnet50_table("feature_extractor."))
    table["points_grid"] = (1, 2, 441)
    for i, channels in ((0, 2048), (3, 256), (6, 256)):
        table[f"deconv_layers.{i}.weight"] = (channels, 256, 4, 4)
        for last in ("weight", "bias", "running_mean", "running_var"):
            table[f"deconv_layers.{i + 1}.{last}"] = (256,)
        table[f"deconv_layers.{i + 1}.num_batches_tracked"] = ()
    for t in range(3):
        for name, out, into in (("conv0", 128, 256), ("conv1", 64, 384), ("conv2", 5, 320)):
            table[f"maf_extractor.{t}.{name}.weight"] = (out, into, 1)
            table[f"maf_extractor.{t}.{name}.bias"] = (out,)
        table[f"maf_extractor.{t}.Dmap"] = (431, 6890)
        table |= regressor_table(f"regressor.{t}.", 2155 if t else 2205)
        table |= {f"regressor.{t}.smpl.{name}": shape for name, shape in SMPL_TABLE.items()}
    for name, out in (("predict_u", 25), ("predict_v", 25), ("predict_uv_index", 25), ("predict_ann_index", 15)):
        table[f"dp_head.{name}.weight"] = (out, 256, 3, 3)
        table[f"dp_head.{name}.bias"] = (out,)
    return table


def spin_table() -> Table:
    """All 331 keys."""
    return dict(resnet50_table("")) | dict(regressor_table("", 2048))


def noise(key: str, shape: Shape, seed: int, thin: bool) -> Tensor:
    """Numbers of a size that keeps all activations near one.

    ``thin`` ones differ along the first axis only and need next to no memory, also in a file.
    """
    generator = torch.Generator().manual_seed(zlib.crc32(key.encode()) + seed)
    last = key.rsplit(".", 1)[-1]
    if last in INTEGERS:
        return torch.randint(0, 24, shape, generator=generator)
    values = torch.randn(shape[:1] if thin else shape, generator=generator)
    if last == "running_var":
        return values.abs() + 0.5
    if last in ("running_mean", "bias") or len(shape) == 1:
        residual = ".bn3.weight" in key  # or sixteen sums in a row grow without bound
        return 0.1 * values + float(last == "weight") * (0.3 if residual else 1.0)
    small = 0.03 if key.endswith(HEADS) else 1.0  # the body stays in the picture
    fan_in = int(np.prod(shape[1:]))
    values = values * small * (1 / fan_in if thin else (2 / fan_in) ** 0.5)
    return values.view(-1, *[1] * (len(shape) - 1)).expand(shape) if thin else values


@cache
def make(kind: str, seed: int, thin: bool) -> Weights:
    table, vertices = pymaf_table() if kind == "pymaf" else spin_table(), picked()
    weights = {key: noise(key, shape, seed, thin) for key, shape in table.items()}
    axis = torch.linspace(-1, 1, 21)
    mean = torch.cat([
        torch.tensor([1.0, 0, 0, -1, 0, 0]), torch.tensor([1.0, 0, 0, 1, 0, 0]).repeat(23),
        0.3 * torch.randn(10, generator=torch.Generator().manual_seed(seed)), torch.tensor([0.9, 0.05, -0.1]),
    ])[None]  # fmt: skip
    grid = torch.tensor([[float(axis[k // 21]) for k in range(441)], [float(axis[k % 21]) for k in range(441)]])
    dmap = torch.zeros(431, 6890).index_put_((torch.arange(431), torch.tensor(vertices)), torch.tensor(1.0))
    known = {
        "init_pose": mean[:, :144], "init_shape": mean[:, 144:154], "init_cam": mean[:, 154:],
        "points_grid": grid[None], "Dmap": dmap, "faces_tensor": torch.from_numpy(read_open_body().faces),
        **{name: torch.zeros(SMPL_TABLE[name]) for name in ("betas", "global_orient", "body_pose")},
    }  # fmt: skip
    return {key: known.get(key.rsplit(".", 1)[-1], value) for key, value in weights.items()}


def picked() -> list[int]:
    """431 vertices in no particular order, since the file's own order counts."""
    return np.random.default_rng(0).permutation(6890)[:431].tolist()


def published_pymaf(seed: int = 0, thin: bool = True) -> dict[str, Any]:
    """Make ``{"model": 441 keys}``, trained on a body of the shipped one's topology. Tensors are not to be changed."""
    return {"model": dict((make if thin else make.__wrapped__)("pymaf", seed, thin))}


def published_spin(seed: int = 0, thin: bool = True) -> dict[str, Any]:
    """Make ``{"model": 331 keys}``. Tensors are not to be changed."""
    return {"model": dict((make if thin else make.__wrapped__)("spin", seed, thin))}


def write_smpl_folder(folder: Path) -> Path:
    """Write the shipped body as a user's folder of SMPL files."""
    a = read_open_body()
    np.savez(
        folder / "SMPL_NEUTRAL.npz", v_template=a.v_template, shapedirs=a.shapedirs, posedirs=a.posedirs,
        J_regressor=a.j_regressor, weights=a.weights, f=a.faces.astype(np.uint32),
    )  # fmt: skip
    np.save(folder / "J_regressor_extra.npy", a.extra_regressor)
    np.save(folder / "J_regressor_h36m.npy", a.h36m_regressor)
    return folder
