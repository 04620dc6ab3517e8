"""The guards of conftest.py catch what they are there for, and let sound tests pass."""

import re
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
SAMPLE = """
import logging, multiprocessing, threading, time
import pytest
from PySide6.QtCore import QThread, qWarning
from PySide6.QtWidgets import QWidget

KEPT = []

@pytest.fixture
def speaks_late(qapp):
    yield
    qWarning("spoken late")

def test_bad_thread():
    threading.Thread(target=time.sleep, args=(1.5,)).start()

def test_bad_child():
    multiprocessing.get_context("spawn").Process(target=time.sleep, args=(5,)).start()

def test_bad_qthread(qapp):
    KEPT.append(QThread()); KEPT[-1].start()

def test_bad_widget(qapp):
    KEPT.append(QWidget())

def test_bad_qt_message(qapp):
    qWarning("spoken")

def test_bad_late_qt_message(speaks_late):
    pass

def test_bad_log():
    logging.getLogger("lsgui.room").warning("something is odd")

def test_bad_silence(expected_log_warnings):
    pass

def test_bad_skip():
    pytest.skip("not today")

def test_good_thread():
    thread = threading.Thread(target=time.sleep, args=(0.05,)); thread.start()

def test_good_widgets(qtbot):
    shown = QWidget(); qtbot.addWidget(shown); shown.show()
    cycle = QWidget(); cycle.me = cycle

def test_good_log(expected_log_warnings):
    logging.getLogger("lsgui.room").warning("as expected")
    assert [r.getMessage() for r in expected_log_warnings] == ["as expected"]

def test_good_stall(qtbot, stall_watch):
    qtbot.wait(60)
    stall_watch.restart(); time.sleep(0.12); stall_watch.stop()
    assert 100 < stall_watch.longest_ms < 1000
"""


def test_guards_catch_what_they_are_for(pytester: pytest.Pytester) -> None:
    source = CONFTEST.read_text(encoding="utf-8").replace("PATIENCE_S = 3.0", "PATIENCE_S = 0.4")
    pytester.makeconftest(source)
    pytester.makepyfile(SAMPLE)
    pytester.makeini("[pytest]\nqt_api = pyside6\nqt_log_level_fail = WARNING\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q", "-rA", timeout=60)
    text = result.stdout.str()
    assert result.ret == 1
    caught = set(re.findall(r"^(?:ERROR|FAILED) \S+::(test_\w+)", text, re.MULTILINE))
    assert caught == {
        f"test_bad_{name}"
        for name in (
            "thread",
            "child",
            "qthread",
            "widget",
            "qt_message",
            "late_qt_message",
            "log",
            "silence",
        )
    }
    result.stdout.fnmatch_lines(["*skipped without leave*", "*::test_bad_skip: *not today*"])
    assert re.search(r"thread .* started at .*test_guards_catch\w+\.py:\d+ \(threading\.Thread", text)
    assert "spoken late" in text


def test_an_unexpected_skip_alone_fails_the_run(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile("import pytest\ndef test_it():\n    pytest.skip('not today')")
    assert pytester.runpytest_subprocess("-q").ret == 1


def test_missing_clips_are_the_allowed_skip(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile("def test_it(shared_clips):\n    assert shared_clips.is_dir()")
    monkeypatch.delenv("LSGUI_CLIPS", raising=False)
    result = pytester.runpytest_subprocess("-q")
    assert result.ret == 0
    result.assert_outcomes(skipped=1)
    monkeypatch.setenv("LSGUI_CLIPS", str(pytester.path / "gone"))
    assert pytester.runpytest_subprocess("-q").ret == 1


@pytest.mark.parametrize("kind", ["home", "settings"])
def test_a_test_sees_no_home_but_its_own(kind: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from PySide6.QtCore import QSettings

    assert os.environ["LSGUI_HOME"] == str(home)
    assert list(home.iterdir()) == []
    QSettings(str(home / "own.ini"), QSettings.Format.IniFormat).setValue("seen", kind)
    assert QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "lsgui", "lsgui").value("seen") is None
