"""Good tables load unchanged; bad ones are answered in one line that says what and where."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pymaf_pl.data.annotations import Annotations, check_images, load_annotations
from pymaf_pl.errors import InputError

Columns = dict[str, Any]
Save = Callable[[Columns], Path]


def complaint(path: Path) -> str:
    """Return the one line with which a table is refused; it names the file."""
    with pytest.raises(InputError) as caught:
        load_annotations(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message


def test_a_complete_table_loads_unchanged(columns: Columns, save: Save) -> None:
    table = load_annotations(save(columns))
    assert len(table) == 7
    assert table.imgname.tolist() == columns["imgname"].tolist()
    for key in ("center", "scale", "part", "openpose", "S", "pose", "shape"):
        values = getattr(table, key)
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, columns[key], rtol=1e-6)
    assert table.has_smpl.tolist() == [True, True, False, True, True, True, True]
    assert table.has_3d.all()
    assert table.body_model == "smpl"


def test_missing_columns_are_zeros_with_their_mask_off(columns: Columns, save: Save) -> None:
    table = load_annotations(save({k: columns[k] for k in ("imgname", "center", "scale")}))
    shapes = {"part": (7, 24, 3), "openpose": (7, 25, 3), "S": (7, 24, 4), "pose": (7, 72), "shape": (7, 10)}
    for key, shape in shapes.items():
        assert getattr(table, key).shape == shape
        assert not getattr(table, key).any()
    assert not table.has_smpl.any()
    assert not table.has_3d.any()
    assert set(table.maskname) == set(table.partname) == {""}


@pytest.mark.parametrize(
    ("dropped", "has_smpl"), [(("has_smpl",), True), (("has_smpl", "pose"), False), (("has_smpl", "shape"), False),
                              (("pose",), False), (("shape",), False)]
)  # fmt: skip
def test_pose_and_shape_are_valid_only_together_and_everywhere_by_default(
    dropped: tuple[str, ...], has_smpl: bool, columns: Columns, save: Save
) -> None:
    for key in dropped:
        del columns[key]
    assert load_annotations(save(columns)).has_smpl.tolist() == [has_smpl] * 7


def test_3d_validity_may_be_said_per_row_but_needs_the_joints(columns: Columns, save: Save) -> None:
    columns["has_3d"] = np.array([1, 0, 1, 0, 0, 0, 1])
    assert load_annotations(save(columns)).has_3d.tolist() == [True, False, True, False, False, False, True]
    del columns["S"]
    assert not load_annotations(save(columns)).has_3d.any()


def test_the_body_that_the_betas_belong_to_is_read(columns: Columns, save: Save) -> None:
    assert load_annotations(save(columns | {"body_model": np.array("open")})).body_model == "open"


def test_columns_of_other_programs_are_not_looked_at(columns: Columns, save: Save) -> None:
    columns["annotator"] = np.array([{"name": "someone"}] * 7, dtype=object)
    assert len(load_annotations(save(columns))) == 7


@pytest.mark.parametrize("key", ["imgname", "center", "scale"])
def test_a_missing_column_is_named(key: str, columns: Columns, save: Save) -> None:
    del columns[key]
    assert f"no key '{key}'" in complaint(save(columns))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("part", np.zeros((7, 23, 3)), ["'part'", "(23, 3)", "(24, 3)", "row 0"]),
        ("scale", np.ones((7, 1)), ["'scale'", "(1,)"]),
        ("pose", np.zeros((5, 72)), ["'pose'", "row 5", "7 rows"]),
        ("center", np.zeros((9, 2)), ["'center'", "row 9", "7 rows"]),
        ("center", np.float64(3), ["'center'", "7 rows"]),
        ("maskname", np.array(["a.png"] * 3), ["'maskname'", "row 3", "7 rows"]),
        ("imgname", np.arange(7), ["'imgname'", "int64", "file names"]),
        ("scale", np.array(["1"] * 7), ["'scale'", "<U1", "numbers"]),
    ],
)
def test_a_column_of_the_wrong_shape_or_kind_is_named(
    key: str, value: Any, words: list[str], columns: Columns, save: Save
) -> None:
    message = complaint(save(columns | {key: value}))
    assert all(word in message for word in words), message


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_not_finite_is_found_by_key_and_row(value: float, columns: Columns, save: Save) -> None:
    columns["S"][4, 20, 1] = value
    message = complaint(save(columns))
    assert "'S' is not finite in row 4" in message


@pytest.mark.parametrize("value", [0.0, -0.3])
def test_a_box_without_size_is_found(value: float, columns: Columns, save: Save) -> None:
    columns["scale"][5] = value
    assert f"'scale' of row 5 is {value:g}" in complaint(save(columns))


def test_object_arrays_are_refused_not_unpickled(columns: Columns, save: Save) -> None:
    columns["imgname"] = columns["imgname"].astype(object)
    message = complaint(save(columns))
    assert "'imgname' is a pickled object array, which is refused" in message


def test_a_table_without_rows_is_refused(columns: Columns, save: Save) -> None:
    assert "no rows" in complaint(save({k: v[:0] for k, v in columns.items()}))


@pytest.mark.parametrize("keep", [0, 100, 3000])
def test_a_table_cut_off_while_copying_says_so(keep: int, columns: Columns, save: Save) -> None:
    path = save(columns)
    path.write_bytes(path.read_bytes()[:keep])
    assert "not a readable .npz, perhaps cut off while copying" in complaint(path)


def test_a_table_damaged_in_the_middle_says_so(tmp_path: Path, columns: Columns) -> None:
    path = tmp_path / "table.npz"
    np.savez_compressed(path, **columns)
    data = bytearray(path.read_bytes())
    middle = data.index(b"pose.npy") + 200
    data[middle : middle + 400] = b"\xff" * 400
    path.write_bytes(data)
    assert "not a readable .npz" in complaint(path)


@pytest.mark.parametrize("content", [b"<html>404 not found</html>", b"\x93NUMPY\x01\x00"])
def test_a_file_of_another_kind_is_not_taken_for_a_pickle(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    path.write_bytes(content)
    assert "not a readable .npz" in complaint(path)


def test_a_bare_array_is_not_a_table(tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    with path.open("wb") as stream:
        np.save(stream, np.zeros(3))
    assert "not a readable .npz" in complaint(path)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    assert "no such annotation table" in complaint(tmp_path / "nowhere.npz")


def test_rows_cut_every_column(columns: Columns, save: Save) -> None:
    part = load_annotations(save(columns)).rows(2, 5)
    assert len(part) == 3
    np.testing.assert_array_equal(part.pose, columns["pose"][2:5].astype(np.float32))
    assert part.has_smpl.tolist() == [False, True, True]
    assert part.imgname.tolist() == ["images/2.png", "images/3.png", "images/4.png"]


@pytest.mark.parametrize(("start", "stop"), [(0, 8), (-1, 3), (3, 3), (5, 2)])
def test_rows_outside_the_table_are_refused(start: int, stop: int, columns: Columns, save: Save) -> None:
    with pytest.raises(InputError, match=f"rows {start}:{stop} are not within its 7 rows"):
        load_annotations(save(columns)).rows(start, stop)


def test_concatenating_stacks_the_rows_in_order(columns: Columns, save: Save) -> None:
    table = load_annotations(save(columns))
    both = Annotations.concatenate([table.rows(3, 7), table.rows(0, 3)])
    np.testing.assert_array_equal(both.center, table.center[[3, 4, 5, 6, 0, 1, 2]])
    assert Annotations.concatenate([table]) is table


def test_missing_images_are_counted_and_the_first_is_named(columns: Columns, save: Save, images: Path) -> None:
    table = load_annotations(save(columns))
    check_images(table, images)
    (images / "images/3.png").unlink()
    (images / "images/5.png").unlink()
    with pytest.raises(InputError) as caught:
        check_images(table, images)
    message = str(caught.value)
    assert message.startswith(str(images / "images/3.png"))
    assert "(2 of the images of table.npz are missing)" in message
    assert "\n" not in message
