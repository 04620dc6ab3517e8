"""The commands that let something leave: export dialog, quick picture, M-mode, and the approval of masks."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QFileDialog, QMainWindow, QStatusBar

from lsgui.gui.controller import Controller
from lsgui.gui.export_progress import ExportProgress
from lsgui.gui.export_task import BundleTask, ExportEnd, ExportSubject, ExportTask, export_subject
from lsgui.gui.export_thread import Exporter, MaskWanted
from lsgui.gui.mmode_export import MModeTask
from lsgui.gui.notice_bar import NoticeBar
from lsgui.review.paths import exports_dir
from lsgui.review.state import AnalysisPhase

NOT_YET = "The clip is still being decoded: export it in a moment."
BUSY = "Another export is not done yet: wait for it, or stop it with Esc."


class ExportCommands(QObject):
    """Joins the exporter to its dialogs, to the status bar and to the notice.

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
        self._folder: Path | None = None
        self._kinds: tuple[str, ...] = ("report",)
        self.exporter = Exporter(self)
        self.exporter.maskWanted.connect(self._on_exporter_maskWanted)
        self.exporter.progressed.connect(self._on_exporter_progressed)
        self.exporter.ended.connect(self._on_exporter_ended)
        bar = window.statusBar()
        self.progress = ExportProgress(bar)
        if isinstance(bar, QStatusBar):
            bar.addPermanentWidget(self.progress)
        self.progress.hide()
        self._notice = window.findChildren(NoticeBar)[0]
        self._saved_in: Path | None = None
        self._notice.actionAsked.connect(self._on_notice_actionAsked)

    def open_dialog(self) -> None:
        """Ask what is exported, and where to."""
        from lsgui.gui.export_dialog import ExportDialog  # here: the first window needs no dialogs

        subject = self._subject()
        if subject is None:
            return
        dialog = ExportDialog(subject, self._kinds, self._folder or exports_dir(), self._window)
        dialog.exportAsked.connect(self._on_dialog_exportAsked)
        self._show(dialog)

    def save_picture(self) -> None:
        """Ask where the picture of this moment goes; it is drawn as the clip stands now, under its mask."""
        subject = self._subject()
        if subject is None:
            return
        self._ask_file(subject, "picture", lambda path: self._picture(subject, path))

    def save_mmode(self) -> None:
        """Ask where the M-mode goes; it is saved as it stands now, while the clip plays on."""
        subject = self._subject()
        if subject is not None:
            self._ask_file(subject, "mmode", lambda path: self.submit(MModeTask(subject, path)))

    def submit(self, task: ExportTask) -> None:
        """Carry a task out, unless one is not done yet."""
        if isinstance(task, MModeTask) and task.subject.roi is None:
            self._controller.tell("There is no M-mode to save: open a clip and mark the pleural line first.")
        elif not self.exporter.submit(task):
            self._controller.tell(BUSY)

    def cancel(self) -> bool:
        """Stop what is exported; what the reader does on the clip is stopped first. False where nothing is exported."""
        state = self._controller.state
        if state.tool != "none" or state.analysis.phase is AnalysisPhase.RUNNING:
            return False
        return self.exporter.cancel()

    def stop(self) -> None:
        """End the thread: the window closes."""
        self.exporter.stop()

    def _subject(self) -> ExportSubject | None:
        controller, clip = self._controller, self._controller.state.clip
        known = None if clip is None else controller.readings.known_hash(clip.path)
        subject = export_subject(controller.state, known, controller.project.store)
        if subject is None:
            controller.tell(NOT_YET)
        elif self.exporter.busy:
            controller.tell(BUSY)
            return None
        return subject

    def _picture(self, subject: ExportSubject, path: Path) -> None:
        self.submit(BundleTask(subject, ("picture",), path.parent, file_names={"picture": path.name}))

    def _ask_file(self, subject: ExportSubject, what: str, write: Callable[[Path], None]) -> None:
        name = "-".join(part for part in ("lsgui", subject.clip_id, f"{what}.png") if part)
        folder = self._folder or exports_dir()
        folder = folder if folder.is_dir() else Path.home()
        dialog = QFileDialog(self._window, f"Save the {_WHAT[what]}", str(folder / name), "Picture (*.png)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(".png")
        dialog.selectFile(name)
        dialog.fileSelected.connect(lambda chosen: write(Path(chosen)))
        self._show(dialog)

    def _on_dialog_exportAsked(self, task: BundleTask) -> None:
        self._folder, self._kinds = task.folder, task.kinds
        self.submit(task)

    def _on_exporter_maskWanted(self, wanted: MaskWanted) -> None:
        from lsgui.gui.mask_dialog import MaskDialog

        self.progress.hide()
        dialog = MaskDialog(wanted, self._controller.state.rater, self._window)
        dialog.approved.connect(lambda mask, who: self.exporter.approve(wanted, mask, who))
        dialog.rejected.connect(lambda: self.exporter.decline(wanted))
        self._show(dialog)

    def _on_exporter_progressed(self, stage: str, part: float) -> None:
        self.progress.set_progress(stage, part)
        self.progress.show()

    def _on_exporter_ended(self, end: ExportEnd) -> None:
        self.progress.hide()
        self._controller.tell(end.sentence)
        self._saved_in = end.folder
        self._notice.offer("Show folder" if end.folder is not None else "")

    def _on_notice_actionAsked(self) -> None:
        folder = self._saved_in
        if folder is not None and not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._controller.tell(f"No file browser could be opened; the files are in {folder}.")


_WHAT = {"picture": "picture of this moment", "mmode": "M-mode"}
