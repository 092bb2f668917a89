"""Drawn estimates against masks: the crop's inverse, the rules of the figures, and tables that lack something."""

import cv2
import numpy as np
import pytest
import torch

from measured_world import CROP, SIDE, MakeWorld
from pymaf_pl.body import BodyModel
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.crop import crop_affine
from pymaf_pl.metrics.masks import Silhouettes, to_image
from pymaf_pl.metrics.segmentation import part_accuracy_f1, silhouette_accuracy_f1
from pymaf_pl.render import ndc_to_screen, render_labels
from pymaf_pl.types import BodyState

RECORDED = {
    "fb_accuracy": 0.9520, "fb_f1": 0.7758, "parts_accuracy": 0.9437, "parts_f1": 0.4224, "miou": 0.4023,
    "pve_t_sc": 14.97,
}  # fmt: skip
LSP = ("fb_accuracy", "fb_f1", "parts_accuracy", "parts_f1")
VARIANTS = ("parts_accuracy_labelled", "parts_f1_foreground", "miou")


def test_a_box_of_whole_pixels_is_the_crop_drawn_at_its_place(body: BodyModel) -> None:
    """Independent of the inverse: a crop of 64 px from (10, 20) to (74, 84) is a picture within the picture."""
    state = body.mean_state()
    vertices = body.decode(state).vertices
    affine = torch.from_numpy(crop_affine((42, 52), 64, 64)).float().unsqueeze(0)
    limb = torch.from_numpy(body.surface.limb).long()
    whole = render_labels(to_image(vertices, state.weak_cam, affine, CROP), body.faces, limb, SIDE, SIDE)[0]
    points = torch.cat([project(vertices, state.weak_cam), vertices[..., 2:]], dim=-1)
    crop = render_labels(ndc_to_screen(points, 64, 64), body.faces, limb, 64, 64)[0]
    inside = torch.zeros(SIDE, SIDE, dtype=torch.long)  # raster px from the corner of the picture
    inside[20:84, 10:74] = crop
    assert (whole > 0).sum() > 300
    assert whole.equal(inside)
    # nothing is cut off at the crop's border
    moved = to_image(vertices, state.weak_cam + torch.tensor([0.0, 1.0, 0.0]), affine, CROP)
    assert (render_labels(moved, body.faces, limb, SIDE, SIDE)[0, :, 74:] > 0).any()


def test_the_truth_is_one_in_every_figure(make_world: MakeWorld) -> None:
    world = make_world()
    figures = world.mean(Silhouettes("lsp_synthetic", LSP, VARIANTS), world.truth)
    assert set(figures) == {*LSP, *VARIANTS}
    assert all(value == pytest.approx(1.0) for value in figures.values())
    shape = world.mean(Silhouettes("ssp3d_synthetic", ("miou", "pve_t_sc")), world.truth)
    assert shape == {"miou": pytest.approx(1.0), "pve_t_sc": pytest.approx(0.0, abs=1e-3)}


def test_the_mean_body_has_stable_figures(make_world: MakeWorld) -> None:
    """Recorded; a change of any of them is a change of what the protocol means."""
    world = make_world()
    figures = world.mean(Silhouettes("x", (*LSP, "pve_t_sc"), VARIANTS), world.mean_body())
    for name, value in RECORDED.items():
        assert figures[name] == pytest.approx(value, abs=2e-3 if name != "pve_t_sc" else 0.05), figures


def test_the_figures_are_those_of_the_label_maps(make_world: MakeWorld) -> None:
    world = make_world(ignored=True)
    protocol = Silhouettes("x", LSP, VARIANTS)
    figures = world.mean(protocol, world.mean_body())
    prepared = protocol.prepare(world.body, world.batch)
    drawn = torch.stack(protocol._draw(world.body, world.mean_body(), prepared, prepared["masks"]))
    masks = np.stack([cv2.imread(str(world.root / name), 0) for name in world.table.maskname])
    parts = np.stack([cv2.imread(str(world.root / name), 0) for name in world.table.partname])
    assert (parts == 255).any()
    assert (figures["fb_accuracy"], figures["fb_f1"]) == pytest.approx(silhouette_accuracy_f1(drawn, masks))
    assert (figures["parts_accuracy"], figures["parts_f1"]) == pytest.approx(part_accuracy_f1(drawn, parts))
    assert figures["parts_accuracy_labelled"] != figures["parts_accuracy"]


