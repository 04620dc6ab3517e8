"""A fault of the program: one line on standard error, status 1, the traceback in the log file only."""

from pathlib import Path

import pytest

from lsgui.cli.main import run
from lsgui.review.log_file import log_file


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the reader\nfell over")

    monkeypatch.setattr("lsgui.decoding.clip_opening.read_clip_apart", fail)


def test_the_traceback_goes_to_the_log_and_one_line_to_standard_error(
    broken: None, home: Path, shared_clips: Path, capfd: pytest.CaptureFixture[str], expected_log_warnings: object
) -> None:
    assert run(["info", str(shared_clips / "tuke_lumify_l12.mp4")]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err == (
        f"lsgui: a fault of the program (RuntimeError: the reader fell over); details are in {log_file()}.\n"
    )
    text = log_file().read_text(encoding="utf-8")
    assert log_file().is_relative_to(home)
    assert "Traceback (most recent call last)" in text
    assert "RuntimeError: the reader" in text
    assert str(shared_clips) not in text


def test_where_no_log_can_be_written_it_says_so(
    broken: None,
    home: Path,
    shared_clips: Path,
    capfd: pytest.CaptureFixture[str],
    expected_log_warnings: object,
) -> None:
    log_file().mkdir(parents=True)
    assert run(["info", str(shared_clips / "tuke_lumify_l12.mp4")]) == 1
    assert capfd.readouterr().err.endswith("; no log could be written.\n")
