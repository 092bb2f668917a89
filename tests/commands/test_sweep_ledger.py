"""What a sweep writes down: whole at any moment, found again, and one process's alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from pymaf_pl.commands.sweep import enter
from pymaf_pl.commands.sweep_ledger import LEDGER, Job, Ledger, find_sweep, last_lines, outcome
from pymaf_pl.errors import InputError


def test_a_ledger_is_read_as_it_was_written(tmp_path: Path) -> None:
    jobs = [Job(0, ["seed=0"], "ab", "done", 2, "t0", "t1", 3.5, None, {"mpjpe": 99.5}), Job(1, ["seed=1"])]
    Ledger(tmp_path, ["train", "-m"], jobs).save()
    again = Ledger.read(tmp_path)
    assert (again.command, again.jobs, again.space) == (["train", "-m"], jobs, {})
    assert again.run_dir(again.jobs[1]) == tmp_path / "1"
    assert [path.name for path in tmp_path.iterdir()] == [LEDGER]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 2}', '{"schema": 1, "command": [], "jobs": [{"x": 1}]}'])
def test_a_damaged_ledger_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / LEDGER).write_text(text)
    with pytest.raises(InputError, match="not the file of a sweep"):
        Ledger.read(tmp_path)


def test_the_same_jobs_are_found_in_the_newest_folder_whatever_their_order(tmp_path: Path) -> None:
    wanted = [["a=1", "seed=0"], ["a=2", "seed=0"]]
    for name, jobs in (("t1", wanted), ("t2", wanted[::-1]), ("t3", wanted[:1])):
        Ledger(tmp_path / name, [], [Job(k, words) for k, words in enumerate(jobs)]).save()
    Ledger(tmp_path / "t4", [], [Job(0, wanted[0]), Job(1, wanted[1])], {"lr": "lr=interval(0,1)"}).save()
    (tmp_path / "t5").mkdir()
    (tmp_path / "t5" / LEDGER).write_text("broken")
    assert find_sweep(tmp_path, [["seed=0", "a=1"], ["a=2", "seed=0"]]) == tmp_path / "t2"
    assert find_sweep(tmp_path, [["a=3"]]) is None
    assert find_sweep(tmp_path, [], {"lr": "lr=interval(0,1)"}) == tmp_path / "t4"
    assert find_sweep(tmp_path, [], {"lr": "lr=interval(0,2)"}) is None


def test_new_jobs_join_the_old_ones_and_changed_ones_are_refused(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    first = enter(ledger, ["seed=0,1"], [["seed=0"], ["seed=1"]], ["a", "b"])
    first[0].state, first[1].state = "done", "failed"
    jobs = enter(ledger, ["seed=0,1,2"], [["seed=2"], ["seed=0"], ["seed=1"]], ["c", "a", "other"])
    assert [(job.number, job.state) for job in jobs] == [(2, "pending"), (0, "done"), (1, "failed")]
    assert jobs[2].config == "other"  # a failed job may be mended
    assert Ledger.read(tmp_path).command == ["train", "-m", "seed=0,1,2"]
    with pytest.raises(InputError, match=r"0: made by another configuration.*sweep\.new=true"):
        enter(ledger, [], [["seed=0"]], ["other"])


def test_a_sweep_is_one_processs_until_it_and_its_jobs_are_gone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    with ledger.held() as lock:
        child = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=(lock,)
        )
        with pytest.raises(InputError, match="another process is running this sweep"), ledger.held(patience=0):
            pass
    with pytest.raises(InputError, match="another process"), ledger.held(patience=0):  # its job lives
        pass
    child.kill()
    child.wait()
    with ledger.held(patience=5):
        pass


def test_outcome_and_last_lines(tmp_path: Path) -> None:
    assert outcome(tmp_path) is None
    (tmp_path / "run.json").write_text('{"seed": 0}')
    assert outcome(tmp_path) is None
    (tmp_path / "run.json").write_text('{"outcome": {"figure": "mpjpe", "value": 1.5}}')
    assert outcome(tmp_path) == {"figure": "mpjpe", "value": 1.5}
    (tmp_path / "out").write_text("a\n\nb\rc\n\n")
    assert last_lines(tmp_path / "out", 2) == ["b", "c"]
    assert last_lines(tmp_path / "none", 2) == []