def test_pictures_of_different_sizes_in_one_batch(make_world: MakeWorld) -> None:
    world = make_world()
    wide = np.zeros((SIDE, 2 * SIDE), np.uint8)
    wide[:, :SIDE] = cv2.imread(str(world.root / "1_mask.png"), 0)
    cv2.imwrite(str(world.root / "1_mask.png"), wide)
    measured = world.measure(Silhouettes("x", ("miou",), ("fb_accuracy",)), world.truth, world.mean_body())
    assert measured.figures["miou"][0].tolist() == [1.0] * 4
    assert measured.pieces["silhouette"][0].sum(axis=-1).tolist() == [SIDE**2, 2 * SIDE**2, SIDE**2, SIDE**2]


def test_people_without_a_mask_are_left_out_and_said_to_be(make_world: MakeWorld) -> None:
    world = make_world()
    protocol = Silhouettes("x", ("fb_accuracy",), ("miou",))
    whole = world.measure(protocol, world.mean_body())
    world.table.maskname[1] = ""
    sparse = Silhouettes("x", ("fb_accuracy",), ("miou",))
    measured = world.measure(sparse, world.mean_body())
    assert "1 of 4 people have no 'maskname'" in sparse.reservations[0]
    for name in ("fb_accuracy", "miou"):
        assert np.isnan(measured.figures[name][0]).tolist() == [False, True, False, False]
    counts = np.delete(whole.pieces["silhouette"][0], 1, axis=0).sum(axis=0)
    assert np.nanmean(measured.figures["fb_accuracy"][0]) == pytest.approx((counts[0] + counts[3]) / counts.sum())


def test_batches_do_not_matter(make_world: MakeWorld) -> None:
    world = make_world(5)
    first, second = (world.measure(Silhouettes("x", LSP, VARIANTS), world.mean_body(), batches=n) for n in (1, 3))
    for name, values in first.figures.items():
        np.testing.assert_allclose(second.figures[name], values, atol=1e-12)


def test_shape_is_measured_on_the_body_of_the_persons_gender(make_world: MakeWorld) -> None:
    world = make_world()
    world.table.gender[:] = ["m", "f", "m", "f"]
    estimate = BodyState(world.truth.pose_6d, torch.zeros(4, 10), world.truth.weak_cam)
    neutral = world.measure(Silhouettes("x", ("pve_t_sc",)), estimate).figures["pve_t_sc"]
    protocol = Silhouettes("x", ("pve_t_sc",), gendered=True)
    gendered = world.measure(protocol, estimate).figures["pve_t_sc"]
    assert protocol.reservations == []
    assert not np.allclose(gendered, neutral, atol=0.1)
    assert world.measure(Silhouettes("y", ("pve_t_sc",), gendered=True), world.truth).figures["pve_t_sc"].max() < 1e-3


@pytest.mark.parametrize(
    ("column", "names", "words"),
    [
        ("maskname", ["", "", "", ""], "names no 'maskname'"),
        ("partname", ["", "", "", ""], "names no 'partname'"),
        ("maskname", ["0_mask.png", "gone.png", "away.png", "3_mask.png"], "gone.png is missing, and 1 more"),
    ],
)
def test_a_table_without_masks_is_refused(make_world: MakeWorld, column: str, names: list[str], words: str) -> None:
    world = make_world()
    setattr(world.table, column, np.array(names))
    with pytest.raises(InputError) as caught:
        Silhouettes("lsp", LSP).attach(world.table, world.root, world.body)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_masks_that_are_no_masks_are_refused(make_world: MakeWorld) -> None:
    world = make_world()
    (world.root / "2_mask.png").write_text("no picture")
    with pytest.raises(InputError, match=r"2_mask\.png: not a picture of labels"):
        world.measure(Silhouettes("x", ("miou",)), world.truth)
    cv2.imwrite(str(world.root / "2_mask.png"), np.zeros((5, 5), np.uint8))
    with pytest.raises(InputError, match="both must have the picture's size"):
        world.measure(Silhouettes("x", LSP), world.truth)


def test_an_unknown_figure_is_refused() -> None:
    with pytest.raises(InputError, match="no figure 'mpjpe'"):
        Silhouettes("x", ("mpjpe",))
