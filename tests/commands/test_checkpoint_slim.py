"""From a run's checkpoint to a pair of files, weights and card, and back to the same network."""

import hashlib
import json
from typing import Any

import pytest
import torch
import yaml

from pymaf_pl import cli
from pymaf_pl.checkpoints import read_checkpoint
from pymaf_pl.rebuilding import network_from_checkpoint


@pytest.fixture(scope="module")
def last(run_dir):
    return run_dir / "checkpoints" / "last.ckpt"


@pytest.fixture
def about(tmp_path):
    path = tmp_path / "about.yaml"
    path.write_text(yaml.safe_dump({"summary": "small", "not_good_for": ["measuring people", "crowds"]}))
    return path


def slim(*words: Any) -> int:
    return cli.main(["checkpoint", "slim", *map(str, words)])


def test_a_checkpoint_comes_back_as_the_same_network_within_float16(last, tmp_path):
    out = tmp_path / "small_one.pt"
    assert slim(last, "--out", out) == 0
    ours, _ = network_from_checkpoint(read_checkpoint(out))
    trained, _ = network_from_checkpoint(read_checkpoint(last))
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        pairs = zip(ours.eval()(images).iterations, trained.eval()(images).iterations, strict=True)
    for key, value in ours.state_dict().items():
        original = trained.state_dict()[key]
        assert value.dtype == original.dtype
        assert ((value - original).abs() <= original.abs() * 2**-11 + 2**-25).all(), key
    assert max(float((a.vector() - b.vector()).abs().max()) for a, b in pairs) < 0.02


def test_float32_comes_back_bit_by_bit(last, tmp_path):
    out = tmp_path / "x.pt"
    assert slim(last, "--out", out, "--precision", "float32") == 0
    ours, trained = read_checkpoint(out), read_checkpoint(last)
    assert ours.state.keys() == trained.state.keys()
    assert all(torch.equal(ours.state[key], trained.state[key]) for key in ours.state)


def test_the_card_says_what_and_how_and_how_well(last, run_dir, about, tmp_path, capsys):
    out = tmp_path / "small_one.pt"
    assert slim(last, "--out", out, "--figures", run_dir / "metrics.json", "--about", about) == 0
    printed = capsys.readouterr().out
    assert "largest rounding error" in printed
    card = json.loads((tmp_path / "small_one.json").read_text())
    assert card["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert card["sha256"] in printed
    assert (card["name"], card["file"], card["precision"]) == ("small-one", "small_one.pt", "float16")
    assert card["size"] == out.stat().st_size < last.stat().st_size / 3
    assert 0 < card["rounding_error"] < 1
    assert card["body"]["name"] == "open"
    assert card["network"] == read_checkpoint(last).record["network"]
    training = card["training"]
    assert (training["experiment"], training["seed"], training["image_size"]) == ("demo", 0, 64)
    assert training["samples_seen"] == 8 * training["steps"] == 8 * read_checkpoint(last).step
    assert {name: source["people"] for name, source in training["sources"].items()} == {"studio": 24, "wild": 24}
    assert str(tmp_path.parent) not in json.dumps(training)
    metrics = json.loads((run_dir / "metrics.json").read_text())
    assert card["figures"] == {"synthetic_val": metrics | {"measured_on": "the run's last weights"}}
    assert card["about"] == {"summary": "small", "not_good_for": ["measuring people", "crowds"]}

    assert cli.main(["checkpoint", "info", str(out)]) == 0
    shown = capsys.readouterr().out
    for text in ("small-one", "measuring people", "synthetic_val", "MPJPE", f"sha256 {card['sha256']}, as the card"):
        assert text in shown


def test_figures_of_the_file_itself_are_told_from_those_of_others(last, worlds, tmp_path, capsys):
    out, measured, other = tmp_path / "x.pt", tmp_path / "eval", tmp_path / "other"
    assert slim(last, "--out", out) == 0
    words = [f"protocol.root={worlds}/val", "protocol.num=6", "protocol.picture_size=64", "num_workers=0"]
    assert cli.main(["eval", f"checkpoint={out}", *words, f"hydra.run.dir={measured}", "report_people=0"]) == 0
    capsys.readouterr()
    assert slim(last, "--out", out, "--figures", measured / "metrics.json", "--force") == 0
    assert "note:" not in capsys.readouterr().out
    figures = json.loads((tmp_path / "x.json").read_text())["figures"]["synthetic_val"]
    assert figures["measured_on"] == "this file"
    other.mkdir()
    (other / "metrics.json").write_bytes((measured / "metrics.json").read_bytes())
    assert slim(last, "--out", out, "--figures", other / "metrics.json", "--force") == 0
    assert "nothing beside the figures of synthetic_val says" in capsys.readouterr().out


def test_nothing_is_overwritten_unless_told_to(last, tmp_path, capsys):
    out = tmp_path / "x.pt"
    for name in ("x.pt", "x.json"):
        path = tmp_path / name
        path.write_text("mine")
        assert slim(last, "--out", out) == 2
        assert f"{name}: is there already; --force overwrites it" in capsys.readouterr().err
        assert path.read_text() == "mine"
        path.unlink()
    assert list(tmp_path.iterdir()) == []
    assert slim(last, "--out", out) == 0
    assert slim(last, "--out", out, "--force") == 0


def test_bad_input_is_one_line_exit_code_2_and_no_file(last, run_dir, tmp_path, capsys):
    out = tmp_path / "out" / "x.pt"
    typo = tmp_path / "typo.yaml"
    typo.write_text("summery: x")
    number = tmp_path / "number.yaml"
    number.write_text("summary: 3")
    broken = tmp_path / "broken.yaml"
    broken.write_text("summary: [")
    figures = run_dir / "metrics.json"
    cases = [
        ((tmp_path / "no.ckpt",), "no such checkpoint"),
        ((last, "--about", tmp_path / "no.yaml"), "no.yaml: no such file"),
        ((last, "--about", typo), "unknown key 'summery'; did you mean 'summary'?"),
        ((last, "--about", number), "'summary' is a text or a list of texts"),
        ((last, "--about", broken), "broken.yaml: cannot be read"),
        ((last, "--figures", figures, figures), "figures of 'synthetic_val' already"),
        ((last, "--figures", run_dir / "run.json"), "not a metrics.json"),
        ((last, "--figures", tmp_path / "no.json"), "no.json: no such file"),
        (("pymaf-small",), "is slim already"),
    ]
    for words, message in cases:
        assert slim(*words, "--out", out) == 2
        error = capsys.readouterr().err.strip()
        assert message in error
        assert "\n" not in error
        assert not out.parent.exists()
    assert slim(last, "--out", tmp_path / "x.ckpt") == 2
    assert "--out ends in .pt" in capsys.readouterr().err
