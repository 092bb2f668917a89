"""Good tables load unchanged; bad ones are answered in one line that says what and where."""

import os
import zipfile
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


class Burglar:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch burgled",)


@pytest.mark.parametrize("key", ["imgname", "part", "gender"])
def test_object_arrays_with_code_are_refused_not_run(
    key: str, columns: Columns, save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    columns[key] = np.array([Burglar()] * 7, dtype=object)
    if key == "part":
        columns[key] = np.broadcast_to(columns[key][:, None, None], (7, 24, 3)).copy()
    message = complaint(save(columns))
    assert f"'{key}' is a pickled object array, which is refused: it names" in message
    assert not (tmp_path / "burgled").exists()


def test_object_arrays_of_plain_text_and_numbers_are_read(columns: Columns, save: Save) -> None:
    plain = load_annotations(save(columns))
    for key in ("imgname", "center", "gender"):
        columns[key] = columns[key].astype(object)
    table = load_annotations(save(columns))
    assert table.imgname.tolist() == plain.imgname.tolist()
    np.testing.assert_array_equal(table.center, plain.center)
    assert table.gender.tolist() == plain.gender.tolist()


def test_object_arrays_of_other_things_are_named(columns: Columns, save: Save) -> None:
    assert "'imgname' holds object" in complaint(save(columns | {"imgname": np.array([1] * 7, dtype=object)}))
    ragged = np.array([[1.0], [1.0, 2.0]] + [[3.0]] * 5, dtype=object)
    assert "'scale' holds objects, expected numbers" in complaint(save(columns | {"scale": ragged}))


def test_big_columns_are_mapped_where_they_can_be(columns: Columns, tmp_path: Path) -> None:
    columns = {key: np.concatenate([values] * 40) for key, values in columns.items()}  # 64 KiB and more
    columns["part"] = columns["part"].astype(np.float32)
    np.savez(tmp_path / "plain.npz", **columns)
    np.savez_compressed(tmp_path / "packed.npz", **columns)
    plain, packed = load_annotations(tmp_path / "plain.npz"), load_annotations(tmp_path / "packed.npz")
    assert isinstance(plain.part.base, np.memmap)
    assert not isinstance(packed.part.base, np.memmap)
    assert not isinstance(plain.S.base, np.memmap)  # float64
    assert not isinstance(plain.scale.base, np.memmap)  # small
    np.testing.assert_array_equal(plain.part, packed.part)
    plain.part[0] = 7  # a copy on write: the file stays
    assert not (load_annotations(tmp_path / "plain.npz").part[0] == 7).any()


def test_columns_in_fortran_order_are_read_as_they_are(columns: Columns, save: Save) -> None:
    columns = {key: np.concatenate([values] * 40) for key, values in columns.items()}
    pose = columns["pose"].astype(np.float32)
    np.testing.assert_array_equal(load_annotations(save(columns | {"pose": np.asfortranarray(pose)})).pose, pose)


@pytest.mark.parametrize("count", [10**15, 2**62, 8])
def test_a_count_that_the_file_cannot_hold_allocates_nothing(count: int, columns: Columns, tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    np.savez(path, **columns)
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    members["scale.npy"] = members["scale.npy"].replace(b"(7,), }", f"({count},), }}".encode()[:128], 1)
    header = members["scale.npy"]
    length = int.from_bytes(header[8:10], "little") + len(str(count)) - 1
    members["scale.npy"] = header[:8] + length.to_bytes(2, "little") + header[10:]
    with zipfile.ZipFile(path, "w") as new:
        for name, data in members.items():
            new.writestr(name, data)
    assert "'scale' claims the shape" in complaint(path)


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/passwd", "a/../../b.jpg", "..\\b.jpg", "C:\\b.jpg", ".."])
@pytest.mark.parametrize("key", ["imgname", "maskname"])
def test_names_that_leave_the_image_root_are_refused(key: str, name: str, columns: Columns, save: Save) -> None:
    names = columns["imgname"].astype("<U20")
    names[3] = name
    message = complaint(save(columns | {key: names}))
    assert f"'{key}' of row 3 is {name!r}, which leaves the image root" in message


def test_names_that_only_look_like_it_are_kept(columns: Columns, save: Save) -> None:
    names = columns["imgname"].astype("<U20")
    names[:3] = ["a/../b.jpg", "a..b.jpg", "2023-01-01 10:00.jpg"]
    assert load_annotations(save(columns | {"imgname": names})).imgname.tolist()[:3] == names[:3].tolist()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.array(["male", "F", "neutral", "", "m", "f", "n"]), ["m", "f", "n", "", "m", "f", "n"]),
        (np.array([0, 1, -1, 0, 0, 0, 0]), ["m", "f", "", "m", "m", "m", "m"]),
    ],
)
def test_genders_are_one_letter(given: Any, expected: list[str], columns: Columns, save: Save) -> None:
    assert load_annotations(save(columns | {"gender": given})).gender.tolist() == expected


def test_an_unknown_gender_is_named(columns: Columns, save: Save) -> None:
    genders = np.array(["m"] * 5 + ["robot", "f"])
    assert "'gender' of row 5 is 'robot'; expected m, f or n" in complaint(save(columns | {"gender": genders}))


def test_cameras_are_optional(columns: Columns, save: Save) -> None:
    table = load_annotations(save(columns))
    assert not table.cam_intrinsics.any()
    assert not table.transl.any()
    table = load_annotations(save(columns | {"cam_intrinsics": np.ones((7, 4)), "transl": np.ones((7, 3))}))
    assert (table.cam_intrinsics == 1).all()
    assert (table.transl == 1).all()


def test_fits_with_their_own_name_for_validity_are_read(columns: Columns, save: Save) -> None:
    columns["valid_fit"] = columns.pop("has_smpl")
    assert load_annotations(save(columns)).has_smpl.tolist() == [True, True, False, True, True, True, True]


@pytest.mark.parametrize(
    ("key", "whose", "name"),
    [("extra_keypoints_2d", "4D-Humans", "hmr2"), ("bbox_xywh", "mmhuman3d", "humandata")],
)
def test_tables_of_others_say_what_converts_them(key: str, whose: str, name: str, columns: Columns, save: Save) -> None:
    del columns["scale" if name == "hmr2" else "imgname"]
    message = complaint(save(columns | {key: np.zeros((7, 4))}))
    assert f"a table of {whose}" in message
    assert f"pymaf data convert {name} --root" in message


def test_a_body_model_is_one_word(columns: Columns, save: Save) -> None:
    assert "'body_model' should be one word" in complaint(save(columns | {"body_model": np.array(["smpl"] * 7)}))


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
