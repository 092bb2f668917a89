"""Parts of a scene: cameras, light, shadow, rooms, clothes and effects."""

import numpy as np
import pytest
import torch

from pymaf_pl.data.synth import WorldOptions, effects, studio
from pymaf_pl.data.synth.anatomy import FOLDS, LAYERS, shipped_anatomy
from pymaf_pl.data.synth.camera import Window, frame, heading_rotation, look_at
from pymaf_pl.data.synth.clutter import render_clutter
from pymaf_pl.data.synth.lighting import ground_shadow, plain_daylight
from pymaf_pl.data.synth.people import draw_appearance
from pymaf_pl.data.synth.textures import tile
from pymaf_pl.errors import InputError
from pymaf_pl.render import sh_basis


def test_camera_axes_are_right_down_forward() -> None:
    camera = look_at(np.array([0.0, 1.5, 5.0]), np.array([0.0, 1.5, 0.0]))
    np.testing.assert_allclose(camera.to_camera(np.array([0.0, 1.5, 0.0])), (0, 0, 5), atol=1e-12)
    np.testing.assert_allclose(camera.to_camera(np.array([1.0, 2.5, 0.0])), (1, -1, 5), atol=1e-12)
    assert np.linalg.det(camera.rotation) == pytest.approx(1)


def test_rays_pass_through_their_pixels() -> None:
    camera = look_at(np.array([2.0, 1.2, 4.0]), np.array([0.0, 1.0, 0.0]), roll_deg=5)
    window = Window(focal=80.0, centre_x=10.0, centre_y=70.0, size=48)
    rays = window.rays(camera)
    point = camera.position + 3 * rays[:, 7, 31]
    np.testing.assert_allclose(window.project(camera.to_camera(point)), (31.5, 7.5), atol=1e-3)


def test_heading_turns_towards_x() -> None:
    np.testing.assert_allclose(heading_rotation(np.pi / 2) @ (0, 0, 1), (1, 0, 0), atol=1e-12)


def test_window_holds_the_surface_unless_it_truncates() -> None:
    rng = np.random.default_rng(0)
    joints = rng.normal(size=(24, 3)) * (0.2, 0.5, 0.1) + (0.3, 0.1, 5)
    reach = np.array([0.1, 0.12, 0.0])
    surface = np.concatenate([joints, joints + reach, joints - reach]).astype(np.float32)
    for _ in range(20):
        pixels = frame(joints, surface, 100, rng, margin=(1.15, 1.35), truncate=0).project(surface)
        assert pixels.min() >= 0
        assert pixels.max() <= 100
    cut = [frame(joints, surface, 100, rng, margin=(1.15, 1.35), truncate=1).project(joints) for _ in range(20)]
    assert all((pixels.min() < 0) or (pixels.max() > 100) for pixels in cut)


def test_harmonics_agree_with_the_light_on_level_ground() -> None:
    light = studio.light()
    camera = studio.cameras()[0]
    up = torch.from_numpy(camera.up).float()
    irradiance = (sh_basis(up) @ light.harmonics(camera)).numpy()
    np.testing.assert_allclose(irradiance, light.on_ground, atol=0.06)


def test_shadow_falls_away_from_the_lamp_and_is_dark_under_the_feet() -> None:
    light = plain_daylight()
    rng = np.random.default_rng(0)
    column = rng.uniform((-0.15, 0, -0.15), (0.15, 1.7, 0.15), (6000, 3)).astype(np.float32)
    away = -light.direction[[0, 2]] / np.linalg.norm(light.direction[[0, 2]])
    x, z = (np.array([[0.0, 0.5 * a, -0.5 * a]], np.float32) for a in away)
    under, behind, before = ground_shadow(column, light, x, z)[0].mean(-1)
    assert under < behind < before
    assert before == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("index", range(4))
def test_studio_crop_is_the_same_room_at_any_zoom(index: int) -> None:
    """A window half as wide, at twice the focal length, shows the middle of the wider one."""
    wide, floor, *_ = studio.backdrop(index, Window(150.0, 60.0, 60.0, 120))
    near, near_floor, x, z = studio.backdrop(index, Window(300.0, 60.0, 60.0, 120))
    assert np.abs(wide[30:90, 30:90] - near.reshape(60, 2, 60, 2, 3).mean((1, 3))).mean() < 0.02
    assert 0.2 < floor.mean() < 0.9
    bare = near_floor > 0.99
    assert np.abs(np.stack([x[bare], z[bare]])).max() < 4.4


def test_studio_cameras_keep_their_distance() -> None:
    for camera in studio.cameras():
        assert np.hypot(*camera.position[[0, 2]]) - studio.REACH > 3.5


