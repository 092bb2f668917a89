import importlib

import numpy as np
import pytest
import torch

from pymaf_pl.render import overlay_mesh, overlay_meshes, render_silhouette

overlay_module = importlib.import_module("pymaf_pl.render.overlay")

RED, BLUE = (0.9, 0.1, 0.1), (0.1, 0.1, 0.9)


@pytest.fixture
def photograph():
    return np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def place(sphere, x, y, depth, radius=16):
    """A ball at a place of the photograph: screen and camera vertices as numpy arrays."""
    vertices = sphere[0].numpy()
    return vertices * radius * [1, 1, 0.01] + [x, y, depth], vertices


def test_pixels_outside_the_mesh_are_untouched_and_inside_are_drawn(sphere, photograph):
    screen, camera = place(sphere, 60.3, 20.2, 5)
    before = photograph.copy()
    overlaid = overlay_mesh(photograph, screen, camera, sphere[1])
    assert np.array_equal(photograph, before)  # the input is not written to
    assert overlaid.dtype == np.uint8
    rows, columns = np.mgrid[:60, :80] + 0.5
    distance = np.hypot(columns - 60.3, rows - 20.2)
    outside = distance > 16 + 1
    assert np.array_equal(overlaid[outside], photograph[outside])
    # At nine tenths opacity what was noise with a spread of 74 grey levels keeps a tenth of it.
    inside = distance < 13
    residue = (
        overlaid[inside].astype(float) - overlay_mesh(np.zeros_like(photograph), screen, camera, sphere[1])[inside]
    )
    np.testing.assert_allclose(residue, 0.1 * photograph[inside], atol=1.01)


def test_opacity_zero_changes_nothing(sphere, photograph):
    screen, camera = place(sphere, 40, 30, 5)
    assert np.array_equal(overlay_mesh(photograph, screen, camera, sphere[1], opacity=0.0), photograph)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_of_two_people_is_in_front_whatever_the_order(sphere, photograph, order):
    people = [(*place(sphere, 34, 30, 3.0), RED), (*place(sphere, 46, 30, 6.0), BLUE)]
    screens, cameras, colours = zip(*[people[person] for person in order], strict=True)
    overlaid = overlay_meshes(photograph, screens, cameras, sphere[1], colours, opacity=1.0).astype(int)
    silhouettes = [
        render_silhouette(torch.from_numpy(screen).unsqueeze(0), sphere[1], 60, 80)[0].numpy() for screen, *_ in people
    ]
    # Leave out the two pixels along outlines that edge smoothing may mix.
    rows, columns = np.mgrid[:60, :80] + 0.5
    clear = (abs(np.hypot(columns - 34, rows - 30) - 16) > 1.5) & (abs(np.hypot(columns - 46, rows - 30) - 16) > 1.5)
    near, far = silhouettes[0] & clear, silhouettes[1] & ~silhouettes[0] & clear
    assert (near & silhouettes[1]).sum() > 100
    assert (overlaid[near, 0] > overlaid[near, 2]).all()
    assert (overlaid[far, 2] > overlaid[far, 0]).all()


def test_drawing_in_bands_leaves_no_seam(sphere, photograph, monkeypatch):
    screen, camera = place(sphere, 40.4, 30.7, 5)
    whole = overlay_mesh(photograph, screen, camera, sphere[1])
    monkeypatch.setattr(overlay_module, "_PIXELS_PER_BAND", 100)  # three rows at a time
    banded = overlay_mesh(photograph, screen, camera, sphere[1])
    # Shifting float32 vertices by whole rows may move a sample across an outline by rounding, nothing more.
    assert (whole != banded).any(-1).mean() < 1e-3


def test_a_mesh_off_the_photograph_and_no_mesh_at_all_return_a_copy(sphere, photograph):
    screen, camera = place(sphere, -500, 30, 5)
    for overlaid in (
        overlay_mesh(photograph, screen, camera, sphere[1]),
        overlay_mesh(photograph, screen * np.nan, camera, sphere[1]),
        overlay_meshes(photograph, [], [], sphere[1]),
    ):
        assert np.array_equal(overlaid, photograph)
        assert not np.shares_memory(overlaid, photograph)


def test_takes_arrays_and_tensors_alike(sphere, photograph):
    screen, camera = place(sphere, 40, 30, 5)
    from_arrays = overlay_mesh(photograph, screen, camera, sphere[1].numpy().astype(np.uint16))
    from_tensors = overlay_mesh(photograph, torch.from_numpy(screen), torch.from_numpy(camera), sphere[1])
    assert np.array_equal(from_arrays, from_tensors)


def test_people_take_the_palette_in_turn(sphere, photograph):
    """Eight people, six colours: the seventh looks as the first."""
    screen, camera = place(sphere, 40, 30, 5)
    one = overlay_meshes(photograph, [screen], [camera], sphere[1])
    crowd = [np.add(screen, [1000, 0, 0])] * 6
    last = overlay_meshes(photograph, [*crowd, screen], [camera] * 7, sphere[1])
    assert np.array_equal(one, last)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": np.zeros((8, 8, 3))}, r"image must be \(H, W, 3\) uint8"),
        ({"colours": [(255, 0, 0)]}, r"colours are r g b in \[0, 1\]"),
        ({"colours": [RED, BLUE]}, "got 1, 1 and 2"),
    ],
)
def test_says_what_is_wrong_with_its_input(sphere, photograph, change, message):
    screen, camera = place(sphere, 40, 30, 5)
    arguments = {"image": photograph, "screen_vertices": [screen], "camera_vertices": [camera], "faces": sphere[1]}
    with pytest.raises(ValueError, match=message):
        overlay_meshes(**(arguments | change))
