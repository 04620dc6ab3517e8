"""Saving the diagnostics bundle from the window: asked where, written in a thread, and told."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFileDialog, QMainWindow

from lsgui.core.late_imports import load
from lsgui.gui.controller import Controller
from lsgui.gui.job_thread import Cancelled, JobThread, Tell
from lsgui.review.state import ReviewState

_NAME = "lsgui-diagnostics.zip"


@dataclass(frozen=True, slots=True)
class DiagnosticsSaved:
    """What came of it, in one sentence."""

    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class DiagnosticsJob:
    """A `Job` for a `JobThread`: write the bundle."""

    out: Path
    state: ReviewState
    screens: tuple[str, ...]

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Write, tell `DiagnosticsSaved`."""
        load("lsgui.review.diagnostics", calm=True)
        from lsgui.review.diagnostics import WindowFacts, write_diagnostics  # here: it loads SQLite and pydantic

        state = self.state
        paths = (*state.recent, *(entry.path for entry in state.worklist))
        write_diagnostics(self.out, WindowFacts(window_facts(state, self.screens), paths))
        words = "is saved; nothing was sent. Look through it before you pass it on."
        tell(DiagnosticsSaved(f"{self.out.name} {words}"))

    def failure(self, sentence: str) -> DiagnosticsSaved:
        """Return the event for a fault."""
        return DiagnosticsSaved(sentence)


class DiagnosticsCommands(QObject):
    """Asks where the bundle goes and has it written.

    Parameters
    ----------
    show
        Opens a dialog without blocking.
    """

    def __init__(self, window: QMainWindow, controller: Controller, show: Callable[[QDialog], None]) -> None:
        super().__init__(window)
        self._window = window
        self._controller = controller
        self._show = show
        self._thread = JobThread("diagnostics", self, calm=True)
        self._thread.told.connect(self._on_thread_told)

    def ask_file(self) -> None:
        """Ask where the bundle goes."""
        folder = Path.home()
        dialog = QFileDialog(self._window, "Save diagnostics", str(folder / _NAME), "Diagnostics (*.zip)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(".zip")
        dialog.selectFile(_NAME)
        dialog.fileSelected.connect(lambda name: self.save(Path(name)))
        self._show(dialog)

    def save(self, out: Path) -> None:
        """Write the bundle."""
        self._thread.submit(DiagnosticsJob(out, self._controller.state, _screens(self._window)))

    def stop(self) -> None:
        """End the thread."""
        self._thread.close()

    def _on_thread_told(self, event: object) -> None:
        if isinstance(event, DiagnosticsSaved):
            self._controller.tell(event.sentence)


def window_facts(state: ReviewState, screens: tuple[str, ...]) -> dict[str, object]:
    """Return what the window is doing, without a name."""
    clip, worker = state.clip, state.worker
    info = None if clip is None else clip.info
    return {
        "qt": qVersion(),
        "platform": QGuiApplication.platformName(),
        "screens": list(screens),
        "worker": {"phase": worker.phase.value, "device": worker.device_name, "torch": worker.torch_version},
        "clips listed": len(state.worklist),
        "clips that cannot be read": sum(bool(entry.error) for entry in state.worklist),
        "clip": None if clip is None else {"phase": clip.phase.value, "frames": clip.frames_ready},
        "picture": None if info is None else {"size": [info.width, info.height], "fps": info.fps},
        "quality": [] if clip is None else [flag.value for flag in clip.quality],
        "line": state.roi_phase.value,
        "analysis": state.analysis.phase.value,
        "playing": state.playback.playing,
        "not saved": state.unsaved.count,
    }


def _screens(window: QMainWindow) -> tuple[str, ...]:
    """Return size, scale and rate of every screen, and the size of the window; a screen's own name may be anybody's."""
    sizes = [
        f"{screen.size().width()} x {screen.size().height()} at {screen.devicePixelRatio():g}, "
        f"{screen.refreshRate():.0f} Hz"
        for screen in QGuiApplication.screens()
    ]
    return (*sizes, f"window {window.width()} x {window.height()}")
