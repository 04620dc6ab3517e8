"""Faults that nobody caught leave a crash file, in the window and in a command, once and without names."""

from pathlib import Path

import pytest
from PySide6.QtCore import QTimer

from lsgui.cli.main import run
from lsgui.gui.fault_hook import FaultHook
from lsgui.review.crash_file import crash_files


def test_a_fault_in_the_window_is_written_once_for_each_place(qtbot, home: Path, expected_log_warnings) -> None:
    hook = FaultHook()
    said: list[str] = []
    hook.faultHappened.connect(said.append)

    name = "Marquardt Ilse.dcm"

    def paint() -> None:
        raise ValueError(f"{name} fell over")

    try:
        for _ in range(3):
            QTimer.singleShot(0, paint)
            qtbot.wait(20)
    finally:
        hook.remove()
    assert len(said) == 3
    (file,) = crash_files()
    text = file.read_text()
    assert "what: ValueError; the window lived on" in text
    assert "thread: MainThread" in text
    assert "in paint" in text
    assert "Marquardt" not in text
    hook.deleteLater()


def test_a_fault_of_a_command_leaves_a_crash_file(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, expected_log_warnings
) -> None:
    def fail(out: Path) -> None:
        raise RuntimeError(f"{out} fell over")

    monkeypatch.setattr("lsgui.review.diagnostics.write_diagnostics", fail)
    assert run(["diagnostics", "--out", str(tmp_path / "Marquardt.zip")]) == 1
    capsys.readouterr()
    (file,) = crash_files()
    assert "what: RuntimeError in a command" in file.read_text()
    assert "Marquardt" not in file.read_text()
