import pytest
import torch
from torch.nn import functional as F

from pymaf_pl.render import Light, directional_sh, face_incidence, sh_basis, shade, studio_light, vertex_normals


def unit_vectors(number, seed=0):
    return F.normalize(
        torch.randn(number, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64), dim=-1
    )


def flat_light(batch=1, brightness=1.0, specular=0.0):
    sh = torch.zeros(batch, 9, 3)
    sh[:, 0] = brightness
    return Light(sh, torch.tensor([[0.0, 0, -1]]).expand(batch, 3), specular=specular)


def test_incidence_lists_each_vertex_s_faces_and_pads_with_the_number_of_faces():
    incidence = face_incidence(torch.tensor([[0, 1, 2], [0, 2, 3]]), 5)
    assert incidence.tolist() == [[0, 1], [0, 2], [0, 1], [1, 2], [2, 2]]


def test_normals_of_a_sphere_point_away_from_its_centre(sphere, device):
    """Facets are 10 degrees wide, and averaging over them leaves less than 2 degrees."""
    vertices, faces = (values.to(device) for values in sphere)
    normals = vertex_normals(vertices.unsqueeze(0), faces, face_incidence(faces, len(vertices)))[0]
    assert (normals * vertices).sum(-1).min() > torch.cos(torch.deg2rad(torch.tensor(2.0)))


def test_normals_equal_the_sum_of_area_weighted_face_normals(soup):
    vertices, _ = soup(0, num_faces=30, dtype=torch.float64)
    faces = torch.randint(0, 90, (200, 3), generator=torch.Generator().manual_seed(0))
    faces = faces[faces.max(1).values < 89]  # the last vertex has no face
    corners = vertices[:, faces]
    face_normals = torch.linalg.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0])
    expected = torch.zeros_like(vertices)
    for corner in range(3):
        expected.index_add_(1, faces[:, corner], face_normals)
    normals = vertex_normals(vertices, faces, face_incidence(faces, 90))
    torch.testing.assert_close(normals, F.normalize(expected, dim=-1))
    assert (normals[:, 89] == 0).all()


def test_harmonics_are_orthogonal_over_the_sphere():
    """What makes lights add up without mixing: the Gram matrix of the nine functions is diagonal."""
    basis = sh_basis(unit_vectors(200_000))
    gram = basis.t() @ basis / len(basis)
    gram = gram / gram.diagonal().sqrt()[:, None] / gram.diagonal().sqrt()
    torch.testing.assert_close(gram, torch.eye(9, dtype=torch.float64), rtol=0, atol=0.01)  # 200,000 random normals


def test_a_lamp_s_irradiance_is_the_clamped_cosine_to_second_order():
    direction, normals = unit_vectors(50, seed=1), unit_vectors(400, seed=2)
    sh = directional_sh(direction, torch.ones_like(direction))
    irradiance = torch.einsum("pk,lkc->lpc", sh_basis(normals), sh)[..., 0]
    cosine = direction @ normals.t()
    torch.testing.assert_close(irradiance, 0.25 + 0.5 * cosine + 5 / 32 * (3 * cosine**2 - 1))
    # The truncated series is at most 3/32 = 0.094 off the clamped cosine, at right angles.
    assert (irradiance - cosine.clamp_min(0)).abs().max() <= 3 / 32 + 1e-12


def test_a_lamp_s_colour_scales_its_channels():
    direction = unit_vectors(1)
    sh = directional_sh(direction, torch.tensor([[1.0, 0.5, 0.0]], dtype=torch.float64))
    torch.testing.assert_close(sh[..., 1], 0.5 * sh[..., 0])
    assert (sh[..., 2] == 0).all()


def test_flat_light_of_one_shows_the_albedo():
    normals, albedo = unit_vectors(20).float(), torch.rand(20, 3)
    image = torch.zeros(20, dtype=torch.int64)
    torch.testing.assert_close(shade(normals, albedo, flat_light(), image), albedo)


def test_normals_shortened_by_interpolation_are_lit_as_unit_ones():
    normals, albedo = unit_vectors(20).float(), torch.rand(20, 3)
    image = torch.zeros(20, dtype=torch.int64)
    shortened = shade(normals * 0.3, albedo, studio_light(1), image)
    torch.testing.assert_close(shortened, shade(normals, albedo, studio_light(1), image))


def test_every_fragment_is_lit_by_the_light_of_its_image():
    light = Light(
        torch.cat([flat_light(brightness=0.5).sh, flat_light().sh]), flat_light(2).key_direction, specular=0.0
    )
    colours = shade(unit_vectors(2).float(), torch.full((2, 3), 0.6), light, torch.tensor([0, 1]))
    torch.testing.assert_close(colours, torch.tensor([[0.3] * 3, [0.6] * 3]))


def test_the_highlight_is_strongest_halfway_between_lamp_and_viewer():
    lamp = F.normalize(torch.tensor([[-1.0, -1, 0]]), dim=-1)
    light = Light(torch.zeros(1, 9, 3), lamp, specular=0.4, shininess=20.0)
    halfway = F.normalize(lamp + torch.tensor([[0.0, 0, -1]]), dim=-1)
    normals = torch.cat([halfway, unit_vectors(50).float()])
    colours = shade(normals, torch.zeros(51, 3), light, torch.zeros(51, dtype=torch.int64))
    torch.testing.assert_close(colours[0], torch.full((3,), 0.4))
    assert (colours[1:] <= 0.4).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_studio_light_models_without_burning_out(dtype):
    """Facing the viewer is well lit, up-left brightest, down-right darkest but not black."""
    light = studio_light(2, dtype=dtype)
    assert light.sh.shape == (2, 9, 3)
    assert light.sh.dtype == light.key_direction.dtype == dtype
    torch.testing.assert_close(light.key_direction.norm(dim=-1), torch.ones(2, dtype=dtype))
    normals = F.normalize(torch.tensor([[0.0, 0, -1], [-0.5, -0.6, -0.6], [0.4, 0.9, -0.2]], dtype=dtype), dim=-1)
    front, lit, dark = (sh_basis(normals) @ light.sh[0]).mean(-1).tolist()
    assert 0.7 < front < 1.0 < lit < 1.2
    assert 0.1 < dark < 0.5
