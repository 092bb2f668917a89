"""Meshes with known answers, and the slow renderer that the fast one must equal."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=NO_GPU)])
def device(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def soup() -> Callable[..., tuple[Tensor, Tensor]]:
    """Random triangles, a fifth of them reaching off a picture of ``size`` px."""

    def make(
        seed: int, num_faces: int = 200, size: float = 32.0, batch: int = 3, dtype: torch.dtype = torch.float32
    ) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        centres = torch.rand(batch, num_faces, 1, 3, generator=generator, dtype=dtype) * size * 1.4 - size * 0.2
        spread = torch.randn(batch, num_faces, 3, 3, generator=generator, dtype=dtype)
        vertices = centres + spread * torch.tensor([4.0, 4.0, 3.0], dtype=dtype)
        return vertices.reshape(batch, 3 * num_faces, 3), torch.arange(3 * num_faces).view(num_faces, 3)

    return make


@pytest.fixture
def brute_force() -> Callable[..., Tensor]:
    """Every pixel against every face in float64, without boxes or codes; nearest wins, ties to the lowest id."""

    def face_ids(screen_vertices: Tensor, faces: Tensor, height: int, width: int) -> Tensor:
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        centres = torch.stack([columns, rows], -1).double() + 0.5
        pictures = []
        for triangles in screen_vertices.double()[:, faces]:
            x, y = (triangles[:, :, None, None, :2] - centres).unbind(-1)
            areas = torch.stack([x[:, i] * y[:, j] - y[:, i] * x[:, j] for i, j in ((1, 2), (2, 0), (0, 1))])
            total = areas.sum(0)
            inside = ((areas >= 0).all(0) | (areas <= 0).all(0)) & (total != 0)
            depth = (areas * triangles[:, :, 2].t()[:, :, None, None]).sum(0) / total
            nearest = torch.where(inside, depth, torch.inf).min(0)
            pictures.append(torch.where(nearest.values.isinf(), -1, nearest.indices))
        return torch.stack(pictures)

    return face_ids


@pytest.fixture
def sphere() -> tuple[Tensor, Tensor]:
    """A closed unit sphere in camera axes, faces counter-clockwise from outside."""
    rings, sectors = 24, 32
    polar = torch.linspace(0, torch.pi, rings + 1)[1:-1]
    around = torch.arange(sectors) * (2 * torch.pi / sectors)
    body = torch.stack(
        [
            torch.outer(polar.sin(), around.cos()),
            polar.cos()[:, None].expand(-1, sectors),
            torch.outer(polar.sin(), around.sin()),
        ],
        dim=-1,
    ).reshape(-1, 3)
    vertices = torch.cat([body, torch.tensor([[0.0, 1, 0], [0, -1, 0]])])
    first_pole, second_pole = len(body), len(body) + 1
    faces = []
    for sector in range(sectors):
        right = (sector + 1) % sectors
        faces.append((first_pole, right, sector))
        for ring in range(rings - 2):
            here, below = ring * sectors, (ring + 1) * sectors
            faces += [(here + sector, here + right, below + sector), (here + right, below + right, below + sector)]
        last = (rings - 2) * sectors
        faces.append((second_pole, last + sector, last + right))
    return vertices, torch.tensor(faces)
