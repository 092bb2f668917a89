"""The viewer in a real browser; skipped where there is none."""

import base64
import re
import shutil
import subprocess
from html import escape
from importlib import resources

import numpy as np
import pytest

from pymaf_pl.report import pack_meshes, write_page
from pymaf_pl.report.change import full_scales, moves
from pymaf_pl.report.page import embedded_page, script_json

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")]

FLAGS = """
  --headless --no-sandbox --disable-gpu-sandbox --use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader
  --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync
  --enable-logging=stderr --window-size=700,900 --virtual-time-budget=20000 --dump-dom
"""

# Runs before the page's own script: notes every error, and what lies on the canvas right after each drawing.
PROBE = """<script>
requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 80); // few: software draws them
cancelAnimationFrame = clearTimeout;
const note = (what) => (document.documentElement.dataset.failure = String(what));
addEventListener("error", (e) => note(e.message));
addEventListener("unhandledrejection", (e) => note(e.reason));
document.addEventListener("securitypolicyviolation", (e) => note(e.violatedDirective));
addEventListener("drawn", (e) => {
  const gl = e.target.getContext("webgl");
  const pixels = new Uint8Array(4 * gl.drawingBufferWidth * gl.drawingBufferHeight);
  gl.readPixels(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  let [covered, sum] = [0, 0];
  for (let at = 0; at < pixels.length; at += 4) {
    if (!pixels[at + 3]) continue;
    covered++;
    sum = (sum * 31 + pixels[at] + at) % 1e9;
  }
  const asked = performance.getEntriesByType("resource").filter(({ name }) => !/^(data|blob):/.test(name)).length;
  Object.assign(document.documentElement.dataset, { covered, picture: sum, asked });
}, true);
ACTION
</script>"""


@pytest.fixture
def browse(tmp_path):
    """Open a file and return what its root element says once everything has settled."""

    def open_file(path, hash_: str = "") -> dict[str, str]:
        profile = tmp_path / "profile"
        command = [BROWSER, *FLAGS.split(), f"--user-data-dir={profile}", path.as_uri() + hash_]
        done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
        shutil.rmtree(profile, ignore_errors=True)
        said = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "due to ReadPixels" not in line]
        assert not said
        root = re.search(r"<html[^>]*>", done.stdout).group()
        return dict(re.findall(r'data-([\w-]+)="([^"]*)"', root))

    return open_file


@pytest.fixture
def look(tmp_path, body, make_person, browse):
    """Open a page of three people, two of them with meshes, and do something with it."""

    def open_page(hash_: str = "", action: str = "") -> dict[str, str]:
        people = [make_person("a"), make_person("b", mesh=False), make_person("c", seed=2, target_vertices=None)]
        path = write_page(
            tmp_path / "report.html", title="t", facts={}, iterations=[], people=people, faces=body["faces"]
        )
        html = path.read_text(encoding="utf-8")
        path.write_text(html.replace("<head>", "<head>" + PROBE.replace("ACTION", action), 1), encoding="utf-8")
        seen = browse(path, hash_)
        assert "failure" not in seen
        assert seen["ready"] == "true"
        return seen

    return open_page


def once_ready(script: str) -> str:
    return f"""
      new MutationObserver((_, watcher) => {{
        if (!document.documentElement.dataset.ready) return;
        watcher.disconnect();
        {script}
      }}).observe(document.documentElement, {{ attributes: true }});"""


def test_draws_the_first_person(look):
    seen = look()
    assert (seen["drawn-person"], seen["drawn-iteration"], seen["drawn-triangles"]) == ("1", "0", "13776")
    assert int(seen["covered"]) > 10_000
    assert seen["asked"] == "0"  # the page is all there is


def test_obeys_the_address(look):
    pictures = {}
    for address in ("#person=1&iteration=0", "#person=1&iteration=3", "#person=3&iteration=3"):
        seen = look(address)
        assert f"#person={seen['drawn-person']}&iteration={seen['drawn-iteration']}" == address
        pictures[seen["picture"]] = address
    assert len(pictures) == 3


def test_address_of_nobody_is_harmless(look):
    seen = look("#person=2&iteration=99&target=yes")
    assert (seen["drawn-person"], seen["drawn-iteration"]) == ("1", "3")


def test_ground_truth_stands_beside(look):
    assert look("#person=1&target=1")["drawn-triangles"] == str(2 * 13776)
    assert look("#person=3&target=1")["drawn-triangles"] == "13776"


def test_slider(look):
    move = "const s = document.getElementById('iteration'); s.value = 2; s.dispatchEvent(new Event('input'));"
    report = "setTimeout(() => document.documentElement.dataset.address = location.hash, 1500);"
    seen = look(action=once_ready(move + report))
    assert seen["drawn-iteration"] == "2"
    assert seen["address"] == "#person=1&amp;iteration=2"


