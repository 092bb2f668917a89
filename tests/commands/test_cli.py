import contextlib
import json
import subprocess
import sys

from pymaf_pl import cli
from pymaf_pl.checksums import sha256
from pymaf_pl.errors import InputError
from pymaf_pl.shipped import DEFAULT_MODEL, locate


def test_help_lists_every_verb(capsys):
    assert cli.main([]) == 0
    text = capsys.readouterr().out
    assert all(verb in text for verb in cli._VERBS)


def test_every_verb_has_help(capsys):
    for verb in cli._VERBS:
        with contextlib.suppress(SystemExit):  # argparse leaves by itself
            assert cli.main([verb, "--help"]) == 0
        assert f"usage: pymaf {verb}" in capsys.readouterr().out


def test_an_unknown_verb_is_answered_with_the_nearest(capsys):
    assert cli.main(["trian"]) == 2
    assert "did you mean 'train'?" in capsys.readouterr().err


def test_an_error_of_a_loader_worker_becomes_one_line(capsys, monkeypatch):
    def fails(_arguments):
        worker = "Caught InputError in DataLoader worker process 0.\nTraceback ...\n"
        raise InputError(worker + "pymaf_pl.errors.InputError: x.jpg: gone")

    monkeypatch.setattr(cli, "_verb", lambda _word: fails)
    assert cli.main(["train"]) == 2
    assert capsys.readouterr().err.strip() == "pymaf train: x.jpg: gone"


def test_a_checkpoint_is_measured_by_a_protocol(run_dir, worlds, tmp_path):
    words = [f"checkpoint={run_dir}/checkpoints/last.ckpt", f"protocol.root={worlds}/val", "protocol.num=6"]
    words += ["protocol.picture_size=64", f"hydra.run.dir={tmp_path}", "num_workers=0", "report_people=1"]
    assert cli.main(["eval", *words]) == 0
    ours = json.loads((tmp_path / "metrics.json").read_text())
    trained = json.loads((run_dir / "metrics.json").read_text())
    # training measured in bf16, this in float32
    assert abs(ours["final"]["mpjpe"] - trained["final"]["mpjpe"]) < 0.05 * trained["final"]["mpjpe"]
    assert (tmp_path / "report.html").is_file()


def test_without_a_checkpoint_the_shipped_model_is_measured(worlds, tmp_path, capsys):
    words = [f"protocol.root={worlds}/val", "protocol.num=6", "protocol.picture_size=64", "num_workers=0"]
    assert cli.main(["eval", "protocol=synthetic_val", *words, f"hydra.run.dir={tmp_path}", "report_people=0"]) == 0
    assert json.loads((tmp_path / "metrics.json").read_text())["num_samples"] == 12
    assert "pymaf-small by synthetic_val" in capsys.readouterr().out
    weights = str(locate(DEFAULT_MODEL))
    assert json.loads((tmp_path / "run.json").read_text())["data"][weights] == sha256(locate(DEFAULT_MODEL))


def test_a_reader_that_has_seen_enough_is_no_error():
    command = [sys.executable, "-m", "pymaf_pl.cli", "checkpoint", "info"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
