import json
from dataclasses import fields

import cv2
import numpy as np
import pytest

from pymaf_pl.checksums import sha256
from pymaf_pl.cli import main
from pymaf_pl.commands.data import EFFECTS
from pymaf_pl.commands.data_doctor import summarise
from pymaf_pl.commands.data_sheet import labelled_joints
from pymaf_pl.data.annotations import load_annotations
from pymaf_pl.data.catalogue import DATA_SETS
from pymaf_pl.data.synth import WorldOptions


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    words = ["data", "synth", "--world", "studio", "--num", "3", "--out", str(folder), "--split", "val", "--size", "64"]
    assert main([*words, "--workers", "1", "--no-shadow"]) == 0
    return folder / "studio_val.npz"


@pytest.fixture
def broken_copy(world, tmp_path):
    """A copy of the world to damage."""
    import shutil

    shutil.copytree(world.parent, tmp_path / "copy")
    return tmp_path / "copy" / world.name


def write_spin_table(folder, num=5, **columns):
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(exist_ok=True)
    names = [f"images/{i}.png" for i in range(num)]
    for name in names:
        cv2.imwrite(str(folder / name), rng.integers(0, 255, (80, 100, 3), dtype=np.uint8))
    part = np.zeros((num, 24, 3))
    part[:, :14, :2] = rng.uniform(25, 65, (num, 14, 2))
    part[:, :14, 2] = 1
    table = {"imgname": np.array(names), "center": np.full((num, 2), 45.0), "scale": np.full(num, 0.3), "part": part}
    np.savez(folder / "table.npz", **{**table, **columns})
    return folder / "table.npz"


def test_synth_makes_a_world_without_the_effects_that_were_switched_off(world, capsys):
    record = json.loads(world.with_suffix(".json").read_text())
    assert record["num"] == 3
    assert record["options"]["shadow"] is False
    words = ["data", "synth", "--world", "studio", "--num", "3", "--out", str(world.parent), "--split", "val"]
    assert main([*words, "--size", "64", "--workers", "1", "--no-shadow"]) == 0
    assert "was there already" in capsys.readouterr().out


def test_every_effect_switch_names_an_option_of_the_worlds():
    defaults = {f.name: f.default for f in fields(WorldOptions)}
    for field, off in EFFECTS.values():
        assert type(defaults[field]) is type(off)
        assert off == 0


def test_synth_refuses_other_parameters_in_the_same_folder(world, capsys):
    words = ["data", "synth", "--world", "studio", "--num", "4", "--out", str(world.parent), "--split", "val"]
    assert main([*words, "--size", "64", "--workers", "1"]) == 2
    assert "made with other parameters" in capsys.readouterr().err


def test_list_names_every_source_with_its_licence(capsys):
    assert main(["data", "list"]) == 0
    out = capsys.readouterr().out
    assert all(
        word in out for word in ("studio", "wild", "lspet", "any SPIN", "licence", "needs registration", "312,188")
    )
    assert all(one.name in out for one in DATA_SETS)
    assert out.count("licence:") == len(DATA_SETS) + 3


def test_verify_accepts_a_whole_world(world, capsys):
    assert main(["data", "verify", str(world)]) == 0
    out = capsys.readouterr().out
    assert "sha256" in out
    assert "3 images and 6 masks open" in out
    assert "matches studio_val.json" in out


def test_verify_says_when_there_is_no_record(tmp_path, capsys):
    assert main(["data", "verify", str(write_spin_table(tmp_path))]) == 0
    assert "no record beside it" in capsys.readouterr().out


def test_verify_refuses_a_broken_image(broken_copy, capsys):
    picture = next((broken_copy.parent / "studio_val").glob("*.jpg"))
    picture.write_bytes(b"not a picture")
    assert main(["data", "verify", str(broken_copy)]) == 2
    error = capsys.readouterr().err
    assert picture.name in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize("rehash", [False, True])
def test_verify_refuses_an_edited_record(broken_copy, rehash, capsys):
    import hashlib

    path = broken_copy.with_suffix(".json")
    record = json.loads(path.read_text())
    record["num"] = 4
    if rehash:
        del record["parameters_hash"]
        record["parameters_hash"] = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:12]
    path.write_text(json.dumps(record))
    assert main(["data", "verify", str(broken_copy)]) == 2
    assert ("rows is 3" if rehash else "it was edited") in capsys.readouterr().err


def test_verify_refuses_pictures_of_another_size(broken_copy, capsys):
    picture = next((broken_copy.parent / "studio_val").glob("*.jpg"))
    cv2.imwrite(str(picture), np.zeros((32, 32, 3), np.uint8))
    assert main(["data", "verify", str(broken_copy)]) == 2
    assert "32x32 px, studio_val.json says 64" in capsys.readouterr().err


