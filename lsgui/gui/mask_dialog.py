"""The approval of a mask: a person looks at what would leave of a series, corrects it, and says that it may."""

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from lsgui.core.pleura import resample_polyline
from lsgui.gui.export_thread import MaskWanted
from lsgui.gui.mask_canvas import MaskCanvas
from lsgui.gui.mask_draft import MaskDraft
from lsgui.gui.theme import SPACE, set_look

_LEAD = (
    "The woven areas are painted black in everything that leaves this series. Look at all the rest: no name, number, "
    "date or place that says who this is may be readable. Drag over the picture to cover more."
)


class MaskDialog(QDialog):
    """Shows the proposal over the clip; nothing leaves before it is approved. It holds for the series from then on."""

    approved = Signal(object, str)
    """The `PixelMask`, and who approved it."""

    def __init__(self, wanted: MaskWanted, rater: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("What may leave")
        self._wanted = wanted
        self._clip = wanted.task.subject.clip
        self.canvas = MaskCanvas(MaskDraft(wanted.proposed), wanted.brightest, self)
        self.canvas.draftChanged.connect(self._on_canvas_draftChanged)
        self.confirm = QCheckBox("Nothing that names a person is visible", self)
        self.who = QLineEdit(rater, self)
        self.who.setPlaceholderText("Your initials")
        self.who.setAccessibleName("Approved by")
        self.who.setMaximumWidth(140)
        self.who.setMaxLength(40)
        self.hint = QLabel(
            "The black covers part of the pleural line: where nothing is written, lay it open with Show."
        )
        set_look(self.hint, "warning")
        self.brightest = QCheckBox("Brightest of the whole clip", self)
        self.brightest.setChecked(True)
        self.brightest.setToolTip("The brightest grey that each place ever has: text shows even if it comes and goes.")
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, len(self._clip) - 1)
        self.slider.setValue(min(wanted.task.subject.frame, len(self._clip) - 1))
        self.slider.setAccessibleName("Frame")
        self._frame = QLabel(self)
        set_look(self._frame, "muted")
        self._frame.setMinimumWidth(self._frame.fontMetrics().horizontalAdvance("frame 00000 of 00000"))
        buttons = QDialogButtonBox(self)
        self.approve = buttons.addButton("Approve", QDialogButtonBox.ButtonRole.AcceptRole)
        set_look(self.approve, "primary")
        buttons.addButton("Cancel", QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self._on_buttons_accepted)
        buttons.rejected.connect(self.reject)
        self._lay_out(buttons)
        self.slider.valueChanged.connect(self._on_slider_valueChanged)
        self.brightest.toggled.connect(self._show_frame)
        self.confirm.toggled.connect(self._allow)
        self.who.textChanged.connect(self._allow)
        QShortcut(QKeySequence.StandardKey.Undo, self, self.canvas.undo)
        self._show_frame()
        self._look_at_line()
        self._allow()
        room = self.screen().availableGeometry()
        self.resize(min(1080, room.width() - 40), min(780, room.height() - 80))

    def _lay_out(self, buttons: QDialogButtonBox) -> None:
        lead = QLabel(_LEAD, self)
        lead.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(2 * SPACE)
        column.addWidget(lead)
        column.addLayout(self._tools())
        column.addWidget(self.hint)
        column.addWidget(self.canvas, 1)
        frames = QHBoxLayout()
        frames.setSpacing(3 * SPACE)
        frames.addWidget(self.brightest)
        frames.addWidget(self.slider, 1)
        frames.addWidget(self._frame)
        column.addLayout(frames)
        foot = QHBoxLayout()
        foot.setSpacing(3 * SPACE)
        foot.addWidget(self.confirm)
        foot.addStretch(1)
        foot.addWidget(QLabel("Approved by", self))
        foot.addWidget(self.who)
        foot.addWidget(buttons)
        column.addLayout(foot)

    def _tools(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2 * SPACE)
        self.cover = QPushButton("Cover", self)
        self.cover.setToolTip("Drag a rectangle that is painted black")
        self.uncover = QPushButton("Show", self)
        self.uncover.setToolTip("Drag a rectangle that may be seen: only where there is nothing to hide")
        group = QButtonGroup(self)
        for button, covers in ((self.cover, True), (self.uncover, False)):
            button.setCheckable(True)
            group.addButton(button)
            button.toggled.connect(lambda on, c=covers: setattr(self.canvas, "covers", c) if on else None)
            row.addWidget(button)
        self.cover.setChecked(True)
        row.addSpacing(4 * SPACE)
        for words, tip, act in (
            ("Remove", "Take the selected rectangle away (Del)", self.canvas.remove_selected),
            ("Undo", "Take the last change back (Ctrl+Z)", self.canvas.undo),
            ("Start again", "Go back to what the program proposes", self.canvas.restart),
        ):
            button = QPushButton(words, self)
            button.setToolTip(tip)
            button.clicked.connect(act)
            row.addWidget(button)
        row.addStretch(1)
        whole = QCheckBox("Whole frame", self)
        whole.setToolTip("Show the black surround as well; the wheel zooms, the middle button moves the picture")
        whole.toggled.connect(self.canvas.show_whole)
        row.addWidget(whole)
        through = QCheckBox("See through the black", self)
        through.setToolTip("Shows faintly what is covered; it leaves as black all the same")
        through.toggled.connect(self.canvas.set_see_through)
        row.addWidget(through)
        return row

    def _on_slider_valueChanged(self) -> None:
        if self.brightest.isChecked():
            self.brightest.setChecked(False)
        else:
            self._show_frame()

    def _show_frame(self) -> None:
        index = self.slider.value()
        if self.brightest.isChecked():
            self.canvas.set_picture(self._wanted.brightest)
            self._frame.setText("all frames")
        else:
            self.canvas.set_picture(self._clip.frame(index))
            self._frame.setText(f"frame {index + 1} of {len(self._clip)}")

    def _look_at_line(self) -> None:
        """Say when the line that everything is about is covered: on bright layers the program may see letters."""
        roi = self._wanted.task.subject.roi
        blank = self.canvas.draft.blanked()
        height, width = blank.shape
        places = np.empty((0, 2)) if roi is None else resample_polyline(roi.polyline, 64)
        columns, rows = np.rint(places).astype(int).T
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        self.hint.setVisible(bool(blank[rows[inside], columns[inside]].any()))

    def _on_canvas_draftChanged(self) -> None:
        self._look_at_line()
        self.confirm.setChecked(False)  # what was looked at is another picture now

    def _allow(self) -> None:
        self.approve.setEnabled(self.confirm.isChecked() and bool(self.who.text().strip()))

    def _on_buttons_accepted(self) -> None:
        mask, who = self.canvas.draft.mask(), self.who.text().strip()
        self.approved.emit(mask, who)
        self.accept()
