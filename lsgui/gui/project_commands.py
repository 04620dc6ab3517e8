"""The dialogs of annotation projects: a new file for labels, or one that is there."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog, QFileDialog, QMainWindow

from lsgui.gui.controller import Controller

_KINDS = "Annotation project (*.sqlite)"


class ProjectCommands(QObject):
    """Asks for the file of a project.

    Parameters
    ----------
    show
        Shows a dialog without blocking.
    """

    def __init__(self, window: QMainWindow, controller: Controller, show: Callable[[QDialog], None]) -> None:
        super().__init__(window)
        self._window = window
        self._controller = controller
        self._show = show

    def new_project(self) -> None:
        """Ask where a new project goes; a file that is there is opened as it is, never replaced."""
        dialog = self._dialog("New annotation project")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.setDefaultSuffix(".sqlite")
        dialog.selectFile("labels.sqlite")
        self._show(dialog)

    def open_project(self) -> None:
        """Ask for a project that is there."""
        dialog = self._dialog("Open an annotation project")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        self._show(dialog)

    def _dialog(self, title: str) -> QFileDialog:
        store = self._controller.project.store
        folder = store.parent if self._controller.state.project else Path.home()
        dialog = QFileDialog(self._window, title, str(folder), _KINDS)
        dialog.fileSelected.connect(lambda name: self._controller.project.use_store(Path(name)))
        return dialog
