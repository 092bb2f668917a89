"""`pymaf compare` on run folders made by hand, and on one that was trained."""

import csv
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import yaml

from pymaf_pl import cli
from pymaf_pl.engine.run_files import metrics_document, write_json
from pymaf_pl.metrics.people import PeopleFigures

NUM = 200
LEVEL = np.random.default_rng(0).normal(100, 30, NUM)  # how hard each person is, for everybody
MODELS = {"pymaf": {"_target_": "pymaf_pl.models.pymaf", "num_iterations": 2},
          "hmr": {"_target_": "pymaf_pl.models.hmr", "num_iterations": 2}}  # fmt: skip

ONCE = {"once": {"_target_": "pymaf_pl.models.pymaf", "num_iterations": 1}}


@pytest.fixture
def make_run(tmp_path):
    """Write a run folder: everybody's error is their level, the effect, a shift of the seed, and some noise."""

    def make(place, model="pymaf", seed=0, effect=0.0, protocol="synthetic_val", num=NUM, first="0.jpg", finished=True):
        folder, rng = tmp_path / place, np.random.default_rng([seed, len(model)])
        folder.mkdir(parents=True)
        config = {"name": "demo", "seed": seed, "model": (MODELS | ONCE)[model], "data": {"root": f"/data/{place}"}}
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        words = [f"model={model}", f"seed={seed}"]
        write_json(folder / "run.json", {"overrides": words, "choices": {"model": model, "protocol": protocol}})
        if not finished:
            return folder
        fall = np.array([[100], [0], [-1]])[: config["model"]["num_iterations"] + 1]
        mpjpe = LEVEL[:num] + effect + rng.normal(0, 1) + rng.normal(0, 5, (len(fall), num)) + fall
        people = PeopleFigures(
            protocol, np.arange(num), np.array([first, *(f"{n}.jpg" for n in range(1, num))]), np.zeros((num, 2)),
            np.ones(num), {"mpjpe": mpjpe.astype(np.float32), "pck_2d": rng.random(mpjpe.shape).astype(np.float32)},
        )  # fmt: skip
        people.save(folder / "per_sample.npz")
        extra = {"steps": 900 + seed, "parameters": 7_900_000}
        write_json(folder / "metrics.json", metrics_document(protocol, num, people.means(), extra))
        return folder

    return make


@pytest.fixture
def sweep(make_run, tmp_path):
    """Three seeds of either model in one folder, PyMAF 6 mm better."""
    for number, (model, seed) in enumerate((model, seed) for model in MODELS for seed in (0, 1, 2)):
        make_run(f"sweep/{number}", model, seed, effect=-6.0 if model == "pymaf" else 0.0)
    return tmp_path / "sweep"


def compare(*words):
    return cli.main(["compare", *map(str, words)])


def lines_with(text, word):
    return [line for line in text.splitlines() if word in line]


def test_a_sweep_becomes_one_row_per_configuration_the_best_one_first(sweep, capsys):
    assert compare(sweep, "--baseline", "hmr") == 0
    out = capsys.readouterr().out
    (first,), (second,) = (lines_with(out, f" model={model} ") for model in MODELS)
    assert out.index(first) < out.index(second)
    assert "900–902" in first
    assert "7.9" in first
    assert "±" in first
    assert second.rstrip().endswith("baseline")
    assert "−" in first.split("±")[-1]  # the difference is negative
    assert "synthetic_val, 200 people" in out
    assert "Intervals are over people and seeds." in out
    assert "†" not in out


def test_more_is_better_for_shares(sweep, make_run, capsys):
    assert compare(sweep, "--figure", "pck_2d") == 0
    out = capsys.readouterr().out
    values = [float(line.split("±")[1].split()[-1]) for line in out.splitlines() if line.startswith(" model=")]
    assert len(values) == 2
    assert values == sorted(values, reverse=True)
    assert "PCK@0.2 against the baseline" in out


