import importlib

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from pymaf_pl.render import fragments, rasterize, render_iuv

# The package exports a function of the same name, so attribute access would not find the module.
rasterize_module = importlib.import_module("pymaf_pl.render.rasterize")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("seed", range(4))
def test_equals_brute_force_on_a_triangle_soup(soup, brute_force, device, seed, dtype):
    vertices, faces = soup(seed, dtype=dtype)
    face_ids = rasterize(vertices.to(device), faces.to(device), 24, 32)
    assert face_ids.dtype == torch.int64
    assert torch.equal(face_ids.cpu(), brute_force(vertices, faces, 24, 32))


def test_equals_brute_force_on_slivers(soup, brute_force):
    """Triangles a hundredth of a pixel wide cover few centres, all decided by the exact edge test."""
    vertices, faces = soup(5, num_faces=300)
    vertices[:, 2::3, :2] = vertices[:, 1::3, :2] + 0.01
    face_ids = rasterize(vertices, faces, 32, 32)
    assert 10 < (face_ids >= 0).sum() < 500
    assert torch.equal(face_ids, brute_force(vertices, faces, 32, 32))


def test_a_triangulated_plane_has_no_hole(device):
    """Jittered, and with every fifth vertex on a pixel centre, where four to eight faces meet at one sample."""
    generator = torch.Generator().manual_seed(0)
    side = 12
    y, x = torch.meshgrid(torch.linspace(-2, 34, side), torch.linspace(-2, 34, side), indexing="ij")
    vertices = torch.stack([x, y, torch.zeros_like(x)], -1).reshape(1, -1, 3)
    vertices[..., :2] += torch.randn(1, side * side, 2, generator=generator) * 0.3
    vertices[0, ::5, :2] = vertices[0, ::5, :2].round() + 0.5
    corner = (torch.arange(side - 1)[:, None] * side + torch.arange(side - 1)).flatten()
    faces = torch.cat(
        [
            torch.stack([corner, corner + 1, corner + side], 1),
            torch.stack([corner + 1, corner + side + 1, corner + side], 1),
        ]
    )
    assert (rasterize(vertices.to(device), faces.to(device), 32, 32) >= 0).all()


@pytest.mark.parametrize("winding", [[0, 1, 2], [0, 2, 1]])
def test_edges_and_corners_on_pixel_centres_belong_to_the_face(winding):
    """Corners on the centres of pixels (0, 0), (2, 0) and (0, 2): six pixels, whichever way the face turns."""
    vertices = torch.tensor([[[0.5, 0.5, 1], [2.5, 0.5, 1], [0.5, 2.5, 1]]])
    covered = rasterize(vertices, torch.tensor([winding]), 4, 4)[0] >= 0
    assert torch.equal(covered.int(), torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]))


def test_off_screen_and_degenerate_faces_leave_the_picture_empty():
    vertices = torch.tensor(
        [[[-50.0, -50, 1], [-40, -50, 1], [-45, -40, 1], [3.5, 3.5, 1], [3.5, 3.5, 1], [5.5, 5.5, 1]]]
    )
    assert (rasterize(vertices, torch.tensor([[0, 1, 2], [3, 4, 5]]), 8, 8) == -1).all()


def test_no_faces_or_no_images_is_an_empty_picture():
    assert (rasterize(torch.zeros(2, 3, 3), torch.zeros(0, 3, dtype=torch.int64), 4, 5) == -1).all()
    assert rasterize(torch.zeros(0, 3, 3), torch.tensor([[0, 1, 2]]), 4, 5).shape == (0, 4, 5)


def test_coincident_faces_go_to_the_lowest_id():
    vertices = torch.tensor([[[0.0, 0, 1], [8, 0, 2], [0, 8, 3]]])
    face_ids = rasterize(vertices, torch.tensor([[1, 2, 0], [0, 1, 2], [2, 0, 1]]), 8, 8)
    assert face_ids.max() == 0


def test_a_vertex_that_is_not_finite_removes_its_faces_and_nothing_else(soup, brute_force):
    vertices, faces = soup(6, num_faces=60)
    broken = vertices.clone()
    broken[0, 0, 0], broken[0, 4, 1], broken[0, 8, 2] = torch.nan, torch.inf, -torch.inf
    face_ids = rasterize(broken, faces, 32, 32)
    kept = rasterize(vertices, faces[3:], 32, 32)
    assert torch.equal(face_ids[0], torch.where(kept[0] >= 0, kept[0] + 3, -1))
    assert torch.equal(face_ids[1:], brute_force(vertices[1:], faces, 32, 32))


def test_an_image_alone_equals_the_image_in_a_batch(soup):
    """Even beside an image whose depth range is 10^12 times larger: depth is quantised image by image."""
    vertices, faces = soup(7)
    vertices[1, :, 2] *= 1e12
    together = rasterize(vertices, faces, 32, 32)
    for image in range(3):
        assert torch.equal(rasterize(vertices[image : image + 1], faces, 32, 32)[0], together[image])


@pytest.mark.parametrize("cull", [False, True])
def test_splitting_the_work_does_not_change_the_result(soup, monkeypatch, cull):
    vertices, faces = soup(8, batch=5)
    whole = rasterize(vertices, faces, 32, 32, cull=cull)
    monkeypatch.setattr(rasterize_module, "_CANDIDATES_PER_PASS", (700, 700))
    monkeypatch.setattr(rasterize_module, "_LATTICE_CODES_PER_CHUNK", (450, 450))
    assert torch.equal(rasterize(vertices, faces, 32, 32, cull=cull), whole)


