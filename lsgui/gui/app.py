"""Starts the review window."""

import gc
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from lsgui import __version__
from lsgui.core.errors import LsguiError
from lsgui.core.resources import resources_dir
from lsgui.gui.controller import Controller
from lsgui.gui.fault_hook import FaultHook
from lsgui.gui.inference_thread import session_maker
from lsgui.gui.main_window import MainWindow
from lsgui.gui.screenshot import ScreenshotTaker
from lsgui.gui.theme import apply_theme
from lsgui.inference.protocol import InferenceSession
from lsgui.review.demo_clips import demo_clips
from lsgui.review.log_file import start_log
from lsgui.review.paths import settings_file
from lsgui.review.session_mark import SessionMark
from lsgui.review.settings import Settings, load_settings
from lsgui.review.state import ReviewState, WorkerPhase
from lsgui.review.window_watch import window_watch

if TYPE_CHECKING:
    from lsgui.gui.play_test import PlayTest

log = logging.getLogger(__name__)

_SWITCH_S = 0.0005
"""How long a busy thread may keep the interpreter from the window: a tenth of Python's own choice."""


@dataclass(slots=True)
class Review:
    """A running window and its controller."""

    controller: Controller
    window: MainWindow


def open_review(
    make_session: Callable[[], InferenceSession],
    paths: Sequence[Path] = (),
    *,
    store: Path | None = None,
    demo: str = "",
    mark: SessionMark | None = None,
) -> Review:
    """Open the window in a running application. The worker starts, and the clips open, after its first painting.

    Parameters
    ----------
    make_session
        Makes the inference session, in its thread.
    paths
        Clips and folders for the worklist.
    store
        The annotation project; None for the one of the settings.
    demo
        Part of the file name of a bundled demo clip that is opened with its own line ("sliding"); empty for none.
    mark
        The mark of this window: the session is kept under it, and one that was not closed is offered. None for neither.
    """
    settings, notice = _settings()
    application = QApplication.instance()
    if isinstance(application, QApplication):
        apply_theme(application, settings.theme)
    controller = Controller(settings, make_session, store=store)
    window = MainWindow(controller)
    theme = _ThemeFollower(controller, window)
    controller.settingsChanged.connect(theme.on_settings_changed)
    if notice:
        controller.tell(notice)

    def begin() -> None:
        if not window.isVisible():
            return  # closed at once: threads started now would outlive it
        controller.start()
        if mark is not None:
            controller.session.begin(mark)
        if paths:
            controller.open_paths(list(paths))
        elif demo:
            wanted = next((clip for clip in demo_clips() if demo in clip.path.stem), None)
            if wanted is not None:
                controller.open_demo(wanted)

    window.firstPainted.connect(lambda: QTimer.singleShot(0, controller, begin))
    return Review(controller, window)


def run_window(
    paths: Sequence[Path] = (),
    *,
    store: Path | None = None,
    in_process: bool = False,
    demo: str = "",
    screenshot: Path | None = None,
    timing: Callable[[dict[str, object]], None] | None = None,
    watched_s: float = 4.0,
    prepare: Callable[[Review], None] | None = None,
    remembers: bool = True,
    watched: bool = True,
) -> int:
    """Open the review window and return the exit status when it is closed.

    Parameters
    ----------
    paths, store, demo
        See `open_review`.
    in_process
        Analyse in this process instead of a worker.
    screenshot
        Save a picture of the window there once the first clip is analysed, and end.
    timing
        Takes the figures of `lsgui.gui.play_test` when they are measured; the window then ends by itself.
    watched_s
        How long each thing is watched for them; 0 for the start alone.
    prepare
        Gets the window before it is shown.
    remembers, watched
        Put back what a killed window left, and leave the same; leave a crash file. Neither where it ends by itself.
    """
    gc.disable()  # nothing of the start is garbage; on again from the first painting
    _before_application()
    application = QApplication(["lsgui"])
    handler = start_log()
    log.info("lsgui %s starts", __version__)
    with window_watch(wanted=watched and screenshot is None and timing is None) as mark:
        kept = mark if remembers else None
        review = open_review(session_maker(in_process=in_process), paths, store=store, demo=demo, mark=kept)
        taker = None if screenshot is None else ScreenshotTaker(review.controller, review.window, screenshot)
        test = None if timing is None else _play_test(review, paths, watched_s, demo=bool(demo))
        if prepare is not None:
            prepare(review)
        status = _show_until_closed(application, review, handler)
    if taker is not None and taker.fault:
        raise LsguiError(taker.fault)
    if test is not None and timing is not None:
        timing(_figures(test))
    return status


