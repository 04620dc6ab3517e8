"""The status bar: worker, clip, model and device."""

from PySide6.QtWidgets import QLabel, QStatusBar, QWidget

from lsgui.gui.theme import tokens
from lsgui.review.state import LoadPhase, ReviewState, Worker, WorkerPhase

_FORMATS = {"dicom": "DICOM", "movie": "", "gif": "GIF", "frames": "frames"}
_SOURCES = {"container": "from file", "file": "from file", "assumed": "assumed"}


class StatusStrip(QStatusBar):
    """One line of facts; nothing in it has to be read to use the window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._worker = QLabel(self)
        self._clip = QLabel(self)
        self._model = QLabel(self)
        keys = QLabel("F1 keys", self)
        self.setContentsMargins(8, 0, 8, 0)
        self.addWidget(self._worker)
        self.addWidget(self._clip, 1)
        self.addPermanentWidget(self._model)
        self.addPermanentWidget(keys)
        for label in (self._clip, self._model, keys):
            label.setProperty("look", "muted")
            label.setContentsMargins(8, 2, 8, 2)
        self._clip.setMinimumWidth(40)

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render the difference."""
        if old is None or old.worker is not new.worker or old.model_id != new.model_id:
            self.show_worker(new)
        if old is None or old.clip is not new.clip:
            self._clip.setText(clip_line(new))

    def show_worker(self, state: ReviewState) -> None:
        """Show the worker's state with a dot in its colour."""
        look, worker = tokens(), state.worker
        words, colour = {
            WorkerPhase.STARTING: ("Starting…", look.muted),
            WorkerPhase.READY: ("Ready", look.present),
            WorkerPhase.RESTARTING: ("Restarting…", look.unsure),
            WorkerPhase.STOPPED: ("Analysis off", look.absent),
        }[worker.phase]
        self._worker.setText(f'<span style="color:{colour}">●</span> {words}')
        self._worker.setToolTip(worker.note)
        self._model.setText(" · ".join(part for part in (state.model_id, device_words(worker)) if part))


def device_words(worker: Worker) -> str:
    """Return the device for people."""
    return worker.device_name or worker.device.upper()


def clip_line(state: ReviewState) -> str:
    """Return name, format, size and rate of the clip: "tuke.mp4 · MP4 · 322 × 322 · 18.0 fps from file"."""
    clip = state.clip
    if clip is None:
        return ""
    if clip.info is None:
        word = "cannot be read" if clip.phase is LoadPhase.FAILED else "opening…"
        return f"{clip.path.name} · {word}"
    info = clip.info
    form = _FORMATS.get(info.format, "") or info.path.suffix.lstrip(".").upper() or info.format
    source = _SOURCES.get(info.fps_source, f"from {info.fps_source}")
    return f"{info.path.name} · {form} · {info.width} × {info.height} · {info.fps:.1f} fps {source}"
