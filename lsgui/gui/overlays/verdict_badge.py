"""The verdict badge: words, sign and probability in the clip's upper left corner."""

from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from lsgui.gui.colour_map import label_colour
from lsgui.gui.overlays.base import OVERLAYS, Overlay, OverlayScene
from lsgui.gui.overlays.plate import paint_plate, verdict_icon
from lsgui.gui.theme import DARK, SIZE_LARGE, SIZE_SMALL, text_font
from lsgui.inference.verdict_words import number_words, stretches_words

_ICON = 20.0


@OVERLAYS.register("badge")
class VerdictBadge(Overlay):
    """The verdict in the fixed wording; it says when it was given for a former line."""

    title = "Verdict badge"
    hint = "The verdict on the clip itself, for screenshots and for reading from a distance."
    level = 80
    row = 60
    shows_verdict = True

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint the badge once there is a verdict."""
        prediction = scene.state.analysis.prediction
        if prediction is None:
            return
        words = prediction.label.wording
        number = "not scored" if prediction.p_absent is None else f"p(absent) {number_words(prediction.p_absent)}"
        lines = [" · ".join(part for part in (number, stretches_words(prediction)) if part)]
        if prediction.hint:
            lines.append(prediction.hint)
        if scene.state.analysis.stale:
            lines.append("For the former line: analyse again")
        large, small = text_font(SIZE_LARGE, bold=True), text_font(SIZE_SMALL)
        large_metrics, small_metrics = QFontMetricsF(large), QFontMetricsF(small)
        most = scene.transform.view_width * 0.6
        lines = [small_metrics.elidedText(line, Qt.TextElideMode.ElideRight, most) for line in lines]
        wide = max(
            _ICON + 8 + large_metrics.horizontalAdvance(words), *(small_metrics.horizontalAdvance(x) for x in lines)
        )
        high = max(large_metrics.height(), _ICON) + 2 + len(lines) * small_metrics.height()
        box = scene.corners.place("top_left", QSizeF(wide + 28, high + 16))
        if box is None:
            return
        colour = QColor(DARK.muted) if scene.state.analysis.stale else label_colour(prediction.label, DARK)
        paint_plate(painter, box, colour)
        left, top = box.left() + 16, box.top() + 8
        painter.drawPixmap(QPointF(left, top), verdict_icon(prediction.label, colour.name(), int(_ICON)))
        painter.setPen(colour)
        painter.setFont(large)
        middle = top + _ICON / 2 + (large_metrics.ascent() - large_metrics.descent()) / 2
        painter.drawText(QPointF(left + _ICON + 8, middle), words)
        painter.setFont(small)
        painter.setPen(QColor(DARK.text))
        y = top + max(large_metrics.height(), _ICON) + 2 + small_metrics.ascent()
        for line in lines:
            painter.drawText(QPointF(left, y), line)
            y += small_metrics.height()
