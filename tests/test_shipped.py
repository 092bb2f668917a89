"""What ships is small, is data, is what its card says, and holds nothing of a body model."""

import json
import shutil
from pathlib import Path

import pytest
import torch

import pymaf_pl
from complaints import complaint
from pymaf_pl.body import BodyModel
from pymaf_pl.checkpoints import read_checkpoint
from pymaf_pl.checksums import sha256
from pymaf_pl.shipped import DEFAULT_MODEL, SHIPPED, card_path, locate, read_card

MOST_BYTES = 25_000_000
OF_A_BODY = ("v_template", "shapedirs", "posedirs", "j_regressor", "lbs_weights", "faces", "kintree")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The shipped pair, to be spoilt."""
    weights = locate(DEFAULT_MODEL)
    for path in (weights, card_path(weights)):
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path / weights.name


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_is_the_one_that_its_card_describes(name: str) -> None:
    weights = locate(name)
    card = json.loads(card_path(weights).read_text())
    assert (card["name"], card["file"], card["sha256"]) == (name, weights.name, sha256(weights))
    assert card["size"] == weights.stat().st_size <= MOST_BYTES
    assert card["body"]["name"] == "open"  # weights of a licensed body are not ours to ship
    assert {"summary", "trained_on", "not_good_for", "licence"} <= card["about"].keys()
    assert card["training"]["samples_seen"] > 0
    for document in card["figures"].values():
        assert [row["iteration"] for row in document["iterations"]] == list(range(len(document["iterations"])))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_is_weights_and_nothing_else(name: str, body: BodyModel) -> None:
    raw = torch.load(locate(name), weights_only=True)
    assert raw.keys() == {"state_dict", "pymaf_pl", "epoch", "global_step", "card"}
    sizes = {body.num_vertices, 3 * body.num_vertices, len(body.faces)}
    for key, tensor in raw["state_dict"].items():
        assert key.startswith("network.")
        assert not any(word in key.lower() for word in OF_A_BODY), key
        assert not sizes & {*tensor.shape, tensor.numel()}, key
        assert tensor.dtype == (torch.float16 if tensor.is_floating_point() else torch.int64), key
        assert tensor.untyped_storage().nbytes() == tensor.nbytes, key  # no view of something larger


def test_the_shipped_model_loads_by_its_name_and_by_none() -> None:
    predictor = pymaf_pl.load()
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in predictor.network.parameters())
    checkpoint = read_checkpoint(DEFAULT_MODEL)
    assert checkpoint.name == DEFAULT_MODEL
    assert predictor.image_size == checkpoint.record["image_size"]


def test_a_file_of_that_name_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(DEFAULT_MODEL).mkdir()  # a folder cannot be what is meant
    assert locate(DEFAULT_MODEL).parent.name == "weights"
    Path(DEFAULT_MODEL).rmdir()
    Path(DEFAULT_MODEL).write_text("mine")
    assert locate(DEFAULT_MODEL) == Path(DEFAULT_MODEL)
    assert "not a readable checkpoint" in complaint(Path(DEFAULT_MODEL))


def test_a_name_that_does_not_exist_is_answered_with_the_one_that_does(tmp_path: Path) -> None:
    assert DEFAULT_MODEL in complaint(tmp_path / "pymaf-large")


def test_a_copy_works_wherever_the_pair_goes(copy: Path) -> None:
    moved = copy.with_name("mine.pt")
    card_path(copy).rename(card_path(moved))
    copy.rename(moved)
    assert read_checkpoint(moved).name == DEFAULT_MODEL


def test_weights_that_were_changed_are_refused_with_both_sums(copy: Path) -> None:
    told = sha256(copy)
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    message = complaint(copy)
    assert told in message
    assert sha256(copy) in message
    assert card_path(copy).name in message


def test_a_card_of_other_weights_is_refused(copy: Path) -> None:
    card = json.loads(card_path(copy).read_text())
    card_path(copy).write_text(json.dumps(card | {"sha256": "0" * 64}))
    assert "0" * 64 in complaint(copy)
    del card["sha256"]
    card_path(copy).write_text(json.dumps(card))
    assert "None" in complaint(copy)


@pytest.mark.parametrize("card", [None, "", "no JSON", "[]", '{"kind": "something else"}'])
def test_weights_without_their_card_are_noticed(card: str | None, copy: Path) -> None:
    card_path(copy).unlink()
    if card is not None:
        card_path(copy).write_text(card)
    assert f"its card {card_path(copy).name} is missing or unreadable" in complaint(copy)


def test_weights_under_another_suffix_still_want_their_card(copy: Path) -> None:
    assert "stay together" in complaint(copy.rename(copy.with_suffix(".ckpt")))


def test_another_programs_json_is_no_card(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"sha256": "0"}')
    torch.save({"state_dict": {}, "pymaf_pl": {"body": {}}}, tmp_path / "x.pt")
    assert read_card(tmp_path / "x.pt") is None
    assert read_checkpoint(tmp_path / "x.pt").card is None
