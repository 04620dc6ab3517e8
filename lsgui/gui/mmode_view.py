"""The M-mode: the grey values along one or two lines across the pleura, over the whole clip, with its axes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from lsgui.gui.colour_map import probability_colour
from lsgui.gui.frame_picture import grey_table
from lsgui.gui.mmode_axes import paint_depth, paint_times
from lsgui.gui.mmode_job import MModePiece, MModeRequest
from lsgui.gui.mmode_track import MModeTrack, rendered
from lsgui.gui.overlays.class_ribbon import stretch_at
from lsgui.gui.overlays.mmode_column import COLUMN_COLOUR, SECOND_COLOUR, letter_plate
from lsgui.gui.theme import DARK, SIZE_SMALL, text_font, tokens
from lsgui.gui.time_axis import ROOM_INSET, TimeAxis, timeline_of
from lsgui.inference.verdict_words import number_words
from lsgui.review.mmode_transitions import mmode_reach_px
from lsgui.review.playback import Timeline
from lsgui.review.state import LoadPhase, ReviewState, RoiPhase

_HEAD, _FOOT = 22.0, 18.0
_BETWEEN = 16.0
"""Points between two M-modes side by side."""
_LOW, _LOW_PAIR = 96, 190
"""Least height of one M-mode, and of two above one another."""


@dataclass(frozen=True, slots=True)
class _Panel:
    """One M-mode on the screen: its letter and colour, its place on the line, its track, and where it is painted."""

    letter: Literal["A", "B"]
    colour: str
    column: float
    track: MModeTrack
    box: QRectF
    axis: TimeAxis

    @property
    def head(self) -> QRectF:
        return QRectF(self.box.left(), self.box.top() - _HEAD + 2, self.box.width(), _HEAD - 2)


class MModeView(QWidget):
    """Shows the M-mode at the green line of the clip, and beside it that at the second line where there is one.

    A click asks for the frame under the pointer.
    """

    frameAsked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(_LOW)
        self.setAccessibleName("M-mode")
        self.setToolTip("Layers above, grains below: sliding. Layers everywhere: no sliding here.")
        self._state: ReviewState | None = None
        self._timeline: Timeline | None = None
        self._table = grey_table(ReviewState().picture)
        self._tracks = (MModeTrack("mmode", self), MModeTrack("mmode-b", self))
        self._held: _Panel | None = None
        self._kept: dict[str, tuple[tuple[object, ...], QPixmap]] = {}
        for track in self._tracks:
            track.changed.connect(self.update)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.stop)

    def sizeHint(self) -> QSize:
        """Return a height at which seashore and barcode can be told apart."""
        return QSize(600, 168)

    def stop(self) -> None:
        """End the threads; the window calls this when it closes."""
        for track in self._tracks:
            track.stop()

    def closeEvent(self, event: QCloseEvent) -> None:
        """End the threads of a view that stands alone."""
        self.stop()
        super().closeEvent(event)

    def event(self, event: QEvent) -> bool:
        """End the threads before the widget goes."""
        if event.type() == QEvent.Type.DeferredDelete:
            self.stop()
        return super().event(event)

    # Taking a state in

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render what differs between two states."""
        self._state = new
        if old is None or old.clip is not new.clip:
            self._timeline = timeline_of(new)
            if old is not None and (old.clip is None or new.clip is None or old.clip.path != new.clip.path):
                self._kept.clear()  # they hold on to the frames of the clip that was left
        if old is None or old.picture != new.picture:
            self._table = grey_table(new.picture)
        if old is None or _cuts_different(old, new):
            self._tracks[0].want(_request(new, new.mmode_column))
            self._tracks[1].want(None if new.mmode_second is None else _request(new, new.mmode_second))
            self.setMinimumHeight(_LOW_PAIR if new.mmode_second is not None and new.mmode_stacked else _LOW)
        if old is None or _looks_different(old, new):
            self.update()
        elif old.playback.frame != new.playback.frame:
            self._move_cursor(old.playback.frame, new.playback.frame)

    def _move_cursor(self, before: int, after: int) -> None:
        """Repaint only where the line was and is, and the words that go with the frame: this is every frame's work."""
        for panel in self._panels():
            for frame in (before, after):
                x = int(panel.axis.x_of_frame(min(frame, panel.axis.timeline.last)))
                self.update(x - 3, int(panel.box.top()), 7, int(panel.box.height()) + 1)
            self.update(panel.head.toAlignedRect())

    # Painting

    def _panels(self) -> tuple[_Panel, ...]:
        """Return the M-modes that are shown, each with its place; none while there is no frame."""
        state, timeline = self._state, self._timeline
        if state is None or timeline is None:
            return ()
        room = QRectF(ROOM_INSET, 0, self.width() - 2 * ROOM_INSET, self.height())
        shown = [("A", COLUMN_COLOUR, state.mmode_column)]
        if state.mmode_second is not None:
            shown.append(("B", SECOND_COLOUR, state.mmode_second))
        panels = []
        for at, (letter, colour, column) in enumerate(shown):
            part = _part(room, at, len(shown), stacked=state.mmode_stacked)
            box = part.adjusted(0, _HEAD, 0, -_FOOT)
            box.setHeight(max(box.height(), 1.0))
            axis = TimeAxis(timeline, box.left(), box.right())
            panels.append(_Panel("A" if letter == "A" else "B", colour, column, self._tracks[at], box, axis))
        return tuple(panels)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint titles, pictures, axes and the lines of the current frame."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens().panel))
        painter.setFont(text_font(SIZE_SMALL))
        panels = self._panels()
        if self._state is None or not panels:
            self._paint_empty(painter, QRectF(self.rect()).adjusted(ROOM_INSET, _HEAD, -ROOM_INSET, -_FOOT))
        for panel in panels:
            self._paint_panel(painter, panel, pair=len(panels) > 1)
        painter.end()

    def _paint_panel(self, painter: QPainter, panel: _Panel, *, pair: bool) -> None:
        state, piece, box = self._state, panel.track.piece, panel.box
        if state is None or piece is None or piece.image is None or piece.image.shape[1] == 0:
            self._paint_empty(painter, box, "" if piece is None else piece.error)
            return
        self._paint_title(painter, panel, pair=pair)
        painter.drawPixmap(box.topLeft(), self._still(panel, piece))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        at = panel.axis.x_of_frame(min(state.playback.frame, panel.axis.timeline.last))
        painter.setPen(QPen(QColor(panel.colour), 1.2))
        painter.drawLine(QPointF(at, box.top()), QPointF(at, box.bottom()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _still(self, panel: _Panel, piece: MModePiece) -> QPixmap:
        """Return picture and axes, painted once: only the line of the frame and the title's words move."""
        state, box, ratio, look = self._state, panel.box, self.devicePixelRatioF(), tokens()
        clip = None if state is None else state.clip
        scale = None if clip is None else clip.mm_per_px
        image = piece.image if piece.image is not None else np.zeros((1, 1), dtype=np.uint8)
        size = (box.width(), box.height(), ratio)
        kept = self._kept.get(panel.letter)
        key = (piece, self._table, panel.axis.timeline, size, scale, look.name)
        if (
            kept is not None
            and all(a is b for a, b in zip(kept[0][:3], key[:3], strict=True))
            and kept[0][3:] == key[3:]
        ):
            return kept[1]
        made = QPixmap(round(box.width() * ratio), round((box.height() + _FOOT) * ratio))
        made.setDevicePixelRatio(ratio)
        made.fill(QColor(look.panel))
        painter = QPainter(made)
        painter.setFont(text_font(SIZE_SMALL))
        inner = QRectF(0, 0, box.width(), box.height())
        axis = TimeAxis(panel.axis.timeline, 0.0, box.width())
        painter.drawImage(QPointF(0, 0), rendered(image, self._table, axis, inner, ratio))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_depth(painter, inner, piece.request, scale)
        paint_times(painter, inner, axis)
        painter.end()
        self._kept[panel.letter] = (key, made)
        return made

    def _paint_title(self, painter: QPainter, panel: _Panel, *, pair: bool) -> None:
        head, look = panel.head, tokens()
        if pair:
            letter_plate(painter, QPointF(head.left() + 8, head.center().y()), panel.letter, panel.colour)
            head = head.adjusted(24, 0, 0, 0)
        metrics = QFontMetricsF(painter.font())
        words, p_absent = self.stretch_words(panel.letter), self._stretch(panel.column)
        room = head.width() - (metrics.horizontalAdvance(words) + 24 if words else 0.0)
        title = next((t for t in self._titles(panel, pair=pair) if metrics.horizontalAdvance(t) <= room), "")
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(look.muted))
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft | middle, title)
        prediction = None if self._state is None else self._state.analysis.prediction
        if not words or prediction is None or metrics.horizontalAdvance(words) > head.width():
            return
        if p_absent is not None:
            painter.setPen(probability_colour(p_absent, prediction.threshold, look))
        painter.drawText(head, Qt.AlignmentFlag.AlignRight | middle, words)

    def _titles(self, panel: _Panel, *, pair: bool) -> tuple[str, ...]:
        """Return what stands above an M-mode, the longest first: the first one with room is taken."""
        clip = None if self._state is None else self._state.clip
        where = f"{100 * panel.column:.0f} % of the line"
        estimated = clip is not None and bool(clip.mm_per_px) and not clip.calibrated
        short = where if pair else f"M-mode at the green line · {where}"
        long = f"{short} · straightened on the pleura"
        return (f"{long} · mm estimated" if estimated else long, long, short, where)

    def _stretch(self, column: float) -> float | None:
        state = self._state
        prediction = None if state is None else state.analysis.prediction
        return None if state is None or prediction is None else stretch_at(prediction, state.playback.frame, column)

    def stretch_words(self, letter: Literal["A", "B"] = "A") -> str:
        """Return what the model says of the stretch under a column at this moment; empty where it may not."""
        state = self._state
        prediction = None if state is None else state.analysis.prediction
        if state is None or prediction is None or state.verdict_hidden or state.analysis.stale:
            return ""
        column = state.mmode_column if letter == "A" else state.mmode_second
        if column is None or not prediction.tells_stretches:
            return ""
        p_absent = self._stretch(column)
        return f"this stretch now: {'not scored' if p_absent is None else f'p(absent) {number_words(p_absent)}'}"

    @property
    def image(self) -> npt.NDArray[np.uint8] | None:
        """The first M-mode as it was cut so far, (depth, time) uint8; None while there is none."""
        return self._tracks[0].image

    @property
    def second_image(self) -> npt.NDArray[np.uint8] | None:
        """The same of the second column."""
        return self._tracks[1].image

    def _paint_empty(self, painter: QPainter, box: QRectF, error: str = "") -> None:
        painter.fillRect(box, QColor(tokens().clip))
        painter.setPen(QColor(DARK.muted))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, error or self.sentence())

    def sentence(self) -> str:
        """Return what is said while there is no M-mode."""
        state = self._state
        if state is None or state.clip is None or state.clip.phase in (LoadPhase.EMPTY, LoadPhase.FAILED):
            return "The M-mode of a clip appears here."
        if state.roi is None:
            if state.roi_phase is RoiPhase.SEARCHING:
                return "Looking for the pleural line …"
            return "The M-mode is straightened on the pleural line: draw it (R), or have it suggested (Shift+R)."
        return "Cutting the M-mode …"

    # Pointer

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go where the pointer is."""
        if event.button() == Qt.MouseButton.LeftButton:
            at = event.position()
            panels = self._panels()
            under = (p for p in panels if p.head.united(p.box).adjusted(0, 0, 0, _FOOT).contains(at))
            self._held = next(under, panels[0] if panels else None)
            self._ask(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer while the button is held, on the time axis that it was pressed on."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._ask(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._held = None

    def _ask(self, event: QMouseEvent) -> None:
        if self._held is not None:
            self.frameAsked.emit(self._held.axis.frame_at(event.position().x()))


def _part(room: QRectF, at: int, count: int, *, stacked: bool) -> QRectF:
    """Return the room of one of `count` M-modes, side by side or above one another."""
    if count == 1:
        return room
    if stacked:
        high = room.height() // count
        return QRectF(room.left(), room.top() + at * high, room.width(), high)
    wide = (room.width() - (count - 1) * _BETWEEN) // count  # whole points: the picture stays sharp
    return QRectF(room.left() + at * (wide + _BETWEEN), room.top(), wide, room.height())


def _request(state: ReviewState, column: float) -> MModeRequest | None:
    """Return what is to be cut in a state, or None where there is no line or no frame."""
    clip, roi = state.clip, state.roi
    if clip is None or clip.store is None or clip.frames_ready == 0 or roi is None:
        return None
    above, below = mmode_reach_px(clip.mm_per_px, state.mmode_depth)
    return MModeRequest(clip.store, roi, column, clip.frames_ready, above, below)


def _cuts_different(old: ReviewState, new: ReviewState) -> bool:
    return (
        old.clip is not new.clip
        or old.roi is not new.roi
        or (old.mmode_column, old.mmode_second) != (new.mmode_column, new.mmode_second)
        or (old.mmode_depth, old.mmode_stacked) != (new.mmode_depth, new.mmode_stacked)
    )


def _looks_different(old: ReviewState, new: ReviewState) -> bool:
    return (
        _cuts_different(old, new)
        or old.roi_phase is not new.roi_phase
        or old.picture != new.picture
        or old.analysis.prediction is not new.analysis.prediction
        or old.verdict_hidden != new.verdict_hidden
    )
