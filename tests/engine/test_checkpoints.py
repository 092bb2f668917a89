"""Checkpoints are data: what is not one of ours is refused by name, and weights must fit exactly."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from complaints import complaint
from pymaf_pl.checkpoints import Checkpoint, load_weights, read_checkpoint, write_checkpoint
from pymaf_pl.errors import InputError

RECORD = {"body": {"name": "open", "gender": "neutral", "topology": "abc"}, "image_size": 64}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "last.ckpt"


def write(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def test_a_checkpoint_of_ours_is_read_without_its_prefix(path: Path) -> None:
    state = {"network.a": torch.ones(2), "network.network.b": torch.zeros(1), "losses.x": torch.ones(1)}
    write(path, {"state_dict": state, "pymaf_pl": RECORD, "epoch": 3, "global_step": 70, "optimizer_states": []})
    checkpoint = read_checkpoint(str(path))
    assert set(checkpoint.state) == {"a", "network.b"}
    assert (checkpoint.epoch, checkpoint.step, checkpoint.body_name) == (3, 70, "open")
    assert checkpoint.record == RECORD


def test_a_missing_file_is_named(path: Path) -> None:
    assert "no such checkpoint" in complaint(path)


@pytest.mark.parametrize("content", [b"", b"hello", bytes(1000), b"PK\x03\x04" + bytes(100)])
def test_garbage_is_not_a_readable_checkpoint(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    assert "not a readable checkpoint" in complaint(path)


def test_a_checkpoint_cut_off_while_copying_is_not_readable(path: Path) -> None:
    write(path, {"state_dict": {"network.a": torch.ones(5000)}, "pymaf_pl": RECORD})
    path.write_bytes(path.read_bytes()[:9000])
    assert "not a readable checkpoint" in complaint(path)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("exploded"),)


@pytest.mark.parametrize("save", [torch.save, lambda x, p: Path(p).write_bytes(pickle.dumps(x))], ids=["torch", "raw"])
def test_code_in_a_checkpoint_is_not_run(
    save: Any, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save({"state_dict": {}, "pymaf_pl": Bomb()}, path)
    message = complaint(path)
    assert "not a readable checkpoint" in message
    assert "PyTorch" not in message  # whose advice is to switch the refusal off
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"model": {}, "optimizer": {}}, "it has the keys model, optimizer"),
        ({"state_dict": {}, "epoch": 3}, "it has the keys epoch, state_dict"),
        ([torch.ones(1)], "list"),
        ({"state_dict": {}, "pymaf_pl": "yes"}, "not a checkpoint of pymaf_pl"),
        ({"state_dict": {}, "pymaf_pl": {}}, "not a checkpoint of pymaf_pl"),
    ],
)
def test_another_programs_checkpoint_is_named_by_its_keys(content: Any, words: str, path: Path) -> None:
    message = complaint(write(path, content))
    assert words in message
    assert "pymaf train" in message


def checkpoint(state: dict[str, torch.Tensor]) -> Checkpoint:
    return Checkpoint(Path("x.ckpt"), state, RECORD, 0, 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bias": None}, "it has no 'bias'"),
        ({"extra": torch.ones(1)}, "'extra' is not in this network"),
        ({"weight": torch.ones(2, 4)}, r"'weight' has the shape \(2, 4\), this network's has \(2, 3\)"),
    ],
)
def test_weights_of_another_model_are_refused_by_the_first_key(change: dict[str, Any], words: str) -> None:
    network = nn.Linear(3, 2)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    state = {key: value + 1 for key, value in before.items()} | change
    with pytest.raises(InputError, match=f"x.ckpt: {words}.*another model"):
        load_weights(network, checkpoint({key: value for key, value in state.items() if value is not None}))
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_weights_that_fit_are_loaded() -> None:
    network, other = nn.Linear(3, 2), nn.Linear(3, 2)
    load_weights(network, checkpoint(other.state_dict()))
    assert torch.equal(network.weight, other.weight)


def test_another_bodys_topology_is_refused_by_name() -> None:
    read = checkpoint({})
    read.check_body("another", "abc")  # what counts is that vertices correspond
    with pytest.raises(InputError) as caught:
        read.check_body("smpl", "def")
    message = str(caught.value)
    assert "trained on the 'open' body (topology abc), not on 'smpl' (topology def)" in message
    assert "body=open" in message


def test_the_files_of_another_topology_are_refused_although_the_name_is_the_same() -> None:
    with pytest.raises(InputError, match=r"topology abc.*topology def.*give the files that belong to it"):
        checkpoint({}).check_body("open", "def")


def test_without_a_topology_the_name_counts() -> None:
    record = {**RECORD, "body": {"name": "smpl", "gender": "neutral", "topology": None}}
    read = Checkpoint(Path("x.ckpt"), {}, record, 0, 0)
    read.check_body("smpl", "def")
    with pytest.raises(InputError, match="trained on the 'smpl' body, not on 'open'"):
        read.check_body("open", "abc")


def test_what_is_written_is_read_again(path: Path) -> None:
    weight = torch.randn(2, 3)
    written = Checkpoint(Path("from.pt"), {"a": weight, "b": weight}, {**RECORD, "origin": "x"}, 2, 5)
    write_checkpoint(written, path)
    read = read_checkpoint(path)
    assert read.state["a"].equal(weight)
    assert read.state["a"].data_ptr() == read.state["b"].data_ptr()  # what is shared stays shared
    assert (read.record, read.epoch, read.step, read.name) == (written.record, 2, 5, "last")