def test_iterations_tell_what_each_one_changed(sweep, capsys):
    assert compare(sweep, "--iterations") == 0
    out = capsys.readouterr().out
    table = out[out.index("after every iteration") :]
    rows = [line for line in table.splitlines() if "] " in line or "]\n" in line]
    assert len(rows) == 6
    assert "change" in table
    assert "[−1" in table  # from the mean body, about −100 mm


def test_written_files_hold_the_numbers(sweep, tmp_path, capsys):
    assert compare(sweep, "--baseline", "model=hmr", "--out", tmp_path / "new" / "table") == 0
    folder = tmp_path / "new" / "table"
    assert {path.name for path in folder.iterdir()} == {
        f"compare.{kind}" for kind in ("csv", "md", "tex", "svg", "html")
    }
    with (folder / "compare.csv").open() as stream:
        lines = list(csv.DictReader(stream))
    assert len(lines) == 2 * 3 * 2  # groups, iterations, figures
    (last,) = (
        line for line in lines if (line["group"], line["iteration"], line["figure"]) == ("model=pymaf", "2", "mpjpe")
    )
    means = [json.loads((sweep / str(n) / "metrics.json").read_text())["final"]["mpjpe"] for n in range(6)]
    assert float(last["mean"]) == pytest.approx(np.mean(means[:3]), rel=1e-4)
    assert float(last["std_over_seeds"]) == pytest.approx(np.std(means[:3], ddof=1), rel=1e-3)
    difference = np.mean(means[:3]) - np.mean(means[3:])
    assert float(last["difference_to_baseline"]) == pytest.approx(difference, rel=1e-3)
    assert float(last["difference_low_95"]) < difference < float(last["difference_high_95"])
    assert last["interval_over"] == last["difference_over"] == "people and seeds"
    assert {line["difference_to_baseline"] for line in lines if line["iteration"] != "2"} == {""}

    markdown = (folder / "compare.md").read_text()
    assert "| model=pymaf | 3 | 900–902 | 7.9 |" in markdown
    tex = (folder / "compare.tex").read_text()
    assert r"$\pm$" in tex
    assert tex.count(r"\\") == 3
    assert "−" not in tex.split(r"\begin")[1]
    chart = ET.parse(folder / "compare.svg").getroot()
    words = {text.text for text in chart.iter("{http://www.w3.org/2000/svg}text")}
    assert {"model=pymaf, 3 seeds", "model=hmr, 3 seeds, the baseline"} <= words
    assert "prefers-color-scheme: dark" in (folder / "compare.svg").read_text()


def test_loops_of_different_length_are_compared_at_their_ends(sweep, make_run, tmp_path, capsys):
    make_run("sweep/6", "once", effect=3.0)
    make_run("sweep/7", "once", seed=1, effect=3.0)
    assert compare(sweep, "--iterations", "--baseline", "once", "--out", tmp_path / "table") == 0
    with (tmp_path / "table" / "compare.csv").open() as stream:
        lines = [line for line in csv.DictReader(stream) if line["figure"] == "mpjpe"]
    ends = {line["group"]: float(line["mean"]) for line in lines}
    differences = {line["group"]: float(line["difference_to_baseline"] or 0) for line in lines}
    assert len(lines) == 3 + 3 + 2
    for group, end in ends.items():
        assert differences[group] == pytest.approx(end - ends["model=once"], abs=1e-3)


def test_a_single_seed_is_over_people_only_and_says_so(make_run, capsys):
    assert compare(make_run("a"), make_run("b", "hmr"), make_run("c", "hmr", seed=1)) == 0
    out = capsys.readouterr().out
    assert "] †" in out
    assert "† With a single seed the interval is over people only" in out


def test_labels_may_be_given_and_may_hold_equals_signs(make_run, capsys):
    assert compare(f"our idea={make_run('a')}", f"lr=0.1={make_run('b', seed=1)}") == 0
    out = capsys.readouterr().out
    assert lines_with(out, " our idea ")
    assert lines_with(out, " lr=0.1 ")
    assert "Baseline: our idea." in out


