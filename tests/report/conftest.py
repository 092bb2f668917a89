"""People made from the open body: other shapes and a turn per iteration, no network involved."""

from importlib import resources

import numpy as np
import pytest

from pymaf_pl.report import PersonView


@pytest.fixture(scope="session")
def body() -> dict[str, np.ndarray]:
    with resources.files("pymaf_pl.body").joinpath("assets/open_body.npz").open("rb") as file, np.load(file) as data:
        return {
            "faces": data["faces"],
            "template": data["neutral_v_template"].astype(np.float64) * [1, -1, -1],
            "shapes": data["neutral_shapedirs"].astype(np.float64) * [[[1], [-1], [-1]]],
        }


@pytest.fixture(scope="session")
def make_meshes(body):
    """Meshes (N, V, 3): the mean body first, then ever closer to somebody who has turned and has another shape."""

    def make(count: int, seed: int = 0) -> np.ndarray:
        random = np.random.default_rng(seed)
        betas, turn = random.normal(size=10), random.uniform(-1.5, 1.5)
        meshes = []
        for share in 1 - 0.3 ** np.arange(count):
            cos, sin = np.cos(share * turn), np.sin(share * turn)
            rotation = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
            bend = 0.1 * share * np.sin(3 * body["template"][:, 1:2]) * [1, 0, 0.5]
            meshes.append((body["template"] + body["shapes"] @ (share * betas) + bend) @ rotation.T)
        return np.stack(meshes)

    return make


@pytest.fixture
def make_person(make_meshes):
    def make(name: str = "runner", iterations: int = 4, seed: int = 0, mesh: bool = True, size: int = 192, **changes):
        random = np.random.default_rng(seed)
        smooth = np.linspace(0, 200, size)[:, None, None] + np.linspace(0, 55, size)[None, :, None] + np.zeros(3)
        photo = (smooth + random.normal(0, 3, smooth.shape)).clip(0, 255).astype(np.uint8)
        vertices = make_meshes(iterations + 1, seed) if mesh else None
        given = {
            "photo": photo,
            "overlays": [np.roll(photo, 9 * n, axis=0) for n in range(iterations)],
            "vertices": None if vertices is None else vertices[:-1],
            "target_vertices": None if vertices is None else vertices[-1],
            "figures": [{"MPJPE mm": 200.25 / (n + 1), "PA-MPJPE mm": 120.5 / (n + 1)} for n in range(iterations)],
        }
        return PersonView(name, **(given | changes))

    return make
