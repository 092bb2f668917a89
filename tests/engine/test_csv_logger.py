import csv

from pymaf_pl.engine.csv_logger import CsvLogger


def _read(folder):
    with (folder / "metrics.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_values_of_one_step_share_a_line_and_late_columns_are_added(tmp_path):
    logger = CsvLogger(str(tmp_path))
    logger.log_metrics({"a": 1.0}, step=10)
    logger.log_metrics({"b": 2.0}, step=10)
    logger.log_metrics({"a": 3.0}, step=5)
    logger.finalize("success")
    assert _read(tmp_path) == [{"step": "5", "a": "3.0", "b": ""}, {"step": "10", "a": "1.0", "b": "2.0"}]


def test_a_resumed_run_goes_on_after_the_lines_that_are_there(tmp_path):
    first = CsvLogger(str(tmp_path))
    first.log_metrics({"a": 1.0}, step=1)
    first.save()
    second = CsvLogger(str(tmp_path))
    second.log_metrics({"a": 2.0}, step=2)
    second.save()
    assert [line["a"] for line in _read(tmp_path)] == ["1.0", "2.0"]


def test_nothing_logged_writes_nothing(tmp_path):
    CsvLogger(str(tmp_path)).finalize("success")
    assert not (tmp_path / "metrics.csv").exists()