def test_what_is_not_finished_or_not_measured_by_person_is_named_and_left_out(sweep, make_run, capsys):
    make_run("sweep/6", seed=7, finished=False)
    (make_run("sweep/7", seed=8) / "per_sample.npz").unlink()
    again = make_run("sweep/10", "hmr", seed=2)
    (make_run("sweep/8", seed=9) / "per_sample.npz").write_bytes(b"PK")
    (make_run("sweep/9", seed=9) / "config.yaml").write_text("checkpoint: x.ckpt")
    (sweep / "0" / "wandb" / "files").mkdir(parents=True)
    (sweep / "0" / "wandb" / "files" / "config.yaml").write_text("{}")
    assert compare(sweep) == 0
    out = capsys.readouterr().out
    assert f"left out: {sweep}/6: not finished, no metrics.json" in out
    assert f"left out: {sweep}/7: no per_sample.npz; pymaf eval measures it again" in out
    assert f"left out: {again}: same configuration and seed as {sweep}/5" in out
    assert f"left out: {sweep}/8: per_sample.npz: not readable" in out
    assert f"left out: {sweep}/9: its run.json does not say how the network was trained" in out
    assert out.count("left out") == 5


def test_an_evaluation_stands_for_the_training_it_came_from(make_run, capsys):
    folders = []
    for seed in (0, 1):
        folder = make_run(f"run{seed}", seed=seed)
        config, made = (
            yaml.safe_load((folder / "config.yaml").read_text()),
            json.loads((folder / "run.json").read_text()),
        )
        (folder / "config.yaml").write_text(yaml.safe_dump({"checkpoint": f"runs/{seed}/checkpoints/last.ckpt"}))
        write_json(folder / "run.json", {"overrides": ["checkpoint=x"], "trained": made | {"config": config}})
        folders.append(folder)
    assert compare(*folders, make_run("other", "hmr")) == 0
    out = capsys.readouterr().out
    (line,) = lines_with(out, " model=pymaf ")
    assert line.split()[:3] == ["model=pymaf", "2", "900–901"]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"protocol": "lspet"}, "was measured by lspet"),
        ({"num": 50}, "was measured on 50 people"),
        ({"first": "z.jpg"}, "different people, first at row 0 (z.jpg and 0.jpg)"),
    ],
)
def test_other_people_or_protocols_are_refused_in_one_line(make_run, capsys, other, words):
    assert compare(make_run("a"), make_run("b", "hmr", **other)) == 2
    error = capsys.readouterr().err.strip()
    assert words in error
    assert "\n" not in error


def test_wrong_words_are_one_line_and_exit_code_2(sweep, make_run, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    half = make_run("half", finished=False)
    for words, message in [
        ([tmp_path / "nowhere"], "nowhere: no such folder"),
        ([tmp_path / "empty"], "no run in it"),
        ([f"label={tmp_path}/nowhere"], "LABEL=FOLDER"),
        ([half], "no finished run to compare"),
        ([sweep, "--baseline", "resnet"], "--baseline resnet: no such group"),
        ([sweep, "--figure", "mpje"], "--figure mpje: these runs have mpjpe, pck_2d"),
        ([sweep, "--out", tmp_path / "file"], "not a folder"),
    ]:
        assert compare(*words) == 2
        error = capsys.readouterr().err.strip()
        assert message in error
        assert "\n" not in error


def test_a_trained_run_and_its_evaluation_are_compared(run_dir, worlds, tmp_path, capsys):
    words = [f"checkpoint={run_dir}/checkpoints/last.ckpt", f"protocol.root={worlds}/val", "protocol.num=6"]
    words += ["protocol.picture_size=64", f"hydra.run.dir={tmp_path}/eval", "num_workers=0", "report_people=0"]
    assert cli.main(["eval", *words]) == 0
    trained = json.loads((tmp_path / "eval" / "run.json").read_text())["trained"]
    assert trained["config"]["seed"] == 0
    assert trained["choices"]["model"] == "pymaf_small"
    capsys.readouterr()
    assert compare(f"bf16={run_dir}", f"float32={tmp_path}/eval", "--iterations") == 0
    out = capsys.readouterr().out
    assert "synthetic_val, 12 people" in out
    assert lines_with(out, " float32 ")