def test_passes_are_bounded_and_miss_nothing():
    """A part holds at most its budget plus the one triangle that crosses the limit."""
    num_pixels = torch.randint(0, 50, (1000,), generator=torch.Generator().manual_seed(0))
    num_pixels[500] = 5000  # one face larger than a whole budget
    windows = list(rasterize_module._passes(num_pixels, 300))
    parts = [num_pixels[window] for window in windows]
    assert torch.equal(torch.cat(parts), num_pixels)
    assert all(part.sum() <= 300 + part.max() for part in parts if part.numel())
    assert list(rasterize_module._passes(num_pixels, 10**6)) == [slice(0, None)]


def test_culling_does_not_change_the_picture_of_a_closed_surface(sphere):
    vertices, faces = sphere
    screen = (vertices * torch.tensor([20.0, 20, 1]) + torch.tensor([24.0, 24, 0])).unsqueeze(0)
    assert torch.equal(rasterize(screen, faces, 48, 48, cull=True), rasterize(screen, faces, 48, 48))
    inside_out = rasterize(screen, faces.flip(1), 48, 48, cull=True)
    assert (vertices[faces[inside_out[inside_out >= 0]], 2].mean(1) > 0).all()  # only the far side is left


def test_the_widest_picture_is_covered_to_its_end():
    """Lattice codes beyond 2^15 set the sign bit of the packed int32; they must still count as different."""
    width = rasterize_module.MAX_SIDE
    vertices = torch.tensor(
        [[[-1.0, -1, 1], [2.0 * width, -1, 1], [-1, 9, 1], [16380, 0, 0], [16390, 0, 0], [16380, 4, 0]]]
    )
    face_ids = rasterize(vertices, torch.tensor([[0, 1, 2], [3, 4, 5]]), 2, width)
    assert (face_ids >= 0).all()
    assert (face_ids[0, 0] == 1).nonzero().flatten().tolist() == list(range(16380, 16389))


def test_works_on_no_device_but_its_own(monkeypatch):
    """Fake CUDA tensors run every operator's device check without a GPU."""
    # How many passes there are depends on data that fake tensors do not have.
    monkeypatch.setattr(rasterize_module, "_passes", lambda num_pixels, budget: [slice(0, None)])
    with FakeTensorMode(shape_env=ShapeEnv()):
        vertices = torch.empty(4, 600, 3, device="cuda")
        faces = torch.zeros(200, 3, dtype=torch.int64, device="cuda")
        for cull in (False, True):
            face_ids = rasterize(vertices, faces, 56, 48, cull=cull)
            assert face_ids.device.type == "cuda"
            assert face_ids.shape == (4, 56, 48)
        covered = fragments(vertices, faces, 56, 56, torch.empty(4, 600, device="cuda"))
        assert {values.device.type for values in covered[:5]} == {"cuda"}
        part, uv = faces[:, 0], torch.empty(200, 3, 2, device="cuda")
        assert render_iuv(vertices, faces, part, uv, 56).device.type == "cuda"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_cuda_equals_cpu_bit_for_bit(soup):
    vertices, faces = soup(9, num_faces=2000, size=128.0, batch=8)
    assert torch.equal(rasterize(vertices, faces, 128, 128), rasterize(vertices.cuda(), faces.cuda(), 128, 128).cpu())


def test_runs_in_deterministic_mode(soup, device):
    vertices, faces = (values.to(device) for values in soup(1))
    expected = rasterize(vertices, faces, 32, 32)
    torch.use_deterministic_algorithms(True)
    try:
        assert torch.equal(rasterize(vertices, faces, 32, 32), expected)
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize(
    ("vertices", "faces", "size", "message"),
    [
        (torch.zeros(3, 3), torch.zeros(1, 3, dtype=torch.int64), (8, 8), r"screen_vertices must be \(B, V, 3\)"),
        (torch.zeros(1, 3, 2), torch.zeros(1, 3, dtype=torch.int64), (8, 8), r"screen_vertices must be \(B, V, 3\)"),
        (torch.zeros(1, 3, 3).half(), torch.zeros(1, 3, dtype=torch.int64), (8, 8), "float32 or float64"),
        (torch.zeros(1, 3, 3), torch.zeros(1, 4, dtype=torch.int64), (8, 8), r"faces must be \(F, 3\)"),
        (torch.zeros(1, 3, 3), torch.zeros(1, 3, dtype=torch.int32), (8, 8), "faces must be int64"),
        (torch.zeros(1, 3, 3), torch.zeros(1, 3, dtype=torch.int64).expand(2**20 + 1, 3), (8, 8), "1048576 faces"),
        (torch.zeros(1, 3, 3), torch.zeros(1, 3, dtype=torch.int64), (8, 32768), "32767 px"),
        (torch.zeros(1, 3, 3), torch.zeros(1, 3, dtype=torch.int64), (0, 8), "32767 px"),
    ],
)
def test_says_what_is_wrong_with_its_input(vertices, faces, size, message):
    with pytest.raises(ValueError, match=message):
        rasterize(vertices, faces, *size)
