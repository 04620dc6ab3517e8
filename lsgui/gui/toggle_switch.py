"""A switch: on or off, by pointer or space bar, with its words."""

from PySide6.QtCore import QEasingCurve, QPointF, QRectF, QSize, Qt, QVariantAnimation
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from lsgui.gui.colour_map import mixed
from lsgui.gui.theme import SIZE_TEXT, text_font, tokens

_TRACK = QSize(28, 16)
_GAP = 8
_CALM_MS = 110
"""Motion is calm: under 150 ms."""


class ToggleSwitch(QAbstractButton):
    """A checkable button that looks like a switch; its state is told by the knob's side as well as by colour."""

    def __init__(self, words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(words)
        self.setAccessibleName(words)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._at = 0.0
        self._motion = QVariantAnimation(self)
        self._motion.setDuration(_CALM_MS)
        self._motion.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._motion.valueChanged.connect(self._on_motion_valueChanged)
        self.toggled.connect(self._on_toggled)

    def sizeHint(self) -> QSize:
        """Return room for switch and words, at the height of a control."""
        words = QFontMetricsF(text_font(SIZE_TEXT)).horizontalAdvance(self.text())
        return QSize(_TRACK.width() + _GAP + round(words) + 6, 30)

    def minimumSizeHint(self) -> QSize:
        """Return the same as `sizeHint`."""
        return self.sizeHint()

    def set_words(self, words: str) -> None:
        """Change what the switch says."""
        if words != self.text():
            self.setText(words)
            self.setAccessibleName(words)
            self.updateGeometry()

    def set_on(self, on: bool) -> None:
        """Show a state without motion and without a signal: it was changed elsewhere."""
        if on == self.isChecked():
            return
        self.blockSignals(True)
        self.setChecked(on)
        self.blockSignals(False)
        self._motion.stop()
        self._at = float(on)
        self.update()

    def _on_toggled(self, on: bool) -> None:
        self._motion.stop()
        self._motion.setStartValue(self._at)
        self._motion.setEndValue(float(on))
        self._motion.start()

    def _on_motion_valueChanged(self, value: float) -> None:
        self._at = float(value)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint track, knob and words."""
        look = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(2, (self.height() - _TRACK.height()) / 2, _TRACK.width(), _TRACK.height())
        round_ = track.height() / 2
        painter.setPen(QPen(mixed(QColor(look.muted), QColor(look.accent), self._at), 1.0))
        painter.setBrush(mixed(QColor(look.line), QColor(look.accent), self._at))
        painter.drawRoundedRect(track, round_, round_)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#ffffff"))
        knob = QPointF(track.left() + round_ + self._at * (track.width() - 2 * round_), track.center().y())
        painter.drawEllipse(knob, round_ - 2.5, round_ - 2.5)
        if self.hasFocus():
            painter.setPen(QPen(QColor(look.accent), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 4.5, -0.5, -4.5), 4, 4)
        painter.setPen(QColor(look.text if self.isEnabled() else look.muted))
        painter.setFont(text_font(SIZE_TEXT))
        left = track.right() + _GAP
        words = QRectF(left, 0, self.width() - left, self.height())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.end()
