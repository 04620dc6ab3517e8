"""What the clip's view says when there is nothing to show yet, or something to be done."""

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from lsgui.gui.colour_map import with_alpha
from lsgui.gui.overlays.plate import paint_plate
from lsgui.gui.roi_tool import ToolName
from lsgui.gui.theme import DARK, SIZE_LARGE, SIZE_TEXT, text_font
from lsgui.review.state import LoadPhase, ReviewState, RoiPhase

_DRAW_LINE = "Click along the pleural line, or draw it in one stroke · Enter ends · Backspace takes back · Esc cancels"
_DRAW_BOX = "Drag a box around the pleura: the line is searched inside it · Esc cancels"


@dataclass(frozen=True, slots=True)
class ClipNote:
    """A sentence on the clip's view: in the middle of an empty view, or at the foot of the picture."""

    title: str
    sentence: str = ""
    place: Literal["middle", "foot"] = "foot"
    tone: Literal["muted", "accent", "warning"] = "muted"


def clip_note(state: ReviewState | None, tool: ToolName) -> ClipNote | None:
    """Return what the view says, or None when the picture speaks for itself."""
    clip = None if state is None else state.clip
    if state is None or clip is None or clip.phase is LoadPhase.EMPTY:
        return ClipNote("No clip open", "Open one with Ctrl+O, or drop a file or folder here.", "middle")
    if clip.phase is LoadPhase.FAILED:
        return ClipNote("This clip cannot be read", clip.error, "middle", "warning")
    if clip.store is None or clip.frames_ready == 0:
        return ClipNote("Opening", clip.path.name, "middle")
    if tool == "draw_line":
        return ClipNote(_DRAW_LINE, tone="accent")
    if tool == "draw_rectangle":
        return ClipNote(_DRAW_BOX, tone="accent")
    if state.roi_phase is RoiPhase.SEARCHING:
        return ClipNote("Looking for the pleural line …")
    if state.roi is None and state.no_lung_is_said and clip.phase is LoadPhase.COMPLETE:
        return ClipNote("This does not look like a lung in B-mode the right way up", tone="warning")
    if state.roi is None and state.roi_phase is RoiPhase.NOT_FOUND:
        return ClipNote("No pleural line found. Draw the line: R", tone="warning")
    if state.roi is None and clip.phase is LoadPhase.COMPLETE:
        return ClipNote("No pleural line yet. Draw the line: R, or have it suggested: Shift+R", tone="accent")
    return None


def paint_note(painter: QPainter, view: QRectF, note: ClipNote) -> None:
    """Paint a note."""
    colour = {"muted": DARK.text, "accent": DARK.accent, "warning": DARK.warning}[note.tone]
    if note.place == "foot":
        _paint_foot(painter, view, note.title, QColor(colour))
        return
    large, text = text_font(SIZE_LARGE, bold=True), text_font(SIZE_TEXT)
    wide = min(view.width() - 48, 560.0)
    flags = int(Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap)
    free = QRectF(0, 0, wide, view.height())
    high = QFontMetricsF(text).boundingRect(free, flags, note.sentence).height()
    title_high = QFontMetricsF(large).boundingRect(free, flags, note.title).height()
    left, top = view.center().x() - wide / 2, view.center().y() - (high + title_high + 8) / 2
    painter.setFont(large)
    painter.setPen(QColor(colour))
    painter.drawText(QRectF(left, top, wide, title_high), flags, note.title)
    painter.setFont(text)
    painter.setPen(QColor(DARK.muted if note.tone == "muted" else DARK.text))
    painter.drawText(QRectF(left, top + title_high + 8, wide, high), flags, note.sentence)


def _paint_foot(painter: QPainter, view: QRectF, words: str, colour: QColor) -> None:
    font = text_font(SIZE_TEXT)
    metrics = QFontMetricsF(font)
    flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
    size = metrics.boundingRect(QRectF(0, 0, view.width() - 72, view.height()), flags, words)
    box = QRectF(0, 0, size.width() + 28, size.height() + 14)
    box.moveCenter(QPointF(view.center().x(), view.bottom() - 40 - box.height() / 2))
    paint_plate(painter, box)
    painter.setFont(font)
    painter.setPen(colour)
    painter.drawText(box, flags, words)


def paint_decoding(painter: QPainter, view: QRectF, fraction: float) -> None:
    """Paint how much of the clip has been decoded, as a hair line along the foot of the view."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(with_alpha(DARK.text, 0.12))
    painter.drawRect(QRectF(view.left(), view.bottom() - 3, view.width(), 3))
    painter.setBrush(QColor(DARK.accent))
    painter.drawRect(QRectF(view.left(), view.bottom() - 3, view.width() * min(max(fraction, 0.0), 1.0), 3))
