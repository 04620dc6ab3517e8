"""Asks what becomes of statements that could not be written, before the window closes over them."""

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QMessageBox, QPushButton, QWidget

from lsgui.gui.controller import Controller
from lsgui.gui.reading_orders import SavedElsewhere


class UnsavedQuestion(QObject):
    """Holds a window open while something is not saved; the reader says what to do, and nothing goes without a word."""

    settled = Signal()
    """Everything is saved or given up: the window may close."""

    def __init__(self, window: QWidget, controller: Controller) -> None:
        super().__init__(window)
        self._window = window
        self._controller = controller
        self._given_up = False
        self.dialog: QDialog | None = None
        """The question, or where to save, while it is on screen."""
        controller.readings.told.connect(self._on_readings_told)

    def holds(self) -> bool:
        """Return whether the window must stay open; it then asks."""
        self._controller.labels.flush()
        if self._given_up or not (left := self._controller.readings.settle()):
            return False
        if self.dialog is None:
            self._ask(left)
        return True

    def _ask(self, left: int) -> None:
        box = QMessageBox(self._window)
        box.setWindowTitle("Not saved")
        box.setIcon(QMessageBox.Icon.Warning)
        box.setText(f"{_count(left)} not saved yet.")
        reason = self._controller.readings.why_unsaved or "The store does not answer."
        box.setInformativeText(
            f"{reason}\n\nAnother file can be merged later: lsgui labels import FILE, or it can be opened as a project."
        )
        again = box.addButton("Try again", QMessageBox.ButtonRole.AcceptRole)
        elsewhere = box.addButton("Save to another file…", QMessageBox.ButtonRole.ActionRole)
        drop = box.addButton("Close without saving", QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton("Go on reading", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(again)
        box.setEscapeButton(stay)
        acts = {again: self._try_again, elsewhere: self._choose_file, drop: self.give_up}

        def on_clicked(button: QPushButton) -> None:
            act = acts.get(button)
            if act is not None:
                act()

        box.buttonClicked.connect(on_clicked)
        self._show(box)

    def _try_again(self) -> None:
        if not self._controller.readings.settle():
            self.settled.emit()

    def _choose_file(self) -> None:
        name = f"unsaved labels {datetime.now():%Y-%m-%d %H%M}.sqlite"
        dialog = QFileDialog(self._window, "Save what is not saved", str(Path.home() / name), "Labels (*.sqlite)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(".sqlite")
        dialog.fileSelected.connect(lambda chosen: self._controller.readings.save_elsewhere(Path(chosen)))
        self._show(dialog)

    def give_up(self) -> None:
        """Close without saving what is not saved."""
        self._given_up = True
        self.settled.emit()

    def _show(self, dialog: QDialog) -> None:
        self.dialog = dialog
        dialog.finished.connect(dialog.deleteLater)
        dialog.finished.connect(lambda: self._forget(dialog))
        dialog.open()

    def _forget(self, dialog: QDialog) -> None:
        if self.dialog is dialog:
            self.dialog = None

    def _on_readings_told(self, event: object) -> None:
        if not isinstance(event, SavedElsewhere):
            return
        if event.sentence:
            self._controller.tell(event.sentence)
        else:
            self.settled.emit()


def _count(left: int) -> str:
    return "1 thing that you said is" if left == 1 else f"{left} things that you said are"
