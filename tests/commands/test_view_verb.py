"""``pymaf view`` on made-up predictions and on a miniature run; the page itself is looked at in tests/report."""

import base64
import json
import re
import webbrowser
from importlib import resources

import cv2
import numpy as np
import pytest

from pymaf_pl import cli
from pymaf_pl.data.images import write_png

SIDE = 48


@pytest.fixture(scope="module")
def body():
    with resources.files("pymaf_pl.body").joinpath("assets/open_body.npz").open("rb") as file, np.load(file) as data:
        return {key: data[key] for key in ("faces", "neutral_v_template", "neutral_shapedirs")}


def prediction(body, seed=0, iterations=4, **changes):
    """Return arrays as `pymaf predict` writes them; another shape, and one more turn, each iteration."""
    random = np.random.default_rng(seed)
    betas = random.normal(size=(iterations, 10)) * np.arange(iterations)[:, None] / 3
    vertices = (body["neutral_v_template"] + np.einsum("vcb,tb->tvc", body["neutral_shapedirs"], betas)) * [1, -1, -1]
    picture = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    encoded = cv2.imencode(".jpg", cv2.resize(picture, (SIDE, SIDE)))[1].ravel()
    return {
        "vertices": vertices.astype(np.float32), "weak_cam": np.tile(np.float32([0.9, 0, 0]), (iterations, 1)),
        "pose_rotmat": np.tile(np.eye(3, dtype=np.float32), (iterations, 24, 1, 1)), "faces": body["faces"],
        "bbox_center": np.float32([24, 24]), "bbox_size": np.float32(SIDE), "picture_jpeg": encoded,
    } | changes  # fmt: skip


@pytest.fixture
def save(body, tmp_path):
    def write(name, drop=(), **changes):
        arrays = prediction(body, **changes)
        np.savez(tmp_path / name, **{key: value for key, value in arrays.items() if key not in drop})
        return tmp_path / name

    return write


def view(*words):
    return cli.main(["view", *map(str, words)])


def people_of(page):
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="viewer-data">(.*?)</script>', text, re.DOTALL).group(1))


def test_a_folder_of_predictions(save, tmp_path, capsys):
    for number in (10, 9):
        save(f"photo_{number}.npz", seed=number)
    save("alone.npz")
    assert view(tmp_path) == 0
    data = people_of(tmp_path / "iterations.html")
    assert [person["name"] for person in data["people"]] == ["alone", "photo_9", "photo_10"]
    assert data["counts"] == [4, 4, 4]
    first, second = data["people"][1]["figures"][:2]
    assert first == []
    assert [name for name, _, _ in second] == ["moved", "at most", "joints turned"]
    assert float(second[0][1]) > 1
    assert second[2][1:] == ["0.0", "°"]
    assert str(tmp_path / "iterations.html") in capsys.readouterr().out


def test_one_prediction_and_another_file(save, tmp_path):
    path = save("somebody.npz")
    assert view(path) == 0
    assert view(path, "--out", tmp_path / "new" / "page.html") == 0
    assert (tmp_path / "somebody.html").read_text() == (tmp_path / "new" / "page.html").read_text()


def test_no_more_than_asked_for(save, tmp_path, capsys):
    for number in range(3):
        save(f"x_{number}.npz", seed=number)
    assert view(tmp_path, "--people", 2) == 0
    assert len(people_of(tmp_path / "iterations.html")["people"]) == 2
    assert "2 people of 3; --people 3 shows all" in capsys.readouterr().out


def test_the_photo_is_cut_out_where_the_box_was(save, tmp_path):
    photo = np.zeros((200, 300, 3), np.uint8)
    photo[:, 150:] = (0, 255, 0)
    (tmp_path / "photos").mkdir()
    write_png(tmp_path / "photos" / "trip.png", photo)
    box = {"bbox_center": np.float32([150, 100]), "bbox_size": np.float32(128)}
    path = save("trip_0.npz", drop=["picture_jpeg"], iterations=1, **box)
    assert view(path, "--photos", tmp_path / "photos") == 0
    source = re.search(r'<img src="data:image/jpeg;base64,([^"]*)"', path.with_suffix(".html").read_text()).group(1)
    seen = cv2.imdecode(np.frombuffer(base64.b64decode(source), np.uint8), cv2.IMREAD_COLOR_RGB)
    left, right = np.split(seen.astype(int), 2, axis=1)
    assert left[:, :-8].max() < 30
    assert right[:, 8:, 1].min() > 200


