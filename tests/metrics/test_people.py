"""The file of everybody's figures, their means, and who may be compared with whom."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pymaf_pl.errors import InputError
from pymaf_pl.metrics.people import PeopleFigures


@pytest.fixture
def people() -> PeopleFigures:
    rng = np.random.default_rng(0)
    mpjpe = rng.normal(100, 30, (3, 5)).astype(np.float32)
    pck = rng.random((3, 5)).astype(np.float32)
    pck[:, 2] = np.nan
    return PeopleFigures(
        protocol="synthetic_val",
        row=np.arange(5),
        imgname=np.array([f"val/{n}.jpg" for n in range(5)]),
        bbox_center=rng.uniform(0, 200, (5, 2)).astype(np.float32),
        bbox_size=rng.uniform(50, 100, 5).astype(np.float32),
        figures={"mpjpe": mpjpe, "pck_2d": pck},
    )


def test_the_file_holds_one_array_per_figure_and_comes_back_as_it_was(people: PeopleFigures, tmp_path: Path) -> None:
    path = people.save(tmp_path / "per_sample.npz")
    with np.load(path, allow_pickle=False) as archive:
        assert archive["mpjpe"].shape == (3, 5)
        assert archive["mpjpe"].dtype == np.float32
        assert str(archive["protocol"]) == "synthetic_val"
        assert archive["row"].tolist() == [0, 1, 2, 3, 4]
        assert archive["imgname"][1] == "val/1.jpg"
    back = PeopleFigures.load(path)
    assert back.protocol == people.protocol
    assert set(back.figures) == set(people.figures)
    for name, values in people.figures.items():
        np.testing.assert_array_equal(back.figures[name], values)
    back.check_same_people(people, "back", "people")


def test_means_leave_out_who_has_no_label(people: PeopleFigures) -> None:
    rows = people.means()
    assert [row["iteration"] for row in rows] == [0, 1, 2]
    for t, row in enumerate(rows):
        assert row["mpjpe"] == pytest.approx(people.figures["mpjpe"][t].astype(float).mean(), rel=1e-12)
        assert row["pck_2d"] == pytest.approx(np.nanmean(people.figures["pck_2d"][t].astype(float)), rel=1e-12)


def test_a_figure_that_nobody_has_is_nan_and_leaves_the_others_alone(people: PeopleFigures) -> None:
    nobody = replace(people, figures={**people.figures, "pck_2d": np.full((3, 5), np.nan)})
    assert all(np.isnan(row["pck_2d"]) and row["mpjpe"] > 0 for row in nobody.means())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"protocol": "lspet"}, "a was measured by synthetic_val, b by lspet"),
        ({"row": np.arange(4), "imgname": np.array(list("wxyz"))}, "a was measured on 5 people, b on 4"),
        ({"imgname": np.array(["val/0.jpg", "other.jpg", *"xyz"])}, "different people, first at row 1 (val/1.jpg and"),
        ({"bbox_size": np.full(5, 10.0)}, "different people, first at row 0"),
        ({"row": np.array([0, 1, 2, 3, 9])}, "different people, first at row 4"),
    ],
)
def test_other_people_or_protocols_are_not_compared(people: PeopleFigures, change, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as error:
        people.check_same_people(replace(people, **change), "a", "b")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_labels_made_on_another_machine_are_the_same_people(people: PeopleFigures) -> None:
    people.check_same_people(replace(people, bbox_center=people.bbox_center + 1e-3), "a", "b")


def test_wrong_files_are_answered_in_one_line(people: PeopleFigures, tmp_path: Path) -> None:
    np.savez(tmp_path / "table.npz", imgname=np.array(["x"]))
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "pickle.npz", row=np.array([{}], dtype=object))
    whole = people.save(tmp_path / "cut.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    about = {key: getattr(people, key) for key in ("protocol", "row", "imgname", "bbox_center", "bbox_size")}
    np.savez(tmp_path / "shape.npz", **about, mpjpe=np.zeros((3, 4)))
    for name in ("none", "table", "text", "pickle", "cut", "shape"):
        with pytest.raises(InputError) as error:
            PeopleFigures.load(tmp_path / f"{name}.npz")
        assert f"{name}.npz" in str(error.value)
        assert "\n" not in str(error.value)
