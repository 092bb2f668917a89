import pytest
import torch

from pymaf_pl.body import load_body
from pymaf_pl.checkpoints import count_parameters, read_checkpoint
from pymaf_pl.cli import main
from pymaf_pl.models import hmr, pymaf
from pymaf_pl.models.backbone import ResNet
from pymaf_pl.shipped import DEFAULT_MODEL, locate, read_card


def save(network, path):
    record = {
        "version": "0.1.0",
        "body": {"name": "open", "gender": "neutral", "topology": "07700d963dde"},
        "image_size": 64,
        "network": {"backbone": {"depth": 18, "width": 8}, "model": {"num_iterations": 3}},
    }
    state = {f"network.{key}": value for key, value in network.state_dict().items()}
    torch.save({"state_dict": state, "pymaf_pl": record, "epoch": 7, "global_step": 123}, path)
    return path


@pytest.mark.parametrize("model", [pymaf, hmr])
def test_parameters_are_counted_once_although_hmr_shares_them(model, tmp_path):
    network = model(ResNet(18, width=8), load_body(), hidden=32)
    path = save(network, tmp_path / "x.ckpt")
    assert count_parameters(read_checkpoint(path)) == sum(p.numel() for p in network.parameters())


def test_info_shows_the_record(tmp_path, capsys):
    path = save(hmr(ResNet(18, width=8), load_body(), hidden=32), tmp_path / "x.ckpt")
    assert main(["checkpoint", "info", str(path)]) == 0
    out = capsys.readouterr().out
    for text in ("pymaf_pl 0.1.0", "open (neutral)", "07700d963dde", "64 px", "epoch 7, step 123", "backbone.width"):
        assert text in out


@pytest.mark.parametrize("content", [None, b"no checkpoint", {"epoch": 1}])
def test_info_answers_wrong_files_in_one_line(tmp_path, content, capsys):
    path = tmp_path / "x.ckpt"
    if isinstance(content, dict):
        torch.save(content, path)
    elif content is not None:
        path.write_bytes(content)
    assert main(["checkpoint", "info", str(path)]) == 2
    error = capsys.readouterr().err
    assert "x.ckpt" in error
    assert len(error.strip().splitlines()) == 1


def test_info_without_a_path_shows_the_shipped_card(capsys):
    assert main(["checkpoint", "info"]) == 0
    out = capsys.readouterr().out
    card = read_card(locate(DEFAULT_MODEL))
    for text in (DEFAULT_MODEL, "not good for", "samples seen", *card["figures"], f"sha256 {card['sha256']}"):
        assert text in out


def test_a_command_is_needed(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["checkpoint"])
    assert stopped.value.code == 2
