"""The clinician leaves with a report: open, accept the line, analyse, label, export, in the real window."""

from pathlib import Path

import cv2
import numpy as np
import pypdf
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from lsgui.export.kinds import ExportKind
from lsgui.gui.export_dialog import ExportDialog
from lsgui.gui.mask_dialog import MaskDialog
from lsgui.review.paths import exports_dir
from lsgui.review.state import AnalysisPhase, RoiPhase

PATIENCE_MS = 120_000


def test_open_analyse_label_and_leave_with_a_report(review, qtbot, shared_clips: Path):
    state = lambda: review.controller.state  # noqa: E731
    until = lambda done: qtbot.waitUntil(done, timeout=PATIENCE_MS)  # noqa: E731
    review.controller.open_paths([shared_clips / "tuke_lumify_l12.mp4"])
    until(lambda: state().roi_phase is RoiPhase.SUGGESTED)
    QTest.keyClick(review.window, Qt.Key.Key_Return)
    until(lambda: state().analysis.phase is AnalysisPhase.DONE)
    QTest.keyClick(review.window, Qt.Key.Key_P)
    until(lambda: state().reading.saved_at != "")

    QTest.keyClick(review.window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    dialog = review.window.commands.dialog
    assert isinstance(dialog, ExportDialog)
    assert dialog.chosen() == ("report",), "the report is what most people leave with"
    dialog.boxes[ExportKind.PICTURE].setChecked(True)
    dialog.export_button.click()
    until(lambda: isinstance(review.window.commands.dialog, MaskDialog))
    asked = review.window.commands.dialog
    assert asked.who.text() == "R2"
    asked.confirm.setChecked(True)
    asked.approve.click()
    until(lambda: state().notice.startswith("Saved "))

    report, picture = sorted(exports_dir().iterdir(), key=lambda path: path.suffix)
    page = pypdf.PdfReader(report).pages[0].extract_text()
    text = " ".join(page.split())
    for part in ("Lung sliding present", "Present (ls_p)", "Reader R2 ·", "Research use only. Not a medical device."):
        assert part in text, part
    assert "tuke" not in text
    shown = cv2.imread(str(picture))
    bright = (shown > 200).all(axis=2)[: shown.shape[0] - 330]
    scan = np.flatnonzero(bright.any(axis=0))
    assert scan.min() > 200, "nothing but the scan stands in the middle: the header of the capture is gone"
