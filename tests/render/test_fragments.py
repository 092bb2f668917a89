import pytest
import torch

from pymaf_pl.render import fragments, interpolate, interpolate_corners, splat

FOCAL, SIZE = 40.0, 48


@pytest.fixture
def slanted_scene():
    """Thirty triangles from 2 to 9 deep before a wide-angle camera: (1, V, 3) float64 in camera axes, and faces."""
    generator = torch.Generator().manual_seed(3)
    depth = torch.rand(30, 3, generator=generator, dtype=torch.float64) * 7 + 2
    tangent = torch.rand(30, 1, 2, generator=generator, dtype=torch.float64) * 1.2 - 0.6
    tangent = tangent + torch.randn(30, 3, 2, generator=generator, dtype=torch.float64) * 0.25
    camera_vertices = torch.cat([tangent * depth[..., None], depth[..., None]], dim=-1)
    return camera_vertices.view(1, 90, 3), torch.arange(90).view(30, 3)


def project(camera_vertices):
    depth = camera_vertices[..., 2]
    xy = FOCAL * camera_vertices[..., :2] / depth[..., None] + SIZE / 2
    return torch.cat([xy, torch.zeros_like(depth)[..., None]], dim=-1), depth


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_interpolated_position_is_the_pixel_centre(soup, dtype, device):
    vertices, faces = (values.to(device) for values in soup(2, dtype=dtype))
    covered = fragments(vertices, faces, 24, 32)
    position = interpolate(covered, vertices)[:, :2]
    centre = torch.stack([covered.pixel % 32, covered.pixel // 32 % 24], 1) + 0.5
    assert position.dtype == dtype
    # float32: slivers have barycentrics near 1 on edges tens of pixels long, so 32 px x 1e-7 x a few.
    torch.testing.assert_close(position, centre.to(dtype), rtol=0, atol=5e-5 if dtype == torch.float32 else 1e-9)


def test_fragments_are_the_covered_pixels_with_their_image_and_face(soup, brute_force):
    vertices, faces = soup(3)
    covered = fragments(vertices, faces, 24, 32)
    face_ids = brute_force(vertices, faces, 24, 32)
    assert covered.shape == (3, 24, 32)
    assert torch.equal(covered.pixel, (face_ids.flatten() >= 0).nonzero().squeeze(1))
    assert torch.equal(covered.face, face_ids.flatten()[covered.pixel])
    assert torch.equal(covered.image, covered.pixel // (24 * 32))
    assert torch.equal(covered.corners - covered.image[:, None] * vertices.shape[1], faces[covered.face])
    torch.testing.assert_close(covered.barycentric.sum(1), torch.ones(len(covered.pixel)))
    assert covered.barycentric.min() > -1e-6


def test_slivers_are_located_exactly():
    """20,000 px long and 0.002 px wide: in float32 products of 4 x 10^8 would drown its area of 40."""
    vertices = torch.tensor([[[0.5, 0.5, 1.0], [20000.5, 20000.5, 1], [20000.5, 20000.502, 1]]])
    covered = fragments(vertices, torch.tensor([[0, 1, 2]]), 64, 64)
    diagonal = torch.arange(64)
    assert torch.equal(covered.pixel, diagonal * 65)
    # The centres lie on the edge between the first two corners, i / 20000 of the way along.
    expected = torch.stack([1 - diagonal / 20000, diagonal / 20000, torch.zeros(64)], 1)
    torch.testing.assert_close(covered.barycentric, expected)


def test_perspective_decides_visibility_and_attributes_as_rays_in_space_do(slanted_scene):
    camera_vertices, faces = slanted_scene
    screen_vertices, depth = project(camera_vertices)
    covered = fragments(screen_vertices, faces, SIZE, SIZE, depth)

    rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    rays = torch.stack([columns, rows, torch.full_like(rows, 0)], -1).double()
    rays = torch.cat([(rays[..., :2] + 0.5 - SIZE / 2) / FOCAL, torch.ones(SIZE, SIZE, 1).double()], -1).view(-1, 3)
    # A ray t * d meets a triangle with corners A where A^T w = d has w >= 0; then t = 1 / sum(w), and z = t.
    shares = torch.linalg.solve(camera_vertices[0, faces].transpose(1, 2), rays.t())  # (F, 3, pixels)
    ray_depth = torch.where((shares >= 0).all(1), 1 / shares.sum(1), torch.inf)
    nearest = ray_depth.min(0)
    hit = nearest.values.isfinite()
    assert hit.sum() > 800
    assert torch.equal(covered.pixel, hit.nonzero().squeeze(1))
    assert torch.equal(covered.face, nearest.indices[hit])

    position = interpolate(covered, camera_vertices)
    torch.testing.assert_close(position, rays[hit] * nearest.values[hit, None], rtol=0, atol=1e-9)


def test_without_depth_attributes_are_linear_on_the_screen(slanted_scene):
    """What perspective correction is for: the same scene read linearly is off by whole units of depth."""
    camera_vertices, faces = slanted_scene
    screen_vertices, depth = project(camera_vertices)
    screen_vertices = torch.cat([screen_vertices[..., :2], -1 / depth[..., None]], -1)
    linear = interpolate(fragments(screen_vertices, faces, SIZE, SIZE), camera_vertices)[:, 2]
    exact = interpolate(fragments(screen_vertices, faces, SIZE, SIZE, depth), camera_vertices)[:, 2]
    assert 0.5 < (linear - exact).abs().max() < 7


def test_faces_that_reach_behind_the_camera_are_left_out(slanted_scene):
    camera_vertices, faces = slanted_scene
    screen_vertices, depth = project(camera_vertices)
    depth = depth.clone()
    depth[0, 0], depth[0, 5] = 0, -2
    covered = fragments(screen_vertices, faces, SIZE, SIZE, depth)
    assert not torch.isin(covered.face, torch.tensor([0, 1])).any()
    assert covered.barycentric.isfinite().all()


def test_depth_of_another_shape_is_refused(slanted_scene):
    screen_vertices, depth = project(slanted_scene[0])
    with pytest.raises(ValueError, match=r"depth must be \(B, V\)"):
        fragments(screen_vertices, slanted_scene[1], SIZE, SIZE, depth[0])


@pytest.mark.parametrize("perspective", [False, True])
def test_gradient_in_the_vertices_equals_finite_differences(perspective):
    """Inside one face, in x, y, depth and the attribute itself; 1e-6 px moves no pixel to another face."""
    vertices = torch.tensor([[[0.3, 0.2, 1], [7.6, 0.9, 2], [1.1, 7.7, 3]]], dtype=torch.float64, requires_grad=True)
    depth = torch.tensor([[1.0, 2, 4]], dtype=torch.float64, requires_grad=True) if perspective else None
    attribute = torch.tensor([[[1.0, -2], [5, 3], [2, 8]]], dtype=torch.float64, requires_grad=True)

    def read(vertices, attribute, *depth):
        return interpolate(fragments(vertices, torch.tensor([[0, 1, 2]]), 8, 8, *depth), attribute)

    assert torch.autograd.gradcheck(read, (vertices, attribute, *([depth] if perspective else [])))


def test_attributes_may_be_shared_by_the_batch(soup):
    vertices, faces = soup(4)
    covered = fragments(vertices, faces, 32, 32)
    shared = torch.rand(vertices.shape[1], 5)
    assert torch.equal(interpolate(covered, shared), interpolate(covered, shared.expand(3, -1, -1)))


def test_corner_attributes_equal_vertex_attributes_where_there_is_no_seam(soup):
    vertices, faces = soup(4)
    covered = fragments(vertices, faces, 32, 32)
    shared = torch.rand(vertices.shape[1], 2)
    torch.testing.assert_close(interpolate_corners(covered, shared[faces]), interpolate(covered, shared))


def test_splat_puts_values_at_their_pixels_and_fill_elsewhere():
    """A right triangle over the pixels of a 3 x 4 picture with column + row < 2, edges included."""
    vertices = torch.tensor([[[0.0, 0, 1], [2.5, 0, 1], [0, 2.5, 1]]])
    covered = fragments(vertices, torch.tensor([[0, 1, 2]]), 3, 4)
    picture = splat(covered, torch.stack([covered.pixel.float(), -covered.pixel.float()], 1), fill=7.0)
    expected = torch.tensor([[0.0, 1, 7, 7], [4, 7, 7, 7], [7, 7, 7, 7]])
    assert torch.equal(picture[0, 0], expected)
    assert torch.equal(picture[0, 1], torch.where(expected == 7, expected, -expected))


def test_splat_passes_gradients_to_the_values(soup):
    vertices, faces = soup(5)
    covered = fragments(vertices, faces, 16, 16)
    values = torch.rand(len(covered.pixel), 2, requires_grad=True)
    splat(covered, values).sum().backward()
    assert torch.equal(values.grad, torch.ones_like(values))
