"""The legend of the heat map that is shown: what is measured, its colours, its numbers with units, over which time."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPixmap

from lsgui.core.motion_map import MotionMap
from lsgui.gui.overlays.base import OVERLAYS, Overlay, OverlayScene
from lsgui.gui.overlays.heatmap import HeatMap
from lsgui.gui.overlays.plate import paint_plate
from lsgui.gui.theme import DARK, SIZE_SMALL, text_font
from lsgui.imaging.heat_colours import heat_table, ramp_stops
from lsgui.review.heat_style import WINDOW_WORDS, HeatRange, heat_range, ticks

_BAR, _TICK = 8.0, 4.0
_WIDTH = 184.0
_KEPT = 4


@dataclass(frozen=True, slots=True)
class _Words:
    """All that a plate shows: two equal ones look the same."""

    caption: str
    below: tuple[str, ...]
    ramp: str = ""
    scale: HeatRange | None = None
    ends: tuple[str, str, str] | None = None


@OVERLAYS.register("legend")
class Legend(Overlay):
    """A plate in the upper right corner for the heat map that is switched on: its scale, or why it is not there."""

    title = "Legend"
    level = 81
    switchable = False
    shows_verdict = True

    def __init__(self) -> None:
        self._plates: dict[tuple[_Words, float], QPixmap] = {}

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint the plates of the heat maps that are switched on."""
        for name, kind in OVERLAYS.items():
            if issubclass(kind, HeatMap) and scene.switch(name).shown and scene.line is not None:
                words = _words(kind, scene)
                if words is not None:
                    self._paint_plate(painter, scene, words)

    def _paint_plate(self, painter: QPainter, scene: OverlayScene, words: _Words) -> None:
        plate = self._plates.get((words, scene.device_ratio))
        if plate is None:
            plate = _plate(words, scene.device_ratio)
            if len(self._plates) >= _KEPT:
                self._plates.clear()
            self._plates[words, scene.device_ratio] = plate  # shown on every frame, changed by hand
        box = scene.corners.place("top_right", plate.deviceIndependentSize())
        if box is not None:
            painter.drawPixmap(box.topLeft(), plate)


def _words(kind: type[HeatMap], scene: OverlayScene) -> _Words | None:
    state = scene.state
    motion: MotionMap | None = state.analysis.maps.get(kind.quantity)
    if motion is None:
        why = kind.missing(state)
        return _Words(kind.caption, (why,)) if why else None
    scale = heat_range(motion, state.heat, state.held_scales)
    below = WINDOW_WORDS[state.heat.window] + (f" · {scale.words}" if scale.words else "")
    caption = kind.caption + (f" ({motion.unit})" if motion.unit else "")
    lines = (below, motion.note) if motion.note else (below,)
    return _Words(caption, lines, kind.ramp_for(state.heat), scale, kind.scale_words(motion))


def _plate(words: _Words, ratio: float) -> QPixmap:
    font = text_font(SIZE_SMALL)
    metrics = QFontMetricsF(font)
    wide = max(_WIDTH, *(metrics.horizontalAdvance(line) for line in (words.caption, *words.below)))
    high = (
        (1 + len(words.below)) * metrics.height()
        + 18
        + (_BAR + _TICK + metrics.height() + 4 if words.scale is not None else 0)
    )
    size = QSizeF(wide + 20, high)
    plate = QPixmap((size * ratio).toSize())
    plate.setDevicePixelRatio(ratio)
    plate.fill(Qt.GlobalColor.transparent)
    painter = QPainter(plate)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint_plate(painter, QRectF(QPointF(0, 0), size))
    inner = QRectF(QPointF(10, 8), QSizeF(wide, high - 16))
    painter.setFont(font)
    painter.setPen(QColor(DARK.text))
    painter.drawText(QPointF(inner.left(), inner.top() + metrics.ascent()), words.caption)
    painter.setPen(QColor(DARK.muted))
    for up, line in enumerate(reversed(words.below)):
        painter.drawText(QPointF(inner.left(), inner.bottom() - up * metrics.height() - metrics.descent()), line)
    if words.scale is not None:
        bar = QRectF(inner.left(), inner.top() + metrics.height() + 4, wide, _BAR)
        _paint_scale(painter, bar, words.ramp)
        _paint_numbers(painter, bar, words.scale, words.ends)
    painter.end()
    return plate


def _paint_scale(painter: QPainter, bar: QRectF, ramp: str) -> None:
    """Paint the colours as they lie on a black picture."""
    table, stops = heat_table(ramp), len(ramp_stops(ramp))
    gradient = QLinearGradient(bar.topLeft(), bar.topRight())
    for index in range(stops):
        blue, green, red, _ = (int(value) for value in table[round(index * 255 / (stops - 1))])
        gradient.setColorAt(index / (stops - 1), QColor(red, green, blue))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(gradient)
    painter.drawRoundedRect(bar, 2, 2)


def _paint_numbers(painter: QPainter, bar: QRectF, scale: HeatRange, ends: tuple[str, str, str] | None) -> None:
    """Paint round numbers with their ticks below the colours, or words at both ends and in the middle."""
    metrics = QFontMetricsF(painter.font())
    marks = [(value, f"{value:.3g}") for value in ticks(scale.low, scale.high)]
    if ends is not None:
        marks = list(zip((scale.low, (scale.low + scale.high) / 2, scale.high), ends, strict=True))
    painter.setPen(QColor(DARK.muted))
    for value, words in marks:
        x = bar.left() + bar.width() * (value - scale.low) / max(scale.high - scale.low, 1e-9)
        painter.drawLine(QPointF(x, bar.bottom() + 1), QPointF(x, bar.bottom() + _TICK))
        wide = metrics.horizontalAdvance(words)
        left = min(max(x - wide / 2, bar.left()), bar.right() - wide)
        painter.drawText(QPointF(left, bar.bottom() + _TICK + 1 + metrics.ascent()), words)
