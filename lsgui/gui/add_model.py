"""Taking newly trained weights into the window: chosen, checked and copied in a thread, then asked from now on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog, QFileDialog, QMainWindow

from lsgui.gui.controller import Controller
from lsgui.gui.job_thread import Cancelled, JobThread, Tell


@dataclass(frozen=True, slots=True)
class ModelAdded:
    """The model is there under this id; or the sentence why it is not."""

    model_id: str
    sentence: str


@dataclass(frozen=True, slots=True)
class AddModelJob:
    """A `Job` for a `JobThread`: take the model in a folder into the user's own."""

    folder: Path

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Check, copy, tell `ModelAdded`."""
        from lsgui.models.adoption import adopt_model  # here: it loads pydantic

        card = adopt_model(self.folder)
        tell(ModelAdded(card.id, f"{card.title} is added and gives the verdicts from now on; Preferences lead back."))

    def failure(self, sentence: str) -> ModelAdded:
        """Return the event for a fault."""
        return ModelAdded("", sentence)


class ModelCommands(QObject):
    """Asks for the folder of a trained model, takes it in, and lets it give the verdicts from now on.

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
        self._thread = JobThread("models", self, calm=True)
        self._thread.told.connect(self._on_thread_told)

    def ask_folder(self) -> None:
        """Ask where the model lies."""
        dialog = QFileDialog(self._window, "Add a trained model: the folder that lsgui train wrote", str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda name: self.add(Path(name)))
        self._show(dialog)

    def add(self, folder: Path) -> None:
        """Take in the model in a folder; a newer wish takes the place of a running one."""
        self._thread.submit(AddModelJob(folder))

    def stop(self) -> None:
        """End the thread."""
        self._thread.close()

    def _on_thread_told(self, event: object) -> None:
        if isinstance(event, ModelAdded):
            if event.model_id:
                self._controller.choose("model_id", event.model_id)
            self._controller.tell(event.sentence)