def test_play_runs_to_the_end_through_what_lies_between(look):
    watch = "const root = document.documentElement.dataset;"
    watch += "addEventListener('drawn', () => { if (root.drawnIteration % 1) root.between = 1; }, true);"
    seen = look(action=watch + once_ready("document.getElementById('play').click();"))
    assert seen["drawn-iteration"] == "3"
    assert seen["between"] == "1"


def test_buttons_and_cards(look):
    assert look(action=once_ready("document.getElementById('next').click();"))["drawn-person"] == "3"
    link = "document.querySelector('#card-3 a[href$=\"iteration=1\"]').click();"
    seen = look(action=once_ready(link))
    assert (seen["drawn-person"], seen["drawn-iteration"]) == ("3", "1")


def test_space_plays(look):
    key = "document.getElementById('canvas').dispatchEvent(new KeyboardEvent('keydown', {key: ' '}));"
    assert look(action=once_ready(key))["drawn-iteration"] == "3"


def test_changes_are_drawn_in_colour(look):
    plain, coloured = look("#person=1&iteration=2"), look("#person=1&iteration=2&change=1")
    assert plain["covered"] == coloured["covered"]
    assert plain["picture"] != coloured["picture"]


def test_the_scale_of_the_colours_is_the_iterations_own(look, make_meshes):
    tick = "document.getElementById('change').click();"
    tell = "document.documentElement.dataset.full = document.getElementById('legend-end').textContent;"
    seen = look("#person=1&iteration=1", once_ready(tick + tell))
    vertices = make_meshes(5)[:-1]
    expected = 1000 * full_scales(moves(vertices))[1]
    assert float(seen["full"].removesuffix(" mm")) == pytest.approx(expected, abs=1.5)


def test_works_inside_of_another_page(tmp_path, body, make_person, browse):
    """As a notebook shows it: a frame without an address, which may neither be read nor written."""
    page = embedded_page([make_person()], body["faces"])
    move = "const s = document.getElementById('iteration'); s.value = 2; s.dispatchEvent(new Event('input'));"
    tell = "setInterval(() => parent.postMessage({...document.documentElement.dataset}, '*'), 200);"
    page = page.replace("<head>", "<head>" + PROBE.replace("ACTION", once_ready(move) + tell), 1)
    path = tmp_path / "notebook.html"
    path.write_text(
        "<!doctype html><script>addEventListener('message', (e) => Object.assign(document.documentElement.dataset, "
        f'e.data));</script><iframe srcdoc="{escape(page)}" style="width: 900px; height: 600px"></iframe>',
        encoding="utf-8",
    )
    seen = browse(path)
    assert "failure" not in seen
    assert (seen["ready"], seen["drawn-iteration"]) == ("true", "2")


def test_keys_turn_the_body_and_bring_it_back(look):
    press = "document.getElementById('canvas').dispatchEvent(new KeyboardEvent('keydown', {key: 'KEY'}));"
    pictures = [
        look(action=once_ready("".join(press.replace("KEY", key) for key in keys)))["picture"]
        for keys in ((), ("ArrowLeft", "+"), ("ArrowLeft", "+", "0"))
    ]
    assert pictures[0] == pictures[2] != pictures[1]


@pytest.mark.parametrize(
    "missing", ["HTMLCanvasElement.prototype.getContext = () => null;", "delete window.DecompressionStream;"]
)
def test_says_so_where_there_is_no_3d(look, missing):
    action = missing + once_ready(
        "document.getElementById('next').click();"
        "document.documentElement.dataset.said = document.getElementById('fallback').innerText;"
    )
    seen = look(action=action)
    assert "The pictures show the same iterations." in seen["said"]
    assert "drawn-triangles" not in seen


def test_unpacks_to_the_same_grid_as_python(tmp_path, make_meshes, body, browse):
    """Weighted sums over every mesh and the faces, in whole numbers: one wrong residual changes them."""
    groups = [make_meshes(count, seed) for seed, count in enumerate((4, 1, 3))]
    pack = pack_meshes(groups, body["faces"])
    meshes = np.concatenate(groups)
    grid = np.rint((meshes - np.array(pack.centres)[:, None]) / pack.step).astype(np.int64).reshape(len(meshes), -1)
    expected = [int((row * (np.arange(row.size) % 1009)).sum()) for row in (*grid, body["faces"].astype(int).ravel())]
    data = {"vertices": pack.num_vertices, "faces": pack.num_faces, "counts": pack.counts}
    stream = base64.b64encode(pack.stream).decode("ascii")
    script = resources.files("pymaf_pl.report").joinpath("meshes.js").read_text(encoding="utf-8")
    path = tmp_path / "unpack.html"
    path.write_text(
        f'<!doctype html><script type="module">{script}\n'
        f'const pack = unpackMeshes(await inflate("{stream}"), {script_json(data)});'
        "document.documentElement.dataset.sums = [...pack.meshes, pack.faces]"
        ".map((row) => row.reduce((sum, value, at) => sum + value * (at % 1009), 0));</script>",
        encoding="utf-8",
    )
    assert browse(path)["sums"] == ",".join(map(str, expected))
