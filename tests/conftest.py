"""What every room's tests share: the shipped body, the devices at hand, and a few people to pose it as."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from published import write_smpl_folder
from pymaf_pl.body import BodyModel, load_body
from pymaf_pl.geometry.rotation import rotmat_from_axis_angle

torch.set_num_threads(1)  # test processes share the cores; threads that wait for each other cost more than they give

People = Callable[..., tuple[Tensor, Tensor]]


@pytest.fixture(scope="session")
def body() -> BodyModel:
    """The licence-free body, in float32 on the CPU. Not to be moved or changed."""
    return load_body("open")


@pytest.fixture(params=["cpu"] + ["cuda"] * torch.cuda.is_available())
def device(request: pytest.FixtureRequest) -> torch.device:
    return torch.device(request.param)


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


@pytest.fixture(scope="session")
def people() -> People:
    """Make ``count`` people: (count, 24, 3, 3) rotations, the root's in any direction, and (count, 10) betas."""

    def make(count: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        pose = torch.randn(count, 24, 3, generator=generator, dtype=torch.float64) * 0.4
        pose[:, 0] *= 4
        betas = torch.randn(count, 10, generator=generator, dtype=torch.float64)
        return rotmat_from_axis_angle(pose).to(dtype), betas.to(dtype)

    return make


@pytest.fixture(scope="session")
def smpl_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped body as a user's folder of SMPL files; to be read only."""
    return write_smpl_folder(tmp_path_factory.mktemp("smpl_dir"))