def test_without_any_picture_the_meshes_are_shown_and_the_page_says_so(save):
    path = save("bare_0.npz", drop=["picture_jpeg"], iterations=1)
    assert view(path) == 0
    assert "Without a picture of their own: bare_0.npz" in path.with_suffix(".html").read_text()


@pytest.mark.slow
def test_twelve_people_of_four_meshes_are_light(body, save, tmp_path):
    random = np.random.default_rng(0)
    noisy = cv2.resize(random.integers(0, 256, (96, 96, 3), dtype=np.uint8), (384, 384))  # busier than any photo
    picture = cv2.imencode(".jpg", noisy)[1].ravel()
    for number in range(12):
        save(f"x_{number}.npz", seed=number, picture_jpeg=picture)
    assert view(tmp_path) == 0
    assert (tmp_path / "iterations.html").stat().st_size < 3_000_000


def test_a_run(run_dir, worlds, tmp_path, capsys):
    page = tmp_path / "run.html"
    assert view(run_dir, "--out", page, "--people", 4) == 0
    data = people_of(page)
    assert len(data["people"]) == 4
    with np.load(run_dir / "per_sample.npz") as measured:
        names, errors = measured["imgname"].tolist(), measured["mpjpe"]
    last = data["people"][0]["figures"][-1]
    assert last[0][::2] == ["MPJPE", "mm"]
    place = names.index(data["people"][0]["caption"])
    assert float(last[0][1]) == pytest.approx(errors[-1, place], abs=0.06)
    text = page.read_text(encoding="utf-8")
    assert text.index('id="viewer"') < text.index("Error per iteration")  # people come to look
    assert "12 held out" in text


def test_the_pictures_of_a_run_may_have_moved(run_dir, worlds, tmp_path, capsys):
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("per_sample.npz", "metrics.json"):
        (copy / name).write_bytes((run_dir / name).read_bytes())
    (copy / "checkpoints").mkdir()
    (copy / "checkpoints" / "last.ckpt").symlink_to(run_dir / "checkpoints" / "last.ckpt")
    config = (run_dir / "config.yaml").read_text().replace(str(worlds), "/nowhere")
    (copy / "config.yaml").write_text(config)
    assert view(copy) == 2
    assert "--photos says which folder" in capsys.readouterr().err
    assert view(copy, "--photos", worlds / "val", "--people", 1) == 0


def test_open_shows_it_in_the_browser(save, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    path = save("somebody.npz")
    assert view(path) == 0
    assert not opened
    assert view(path, "--open") == 0
    assert opened == [path.with_suffix(".html").as_uri()]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "no such file or folder"),
        (["{}"], "no run (config.yaml) and no prediction (.npz) in it"),
        (["{}/text.npz"], "not readable as a prediction"),
        (["{}/other.npz"], "no key 'weak_cam'; not a prediction"),
        (["{}/flat.npz"], "'vertices' has shape (4, 6890, 2), expected (N, N, 3)"),
        (["{}/text.npz", "--photos", "nowhere"], "--photos nowhere: no such folder"),
        (["{}/text.npz", "--out", "{}"], "this is a folder"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(body, tmp_path, capsys, words, said):
    (tmp_path / "files").mkdir()
    if "text" in words[0]:
        (tmp_path / "files" / "text.npz").write_text("no arrays")
    if "other" in words[0]:
        np.savez(tmp_path / "files" / "other.npz", vertices=np.zeros((4, 9, 3)))
    if "flat" in words[0]:
        flat = prediction(body)
        np.savez(tmp_path / "files" / "flat.npz", **flat | {"vertices": flat["vertices"][..., :2]})
    assert view(*(word.format(tmp_path / "files") for word in words)) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
