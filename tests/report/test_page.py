import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from pymaf_pl.errors import InputError
from pymaf_pl.report import Curve, write_page

ROWS = [
    {"iteration": 0, "mpjpe": 210.3, "pa_mpjpe": 130.2, "pve": 240.9},
    {"iteration": 1, "mpjpe": 118.4, "pa_mpjpe": 74.1, "pve": 139.6},
]
HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\'"&$title ${script}'


class Reader(HTMLParser):
    """All tags with their attributes, and the text between them."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def page(tmp_path, body):
    """Write a page and read it back."""

    def make(people=(), **changes) -> str:
        given = {"title": "A run", "facts": {"Model": "pymaf"}, "iterations": ROWS, "faces": body["faces"]}
        return write_page(tmp_path / "report.html", people=people, **(given | changes)).read_text(encoding="utf-8")

    return make


class TestContents:
    def test_facts_figures_notes(self, page):
        text = Reader(page(notes=["A remark."], facts={"Device": "cpu", "People": "512"})).text
        for expected in ("A run", "Device", "512", "A remark.", "PA-MPJPE", "210.3", "139.6", "−44 %"):
            assert expected in text

    def test_other_columns_are_shown_but_not_drawn_among_millimetres(self, page):
        html = page(iterations=[{"iteration": 0, "mpjpe": 80.0, "pck": 0.91234}, {"iteration": 1, "mpjpe": None}])
        assert "0.9123" in html
        assert html.count("pck") == 1

    def test_a_card_has_the_photo_and_every_overlay(self, page, make_person):
        html = page([make_person("runner", caption="on grass"), make_person("diver", seed=1)])
        images = Reader(html).all("img")
        overlays = [i for i in images if i.get("data-iteration") is not None]
        assert [i["data-iteration"] for i in overlays] == ["0", "1", "2", "3"] * 2
        assert all(i["src"].startswith("data:image/jpeg;base64,") and i["alt"] for i in overlays)
        assert "on grass" in html
        assert "200.2" in html

    def test_pictures_are_those_given(self, page, make_person):
        person = make_person(mesh=False)
        source = Reader(page([person])).all("img")[0]["src"]
        data = np.frombuffer(base64.b64decode(source.split(",")[1]), np.uint8)
        back = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].astype(float)
        assert np.abs(back - person.photo).mean() < 4

    def test_large_pictures_are_shrunk(self, page, make_person):
        images = Reader(page([make_person(mesh=False, size=500)], image_side=100)).all("img")
        assert {(i["width"], i["height"]) for i in images} == {("100", "100")}

    def test_learning_curves(self, page):
        html = page(curves={"Loss": [Curve("total", [0, 10], [2.0, 1.0])]})
        assert 'id="curve-0-title"' in html
        assert "Learning curves" in html

    def test_heading_only(self, page):
        html = page(iterations=[], facts={})
        assert "<svg" not in html
        assert "<canvas" not in html

    def test_person_without_mesh_stands_beside_one_with(self, page, make_person):
        html = page([make_person("flat", mesh=False), make_person("solid")])
        data = json.loads(re.search(r'id="viewer-data">(.*?)</script>', html, re.DOTALL).group(1))
        assert [(p["number"], p["name"], p["target"]) for p in data["people"]] == [(2, "solid", True)]
        assert data["counts"] == [5]

    @pytest.mark.parametrize("iterations", [1, 9])
    def test_few_and_many_iterations(self, page, make_person, iterations):
        rows = [{"iteration": n, "mpjpe": 100.0 - n} for n in range(iterations)]
        html = page([make_person(iterations=iterations)], iterations=rows)
        assert html.count("data-iteration=") - html.count('[data-iteration="') == iterations


class TestSafety:
    def test_hostile_names_stay_text(self, page, make_person):
        person = make_person(HOSTILE, caption=HOSTILE, figures=[{HOSTILE: 1.0}] * 4)
        html = page(
            [person],
            title=HOSTILE,
            facts={HOSTILE: HOSTILE},
            notes=[HOSTILE],
            curves={HOSTILE: [Curve(HOSTILE, [0], [1])]},
        )
        reader = Reader(html)
        assert len(reader.all("script")) == 3
        assert not any(name.startswith("on") for _, attributes in reader.tags for name in attributes)
        assert "${script}" in reader.text

    def test_asks_the_network_for_nothing(self, page, make_person):
        html = page([make_person()])
        reader = Reader(html)
        for tag, attributes in reader.tags:
            for name in ("src", "href", "action", "poster", "data", "srcset"):
                assert (attributes.get(name) or "data:").startswith(("data:", "#")), tag
        assert not re.search(r"https?://|@import|url\(|\bfetch\(|XMLHttpRequest|sendBeacon", html)
        policy = next(m["content"] for m in reader.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
        assert policy.startswith("default-src 'none'; img-src data:;")

    def test_ids_are_unique(self, page, make_person):
        html = page([make_person(), make_person("b")], curves={"Loss": [Curve("total", [0, 1], [2, 1])]})
        ids = [attributes["id"] for _, attributes in Reader(html).tags if "id" in attributes]
        assert len(ids) == len(set(ids))


class TestFile:
    def test_size_for_twelve_people(self, page, make_person):
        html = page([make_person(f"person {n}", seed=n) for n in range(12)])
        assert len(html) < 3e6

    def test_a_failure_leaves_the_old_page(self, page, tmp_path, make_person, monkeypatch):
        old = page()

        def fail(*_):
            raise OSError("disk full")

        monkeypatch.setattr("os.replace", fail)
        with pytest.raises(OSError, match="disk full"):
            page([make_person(mesh=False)])
        assert [f.name for f in tmp_path.iterdir()] == ["report.html"]
        assert (tmp_path / "report.html").read_text(encoding="utf-8") == old

    def test_makes_the_folder(self, tmp_path):
        path = write_page(tmp_path / "a/b/index.html", title="t", facts={}, iterations=[], people=[], faces=None)
        assert path.is_file()


class TestRefusals:
    def test_faces_missing(self, page, make_person):
        with pytest.raises(InputError, match=r"person 1 \(runner\) has vertices, but faces is None"):
            page([make_person()], faces=None)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"photo": np.zeros((8, 8, 3))}, "photo of person 1 .* is float64"),
            ({"overlays": [np.zeros((8, 8), np.uint8)] * 4}, r"overlay 0 of .* expected uint8 of shape \(H, W, 3\)"),
            ({"figures": [{}] * 3}, "different numbers of iterations"),
            ({"vertices": np.zeros((6890, 3))}, r"expected \(T\+1, V, 3\)"),
            ({"target_vertices": np.zeros((10, 3))}, "like its vertices"),
            ({"vertices": None}, "no vertices to compare"),
        ],
    )
    def test_names_the_person(self, page, make_person, changes, message):
        with pytest.raises(InputError, match=message):
            page([replace(make_person(), **changes)])
