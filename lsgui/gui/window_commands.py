"""The commands that need the window itself: dialogs, zoom, columns, full screen, themes."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QFileDialog, QMainWindow

from lsgui.gui.add_model import ModelCommands
from lsgui.gui.clip_view import ClipView
from lsgui.gui.columns import Columns
from lsgui.gui.controller import Controller
from lsgui.gui.diagnostics_commands import DiagnosticsCommands
from lsgui.gui.export_commands import ExportCommands
from lsgui.gui.label_panel import LabelPanel
from lsgui.gui.override_strip import OverrideStrip
from lsgui.gui.project_commands import ProjectCommands
from lsgui.gui.worklist_panel import WorklistPanel
from lsgui.review.paths import log_dir

_THEMES: tuple[Literal["dark", "light", "system"], ...] = ("dark", "light", "system")


class WindowCommands(QObject):
    """Opens dialogs without blocking: the clip plays on behind them."""

    def __init__(
        self, window: QMainWindow, controller: Controller, view: ClipView, columns: Columns, strip: OverrideStrip
    ) -> None:
        super().__init__(window)
        self._strip = strip
        self._window = window
        self._controller = controller
        self._view = view
        self._columns = columns
        self.exports: ExportCommands = ExportCommands(window, controller, self._show)
        self.worklist = window.findChildren(WorklistPanel)[0]
        self.projects: ProjectCommands = ProjectCommands(window, controller, self._show)
        self.models: ModelCommands = ModelCommands(window, controller, self._show)
        self.diagnostics: DiagnosticsCommands = DiagnosticsCommands(window, controller, self._show)
        self._labels = window.findChildren(LabelPanel)[0]
        self.dialog: QDialog | None = None
        """The dialog that is open, if one is."""

    def open_files(self) -> None:
        """Ask for clips."""
        from lsgui.readers.base import clip_suffixes  # here: the first window does not need the readers

        patterns = " ".join(f"*{suffix}" for suffix in clip_suffixes())
        dialog = QFileDialog(self._window, "Open clips", str(self._folder()), f"Clips ({patterns});;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self._controller.open_paths([Path(name) for name in names]))
        self._show(dialog)

    def open_folder(self) -> None:
        """Ask for a folder."""
        dialog = QFileDialog(self._window, "Open a folder of clips", str(self._folder()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda name: self._controller.open_paths([Path(name)]))
        self._show(dialog)

    def load_line(self) -> None:
        """Ask for a pleural line's file."""
        dialog = QFileDialog(self._window, "Load a pleural line", str(self._folder()), "Pleural line (*.json)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(
            lambda name: self._controller.attempt(lambda: self._controller.lines.load_file(Path(name)))
        )
        self._show(dialog)

    def save_line(self) -> None:
        """Ask where the pleural line goes."""
        self._save_as(
            "Save the pleural line",
            ".json",
            "Pleural line (*.json)",
            lambda name: self._controller.attempt(lambda: self._controller.lines.save_file(Path(name))),
        )

    def show_settings(self) -> None:
        """Show the preferences."""
        from lsgui.gui.settings_dialog import SettingsDialog  # here: the first window needs no dialogs
        from lsgui.models.card import find_cards

        models = {card_id: card.title for card_id, card in find_cards().items()}
        dialog = SettingsDialog(self._controller.settings, {"models": models}, self._window)
        dialog.settingsEdited.connect(self._controller.set_settings)
        self._show(dialog)

    def show_shortcuts(self) -> None:
        """Show every command and its key."""
        from lsgui.gui.shortcut_sheet import ShortcutSheet

        self._show(ShortcutSheet(self._window))

    def show_help(self, topic: str) -> None:
        """Show a topic of the help texts."""
        from lsgui.gui.help_dialog import HelpDialog

        self._controller.attempt(lambda: self._show(HelpDialog(topic, self._window)))

    def show_about(self) -> None:
        """Show versions and device."""
        from lsgui.gui.about_dialog import AboutDialog

        self._show(AboutDialog(self._controller.state.worker, self._window))

    def show_log_folder(self) -> None:
        """Show the folder of the log in the system's file browser."""
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_dir()))):
            self._controller.tell(f"No file browser could be opened; the log is in {log_dir()}.")

    def zoom_in(self) -> None:
        """Enlarge the clip."""
        self._view.zoom_in()

    def zoom_out(self) -> None:
        """Show more of the clip."""
        self._view.zoom_out()

    def zoom_to_fit(self) -> None:
        """Show the whole clip."""
        self._view.zoom_to_fit()

    def toggle_full_screen(self) -> None:
        """Use the whole screen, or give it back."""
        full = not self._window.isFullScreen()
        self._window.menuBar().setVisible(not full)
        self._window.statusBar().setVisible(not full)
        if full:
            self._window.showFullScreen()
        else:
            self._window.showNormal()

    def toggle_left(self) -> None:
        """Show or hide the worklist."""
        self._columns.toggle("left")

    def open_worklist(self) -> WorklistPanel:
        """Show the worklist where it is hidden, and return it."""
        if self.worklist.isHidden():
            self._columns.toggle("left")
        return self.worklist

    def toggle_right(self) -> None:
        """Show or hide the right column."""
        self._columns.toggle("right")

    def toggle_mmode(self) -> None:
        """Show or hide the M-mode."""
        self._columns.toggle("mmode")

    def cycle_theme(self) -> None:
        """Take the next theme."""
        settings = self._controller.settings
        after = _THEMES[(_THEMES.index(settings.theme) + 1) % len(_THEMES)]
        self._controller.set_settings(replace(settings, theme=after))

    def type_reason(self) -> None:
        """Let the reader type why a label contradicts the verdict."""
        self._strip.other.setFocus()

    def type_comment(self) -> None:
        """Let the reader write beside the reading."""
        self._labels.type_comment()

    def cancel(self) -> None:
        """Stop what goes on; where nothing does, leave full screen."""
        if not (self.exports.cancel() or self._controller.cancel()) and self._window.isFullScreen():
            self.toggle_full_screen()

    def quit(self) -> None:
        """Close the window."""
        self._window.close()

    def _show(self, dialog: QDialog) -> None:
        dialog.finished.connect(dialog.deleteLater)
        dialog.finished.connect(self._on_dialog_finished)
        self.dialog = dialog
        dialog.open()

    def _on_dialog_finished(self) -> None:
        self.dialog = None

    def _save_as(self, title: str, suffix: str, kinds: str, write: object, ending: str = "") -> None:
        clip = self._controller.state.clip
        name = ("clip" if clip is None else clip.path.stem) + ending
        dialog = QFileDialog(self._window, title, str(self._folder() / f"{name}{suffix}"), kinds)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix)
        dialog.selectFile(f"{name}{suffix}")
        dialog.fileSelected.connect(write)
        self._show(dialog)

    def _folder(self) -> Path:
        state = self._controller.state
        if state.clip is not None:
            return state.clip.path.parent
        return state.recent[0].parent if state.recent else Path.home()
