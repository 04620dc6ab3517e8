"""The M-mode: the grey values along one line across the pleura, over the whole clip, on the seek bar's time axis."""

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QColor, QFontMetricsF, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from lsgui.gui.colour_map import probability_colour, with_alpha
from lsgui.gui.frame_picture import grey_table
from lsgui.gui.job_thread import JobThread
from lsgui.gui.mmode_job import MModeJob, MModePiece, MModeRequest
from lsgui.gui.overlays.class_ribbon import stretch_at
from lsgui.gui.overlays.mmode_column import COLUMN_COLOUR, mmode_reach_px
from lsgui.gui.theme import DARK, SIZE_SMALL, text_font, tokens
from lsgui.gui.time_axis import ROOM_INSET, TimeAxis, timeline_of
from lsgui.gui.verdict_text import number_words
from lsgui.review.playback import Timeline
from lsgui.review.state import LoadPhase, ReviewState, RoiPhase

_SETTLE_MS = 40
"""A line or column that keeps moving is cut only when it rests this long."""
_HEAD, _FOOT = 22.0, 18.0


class MModeView(QWidget):
    """Shows the M-mode at the green line of the clip; a click asks for the frame under the pointer."""

    frameAsked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(96)
        self.setAccessibleName("M-mode")
        self.setToolTip("Layers above, grains below: sliding. Layers everywhere: no sliding here.")
        self._state: ReviewState | None = None
        self._timeline: Timeline | None = None
        self._wanted: MModeRequest | None = None
        self._piece: MModePiece | None = None
        self._table = grey_table(ReviewState().picture)
        self._image = QImage()
        self._image_of: tuple[npt.NDArray[np.uint8], tuple[int, int], Timeline] | None = None
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._on_settle_timeout)
        self._thread = JobThread("mmode", self, calm=True)
        self._thread.told.connect(self._on_thread_told)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.stop)

    def sizeHint(self) -> QSize:
        """Return a height at which seashore and barcode can be told apart."""
        return QSize(600, 168)

    def stop(self) -> None:
        """End the thread; the window calls this when it closes."""
        self._settle.stop()
        self._thread.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """End the thread of a view that stands alone."""
        self.stop()
        super().closeEvent(event)

    def event(self, event: QEvent) -> bool:
        """End the thread before the widget goes."""
        if event.type() == QEvent.Type.DeferredDelete:
            self.stop()
        return super().event(event)

    # Taking a state in

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render what differs between two states."""
        self._state = new
        clip_changed = old is None or old.clip is not new.clip
        if clip_changed:
            self._timeline = timeline_of(new)
        if old is None or old.picture != new.picture:
            self._table = grey_table(new.picture)
            self._image_of = None
        if clip_changed or old is None or old.roi is not new.roi or old.mmode_column != new.mmode_column:
            self._want(_request(new))
        if old is None or _looks_different(old, new):
            self.update()
        elif old.playback.frame != new.playback.frame:
            self._move_cursor(old.playback.frame, new.playback.frame)

    def _move_cursor(self, before: int, after: int) -> None:
        """Repaint only where the line was and is, and the words that go with the frame: this is every frame's work."""
        axis = self._axis()
        if axis is None:
            return
        for frame in (before, after):
            x = int(axis.x_of_frame(min(frame, axis.timeline.last)))
            self.update(x - 3, 0, 7, self.height())
        self.update(0, 0, self.width(), int(_HEAD))

    def _want(self, request: MModeRequest | None) -> None:
        if request is None:
            self._wanted = self._piece = None
            self._settle.stop()
            self._thread.stop_job()
            self.update()
            return
        more = request.continues(self._wanted)
        if more and self._wanted is not None and request.frames == self._wanted.frames:
            return
        if self._piece is not None and self._piece.request.store is not request.store:
            self._piece = None
        self._wanted = request
        if not self._settle.isActive() or not more:
            self._settle.start()

    def _on_settle_timeout(self) -> None:
        wanted, piece = self._wanted, self._piece
        if wanted is None:
            return
        if piece is not None and piece.image is not None and wanted.continues(piece.request):
            wanted = MModeRequest(
                wanted.store, wanted.roi, wanted.column, wanted.frames, wanted.above_px, wanted.below_px, piece.image
            )
            self._wanted = wanted
        self._thread.submit(MModeJob(wanted))

    def _on_thread_told(self, event: object) -> None:
        if isinstance(event, MModePiece) and self._wanted is not None and event.request.continues(self._wanted):
            self._piece = event
            self.update()

    # Painting

    def _picture_box(self) -> QRectF:
        return QRectF(ROOM_INSET, _HEAD, self.width() - 2 * ROOM_INSET, max(self.height() - _HEAD - _FOOT, 1.0))

    def _axis(self) -> TimeAxis | None:
        if self._timeline is None:
            return None
        box = self._picture_box()
        return TimeAxis(self._timeline, box.left(), box.right())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint title, picture, axes and the line of the current frame."""
        painter = QPainter(self)
        look = tokens()
        painter.fillRect(self.rect(), QColor(look.panel))
        painter.setFont(text_font(SIZE_SMALL))
        box, axis, state = self._picture_box(), self._axis(), self._state
        painter.fillRect(box, QColor(look.clip))
        piece = self._piece
        if state is None or axis is None or piece is None or piece.image is None or piece.image.shape[1] == 0:
            self._paint_empty(painter, box)
            return
        self._paint_title(painter, state)
        painter.drawImage(QPointF(box.left(), box.top()), self._scaled(piece.image, axis, box))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_depth(painter, box, piece.request)
        self._paint_times(painter, box, axis)
        at = axis.x_of_frame(min(state.playback.frame, axis.timeline.last))
        painter.setPen(QPen(QColor(COLUMN_COLOUR), 1.2))
        painter.drawLine(QPointF(at, box.top()), QPointF(at, box.bottom()))
        painter.end()

    def _scaled(self, image: npt.NDArray[np.uint8], axis: TimeAxis, box: QRectF) -> QImage:
        """Return the M-mode at the size of its box; column k lies where frame k begins."""
        import cv2  # loaded by the readers by the time an M-mode is there

        ratio = self.devicePixelRatioF()
        size = (max(round(box.width() * ratio), 1), max(round(box.height() * ratio), 1))
        made = self._image_of
        if made is not None and made[0] is image and made[1] == size and made[2] is axis.timeline:
            return self._image
        times = (np.arange(size[0]) + 0.5) / size[0] * axis.timeline.end_s
        known = axis.timeline.starts[: image.shape[1]]
        columns = np.interp(times, known, np.arange(len(known))).astype(np.float32)
        rows = ((np.arange(size[1]) + 0.5) / size[1] * image.shape[0] - 0.5).astype(np.float32)
        map_x, map_y = np.meshgrid(columns, rows)
        shown = cv2.remap(cv2.LUT(image, self._table), map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        end = axis.timeline.start_of(len(known))
        shown[:, times > end] = 0
        self._image = QImage(shown.data, size[0], size[1], size[0], QImage.Format.Format_Grayscale8).copy()
        self._image.setDevicePixelRatio(ratio)
        self._image_of = (image, size, axis.timeline)
        return self._image

    def _paint_title(self, painter: QPainter, state: ReviewState) -> None:
        look = tokens()
        box = QRectF(ROOM_INSET, 2, self.width() - 2 * ROOM_INSET, _HEAD - 2)
        painter.setPen(QColor(look.muted))
        left, middle = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignVCenter
        title = "M-mode at the green line · straightened on the pleura"
        painter.drawText(box, left | middle, title)
        words, prediction = self.stretch_words(), state.analysis.prediction
        if not words or prediction is None:
            return
        p_absent = stretch_at(prediction, state.playback.frame, state.mmode_column)
        metrics = QFontMetricsF(painter.font())
        if metrics.horizontalAdvance(title) + metrics.horizontalAdvance(words) + 24 < box.width():
            painter.setPen(
                QColor(look.muted) if p_absent is None else probability_colour(p_absent, prediction.threshold, look)
            )
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | middle, words)

    def stretch_words(self) -> str:
        """Return what the model says of the stretch under the green line at this moment; empty where it may not."""
        state = self._state
        prediction = None if state is None else state.analysis.prediction
        if state is None or prediction is None or state.verdict_hidden or state.analysis.stale:
            return ""
        if not prediction.tells_stretches:
            return ""
        p_absent = stretch_at(prediction, state.playback.frame, state.mmode_column)
        return f"this stretch now: {'not scored' if p_absent is None else f'p(absent) {number_words(p_absent)}'}"

    @property
    def image(self) -> npt.NDArray[np.uint8] | None:
        """The M-mode as it was cut so far, (depth, time) uint8; None while there is none."""
        return None if self._piece is None else self._piece.image

    def _paint_depth(self, painter: QPainter, box: QRectF, request: MModeRequest) -> None:
        """Paint the pleura as a dashed line at 0, and the depths on small plates at the left edge."""
        state = self._state
        scale = None if state is None or state.clip is None else state.clip.mm_per_px
        per_unit = 1.0 / scale if scale else 1.0  # pixels of the clip per unit of the axis
        depth = request.above_px + request.below_px + 1
        metrics = QFontMetricsF(painter.font())
        step = next(
            s for s in (5, 10, 20, 50, 100, 1000) if s * per_unit / depth * box.height() >= 1.7 * metrics.height()
        )
        unit = "mm" if scale else "px"
        first = -int(request.above_px / per_unit / step) * step
        for value in range(first, int(request.below_px / per_unit) + 1, step):
            y = box.top() + (request.above_px + 0.5 + value * per_unit) / depth * box.height()
            if value == 0:
                painter.setPen(QPen(with_alpha(DARK.accent, 0.9), 1.0, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
            words = f"0 {unit}" if value == 0 else f"{'+' if value > 0 else '−'}{abs(value)}"
            wide = metrics.horizontalAdvance(words) + 8
            plate = QRectF(box.left() + 3, y - metrics.height() / 2, wide, metrics.height())
            plate.moveTop(min(max(plate.top(), box.top() + 1), box.bottom() - 1 - plate.height()))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(with_alpha(DARK.background, 0.65))
            painter.drawRoundedRect(plate, 3, 3)
            painter.setPen(QColor(DARK.text))
            painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, words)

    def _paint_times(self, painter: QPainter, box: QRectF, axis: TimeAxis) -> None:
        end = axis.timeline.end_s
        metrics = QFontMetricsF(painter.font())
        least = metrics.horizontalAdvance("00.0 s") * 2
        steps = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 300.0)
        step = next((s for s in steps if s / max(end, 1e-9) * box.width() >= least), end or 1.0)
        painter.setPen(QColor(tokens().muted))
        for index in range(int(end / step + 1e-6) + 1):
            x = axis.x_of_time(index * step)
            words = f"{index * step:g}" + (" s" if index == 0 else "")
            wide = metrics.horizontalAdvance(words)
            left = min(max(x - wide / 2, box.left()), box.right() - wide)
            painter.drawText(QPointF(left, box.bottom() + 3 + metrics.ascent()), words)

    def _paint_empty(self, painter: QPainter, box: QRectF) -> None:
        painter.setPen(QColor(DARK.muted))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.sentence())

    def sentence(self) -> str:
        """Return what is said while there is no M-mode."""
        state = self._state
        if state is None or state.clip is None or state.clip.phase in (LoadPhase.EMPTY, LoadPhase.FAILED):
            return "The M-mode of a clip appears here."
        if self._piece is not None and self._piece.error:
            return self._piece.error
        if state.roi is None:
            if state.roi_phase is RoiPhase.SEARCHING:
                return "Looking for the pleural line …"
            return "The M-mode is straightened on the pleural line: draw it (R), or have it suggested (Shift+R)."
        return "Cutting the M-mode …"

    # Pointer

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go where the pointer is."""
        self._ask(event, event.button() == Qt.MouseButton.LeftButton)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer while the button is held."""
        self._ask(event, bool(event.buttons() & Qt.MouseButton.LeftButton))

    def _ask(self, event: QMouseEvent, held: bool) -> None:
        axis = self._axis()
        if held and axis is not None:
            self.frameAsked.emit(axis.frame_at(event.position().x()))


def _request(state: ReviewState) -> MModeRequest | None:
    """Return what is to be cut in a state, or None where there is no line or no frame."""
    clip, roi = state.clip, state.roi
    if clip is None or clip.store is None or clip.frames_ready == 0 or roi is None:
        return None
    above, below = mmode_reach_px(clip.mm_per_px)
    return MModeRequest(clip.store, roi, state.mmode_column, clip.frames_ready, above, below)


def _looks_different(old: ReviewState, new: ReviewState) -> bool:
    return (
        old.clip is not new.clip
        or old.roi is not new.roi
        or old.roi_phase is not new.roi_phase
        or old.picture != new.picture
        or old.mmode_column != new.mmode_column
        or old.analysis.prediction is not new.analysis.prediction
        or old.verdict_hidden != new.verdict_hidden
    )
