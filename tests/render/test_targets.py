import pytest
import torch

from pymaf_pl.render import fragments, render_iuv, render_labels, render_silhouette


@pytest.fixture
def square():
    """Two triangles over pixels 2 to 5 of an 8 px picture."""
    vertices = torch.tensor([[[2.0, 2, 1], [6, 2, 1], [6, 6, 1], [2, 6, 1]]])
    return vertices, torch.tensor([[0, 1, 2], [0, 2, 3]])


def test_iuv_of_a_square_reads_its_chart_at_pixel_centres(square):
    """u runs right and v down from 0 to 1 over four pixels, so their centres read 1/8, 3/8, 5/8, 7/8."""
    vertices, faces = square
    chart = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    iuv = render_iuv(vertices, faces, torch.tensor([7, 7]), chart[faces], 8)
    steps = torch.tensor([1.0, 3, 5, 7]) / 8
    expected = torch.zeros(1, 3, 8, 8)
    expected[0, 0, 2:6, 2:6] = 7
    expected[0, 1, 2:6, 2:6] = steps
    expected[0, 2, 2:6, 2:6] = steps[:, None]
    torch.testing.assert_close(iuv, expected, rtol=0, atol=1e-6)


def test_iuv_has_no_mixed_values_at_a_seam(square):
    """Two faces share vertices but belong to parts whose charts put the seam at u = 0 and at u = 1."""
    vertices, faces = square
    seam_uv = torch.tensor([0.0, 1.0])[:, None, None].expand(2, 3, 2)
    iuv = render_iuv(vertices, faces, torch.tensor([3, 24]), seam_uv, 8)
    assert set(iuv[0, 0].unique().tolist()) == {0.0, 3.0, 24.0}
    torch.testing.assert_close(iuv[0, 1], (iuv[0, 0] == 24).float())


def test_iuv_follows_perspective_when_given_depth(square):
    """An edge from depth 1 to depth 3: halfway on the screen lies a quarter of the way in space."""
    vertices, faces = square
    depth = torch.tensor([[1.0, 3, 3, 1]])
    chart = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    iuv = render_iuv(vertices, faces, torch.tensor([1, 1]), chart[faces], 8, depth=depth)
    on_screen = torch.tensor([1.0, 3, 5, 7]) / 8
    in_space = on_screen / 3 / ((1 - on_screen) / 1 + on_screen / 3)
    torch.testing.assert_close(iuv[0, 1, 3, 2:6], in_space)


def test_labels_are_those_of_the_nearest_face(soup, brute_force):
    vertices, faces = soup(1)
    label = torch.arange(1, 201) % 6 + 1
    labels = render_labels(vertices, faces, label, 24, 32)
    face_ids = brute_force(vertices, faces, 24, 32)
    assert labels.dtype == torch.int64
    assert torch.equal(labels, torch.where(face_ids >= 0, label[face_ids], 0))
    small = render_labels(vertices, faces, label.to(torch.uint8), 24, 32)
    assert torch.equal(small, labels)


def test_silhouette_is_where_any_fragment_is(soup):
    vertices, faces = soup(2)
    silhouette = render_silhouette(vertices, faces, 24, 32)
    assert silhouette.dtype == torch.bool
    assert torch.equal(silhouette.flatten().nonzero().squeeze(1), fragments(vertices, faces, 24, 32).pixel)


def test_silhouette_of_a_sphere_has_the_area_of_a_disc(sphere):
    """Radius 40 px; the 32 x 24 polyhedron inside is smaller by less than 2 %."""
    vertices, faces = sphere
    screen = (vertices * 40 + 48).unsqueeze(0)
    area = render_silhouette(screen, faces, 96, 96).sum().item()
    assert 0.98 * torch.pi * 40**2 < area < torch.pi * 40**2
