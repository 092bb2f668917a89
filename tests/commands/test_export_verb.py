"""``pymaf export`` at the command line."""

import pytest

from pymaf_pl import cli


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "net.txt"], "net.txt: the file is FILE.onnx for ONNX or FILE.pt2 for torch.export"),
        (["--out", "nowhere/net.onnx"], "there is no folder nowhere"),
        (["--out", "net.onnx", "--checkpoint", "absent.ckpt"], "absent.ckpt: no such checkpoint"),
    ],
)
def test_wrong_words_are_one_line(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_shipped_model_becomes_a_file_and_says_how_close_it_is(capsys, tmp_path):
    assert cli.main(["export", "--out", str(tmp_path / "small.pt2")]) == 0
    said = capsys.readouterr().out
    assert "images of 128 px, any batch" in said
    assert "pose_rotmat  largest difference to the network itself" in said
    assert (tmp_path / "small.pt2").stat().st_size > 1e6
