"""How far an export is, in the status bar: what is made, a bar, and the key that stops it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QWidget

from lsgui.gui.theme import SPACE, set_look


class ExportProgress(QWidget):
    """Shown while something is exported."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = QLabel(self)
        set_look(self._words, "muted")
        self.bar = QProgressBar(self)
        self.bar.setRange(0, 100)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(120)
        self.bar.setAccessibleName("Export")
        key = QLabel("Esc", self)
        set_look(key, "key")
        key.setToolTip("Stop the export; nothing half-written stays")
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * SPACE, 0, 2 * SPACE, 0)
        row.setSpacing(2 * SPACE)
        row.addWidget(self._words)
        row.addWidget(self.bar, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(key)

    def set_progress(self, stage: str, part: float) -> None:
        """Say what is made, and how far all of it is, 0 to 1."""
        self._words.setText(f"Exporting: {stage[:1].lower() + stage[1:] if not stage.startswith('DICOM') else stage}")
        self.bar.setValue(round(100 * part))