def test_doctor_finds_nothing_odd_in_our_own_world(world, capsys):
    assert main(["data", "doctor", str(world)]) == 0
    assert "nothing odd" in capsys.readouterr().out


def test_doctor_names_what_is_odd(tmp_path, capsys):
    S = np.ones((5, 24, 4))
    S[:, :, :3] = np.random.default_rng(0).uniform(0, 1700, (5, 24, 3))
    path = write_spin_table(tmp_path, S=S, center=np.full((5, 2), 300.0))
    assert main(["data", "doctor", str(path)]) == 2
    out = capsys.readouterr().out
    assert "are these millimetres?" in out
    assert "not centred on the pelvis" in out
    assert "center: outside the image in 5 of 5" in out
    assert "far outside the box" in out
    assert "S: 3D joints do not project onto the 2D ones in 5 of 5 rows looked at (first: 0)" in out
    assert "4 wrong things; 1 odd thing; mend what is wrong" in out


def test_doctor_sees_degrees_and_rows_without_a_pose(tmp_path):
    pose = np.zeros((5, 72))
    pose[1:, 3] = 90.0
    path = write_spin_table(tmp_path, pose=pose, shape=np.full((5, 10), 9.0))
    report = summarise(load_annotations(path))
    assert (len(report.wrong), len(report.odd)) == (1, 2)
    assert "are these radians" in report.wrong[0]
    assert "beyond 5" in report.odd[0]
    assert "all zeros in 1 rows" in report.odd[1]


def test_doctor_finds_labels_of_another_picture(tmp_path, capsys):
    part = np.zeros((5, 24, 3))
    part[:, :6] = [400.0, 300.0, 1.0]
    path = write_spin_table(tmp_path, part=part)
    assert main(["data", "doctor", str(path)]) == 2
    assert "labels outside the image, by more than half a box, in 5 of 5" in capsys.readouterr().out


def test_doctor_believes_3d_that_projects_and_not_when_it_is_mirrored(tmp_path, capsys):
    rng = np.random.default_rng(0)
    S = np.ones((5, 24, 4))
    S[..., :3] = rng.uniform(-0.5, 0.5, (5, 24, 3))
    S[..., :3] -= S[:, [14], :3]
    there = S[..., :3] + [0, 0, 4.0]
    part = np.concatenate([60 * there[..., :2] / there[..., 2:] * 4 + 45, np.ones((5, 24, 1))], axis=-1)
    part[..., :2] = np.clip(part[..., :2], 0, 90)
    assert main(["data", "doctor", str(write_spin_table(tmp_path, S=S, part=part, scale=np.full(5, 0.6)))]) == 0
    mirrored = S * [-1, 1, 1, 1]
    assert main(["data", "doctor", str(write_spin_table(tmp_path, S=mirrored, part=part, scale=np.full(5, 0.6)))]) == 2
    assert "do not project" in capsys.readouterr().out


def test_doctor_says_which_pictures_are_cut_off(tmp_path, capsys):
    path = write_spin_table(tmp_path)
    picture = tmp_path / "images" / "2.png"
    picture.write_bytes(picture.read_bytes()[:-12])  # its end mark alone
    assert main(["data", "doctor", str(path)]) == 2
    assert "2.png: cut off while copying" in capsys.readouterr().out


def test_verify_knows_a_table_by_its_checksum(tmp_path, capsys):
    path = write_spin_table(tmp_path)
    sums = path.with_suffix(".sha256")
    sums.write_text(f"{sha256(path)}  {path.name}\n{sha256(tmp_path / 'images/0.png')} *images/0.png\n")
    assert main(["data", "verify", str(path)]) == 0
    assert main(["data", "verify", str(sums)]) == 0
    assert "2 checksums of table.sha256 agree" in capsys.readouterr().out
    (tmp_path / "images/0.png").write_bytes(b"other")
    assert main(["data", "verify", str(sums)]) == 2
    assert "0.png: sha256 is" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no checksum"), ("abc  table.npz", "line 1 is not"),
        (f"{'0' * 64}  ../../etc/passwd", "outside of the list's"),
        (f"{'0' * 64}  nowhere.npz", "nowhere.npz: missing"), (f"{'0' * 64}  table.npz", "changed or damaged"),
    ],
)  # fmt: skip
def test_verify_names_what_is_wrong_with_a_list(text, words, tmp_path, capsys):
    write_spin_table(tmp_path)
    (tmp_path / "list.sha256").write_text(text)
    assert main(["data", "verify", str(tmp_path / "list.sha256")]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.strip().splitlines()) == 1


