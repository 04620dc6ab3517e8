"""A button that shows its key: words on the left, the key in a small frame on the right."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QPushButton, QSizePolicy, QStyle, QStyleOptionButton, QStylePainter, QWidget

from lsgui.gui.colour_map import with_alpha
from lsgui.gui.theme import CONTROL_HEIGHT, SIZE_SMALL, SIZE_TEXT, set_look, text_font, tokens

_PAD, _TIGHT_PAD = 12.0, 8.0
_GAP, _TIGHT_GAP = 10.0, 6.0


class KeyButton(QPushButton):
    """A push button of the style sheet with its key painted beside its words.

    Parameters
    ----------
    words, key
        What it does, and the key that does the same.
    look
        A look of the style sheet: "primary" for the one main action.
    height
        Height in pixels.
    spread
        True puts the key at the right edge, False beside the words in the middle.
    tight
        True leaves less room around words and key, for three in a row.
    """

    def __init__(
        self,
        words: str,
        key: str,
        parent: QWidget | None = None,
        *,
        look: str = "",
        height: int = CONTROL_HEIGHT,
        spread: bool = True,
        tight: bool = False,
    ) -> None:
        super().__init__(parent)
        self._pad, self._gap = (_TIGHT_PAD, _TIGHT_GAP) if tight else (_PAD, _GAP)
        self._key = key
        self._spread = spread
        self._tint: str | None = None
        if look:
            set_look(self, look)
        self._height = height
        self.setSizePolicy(QSizePolicy.Policy.MinimumExpanding, QSizePolicy.Policy.Fixed)
        self.set_words(words)

    def set_words(self, words: str) -> None:
        """Change what the button says."""
        if words != self.text():
            self.setText(words)
            self.setAccessibleName(words)
            self.updateGeometry()

    def set_tint(self, tint: str | None) -> None:
        """Give the button a token's colour ("present", "absent"...) as border and wash, for a chosen state."""
        if tint != self._tint:
            self._tint = tint
            self.update()

    def sizeHint(self) -> QSize:
        """Return room for words, key and padding."""
        words = QFontMetricsF(text_font(SIZE_TEXT, bold=True)).horizontalAdvance(self.text())
        return QSize(round(words + self._key_width() + self._gap + 2 * self._pad), self._height)

    def minimumSizeHint(self) -> QSize:
        """Return the same as `sizeHint`: nothing of the button may be cut."""
        return self.sizeHint()

    def _key_width(self) -> float:
        return QFontMetricsF(text_font(SIZE_SMALL)).horizontalAdvance(self._key) + 12 if self._key else 0.0

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the style sheet's button, then words and key."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = ""
        painter = QStylePainter(self)
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = tokens()
        primary = self.property("look") == "primary" and self.isEnabled()
        ink = QColor(look.on_accent if primary else look.text if self.isEnabled() else look.muted)
        if self._tint is not None:
            tint = getattr(look, self._tint)
            painter.setPen(QPen(QColor(tint), 1.5))
            painter.setBrush(with_alpha(tint, 0.14))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75), 6, 6)
        font = text_font(SIZE_TEXT, bold=primary or self._tint is not None)
        words, key = QFontMetricsF(font).horizontalAdvance(self.text()), self._key_width()
        box = QRectF(self.rect())
        total = words + (self._gap + key if key else 0.0)
        left = self._pad if self._spread else max((box.width() - total) / 2, self._pad)
        painter.setFont(font)
        painter.setPen(ink)
        painter.drawText(QRectF(left, 0, words + 2, box.height()), Qt.AlignmentFlag.AlignVCenter, self.text())
        if key:
            at = box.width() - self._pad - key if self._spread else left + words + self._gap
            self._paint_key(painter, QRectF(at, box.center().y() - 9, key, 18), ink, faint=not primary)
        if self.hasFocus():
            painter.setPen(QPen(QColor(look.on_accent if primary else look.accent), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(2.5, 2.5, -2.5, -2.5), 4, 4)

    def _paint_key(self, painter: QPainter, box: QRectF, ink: QColor, *, faint: bool) -> None:
        painter.setFont(text_font(SIZE_SMALL))
        painter.setPen(QPen(QColor(tokens().line) if faint else with_alpha(ink, 0.5), 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(tokens().muted) if faint else ink)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._key)
