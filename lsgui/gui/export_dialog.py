"""The export dialog: what leaves of this clip, what each is for, and where it goes."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from lsgui.export.kinds import ExportKind, needs_mask
from lsgui.gui.export_task import BundleTask, ExportSubject
from lsgui.gui.theme import SPACE, set_look

_PAPERS = {"a4": "A4", "letter": "Letter"}


class ExportDialog(QDialog):
    """Asks and hands the task on; the clip plays on behind it, but what is exported stands as it was on opening.

    Parameters
    ----------
    subject
        The clip as it stands.
    kinds
        What is ticked at first.
    folder
        Where the files go unless another folder is chosen.
    """

    exportAsked = Signal(object)
    """A `BundleTask`."""

    def __init__(
        self, subject: ExportSubject, kinds: tuple[str, ...], folder: Path, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.setMinimumWidth(560)
        self._subject = subject
        self.boxes: dict[ExportKind, QCheckBox] = {}
        self.names = QCheckBox("Name files after the clip", self)
        self.names.setToolTip("A clip's name may be a patient's. Otherwise files are named by the clip's content.")
        self.identified = QCheckBox("Keep patient and study in DICOM results", self)
        self.identified.setToolTip("For the archive that the clip comes from. A de-identified clip never keeps them.")
        self.identified.setVisible(subject.clip.info.format == "dicom")
        self.paper = QComboBox(self)
        for key, words in _PAPERS.items():
            self.paper.addItem(words, key)
        self.folder = QLineEdit(str(folder), self)
        self.folder.setAccessibleName("Folder")
        self._hint = QLabel(self)
        set_look(self._hint, "small")
        self._hint.setWordWrap(True)
        self._buttons = QDialogButtonBox(self)
        self.export_button = self._buttons.addButton("Export", QDialogButtonBox.ButtonRole.AcceptRole)
        set_look(self.export_button, "primary")
        self._buttons.addButton("Cancel", QDialogButtonBox.ButtonRole.RejectRole)
        self._buttons.accepted.connect(self._on_buttons_accepted)
        self._buttons.rejected.connect(self.reject)
        self._lay_out(kinds)
        self.folder.textChanged.connect(self._say)
        self.names.toggled.connect(self._say)
        self._say()

    def chosen(self) -> tuple[str, ...]:
        """Return the kinds that are ticked."""
        return tuple(kind.value for kind, box in self.boxes.items() if box.isEnabled() and box.isChecked())

    def _lay_out(self, kinds: tuple[str, ...]) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(3 * SPACE)
        for sentence, look in _remarks(self._subject):
            note = QLabel(sentence, self)
            note.setWordWrap(True)
            set_look(note, look)
            column.addWidget(note)
        card = QFrame(self)
        set_look(card, "card")
        grid = QGridLayout(card)
        grid.setContentsMargins(4 * SPACE, 2 * SPACE, 4 * SPACE, 2 * SPACE)
        grid.setHorizontalSpacing(4 * SPACE)
        grid.setVerticalSpacing(SPACE)
        grid.setColumnStretch(1, 1)
        for row, kind in enumerate(ExportKind):
            grid.addWidget(self._box(kind, kinds), row, 0)
            purpose = QLabel(kind.purpose, card)
            purpose.setWordWrap(True)
            set_look(purpose, "small")
            grid.addWidget(purpose, row, 1, Qt.AlignmentFlag.AlignVCenter)
        column.addWidget(card)
        where = QHBoxLayout()
        where.setSpacing(2 * SPACE)
        choose = QPushButton("Folder…", self)
        choose.clicked.connect(self._on_choose_clicked)
        where.addWidget(QLabel("To", self))
        where.addWidget(self.folder, 1)
        where.addWidget(choose)
        column.addLayout(where)
        options = QHBoxLayout()
        options.setSpacing(4 * SPACE)
        options.addWidget(self.names)
        options.addStretch(1)
        options.addWidget(QLabel("Page", self))
        options.addWidget(self.paper)
        column.addLayout(options)
        column.addWidget(self.identified)  # in a row of its own: its words are never cut
        column.addWidget(self._hint)
        column.addWidget(self._buttons)

    def _box(self, kind: ExportKind, kinds: tuple[str, ...]) -> QCheckBox:
        box = QCheckBox(kind.wording, self)
        box.setToolTip(kind.purpose)
        box.setAccessibleDescription(kind.purpose)
        box.setChecked(kind.value in kinds)
        shown = None if self._subject.hidden else self._subject.prediction
        if kind is ExportKind.WINDOWS and (shown is None or not shown.windows):
            box.setEnabled(False)
            box.setToolTip("There is no scored window: analyse the clip first (Enter).")
        box.toggled.connect(self._say)
        self.boxes[kind] = box
        return box

    def _say(self) -> None:
        """Say what the files will be called, and whether anything is missing."""
        chosen = self.chosen()
        self.export_button.setEnabled(bool(chosen) and bool(self.folder.text().strip()))
        self.paper.setEnabled(ExportKind.REPORT.value in chosen)
        self.identified.setEnabled(bool({ExportKind.SR.value, ExportKind.CAPTURE.value} & set(chosen)))
        if not chosen:
            self._hint.setText("Tick what you want to export.")
            return
        stem = self._subject.clip.info.path.stem if self.names.isChecked() else f"lsgui-{self._subject.clip_id or '…'}"
        kind = ExportKind(chosen[0])
        words = [f"Files are called {stem}-{kind.value}{kind.suffix}{' and so on' if len(chosen) > 1 else ''}."]
        if needs_mask([ExportKind(value) for value in chosen], self._subject.clip):
            words.append("Pixels leave under a mask; the first time for a series you are asked to look at it.")
        self._hint.setText(" ".join(words))

    def _on_choose_clicked(self) -> None:
        dialog = QFileDialog(self, "Export to", self.folder.text())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self.folder.setText)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _on_buttons_accepted(self) -> None:
        identified = self.identified.isVisible() and self.identified.isEnabled() and self.identified.isChecked()
        task = BundleTask(
            self._subject,
            self.chosen(),
            Path(self.folder.text().strip()).expanduser(),
            keep_names=self.names.isChecked(),
            identified=identified,
            paper=self.paper.currentData(),
        )
        self.accept()
        self.exportAsked.emit(task)


def _remarks(subject: ExportSubject) -> list[tuple[str, str]]:
    """Return sentences on what will be missing, each with its look."""
    info = subject.clip.info
    moment = float(info.times_s[min(subject.frame, info.frames - 1)])
    out = [(f"This moment: frame {subject.frame + 1} of {info.frames}, {moment:.2f} s.", "muted")]
    if subject.hidden:
        out.append(("Blind reading: the AI's verdict stays out until your reading is saved.", "warning"))
    elif subject.stale:
        out.append(("The line was changed after the verdict: analyse again, or the verdict stays out.", "warning"))
    elif subject.prediction is None:
        out.append(("The clip is not analysed: press Enter first, or there is no verdict in it.", "warning"))
    return out