def _show_until_closed(application: QApplication, review: Review, handler: logging.Handler) -> int:
    """Show the window and return the exit status; until then its faults are told in it and written by `handler`."""
    hook = FaultHook(application)
    hook.faultHappened.connect(review.controller.tell)
    _spare_full_collections(review)
    review.window.show()
    try:
        return application.exec()
    finally:
        hook.remove()
        logging.getLogger("lsgui").removeHandler(handler)
        handler.close()


def _figures(test: "PlayTest") -> dict[str, object]:
    if test.fault or test.report is None:
        raise LsguiError(test.fault or "The window was closed before anything was measured.")
    return test.report.as_dict()


def _play_test(review: Review, paths: Sequence[Path], watched_s: float, *, demo: bool) -> "PlayTest":
    from lsgui.gui.play_test import PlayErrand, PlayTest

    folder = any(path.is_dir() for path in paths)
    errand = PlayErrand(clip=demo or (bool(paths) and not folder), folder=folder, seconds=watched_s)
    return PlayTest(review.controller, review.window, errand)


def _spare_full_collections(review: Review) -> None:
    """Take what is loaded for good out of garbage collection: a full pass over it holds the window for 50 ms."""

    def on_first_painted() -> None:
        gc.freeze()
        gc.enable()

    def on_state_changed(old: ReviewState, new: ReviewState) -> None:
        if old.worker.phase is not WorkerPhase.READY and new.worker.phase is WorkerPhase.READY:
            gc.freeze()  # OpenCV and its like were loaded meanwhile

    review.window.firstPainted.connect(on_first_painted)
    review.controller.stateChanged.connect(on_state_changed)


def _before_application() -> None:
    sys.setswitchinterval(_SWITCH_S)
    QApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    QApplication.setApplicationName("lsgui")
    QApplication.setApplicationVersion(__version__)
    QApplication.setDesktopFileName("lsgui")
    QApplication.setStyle("Fusion")
    QApplication.setWindowIcon(QIcon(str(resources_dir() / "icons" / "lsgui.svg")))


def _settings() -> tuple[Settings, str]:
    """Return the settings, and a sentence where the saved ones could not be used."""
    try:
        return load_settings(settings_file()), ""
    except LsguiError as fault:
        log.info("settings: %s", type(fault).__name__, exc_info=True)
        return Settings(), str(fault)


class _ThemeFollower(QObject):
    """Dresses the window anew when the theme's setting changes, or the desktop's where the window follows it."""

    def __init__(self, controller: Controller, window: MainWindow) -> None:
        super().__init__(window)
        self._controller = controller
        self._window = window
        QApplication.styleHints().colorSchemeChanged.connect(self._on_hints_colorSchemeChanged)

    def on_settings_changed(self, old: Settings, new: Settings) -> None:
        """Dress anew when another theme was chosen."""
        if old.theme != new.theme:
            self._dress(new)

    def _on_hints_colorSchemeChanged(self) -> None:
        if self._controller.settings.theme == "system":
            self._dress(self._controller.settings)

    def _dress(self, settings: Settings) -> None:
        application = QApplication.instance()
        if isinstance(application, QApplication):
            apply_theme(application, settings.theme)
            self._window.retheme()
