"""`pymaf compare`: costs, jobs without a result, the page and the section of a document."""

import csv
import json
import re

import numpy as np
import pytest
import yaml

from pymaf_pl import cli
from pymaf_pl.commands.compare_curves import read_curve
from pymaf_pl.commands.sweep_ledger import Job, Ledger
from pymaf_pl.engine.run_files import metrics_document, write_json
from pymaf_pl.metrics.people import PeopleFigures

NUM = 60
LEVEL = np.random.default_rng(0).normal(100, 30, NUM)
GFLOPS = {1: 2.0, 2: 3.0}  # by iterations
HOURS = {1: 1.5, 2: 3.0}


def make_run(folder, iterations, seed, cost=True):
    rng = np.random.default_rng([seed, iterations])
    folder.mkdir(parents=True)
    config = {"name": "iterations", "seed": seed, "model": {"num_iterations": iterations}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    record = {"overrides": [f"model.num_iterations={iterations}", f"seed={seed}"], "choices": {"model": "pymaf"}}
    spent = {"training_seconds": 1800 * HOURS[iterations], "processes": 2, "device": "cuda"}
    write_json(folder / "run.json", record | ({"cost": spent} if cost else {}))
    fall = np.array([[100], [0], [-8]])[: iterations + 1]
    mpjpe = LEVEL + rng.normal(0, 0.5) + rng.normal(0, 5, (len(fall), NUM)) + fall
    names = np.array([f"{n}.jpg" for n in range(NUM)])
    figures = {"mpjpe": mpjpe.astype(np.float32)}
    people = PeopleFigures("synthetic_val", np.arange(NUM), names, np.zeros((NUM, 2)), np.ones(NUM), figures)
    people.save(folder / "per_sample.npz")
    extra = {"steps": 900, "parameters": 7_000_000 + iterations * 500_000}
    if cost:
        extra |= {"flops": int(GFLOPS[iterations] * 1e9), "ms_per_image": 10.0 + seed, "measured_on": "a GPU"}
    write_json(folder / "metrics.json", metrics_document("synthetic_val", NUM, people.means(), extra))
    column = f"val/synthetic_val/iter_{iterations}/mpjpe"
    with (folder / "metrics.csv").open("w") as stream:
        stream.write(f"step,train/loss,{column}\n")
        for step in range(0, 901, 3):
            figure = f"{200 - step / 10 + seed}" if step % 300 == 0 and step else ""
            stream.write(f"{step},{500 / (1 + step / 50) + seed},{figure}\n")
    return folder


@pytest.fixture
def sweep(tmp_path):
    """Two seeds of one and of two iterations, and a failed, a pruned and a pending job."""
    folder, jobs = tmp_path / "sweep", []
    plan = [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]
    states = ["done"] * 4 + ["failed", "pruned", "pending"]
    for number, ((iterations, seed), state) in enumerate(zip(plan, states, strict=True)):
        words = ["experiment=demo", f"model.num_iterations={iterations}", f"seed={seed}"]
        reason = "data/x: no such folder" if state == "failed" else None
        jobs.append(Job(number, words, state=state, reason=reason))
        if state == "done":
            make_run(folder / str(number), iterations, seed)
    (folder / "5").mkdir()
    (folder / "5" / "config.yaml").write_text("name: iterations")  # pruned runs have begun
    Ledger(folder, ["train", "-m"], jobs).save()
    return folder


def compare(*words):
    return cli.main(["compare", *map(str, words)])


def rows(text):
    return [line.split() for line in text.splitlines() if line.strip().startswith("model.num_iterations=")]


class TestCosts:
    def test_they_are_columns(self, sweep, capsys):
        assert compare(sweep) == 0
        out = capsys.readouterr().out
        assert [line[3:7] for line in rows(out)] == [["8.0", "3", "10.5", "3"], ["7.5", "2", "10.5", "1.5"]]
        head = next(line for line in out.splitlines() if "seeds" in line)
        assert "M params GFLOPs ms/image hours" in re.sub(" +", " ", head)
        assert "Hours: GPU hours of training per run, summed over its processes." in out
        assert "(a GPU)" in out

    @pytest.mark.parametrize("cost", ["parameters", "flops", "hours"])
    def test_the_cheapest_comes_first_if_asked(self, sweep, capsys, cost):
        assert compare(sweep, "--sort", cost) == 0
        assert [line[0][-1] for line in rows(capsys.readouterr().out)] == ["1", "2"]

    def test_unknown_ones_are_dashes_and_come_last(self, tmp_path, capsys):
        folders = make_run(tmp_path / "a", 1, 0, cost=False), make_run(tmp_path / "b", 2, 0)
        assert compare(*folders, "--sort", "flops") == 0
        first, second = rows(capsys.readouterr().out)
        assert (first[0][-1], first[4]) == ("2", "3")
        assert second[4:7] == ["–"] * 3

    def test_nobodys_costs_are_no_columns(self, tmp_path, capsys):
        assert compare(make_run(tmp_path / "a", 1, 0, cost=False)) == 0
        assert "GFLOPs" not in capsys.readouterr().out

    def test_csv_has_them(self, sweep, tmp_path, capsys):
        assert compare(sweep, "--out", tmp_path / "out") == 0
        with (tmp_path / "out" / "compare.csv").open() as stream:
            lines = [line for line in csv.DictReader(stream) if line["group"] == "model.num_iterations=1"]
        assert {(line["flops"], line["ms_per_image"], line["hours"]) for line in lines} == {
            ("2000000000", "10.5", "1.5")
        }


class TestJobsWithoutAResult:
    def test_each_is_told_with_its_state_and_not_called_left_out(self, sweep, capsys):
        assert compare(sweep) == 0
        out = capsys.readouterr().out
        assert f"failed: {sweep}/4, model.num_iterations=3 seed=0: data/x: no such folder" in out
        assert f"pruned: {sweep}/5, model.num_iterations=3 seed=1" in out
        assert f"pending: {sweep}/6, model.num_iterations=3 seed=2" in out
        assert "left out" not in out

    def test_they_are_in_all_texts(self, sweep, tmp_path, capsys):
        assert compare(sweep, "--out", tmp_path / "out") == 0
        for kind in ("md", "tex", "html"):
            text = (tmp_path / "out" / f"compare.{kind}").read_text()
            assert "no such folder" in text
            assert "pruned" in text

    def test_a_sweep_without_any_result_says_why(self, tmp_path, capsys):
        (tmp_path / "s").mkdir()
        jobs = [Job(0, ["a=1"], state="failed", reason="a NaN loss"), Job(1, ["a=2"])]
        Ledger(tmp_path / "s", [], jobs).save()
        assert compare(tmp_path / "s") == 2
        error = capsys.readouterr().err.strip()
        assert "no finished run to compare" in error
        assert "a=1: a NaN loss" in error
        assert "\n" not in error


class TestPage:
    @pytest.fixture
    def page(self, sweep, tmp_path, capsys):
        assert compare(sweep, "--html", tmp_path / "page.html") == 0
        return (tmp_path / "page.html").read_text()

    def test_it_holds_table_charts_and_curves_and_asks_for_nothing(self, page):
        headings = re.findall(r"<h2[^>]*>([^<]*)", page)
        assert headings == ["Groups", "After each iteration", "Learning curves", "Jobs without a result"]
        assert page.count("data:image/svg+xml;base64,") == 3  # iterations, loss, figure
        assert "MPJPE mm against the baseline" in page
        assert not re.findall(r'(?:src|href)="(?!data:)', page)
        assert "default-src 'none'" in page
        assert "<script" not in page
        assert "prefers-color-scheme: dark" in page

    def test_words_from_outside_are_escaped(self, tmp_path, capsys):
        run = make_run(tmp_path / "a", 1, 0)
        assert compare(f"<b onload=x>={run}", "--html", tmp_path / "page.html") == 0
        page = (tmp_path / "page.html").read_text()
        assert "&lt;b onload" in page
        assert "<b onload" not in page

    def test_a_folder_is_refused(self, sweep, tmp_path, capsys):
        assert compare(sweep, "--html", tmp_path) == 2
        assert "a folder; give a file" in capsys.readouterr().err


def test_a_curve_is_read_without_its_gaps(tmp_path):
    run = make_run(tmp_path / "a", 1, 0)
    steps, values = read_curve(run / "metrics.csv", "val/synthetic_val/iter_1/mpjpe")
    assert steps.tolist() == [300, 600, 900]
    assert values.tolist() == [170, 140, 110]
    assert len(read_curve(run / "none.csv", "train/loss")[0]) == 0


class TestSection:
    def test_it_replaces_itself_and_keeps_what_people_wrote(self, sweep, tmp_path, capsys):
        document = tmp_path / "docs" / "ablations.md"
        assert compare(sweep, "--into", document) == 0
        assert "<!-- compare: iterations -->" in document.read_text()
        document.write_text("# Ablations\n\n" + document.read_text() + "\nWhat it means.\n")
        before = document.read_text()
        assert compare(sweep, "--into", document) == 0
        assert document.read_text() == before
        assert compare(sweep, "--into", document, "--section", "again") == 0
        text = document.read_text()
        assert text.startswith("# Ablations\n\n<!-- compare: iterations -->")
        assert text.index("What it means.") < text.index("<!-- compare: again -->")
        assert "| model.num_iterations=2 | 2 | 900 | 8.0 |" in text
        assert "data/x: no such folder" in text

    def test_half_a_section_is_refused_and_left_alone(self, sweep, tmp_path, capsys):
        document = tmp_path / "a.md"
        document.write_text("<!-- compare: iterations -->\nmine\n")
        assert compare(sweep, "--into", document) == 2
        assert "wants one '<!-- compare: iterations -->'" in capsys.readouterr().err
        assert document.read_text() == "<!-- compare: iterations -->\nmine\n"

    def test_a_section_needs_a_document(self, sweep, capsys):
        assert compare(sweep, "--section", "a") == 2
        assert "--into says of which document" in capsys.readouterr().err


def test_files_of_trackers_are_no_runs(sweep, capsys):
    for name in ("mlflow_files", "meshes"):
        (sweep / name / "1").mkdir(parents=True)
        (sweep / name / "1" / "config.yaml").write_text(json.dumps({}))
    assert compare(sweep) == 0
    assert "left out" not in capsys.readouterr().out
