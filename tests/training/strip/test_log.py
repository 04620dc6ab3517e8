import csv
from pathlib import Path

from lsgui.training.strip.log import strip_log


def table(out: Path) -> list[list[str]]:
    with (out / "history.csv").open(newline="") as file:
        return list(csv.reader(file))


def test_losses_of_folds_are_a_table_that_a_resumed_run_goes_on_with(tmp_path: Path) -> None:
    with strip_log(tmp_path, resume=False) as log:
        assert log is not None
        for step in range(1, 31):
            log.note("one", step, 30, 1.0 / step)
        log.note("two", 10, 15, 0.5)
        log.write()
    with strip_log(tmp_path, resume=True) as log:
        assert log is not None
        log.note("two", 10, 15, 0.25)  # done again after the break
        log.note("two", 15, 15, 0.125)
    rows = table(tmp_path)
    assert rows[0] == ["fold", "step", "loss"]
    assert [row[:2] for row in rows[1:]] == [["one", "10"], ["one", "20"], ["one", "30"], ["two", "10"], ["two", "15"]]
    assert rows[-2:] == [["two", "10", "0.25"], ["two", "15", "0.125"]]
    with strip_log(tmp_path, resume=False) as log:
        assert log is not None
        log.note("one", 5, 5, 2.0)
    assert table(tmp_path)[1:] == [["one", "5", "2"]]


def test_processes_that_do_not_write_have_no_log(tmp_path: Path) -> None:
    with strip_log(tmp_path, resume=False, wanted=False) as log:
        assert log is None
    assert list(tmp_path.iterdir()) == []