def test_verify_finds_a_damaged_column(tmp_path, capsys):
    path = write_spin_table(tmp_path, notes=np.zeros(100))  # which nothing else reads
    data = bytearray(path.read_bytes())
    at = data.index(b"notes.npy") + 300
    data[at : at + 2] = bytes(byte ^ 1 for byte in data[at : at + 2])
    path.write_bytes(data)
    assert main(["data", "verify", str(path)]) == 2
    assert "notes.npy' is damaged" in capsys.readouterr().err


def test_doctor_needs_something_to_look_at(tmp_path, capsys):
    assert main(["data", "doctor"]) == 2
    assert "which table or data set?" in capsys.readouterr().err
    assert main(["data", "doctor", str(write_spin_table(tmp_path)), "--root", str(tmp_path)]) == 2
    assert "--root is for data sets" in capsys.readouterr().err
    assert main(["data", "doctor", "lspet", "--root", str(tmp_path), "--image-root", str(tmp_path)]) == 2
    assert "--image-root is for a table" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["doctor", "verify"])
def test_a_missing_image_is_the_users_to_mend(tmp_path, verb, capsys):
    path = write_spin_table(tmp_path)
    (tmp_path / "images" / "2.png").unlink()
    assert main(["data", verb, str(path)]) == 2
    assert "images/2.png" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["doctor", "verify", "sheet"])
def test_a_missing_table_is_the_users_to_mend(tmp_path, verb, capsys):
    extra = ["--out", str(tmp_path / "x.png")] if verb == "sheet" else []
    assert main(["data", verb, str(tmp_path / "none.npz"), *extra]) == 2
    assert "no such annotation table" in capsys.readouterr().err


def test_sheet_draws_any_spin_table(tmp_path):
    path = write_spin_table(tmp_path)
    out = tmp_path / "out" / "sheet.png"
    assert main(["data", "sheet", str(path), "--out", str(out), "--rows", "4", "--columns", "3", "--tile", "64"]) == 0
    assert cv2.imread(str(out)).shape == (128, 192, 3)


def test_sheet_shows_the_labels(tmp_path):
    with_labels = write_spin_table(tmp_path)
    main(["data", "sheet", str(with_labels), "--out", str(tmp_path / "a.png"), "--rows", "1"])
    without = write_spin_table(tmp_path, part=np.zeros((5, 24, 3)))
    main(["data", "sheet", str(without), "--out", str(tmp_path / "b.png"), "--rows", "1"])
    assert (cv2.imread(str(tmp_path / "a.png")) != cv2.imread(str(tmp_path / "b.png"))).any()


def test_sheet_falls_back_to_detected_joints(tmp_path):
    openpose = np.zeros((5, 25, 3))
    openpose[:, :8] = 1.0
    path = write_spin_table(tmp_path, part=np.zeros((5, 24, 3)), openpose=openpose)
    assert set(labelled_joints(load_annotations(path), 0)) >= {"nose", "neck", "left_wrist"}


@pytest.mark.parametrize("name", ["sheet.unknown", "table.npz/sheet.png"])
def test_sheet_says_when_it_cannot_write(tmp_path, name, capsys):
    path = write_spin_table(tmp_path)
    assert main(["data", "sheet", str(path), "--out", str(tmp_path / name)]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_synth_refuses_a_share_above_one(tmp_path, capsys):
    assert main(["data", "synth", "--num", "1", "--out", str(tmp_path), "--limber", "1.5"]) == 2
    assert "limber is 1.5, but a share lies between 0 and 1" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_synth_frees_limbs_and_keeps_silhouettes(tmp_path):
    words = ["--world", "wild", "--num", "4", "--size", "32", "--workers", "1", "--free-limbs", "1", "--silhouettes"]
    assert main(["data", "synth", "--out", str(tmp_path), *words]) == 0
    options = json.loads((tmp_path / "wild_train.json").read_text())["options"]
    assert (options["free_limbs"], options["silhouettes"]) == (1.0, True)
    assert len(list((tmp_path / "wild_train").glob("*_mask.png"))) == 4


@pytest.mark.parametrize(
    "words", [[], ["dance"], ["synth"], ["synth", "--world", "moon", "--num", "1", "--out", "x"], ["sheet", "a.npz"]]
)
def test_wrong_arguments_exit_with_2(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["data", *words])
    assert stopped.value.code == 2
    assert "pymaf data" in capsys.readouterr().err


def test_help_shows_examples(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["data", "--help"])
    assert stopped.value.code == 0
    assert "pymaf data synth --num 5000 --out data/demo" in capsys.readouterr().out
