"""Fixtures and guards for every test: an isolated home, real clips, and no thread, widget, message or skip left over.

The guards run around each test by themselves. A test that means to cause a warning asks for `expected_log_warnings`;
a Qt message that cannot be helped is named with `@pytest.mark.qt_log_ignore("regular expression")`.
"""

import gc
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before anything imports Qt

ROOT = Path(__file__).resolve().parents[1]
NO_CLIPS = "the shared clips are not here (../shared/clips, or the folder named by LSGUI_CLIPS)"
NO_CUDA = "no CUDA device on this machine"
ALLOWED_SKIPS = (NO_CLIPS, NO_CUDA)
PATIENCE_S = 3.0
_SILENT_WIDGETS = ("QTipLabel",)  # Qt keeps one tool tip of its own for the next time


# --- real clips -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def shared_clips() -> Path:
    """The folder of real clips. Tests that need it are skipped, with a reason that is allowed, where it is not."""
    named = os.environ.get("LSGUI_CLIPS")
    folder = Path(named) if named else ROOT.parent / "shared" / "clips"
    if not folder.is_dir():
        assert not named, f"LSGUI_CLIPS names {named}, which is not a folder"
        pytest.skip(NO_CLIPS)
    return folder


@pytest.fixture(scope="session")
def cuda() -> str:
    """The name of a CUDA device; tests for a real one are skipped, with a reason that is allowed, where none is."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip(NO_CUDA)
    return "cuda"


# --- an isolated home -------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, request: Any) -> Path:
    """A fresh folder that stands for the user's home: settings, log and annotation store go there (`LSGUI_HOME`)."""
    counter = request.config.stash.setdefault(_HOMES, [tmp_path_factory.mktemp("homes"), 0])
    counter[1] += 1
    folder = counter[0] / str(counter[1])
    folder.mkdir()
    monkeypatch.setenv("LSGUI_HOME", str(folder))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(folder / name.lower()))
    monkeypatch.delenv("LSGUI_MODELS", raising=False)
    qt = sys.modules.get("PySide6.QtCore")
    if qt is not None:
        for kind in (qt.QSettings.Format.IniFormat, qt.QSettings.Format.NativeFormat):
            qt.QSettings.setPath(kind, qt.QSettings.Scope.UserScope, str(folder))
    return folder


_HOMES = pytest.StashKey[list[Any]]()


# --- guards -----------------------------------------------------------------------------------------------------

_started_at: dict[int, str] = {}
_plain_start = threading.Thread.start


def _remembering_start(thread: threading.Thread) -> None:
    here = Path(threading.__file__).parent
    stack = [frame for frame in traceback.extract_stack()[:-1] if here not in Path(frame.filename).parents]
    place = next((f for f in reversed(stack) if "site-packages" not in f.filename), stack[-1] if stack else None)
    _started_at[id(thread)] = f"{place.filename}:{place.lineno} ({place.line})" if place else "an unknown line"
    _plain_start(thread)


threading.Thread.start = _remembering_start  # type: ignore[method-assign]  # for the guard's message


