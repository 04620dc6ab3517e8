"""The clip: the frame that is shown, what lies over it, and the pointer's doings on it."""

import math
from enum import Enum
from pathlib import Path

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from lsgui.core.pleura import Polyline
from lsgui.gui.clip_notes import clip_note, paint_decoding, paint_note
from lsgui.gui.clip_pointer import ColumnName, column_at, greys_after, on_ribbon, on_ring, pointer_shape
from lsgui.gui.clip_scene import looks_different, picture_box
from lsgui.gui.frame_picture import FramePicture, frame_time, pixel_aspect
from lsgui.gui.overlays.base import Corners, OverlayScene, OverlayStack
from lsgui.gui.polyline_edit import nearest_on_line
from lsgui.gui.roi_tool import Grip, RoiTool, ToolName
from lsgui.gui.theme import DARK
from lsgui.gui.view_transform import ViewTransform
from lsgui.review.state import LoadedClip, LoadPhase, PictureSettings, ReviewState

_STEP = 1.25
_CLICK = 4.0
"""Points that a press may wander and still be a click."""


class _Drag(Enum):
    NONE = "none"
    TOOL = "tool"
    COLUMN = "column"
    PAN = "pan"
    GREYS = "greys"


class ClipView(QWidget):
    """Shows the clip and its overlays; hands on what the pointer asks for, and changes nothing itself."""

    roiDrawn = Signal(object)
    """A `PleuralROI` was drawn or corrected."""
    rectangleDrawn = Signal(object)
    """A box (x, y, width, height) in pixels of the file, in which the pleural line is to be searched."""
    columnPointed = Signal(float)
    """Where along the pleural line (0-1) the M-mode is wanted."""
    secondColumnPointed = Signal(float)
    """The same for the second M-mode: its column is dragged, or the clip is clicked with Shift."""
    pictureAdjusted = Signal(float, float)
    """Brightness and contrast as in `PictureSettings`."""
    filesDropped = Signal(list)
    """Paths of dropped files and folders."""
    toolEnded = Signal()
    """A drawing tool was put down, with or without a result."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Clip")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self._state: ReviewState | None = None
        self._picture = FramePicture()
        self._overlays = OverlayStack()
        self._frame = 0
        self._transform = ViewTransform.fit(1, 1, self.width(), self.height())
        self._drag = _Drag.NONE
        self._column: ColumnName = "a"
        self._pressed = QPointF()
        self._last = QPointF()
        self._wandered = False
        self._greys = PictureSettings()
        self._dropping = False
        self._ring = False
        self._own_view = False
        self._tool = RoiTool(self)
        self._tool.lineDrawn.connect(self.roiDrawn)
        self._tool.boxDrawn.connect(self.rectangleDrawn)
        self._tool.ended.connect(self._on_tool_ended)
        self._tool.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Return a size at which a usual clip is comfortable to read."""
        return QSize(900, 600)

    # What the window asks

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render what differs between two states."""
        self._state = new
        before = None if old is None else old.clip
        if new.clip is not before:
            self._take_clip(before, new.clip)
        if not self._own_view and (old is None or picture_box(old) != picture_box(new) or new.clip is not before):
            self._set_transform(self._close_up())
        self._picture.set_settings(new.picture)
        self._take_frame(new)
        self._tool.set_line(new.roi, self._frame)
        if new.tool != ("none" if old is None else old.tool):
            self.set_tool(new.tool)
        if old is None or looks_different(old, new):
            note = clip_note(new, self._tool.tool)
            self.setAccessibleDescription("" if note is None else f"{note.title} {note.sentence}".strip())
            self.update()

    def set_tool(self, tool: ToolName) -> None:
        """Take a drawing tool in hand, or put it down with "none"."""
        if tool == self._tool.tool:
            return
        self._tool.set_tool(tool)
        if tool != "none":
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._point_at(self._last)
        self.update()

    def zoom_to_fit(self) -> None:
        """Show the ultrasound picture as large as it fits; once more shows the whole frame."""
        whole = self._transform.on_box(0, 0, self._transform.width, self._transform.height)
        close = self._close_up()
        self._set_transform(whole if self._transform == close else close)
        self._own_view = False

    def zoom_in(self) -> None:
        """Enlarge about the middle of the view."""
        self._look(self._transform.zoomed(_STEP))

    def zoom_out(self) -> None:
        """Make smaller, down to the whole clip."""
        self._look(self._transform.zoomed(1 / _STEP))

    def grab_view(self) -> QImage:
        """Return the view as it is on the screen, overlays included."""
        return self.grab().toImage()

    @property
    def transform(self) -> ViewTransform:
        """From pixels of the clip to points of the view."""
        return self._transform

    # Taking a state in

    def _take_clip(self, before: LoadedClip | None, clip: LoadedClip | None) -> None:
        if clip is None or before is None or clip.path != before.path:
            self._tool.set_tool("none")
            self._transform = ViewTransform.fit(1, 1, self.width(), self.height())
            self._own_view = False
        info = None if clip is None else clip.info
        if info is None:
            return
        size = (self._transform.width, self._transform.height, self._transform.aspect)
        if size != (info.width, info.height, pixel_aspect(info)):
            self._set_transform(
                ViewTransform.fit(info.width, info.height, self.width(), self.height(), pixel_aspect(info))
            )

    def _take_frame(self, state: ReviewState) -> None:
        clip = state.clip
        ready = 0 if clip is None or clip.store is None else min(clip.frames_ready, len(clip.store))
        if clip is None or clip.store is None or ready == 0 or clip.phase is LoadPhase.FAILED:
            self._picture.set_frame(None)
            return
        self._frame = min(max(state.playback.frame, 0), ready - 1)
        self._picture.set_frame(clip.store.frame(self._frame))

    def _close_up(self) -> ViewTransform:
        """Return the transform on the ultrasound picture, which may be a few per cent of a screen capture."""
        whole = self._transform.on_box(0, 0, self._transform.width, self._transform.height)
        box = None if self._state is None else picture_box(self._state)
        return whole if box is None else whole.on_box(*box)

    def _look(self, transform: ViewTransform) -> None:
        """Take the part of the picture that the reader has chosen: from now on nothing else moves it."""
        self._own_view = True
        self._set_transform(transform)

    def _set_transform(self, transform: ViewTransform) -> None:
        self._transform = transform
        self._tool.transform = transform
        self.update()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint frame, overlays, tool and notes."""
        painter = QPainter(self)
        view = QRectF(self.rect())
        painter.fillRect(view, QColor(DARK.clip))
        self._picture.paint(painter, self._transform, self.devicePixelRatioF())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        note = clip_note(self._state, self._tool.tool)
        state = self._state
        if state is not None and self._picture.frame is not None:
            self._overlays.paint(painter, self._scene(state))
            self._tool.paint(painter)
            clip = state.clip
            if clip is not None and clip.phase is LoadPhase.DECODING and clip.info is not None:
                paint_decoding(painter, view, clip.frames_ready / max(clip.info.frames, 1))
        if note is not None:
            paint_note(painter, view, note)
        if self._dropping or self._ring:
            painter.setPen(QPen(QColor(DARK.accent), 4 if self._dropping else 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(view.adjusted(1, 1, -1, -1))
        painter.end()

    def _scene(self, state: ReviewState) -> OverlayScene:
        info = None if state.clip is None else state.clip.info
        return OverlayScene(
            state=state,
            frame=self._frame,
            time_s=0.0 if info is None else frame_time(info, self._frame),
            transform=self._transform,
            line=self._tool.line(),
            corners=Corners(QRectF(self.rect())),
            selected=self._tool.selected,
            device_ratio=self.devicePixelRatioF(),
        )

    # Pointer

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of a handle, the column, the picture or its greys."""
        at = event.position()
        self._pressed = self._last = at
        self._wandered = False
        if event.button() == Qt.MouseButton.LeftButton and self._picture.frame is not None:
            shown, state = self._shown_line(), self._state
            column = column_at(shown, state, at)
            if not on_ring(shown, state, at) and self._tool.press(at.x(), at.y()):
                self._drag = _Drag.TOOL
            else:
                self._drag = _Drag.PAN if column is None else _Drag.COLUMN
                self._column = column or "a"
        elif event.button() == Qt.MouseButton.MiddleButton:
            self._drag = _Drag.PAN
        elif event.button() == Qt.MouseButton.RightButton and self._state is not None:
            self._drag = _Drag.GREYS
            self._greys = self._state.picture
        self._point_at(at)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag what is held, or show what could be."""
        at = event.position()
        step, self._last = at - self._last, at
        offset = at - self._pressed
        self._wandered = self._wandered or math.hypot(offset.x(), offset.y()) > _CLICK
        if self._drag is _Drag.PAN and self._wandered:
            self._look(self._transform.panned(step.x(), step.y()))
        elif self._drag is _Drag.COLUMN:
            self._ask_column(at, self._column)
        elif self._drag is _Drag.GREYS and self._wandered and not self._tool.drawing:
            self.pictureAdjusted.emit(*greys_after(self._greys, offset))
        elif self._drag in (_Drag.TOOL, _Drag.NONE):
            self._tool.move(at.x(), at.y(), self._drag is _Drag.TOOL)
            follows = self._state is not None and self._state.mmode_follows_pointer
            if self._drag is _Drag.NONE and follows and not self._tool.drawing:
                self._ask_column(at)
        self._point_at(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        at = event.position()
        drag, self._drag = self._drag, _Drag.NONE
        if drag is _Drag.TOOL:
            self._tool.release(at.x(), at.y())
        elif drag is _Drag.PAN and not self._wandered and event.button() == Qt.MouseButton.LeftButton:
            self._ask_column(at, "b" if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else "a")
        elif drag is _Drag.GREYS and not self._wandered:
            self._tool.right_click()
        self._point_at(at)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """End the line, add a handle, or show the whole clip."""
        at = event.position()
        if event.button() != Qt.MouseButton.LeftButton or self._tool.double_click(at.x(), at.y()):
            return
        if not self._tool.drawing and self._tool.grip_at(at.x(), at.y()) is Grip.NOTHING:
            self.zoom_to_fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer."""
        at = event.position()
        self._look(self._transform.zoomed(_STEP ** (event.angleDelta().y() / 120), (at.x(), at.y())))
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """Drop the line from the last point to the pointer."""
        self._tool.changed.emit()

    def _shown_line(self) -> Polyline | None:
        line = self._tool.line()
        return None if line is None else self._transform.points_to_view(line)

    def _ask_column(self, at: QPointF, which: ColumnName = "a") -> None:
        shown = self._shown_line()
        if shown is not None:
            asked = self.columnPointed if which == "a" else self.secondColumnPointed
            asked.emit(nearest_on_line(shown, (at.x(), at.y()))[1])

    def _point_at(self, at: QPointF) -> None:
        """Let the pointer say what a press would do here."""
        shown = self._shown_line()
        shape = pointer_shape(
            drawing=self._tool.drawing,
            panning=self._drag is _Drag.PAN and self._wandered,
            grip=self._tool.grip_at(at.x(), at.y()),
            on_column=self._drag is _Drag.COLUMN or column_at(shown, self._state, at) is not None,
            on_ribbon=on_ribbon(shown, self._state, at),
        )
        if self.cursor().shape() is not shape:
            self.setCursor(shape)

    # Keys, gestures, focus, size

    def event(self, event: QEvent) -> bool:
        """Keep the tool's keys from the window's shortcuts, and zoom by pinching."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and self._tool.takes_key(event.key())
        ):
            event.accept()
            return True
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            at = event.position()
            self._look(self._transform.zoomed(1.0 + event.value(), (at.x(), at.y())))
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Give the tool its keys."""
        if not self._tool.key(event.key()):
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show a ring when the focus came by keyboard."""
        self._ring = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the ring away."""
        self._ring = False
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep zoom and centre."""
        self._set_transform(self._transform.resized(self.width(), self.height()))
        if not self._own_view:
            self._set_transform(self._close_up())

    def _on_tool_ended(self) -> None:
        self._point_at(self._last)
        self.toolEnded.emit()

    # Dropping files

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take local files."""
        if event.mimeData().hasUrls() and any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()
            self._dropping = True
            self.update()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Take the frame away."""
        self._dropping = False
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand the paths on."""
        self._dropping = False
        self.update()
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.filesDropped.emit(paths)