def test_clothes_stand_off_the_skin_and_leave_the_skeleton_alone() -> None:
    body, _, clothed = shipped_anatomy()
    rotmat, betas = torch.eye(3).expand(1, 24, 3, 3), torch.zeros(1, 10)
    flat = torch.zeros(1, len(FOLDS))
    bare = clothed(rotmat, torch.cat([betas, torch.zeros(1, len(LAYERS)), flat], 1))
    torch.testing.assert_close(bare.points, body(rotmat, betas).vertices)
    thick = clothed(rotmat, torch.cat([betas, torch.full((1, len(LAYERS)), 0.02), flat], 1))
    torch.testing.assert_close(thick.joints_24, bare.joints_24)
    assert 0.01 < (thick.points - bare.points).norm(dim=-1).max() < 0.07


def test_appearance_is_a_colour_per_vertex_and_repeatable() -> None:
    anatomy = shipped_anatomy()[1]
    for seed in range(20):
        looks = draw_appearance(anatomy, np.random.default_rng(seed), patterns=True, thickness=True)
        again = draw_appearance(anatomy, np.random.default_rng(seed), patterns=True, thickness=True)
        np.testing.assert_array_equal(looks.albedo, again.albedo)
        assert looks.albedo.shape == (6890, 3)
        assert looks.albedo.min() >= 0
        assert looks.albedo.max() <= 1
        assert (looks.thickness[: len(LAYERS)] >= 0).all()  # folds go in and out
        assert np.abs(looks.thickness).max() < 0.04


def test_loose_clothes_stand_off_farther_and_fold() -> None:
    anatomy = shipped_anatomy()[1]

    def trunks(loose: float) -> np.ndarray:
        people = [
            draw_appearance(anatomy, np.random.default_rng(seed), patterns=True, thickness=True, loose=loose)
            for seed in range(30)
        ]
        return np.array(
            [(p.thickness[LAYERS.index("trunk")], np.abs(p.thickness[len(LAYERS) :]).max()) for p in people]
        )

    tight, wide = trunks(0.0), trunks(1.0)
    assert tight[:, 0].max() <= 0.017
    assert wide[:, 0].min() >= 0.016
    assert wide[:, 0].max() <= 0.05
    assert np.median(wide[:, 1]) > 2 * np.median(tight[:, 1])


def test_clutter_is_a_finished_picture_with_edges_at_all_scales() -> None:
    pictures = [render_clutter(96, np.ones(3, np.float32), np.random.default_rng(seed)) for seed in range(8)]
    for picture in pictures:
        assert picture.shape == (96, 96, 3)
        assert np.isfinite(picture).all()
        assert picture.min() >= 0
        assert picture.max() <= 1.01
    assert np.mean([picture.std() for picture in pictures]) > 0.08  # nothing like a plain wall
    np.testing.assert_array_equal(pictures[3], render_clutter(96, np.ones(3, np.float32), np.random.default_rng(3)))


def test_limbs_are_found_on_the_rest_body() -> None:
    anatomy = shipped_anatomy()[1]
    assert anatomy.eyes.sum() > 4
    assert anatomy.lips.sum() > 4
    assert not (anatomy.trunk & anatomy.arm).any()
    for name, cover in anatomy.layer.items():
        assert cover.max() == pytest.approx(1, abs=0.1), name


def test_tiles_repeat_without_a_seam() -> None:
    for material in ("fractal", "cloud", "carpet"):
        picture = tile(material)
        seam, inner = np.abs(picture[:, 0] - picture[:, -1]).mean(), np.abs(np.diff(picture, axis=1)).mean()
        assert seam < 2 * inner + 1e-3


def test_effects_keep_the_picture_a_picture() -> None:
    rng = np.random.default_rng(0)
    picture = np.full((48, 48, 4), 0.5, np.float32)  # half of every pixel is the person's
    joints = rng.uniform(8, 40, (24, 2))
    light = np.ones(3, np.float32)
    for _ in range(20):
        hidden = effects.occlude(picture, joints, light, rng)
        assert hidden.shape == picture.shape
        covered = np.abs(hidden - picture)[..., :3].max(-1) > 0.01
        assert covered.mean() > 0.005
        assert (hidden[covered, 3] < 0.5).all()  # whoever is hidden there is seen less
        np.testing.assert_allclose(effects.blur(picture, rng), picture, atol=1e-5)
    levels = effects.develop(picture[..., :3], 0.0, rng)
    assert levels.dtype == np.uint8
    assert (levels == 128).all()


@pytest.mark.parametrize(
    "change", [{"occlude": 1.5}, {"margin": (1.3, 1.2)}, {"distance_m": (2.0, 4.0)}, {"jpeg": (50, 101)}]
)
def test_options_outside_their_range_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="world option"):
        WorldOptions(**change)  # type: ignore[arg-type]
