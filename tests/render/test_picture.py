import pytest
import torch

from pymaf_pl.render import (
    Light,
    composite,
    face_incidence,
    render_picture,
    render_picture_fast,
    render_silhouette,
    studio_light,
)

RENDERERS = [render_picture, render_picture_fast]


@pytest.fixture
def flat_light():
    sh = torch.zeros(1, 9, 3)
    sh[:, 0] = 1
    return Light(sh, torch.tensor([[0.0, 0, -1]]), specular=0.0)


@pytest.fixture
def ball(sphere):
    """A ball of 20 px on a picture 40 high and 56 wide: screen vertices, camera vertices, faces."""
    vertices, faces = sphere
    return (vertices * 16 + torch.tensor([30.0, 18, 40])).unsqueeze(0), vertices.unsqueeze(0), faces


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("supersampling", [1, 4])
def test_alpha_is_the_covered_share_of_a_slanted_half_plane(renderer, supersampling, flat_light):
    """x < 6.3 + 0.37 y. With s samples to a row an edge is off by at most half a sample, 1 / 2s of a pixel."""
    slope, start, size = 0.37, 6.3, 16
    vertices = torch.tensor(
        [[[-100.0, -100, 1], [start - 100 * slope, -100, 1], [start + 200 * slope, 200, 1], [-100, 200, 1]]]
    )
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    picture = renderer(
        vertices, vertices, faces, torch.full((4, 3), 0.5), flat_light, size, size, supersampling=supersampling
    )
    rows = (torch.arange(size * 1000) + 0.5) / 1000
    covered = (start + slope * rows[:, None] - torch.arange(size)).clamp(0, 1).view(size, 1000, size).mean(1)
    error = (picture.alpha[0, 0] - covered).abs()
    assert error.max() <= 0.5 / supersampling + 1e-3
    torch.testing.assert_close(picture.rgb, 0.5 * picture.alpha.expand(1, 3, size, size))  # premultiplied


@pytest.mark.parametrize("renderer", RENDERERS)
def test_without_supersampling_alpha_is_the_silhouette(renderer, ball, flat_light):
    screen, camera, faces = ball
    picture = renderer(screen, camera, faces, torch.ones(len(camera[0]), 3), flat_light, 40, 56, supersampling=1)
    assert picture.rgb.shape == (1, 3, 40, 56)
    assert torch.equal(picture.alpha[:, 0] == 1, render_silhouette(screen, faces, 40, 56))


def test_shading_once_to_a_pixel_has_the_same_coverage_and_nearly_the_same_colours(ball):
    screen, camera, faces = ball
    albedo = camera[0] * 0.3 + 0.5
    arguments = (screen, camera, faces, albedo, studio_light(1), 40, 56)
    full = render_picture(*arguments, supersampling=2)
    fast = render_picture_fast(*arguments, supersampling=2)
    assert torch.equal(full.alpha, fast.alpha)
    whole = (full.alpha == 1).expand_as(full.rgb)
    assert (full.rgb - fast.rgb)[whole].abs().max() < 0.03  # one sample against the mean of four, half a pixel apart


@pytest.mark.parametrize("renderer", RENDERERS)
def test_light_makes_the_upper_left_brighter_than_the_lower_right(renderer, ball):
    screen, camera, faces = ball
    picture = renderer(screen, camera, faces, torch.full((len(camera[0]), 3), 0.7), studio_light(1), 40, 56)
    upper_left, lower_right = picture.rgb[0, :, 8, 20].mean(), picture.rgb[0, :, 28, 40].mean()
    assert upper_left > 1.5 * lower_right


@pytest.mark.parametrize("renderer", RENDERERS)
def test_each_image_has_its_own_albedo_and_light(renderer, ball):
    screen, camera, faces = ball
    albedo = torch.stack([torch.full((len(camera[0]), 3), value) for value in (0.2, 0.9)])
    two = Light(studio_light(2).sh * torch.tensor([1.0, 0.5]).view(2, 1, 1), studio_light(2).key_direction, 0.0)
    pictures = renderer(screen.expand(2, -1, -1), camera.expand(2, -1, -1), faces, albedo, two, 40, 56)
    for image in range(2):
        light = Light(two.sh[image : image + 1], two.key_direction[:1], 0.0)
        alone = renderer(screen, camera, faces, albedo[image], light, 40, 56)
        torch.testing.assert_close(pictures.rgb[image], alone.rgb[0])


@pytest.mark.parametrize("renderer", RENDERERS)
def test_incidence_given_or_computed_makes_no_difference(renderer, ball):
    screen, camera, faces = ball
    arguments = (screen, camera, faces, torch.ones(len(camera[0]), 3), studio_light(1), 40, 56)
    given = renderer(*arguments, incidence=face_incidence(faces, camera.shape[1]))
    assert torch.equal(given.rgb, renderer(*arguments).rgb)


def test_shading_once_to_a_pixel_does_not_extrapolate_beyond_thin_faces(flat_light):
    """Fans of slivers with random colours from 0.2 to 0.8: no pixel may leave that range."""
    generator = torch.Generator().manual_seed(0)
    angles = torch.linspace(0, 2 * torch.pi, 401)[:-1]
    rim = torch.stack([16 + 15 * angles.cos(), 16 + 15 * angles.sin(), torch.zeros(400)], -1)
    vertices = torch.cat([torch.tensor([[16.2, 16.3, 0]]), rim]).unsqueeze(0)
    ring = torch.arange(400)
    faces = torch.stack([torch.zeros_like(ring), ring + 1, (ring + 1) % 400 + 1], 1)
    albedo = torch.rand(401, 3, generator=generator) * 0.6 + 0.2
    picture = render_picture_fast(vertices, vertices, faces, albedo, flat_light, 32, 32)
    seen = (picture.rgb / picture.alpha.clamp_min(0.25))[(picture.alpha > 0).expand_as(picture.rgb)]
    assert seen.min() > 0.2 - 1e-5
    assert seen.max() < 0.8 + 1e-5


@pytest.mark.parametrize("renderer", RENDERERS)
def test_depth_replaces_z(renderer, flat_light):
    """Two squares whose z says one thing and whose depth the other: the nearer in depth is seen."""
    square = torch.tensor([[0.0, 0], [8, 0], [8, 8], [0, 8]])
    vertices = torch.cat([torch.cat([square, torch.full((4, 1), z)], 1) for z in (1.0, 2.0)]).unsqueeze(0)
    faces = torch.tensor([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    albedo = torch.tensor([0.2, 0.8]).repeat_interleave(4)[:, None].expand(8, 3)
    depth = torch.tensor([[5.0] * 4 + [3.0] * 4])
    arguments = (vertices, vertices, faces, albedo, flat_light, 8, 8)
    torch.testing.assert_close(renderer(*arguments).rgb, torch.full((1, 3, 8, 8), 0.2))
    torch.testing.assert_close(renderer(*arguments, depth=depth).rgb, torch.full((1, 3, 8, 8), 0.8))


def test_composite_keeps_the_background_where_nothing_is_drawn():
    background = torch.rand(1, 3, 4, 4)
    assert torch.equal(
        composite(torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 4, 4), background), background.expand(2, -1, -1, -1)
    )
    over = composite(torch.full((1, 3, 4, 4), 0.25), torch.full((1, 1, 4, 4), 0.5), background)
    torch.testing.assert_close(over, 0.25 + 0.5 * background)
