"""One bar from 0 to 1: the probability of absent sliding, its interval, and the threshold."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from lsgui.core.prediction import Prediction
from lsgui.gui.colour_map import label_colour, with_alpha
from lsgui.gui.theme import SIZE_SMALL, text_font, tokens
from lsgui.inference.verdict_words import probability_words

_TRACK = 10.0


class ProbabilityBar(QWidget):
    """Paints the number where it lies between present and absent, with the words under it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prediction: Prediction | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return room for the bar and one or two lines of words."""
        return QSize(220, self.heightForWidth(220))

    def heightForWidth(self, width: int) -> int:
        """Return the height: a second line where both numbers do not fit beside each other."""
        line = QFontMetricsF(text_font(SIZE_SMALL)).height()
        return round(_TRACK + 12 + line * (1 if self._fits(width) else 2))

    def set_prediction(self, prediction: Prediction | None) -> None:
        """Show the number of a verdict."""
        self._prediction = prediction
        self.setVisible(prediction is not None and prediction.p_absent is not None)
        if prediction is not None:
            self.setAccessibleName(f"{probability_words(prediction)}, threshold {prediction.threshold:.2f}")
            self.setToolTip("Probability of absent sliding with its spread over windows and stretches of pleura.")
        self.setFixedHeight(self.heightForWidth(self.width()))
        self.update()

    def resizeEvent(self, event: object) -> None:
        """Take another height where the words need it."""
        self.setFixedHeight(self.heightForWidth(self.width()))

    def _words(self) -> tuple[str, str]:
        if self._prediction is None:
            return "", ""
        return probability_words(self._prediction), f"threshold {self._prediction.threshold:.2f}"

    def _fits(self, width: int) -> bool:
        metrics = QFontMetricsF(text_font(SIZE_SMALL))
        return sum(metrics.horizontalAdvance(word) for word in self._words()) + 16 <= width

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint track, interval, threshold and number."""
        prediction = self._prediction
        if prediction is None or prediction.p_absent is None:
            return
        look = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(0, 3, self.width(), _TRACK)
        colour = label_colour(prediction.label, look)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.background))
        painter.drawRoundedRect(track, 4, 4)
        if prediction.p_absent_interval is not None:
            low, high = (self._x(value) for value in prediction.p_absent_interval)
            painter.setBrush(with_alpha(colour, 0.40))
            painter.drawRoundedRect(QRectF(low, track.top(), max(high - low, 4.0), track.height()), 4, 4)
        at = self._x(prediction.threshold)
        painter.setPen(QPen(QColor(look.text), 1.5, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(at, 0), QPointF(at, track.bottom() + 3))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(QRectF(self._x(prediction.p_absent) - 2, 0, 4, track.bottom() + 3), 2, 2)
        self._paint_words(painter, track.bottom() + 7)
        painter.end()

    def _x(self, probability: float) -> float:
        return min(max(probability, 0.0), 1.0) * (self.width() - 5) + 2.5

    def _paint_words(self, painter: QPainter, top: float) -> None:
        font = text_font(SIZE_SMALL)
        metrics = QFontMetricsF(font)
        number, threshold = self._words()
        painter.setFont(font)
        painter.setPen(QColor(tokens().text))
        line = QRectF(0, top, self.width(), metrics.height())
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, number)
        painter.setPen(QColor(tokens().muted))
        below = 0.0 if self._fits(self.width()) else metrics.height()
        painter.drawText(line.translated(0, below), Qt.AlignmentFlag.AlignRight, threshold)
