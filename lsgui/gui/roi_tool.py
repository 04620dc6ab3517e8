"""Drawing and correcting the pleural line on the clip, and the box in which it is to be searched."""

from enum import Enum
from typing import Literal

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from lsgui.core.errors import RoiError
from lsgui.core.pleura import PleuralROI, Polyline
from lsgui.gui.colour_map import with_alpha
from lsgui.gui.polyline_edit import (
    left_to_right,
    nearest_handle,
    nearest_on_line,
    simplified,
    with_point,
    without_point,
)
from lsgui.gui.theme import DARK
from lsgui.gui.view_transform import ViewTransform

ToolName = Literal["none", "draw_line", "draw_rectangle"]

REACH = 9.0
"""Points of the view within which a handle or the line is taken hold of."""
_STROKE = 6.0
"""Points of the view after which a press becomes a stroke instead of a click."""
_SMALLEST_BOX = 8


class Grip(Enum):
    """What lies under the pointer."""

    NOTHING = "nothing"
    HANDLE = "handle"
    LINE = "line"


class RoiTool(QObject):
    """Turns mouse and keys into a pleural line or a box. Keeps what is being drawn, and nothing of what is set.

    All points of the view are (x, y) in its own coordinates; the clip's come from `transform`.
    """

    lineDrawn = Signal(object)
    """A `PleuralROI`: newly drawn, or with the line of one frame corrected."""
    boxDrawn = Signal(object)
    """(x, y, width, height) in pixels of the clip."""
    ended = Signal()
    """A tool was put down, with or without a result."""
    changed = Signal()
    """What is drawn so far looks different."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tool: ToolName = "none"
        self.transform = ViewTransform.fit(1, 1, 1, 1)
        self.roi: PleuralROI | None = None
        self.frame = 0
        self._points: list[tuple[float, float]] = []
        self._pressed: tuple[float, float] | None = None
        self._pointer: tuple[float, float] | None = None
        self._stroke = False
        self._held: int | None = None
        self._moved: Polyline | None = None
        self._grip = Grip.NOTHING
        self.selected: int | None = None

    # What the view asks

    @property
    def drawing(self) -> bool:
        """True while a tool is in hand."""
        return self.tool != "none"

    @property
    def holding(self) -> bool:
        """True while a handle or the line is being dragged."""
        return self._grip is not Grip.NOTHING

    def line(self) -> Polyline | None:
        """Return the pleural line of the current frame, as it is being dragged or as it is set, in clip pixels."""
        if self._moved is not None:
            return self._moved
        return None if self.roi is None else self.roi.line_at(self.frame)

    def grip_at(self, x: float, y: float) -> Grip:
        """Return what of the set line lies under a point of the view."""
        line = self.line()
        if line is None or self.drawing:
            return Grip.NOTHING
        shown = self.transform.points_to_view(line)
        if nearest_handle(shown, (x, y), REACH) is not None:
            return Grip.HANDLE
        return Grip.LINE if nearest_on_line(shown, (x, y))[2] <= REACH * 0.6 else Grip.NOTHING

    # What the view tells

    def set_tool(self, tool: ToolName) -> None:
        """Take a tool in hand, or put it down."""
        if tool == self.tool:
            return
        self.tool = tool
        self._forget()

    def set_line(self, roi: PleuralROI | None, frame: int) -> None:
        """Take the line that is set and the frame that is shown; a drag of another line ends."""
        if roi is not self.roi:
            self._moved, self._grip, self._held = None, Grip.NOTHING, None
            count = 0 if roi is None else len(roi.line_at(frame))
            self.selected = self.selected if self.selected is not None and self.selected < count else None
        self.roi, self.frame = roi, frame

    def press(self, x: float, y: float) -> bool:
        """Left button down. Returns True when the tool takes the drag."""
        self._pressed = self._pointer = (x, y)
        if self.drawing:
            self._stroke = False
            return True
        line = self.line()
        grip = self.grip_at(x, y)
        if line is None or grip is Grip.NOTHING:
            self._deselect()
            return False
        self._grip = grip
        shown = self.transform.points_to_view(line)
        self._held = nearest_handle(shown, (x, y), REACH) if grip is Grip.HANDLE else None
        self.selected = self._held
        self.changed.emit()
        return True

    def move(self, x: float, y: float, down: bool) -> None:
        """Pointer moved, with the left button down or not."""
        self._pointer = (x, y)
        if self.tool == "draw_line" and down and self._pressed is not None:
            self._extend_stroke(x, y)
        elif self._grip is not Grip.NOTHING and down and self._pressed is not None:
            self._drag(x, y)
        if self.drawing or self.holding:
            self.changed.emit()

    def release(self, x: float, y: float) -> None:
        """Left button up."""
        pressed, self._pressed = self._pressed, None
        if self.tool == "draw_line" and pressed is not None:
            self._end_stroke() if self._stroke else self._add_point(x, y)
        elif self.tool == "draw_rectangle" and pressed is not None:
            self._end_box(pressed, (x, y))
        elif self.holding:
            moved, self._grip, self._held = self._moved, Grip.NOTHING, None
            if moved is not None:
                self._correct(moved)
        self.changed.emit()

    def double_click(self, x: float, y: float) -> bool:
        """Left button twice: ends a line, or adds a handle to the set one. Returns True when it meant something."""
        if self.tool == "draw_line":
            self._finish()
            return True
        line = self.line()
        if self.drawing or line is None or self.grip_at(x, y) is not Grip.LINE:
            return False
        stretch, _, _ = nearest_on_line(self.transform.points_to_view(line), (x, y))
        self.selected = stretch + 1
        self._correct(with_point(line, stretch, self.transform.inside(*self.transform.to_clip(x, y))))
        return True

    def right_click(self) -> bool:
        """Right button: ends a line that is being drawn. Returns True when it meant something."""
        was_drawing = self.drawing
        if self.tool == "draw_line":
            self._finish()
        return was_drawing

    def takes_key(self, key: int) -> bool:
        """Return whether a key belongs to the tool and not to the window's shortcuts."""
        if self.drawing:
            return key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape, Qt.Key.Key_Backspace)
        return self.selected is not None and key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)

    def key(self, key: int) -> bool:
        """Key down. Returns True when it meant something."""
        if not self.takes_key(key):
            return False
        if key == Qt.Key.Key_Escape:
            self._end()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._finish()
        elif self.drawing:
            self._points = self._points[:-1]
        else:
            self._remove_selected()
        self.changed.emit()
        return True

    # Drawing

    def _add_point(self, x: float, y: float) -> None:
        point = self.transform.inside(*self.transform.to_clip(x, y))
        if not self._points or np.hypot(*np.subtract(point, self._points[-1])) * self.transform.scale_x >= 2.0:
            self._points.append(point)

    def _extend_stroke(self, x: float, y: float) -> None:
        if self._pressed is None:
            return
        if not self._stroke and np.hypot(x - self._pressed[0], y - self._pressed[1]) >= _STROKE:
            self._stroke = True
            self._add_point(*self._pressed)
        if self._stroke:
            self._add_point(x, y)

    def _end_stroke(self) -> None:
        if len(self._points) >= 3:
            tolerance = 1.5 / self.transform.scale_x
            self._points = [(float(x), float(y)) for x, y in simplified(np.array(self._points), tolerance)]
        self._finish()

    def _finish(self) -> None:
        points = np.array(self._points, dtype=np.float64)
        if len(points) < 2:
            return
        try:
            roi = PleuralROI.single(self.frame, left_to_right(points))
        except RoiError:
            return  # a line of no length: the tool stays in hand, its hint says how to go on
        self._end()
        self.lineDrawn.emit(roi)

    def _end_box(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        (x0, y0), (x1, y1) = (self.transform.inside(*self.transform.to_clip(*p)) for p in (start, end))
        left, top = round(min(x0, x1)), round(min(y0, y1))
        width, height = round(abs(x1 - x0)) + 1, round(abs(y1 - y0)) + 1
        if width < _SMALLEST_BOX or height < _SMALLEST_BOX:
            return
        self._end()
        self.boxDrawn.emit((left, top, width, height))

    def _end(self) -> None:
        self.tool = "none"
        self._forget()
        self.ended.emit()

    def _forget(self) -> None:
        self._points, self._pressed, self._stroke = [], None, False
        self._moved, self._grip, self._held = None, Grip.NOTHING, None
        self.changed.emit()

    # Correcting

    def _drag(self, x: float, y: float) -> None:
        if self.roi is None or self._pressed is None:
            return
        line = self.roi.line_at(self.frame)
        if self._held is not None:
            moved = np.array(line)
            moved[self._held] = self.transform.inside(*self.transform.to_clip(x, y))
        else:
            start, end = self.transform.to_clip(*self._pressed), self.transform.to_clip(x, y)
            lowest = -line.min(axis=0)
            highest = np.array([self.transform.width - 1, self.transform.height - 1]) - line.max(axis=0)
            moved = line + np.clip(np.subtract(end, start), np.minimum(lowest, 0), np.maximum(highest, 0))
        self._moved = moved

    def _remove_selected(self) -> None:
        line = self.line()
        if line is None or self.selected is None or len(line) <= 2:
            return
        index, self.selected = self.selected, None
        self._correct(without_point(line, index))

    def _correct(self, line: Polyline) -> None:
        """Put the corrected line in at the current frame.

        Where the ROI was made on another frame this adds a key frame, and the line is interpolated in between.
        """
        roi = self.roi
        if roi is None:
            return
        try:
            corrected = roi.with_line(self.frame, left_to_right(line))
        except RoiError:
            self._moved = None  # handles drawn onto one point: the line goes back to where it was
            return
        self.lineDrawn.emit(corrected)
        self._moved = None

    def _deselect(self) -> None:
        if self.selected is not None:
            self.selected = None
            self.changed.emit()

    # Painting

    def paint(self, painter: QPainter) -> None:
        """Paint what is being drawn."""
        if self.tool == "draw_line" and self._points:
            self._paint_line(painter)
        elif self.tool == "draw_rectangle" and self._pressed is not None and self._pointer is not None:
            box = QRectF(QPointF(*self._pressed), QPointF(*self._pointer)).normalized()
            painter.setPen(QPen(QColor(DARK.accent), 1.5, Qt.PenStyle.DashLine))
            painter.setBrush(with_alpha(DARK.accent, 0.10))
            painter.drawRect(box)

    def _paint_line(self, painter: QPainter) -> None:
        shown = [QPointF(*p) for p in self.transform.points_to_view(np.array(self._points))]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(DARK.accent), 2.0))
        painter.drawPolyline(QPolygonF(shown))
        if self._pointer is not None and not self._stroke:
            painter.setPen(QPen(with_alpha(DARK.accent, 0.6), 1.5, Qt.PenStyle.DashLine))
            painter.drawLine(shown[-1], QPointF(*self._pointer))
        if not self._stroke:
            paint_handles(painter, shown, None)


def paint_handles(painter: QPainter, points: list[QPointF], selected: int | None, *, small: bool = False) -> None:
    """Paint small round handles; the selected one is filled."""
    for index, point in enumerate(points):
        chosen = index == selected
        radius = 4.5 if chosen else 2.0 if small else 3.5
        painter.setPen(QPen(QColor(DARK.accent), 1.5 if small and not chosen else 2.0))
        painter.setBrush(QColor(DARK.accent) if chosen else QColor(DARK.text))
        painter.drawEllipse(point, radius, radius)