def _wait_until(done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _living_threads() -> set[threading.Thread]:
    foreign = threading._DummyThread  # threads that Python did not start; the Qt ones are looked at by themselves
    return {thread for thread in threading.enumerate() if not isinstance(thread, foreign)}


def _living_children() -> set[Any]:
    processes = sys.modules.get("multiprocessing")
    return set(processes.active_children()) if processes is not None else set()


def _running_qthreads() -> list[Any]:
    from PySide6.QtCore import QCoreApplication, QThread
    from shiboken6 import isValid

    application = QCoreApplication.instance()
    main = application.thread() if application is not None else None
    found = [item for item in gc.get_objects() if issubclass(type(item), QThread)]  # isinstance would wake proxies
    return [thread for thread in found if isValid(thread) and thread.isRunning() and thread is not main]


def _top_level_widgets() -> list[Any]:
    from PySide6.QtCore import QCoreApplication, QEvent
    from PySide6.QtWidgets import QApplication

    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    return [w for w in QApplication.topLevelWidgets() if type(w).__name__ not in _SILENT_WIDGETS]


def _failed(request: pytest.FixtureRequest) -> bool:
    return request.node.stash.get(_CALL_FAILED, False)


_CALL_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Remember a failed test: the traceback keeps its widgets alive, which must not be reported as a second fault."""
    report = yield
    if report.failed:
        item.stash[_CALL_FAILED] = True
    return report


@pytest.fixture(autouse=True)
def _no_leaked_threads(home: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread or a child process running, naming the line that started it."""
    threads, children = _living_threads(), _living_children()
    yield
    if _failed(request):
        return
    _wait_until(lambda: not (_living_threads() - threads) and not (_living_children() - children))
    left = [
        f"thread {t.name!r} started at {_started_at.get(id(t), 'an unknown line')}" for t in _living_threads() - threads
    ]
    left += [f"child process {child.name!r} (pid {child.pid})" for child in _living_children() - children]
    if left:
        pytest.fail("left running after the test:\n  " + "\n  ".join(left), pytrace=False)


@pytest.fixture(autouse=True)
def _no_leaked_qt(home: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test with a screen that leaves a QThread running or a top-level widget alive."""
    if not {"qapp", "qtbot"} & set(request.fixturenames):
        yield
        return
    request.getfixturevalue("qapp")
    widgets = set(map(id, _top_level_widgets()))
    yield
    if _failed(request):
        return
    running = _running_qthreads()
    _wait_until(lambda: not any(thread.isRunning() for thread in running))
    left = [f"QThread {type(t).__name__} {t.objectName()!r}" for t in running if t.isRunning()]
    for thread in running:
        thread.quit()  # a running QThread that Python forgets takes the whole run with it
        thread.wait(int(PATIENCE_S * 1000))
    if [w for w in _top_level_widgets() if id(w) not in widgets]:
        gc.collect()  # a widget in a reference cycle is no leak
        alive = [w for w in _top_level_widgets() if id(w) not in widgets]
        left += [f"widget {type(w).__name__} {w.objectName()!r} {w.windowTitle()!r}" for w in alive]
        for widget in alive:
            widget.deleteLater()  # one test's leak is one failure, not that of every test after it
    if left:
        pytest.fail("left alive after the test:\n  " + "\n  ".join(left), pytrace=False)


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def _no_log_warnings(request: pytest.FixtureRequest) -> Iterator[_Records]:
    """Fail a test in which the program logs a warning or worse that the test did not ask for."""
    logger, handler = logging.getLogger("lsgui"), _Records()
    before = (logger.level, logger.propagate, logger.disabled, list(logger.handlers))
    logger.addHandler(handler)
    yield handler
    for extra in set(logger.handlers) - set(before[3]):
        logger.removeHandler(extra)
        extra.close()
    logger.level, logger.propagate, logger.disabled = before[:3]
    logger.manager._clear_cache()  # type: ignore[attr-defined]  # the level was set back past its setter
    known = logging.root.manager.loggerDict
    silenced = [n for n, child in known.items() if n.startswith("lsgui.") and getattr(child, "disabled", False)]
    for name in silenced:
        logging.getLogger(name).disabled = False
    if silenced:
        pytest.fail(f"silenced for every test after this one: {', '.join(silenced)}", pytrace=False)
    if _failed(request) or "expected_log_warnings" in request.fixturenames:
        return
    if handler.records:
        lines = [f"{r.levelname} {r.name}: {r.getMessage()} ({r.pathname}:{r.lineno})" for r in handler.records]
        pytest.fail("the program logged:\n  " + "\n  ".join(lines), pytrace=False)


@pytest.fixture
def expected_log_warnings(_no_log_warnings: _Records, request: pytest.FixtureRequest) -> Iterator[list[Any]]:
    """Declare that the program warns in this test, and hand over the records; none at all is a failure."""
    yield _no_log_warnings.records
    if not _failed(request) and not _no_log_warnings.records:
        pytest.fail("a logged warning was expected and none came", pytrace=False)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Any:
    """Fail on Qt's warnings while a test is taken down; pytest-qt itself listens until the test's last line only."""
    qt = sys.modules.get("PySide6.QtCore")
    if qt is None:
        return (yield)
    heard: list[str] = []
    grave = (qt.QtMsgType.QtWarningMsg, qt.QtMsgType.QtCriticalMsg, qt.QtMsgType.QtFatalMsg)
    before = qt.qInstallMessageHandler(lambda kind, _where, text: heard.append(text) if kind in grave else None)
    try:
        result = yield
    finally:
        qt.qInstallMessageHandler(before)
    if heard:
        pytest.fail("Qt said while the test was taken down:\n  " + "\n  ".join(heard), pytrace=False)
    return result


# --- stalls -----------------------------------------------------------------------------------------------------


class StallWatch:
    """The longest gap of a 16 ms timer in the event loop: what a person would see as a stutter.

    Only time in which the event loop should run counts: call `restart` just before the part that is measured.
    """

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.gaps_ms: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timer_timeout)
        self.restart()

    def restart(self) -> None:
        """Forget the gaps so far."""
        self.gaps_ms.clear()
        self._last = time.perf_counter()
        self._timer.start(16)

    def stop(self) -> None:
        """End the measurement; the gap that is open counts."""
        if self._timer.isActive():
            self._on_timer_timeout()
            self._timer.stop()

    @property
    def longest_ms(self) -> float:
        """The longest gap so far in milliseconds."""
        return max(self.gaps_ms, default=0.0)

    def _on_timer_timeout(self) -> None:
        now = time.perf_counter()
        self.gaps_ms.append((now - self._last) * 1000.0)
        self._last = now


@pytest.fixture
def stall_watch(qapp: Any) -> Iterator[StallWatch]:
    """A running `StallWatch`: `.longest_ms`, `.gaps_ms`, `.restart()`, `.stop()`."""
    watch = StallWatch()
    yield watch
    watch.stop()


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    """Arguments of the one application that pytest-qt makes for all tests."""
    return ["lsgui-tests"]


# --- nothing is skipped in silence ------------------------------------------------------------------------------


class _Skips:
    def __init__(self) -> None:
        self.unexpected: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped:
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if hasattr(report, "wasxfail") or not any(reason.endswith(allowed) for allowed in ALLOWED_SKIPS):
            self.unexpected.append(f"{report.nodeid}: {getattr(report, 'wasxfail', reason)}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unexpected and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.unexpected:
            terminalreporter.section("skipped without leave: this fails the run", red=True)
            for line in self.unexpected:
                terminalreporter.line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Watch for skips; let hypothesis try the same examples everywhere, however busy the machine is."""
    import hypothesis

    hypothesis.settings.register_profile("lsgui", deadline=None, max_examples=50, derandomize=True)
    hypothesis.settings.load_profile("lsgui")
    config.pluginmanager.register(_Skips(), "lsgui-skips")
