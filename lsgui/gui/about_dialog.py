"""About: versions and device, as a text that can be copied into a report."""

import platform
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import Qt, qVersion
from PySide6.QtWidgets import QApplication, QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from lsgui import __version__
from lsgui.core.label import RESEARCH_LINE, TRAINING_LINE
from lsgui.gui.status_strip import device_words
from lsgui.review.state import Worker


def version_lines(worker: Worker) -> list[tuple[str, str]]:
    """Return name and version of what the program runs on. torch is not loaded here: the worker says its version."""
    return [
        ("lsgui", __version__),
        ("Python", platform.python_version()),
        ("Qt", qVersion() or ""),
        ("PySide6", _installed("PySide6-Essentials")),
        ("torch", worker.torch_version or f"{_installed('torch')} (not started)"),
        ("pydicom", _installed("pydicom")),
        ("OpenCV", _installed("opencv-python-headless")),
        ("numpy", _installed("numpy")),
        ("Device", device_words(worker) or "not started"),
        ("System", f"{platform.system()} {platform.release()} {platform.machine()}"),
    ]


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


class AboutDialog(QDialog):
    """Shows the versions; one button copies them."""

    def __init__(self, worker: Worker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About lsgui")
        lines = version_lines(worker)
        self.text = "\n".join(f"{name}: {value}" for name, value in lines)
        title = QLabel(f"lsgui {__version__}")
        title.setProperty("look", "title")
        lead = QLabel("Lung sliding in ultrasound clips.")
        rows = "".join(
            f'<tr><td style="padding:2px 24px 2px 0">{name}</td><td style="padding:2px 0">{value}</td></tr>'
            for name, value in lines[1:]
        )
        table = QLabel(f"<table>{rows}</table>")
        table.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        note = QLabel(f"{RESEARCH_LINE}\n{TRAINING_LINE}.\nApache License 2.0.")
        note.setProperty("look", "small")
        buttons = QDialogButtonBox(self)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QApplication.clipboard().setText(self.text))
        buttons.addButton("Close", QDialogButtonBox.ButtonRole.RejectRole)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        column.setSpacing(12)
        for widget in (title, lead, table, note, buttons):
            column.addWidget(widget)
