"""The picture on which a mask is looked at: black where nothing leaves, rectangles drawn, moved and resized by hand."""

from enum import Enum

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from lsgui.core.clip import Frame
from lsgui.gui.mask_draft import Box, MaskDraft, Patch
from lsgui.gui.theme import DARK
from lsgui.gui.view_transform import ViewTransform

_GRIP = 9.0
"""Points around a corner in which it is taken hold of."""
_VEIL = 0.72
_STEP = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class _Hold(Enum):
    NOTHING = "nothing"
    DRAWING = "drawing"
    MOVING = "moving"
    SIZING = "sizing"
    PANNING = "panning"


class MaskCanvas(QWidget):
    """Shows one picture under a draft of its mask and lets a person change the draft."""

    draftChanged = Signal()

    def __init__(self, draft: MaskDraft, picture: Frame, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Picture under its mask")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(320, 200)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.draft = draft
        self.covers = True
        """Whether a rectangle that is drawn covers, or shows what was covered."""
        self.selected: int | None = None
        self._see_through = False
        self._picture = picture
        self._former: list[MaskDraft] = []
        self._view = ViewTransform.fit(draft.proposed.width, draft.proposed.height, 600, 400)
        self._whole: bool | None = False
        self._hold = _Hold.NOTHING
        self._from = (0.0, 0.0)
        self._box: Box = (0, 0, 0, 0)
        self._fixed = (0.0, 0.0)
        self._drawn: Box | None = None
        self._last = QPointF()
        self._image = QImage()

    def sizeHint(self) -> QSize:
        """Return a size at which text in a screen capture can be read."""
        return QSize(960, 560)

    @property
    def transform(self) -> ViewTransform:
        """From pixels of the clip to points of the canvas."""
        return self._view

    def show_whole(self, whole: bool) -> None:
        """Show the whole frame, or only what is not black, as large as it fits."""
        self._whole = whole
        fit = ViewTransform.fit(self.draft.proposed.width, self.draft.proposed.height, self.width(), self.height())
        rows, columns = (np.flatnonzero(~self.draft.proposed.blanked().all(axis=axis)) for axis in (1, 0))
        if not whole and rows.size and columns.size:
            width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
            edge = 0.06 * max(width, height)
            fit = fit.on_box(columns[0] - edge, rows[0] - edge, width + 2 * edge, height + 2 * edge)
        self._view = fit
        self.update()

    def set_picture(self, picture: Frame) -> None:
        """Show another frame."""
        self._picture = picture
        self._image = QImage()
        self.update()

    def set_see_through(self, on: bool) -> None:
        """Show faintly what is under the black."""
        self._see_through = on
        self._image = QImage()
        self.update()

    def undo(self) -> None:
        """Take the last change of the mask back."""
        if self._former:
            self._take(self._former.pop(), remember=False)

    def restart(self) -> None:
        """Go back to the proposal."""
        if self.draft.patches:
            self._take(MaskDraft(self.draft.proposed))

    def remove_selected(self) -> None:
        """Take the selected rectangle away."""
        if self.selected is not None:
            self._take(self.draft.removed(self.selected))

    def _take(self, draft: MaskDraft, *, remember: bool = True, selected: int | None = None) -> None:
        if remember:
            self._former.append(self.draft)
        self.draft = draft
        self.selected = selected
        self._image = QImage()
        self.draftChanged.emit()
        self.update()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture, what is black, and the rectangles."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(DARK.panel))
        if self._image.isNull():
            self._image = self._rendered()
        left, top = self._view.to_view(-0.5, -0.5)
        right, bottom = self._view.to_view(self.draft.proposed.width - 0.5, self.draft.proposed.height - 0.5)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(QPointF(left, top), QPointF(right, bottom)), self._image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, patch in enumerate(self.draft.patches):
            self._paint_patch(painter, patch, chosen=index == self.selected)
        if self._drawn is not None:
            self._paint_patch(painter, Patch(self._drawn, self.covers), chosen=True)
        if self.hasFocus():
            painter.setPen(QPen(QColor(DARK.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _rendered(self) -> QImage:
        """Return the frame with a dark blue weave where it is black in what leaves."""
        blank = self.draft.blanked()
        grey = self._picture
        colours = np.repeat(grey[..., None], 3, axis=2)
        weave = _weave(blank.shape)
        if self._see_through:
            dim = (grey.astype(np.float32) * (1.0 - _VEIL))[..., None] + weave.astype(np.float32) * _VEIL
            colours[blank] = dim.astype(np.uint8)[blank]
        else:
            colours[blank] = weave[blank]
        height, width = grey.shape
        image = QImage(np.ascontiguousarray(colours).data, width, height, 3 * width, QImage.Format.Format_RGB888)
        return image.copy()  # owns its pixels: the array goes away

    def _paint_patch(self, painter: QPainter, patch: Patch, *, chosen: bool) -> None:
        place = self._on_view(patch.box)
        colour = QColor(DARK.accent if patch.covers else DARK.warning)
        painter.setPen(QPen(colour, 2 if chosen else 1, Qt.PenStyle.SolidLine if chosen else Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(place)
        if chosen:
            painter.setBrush(QBrush(colour))
            for corner in (place.topLeft(), place.topRight(), place.bottomLeft(), place.bottomRight()):
                painter.drawRect(QRectF(corner - QPointF(3.5, 3.5), corner + QPointF(3.5, 3.5)))

    def _on_view(self, box: Box) -> QRectF:
        x, y, width, height = box
        first, last = self._view.to_view(x - 0.5, y - 0.5), self._view.to_view(x + width - 0.5, y + height - 0.5)
        return QRectF(QPointF(*first), QPointF(*last))

    # Pointer and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of a corner or a rectangle, or begin a new one; the middle button moves the picture."""
        at = event.position()
        self._last = at
        self._from = self._pixel(at)
        if event.button() == Qt.MouseButton.MiddleButton:
            self._hold = _Hold.PANNING
            return
        if event.button() != Qt.MouseButton.LeftButton:
            return
        corner = self._corner(at)
        if corner is not None and self.selected is not None:
            self._hold, self._fixed = _Hold.SIZING, corner
            self._former.append(self.draft)
            return
        index = self.draft.at(*self._from)
        self.selected = index
        if index is not None:
            self._hold, self._box = _Hold.MOVING, self.draft.patches[index].box
            self._former.append(self.draft)
        else:
            self._hold, self._drawn = _Hold.DRAWING, None
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw, move or resize."""
        at = event.position()
        pixel = self._pixel(at)
        if self._hold is _Hold.PANNING:
            self._whole = None
            self._view = self._view.panned(at.x() - self._last.x(), at.y() - self._last.y())
        elif self._hold is _Hold.DRAWING:
            self._drawn = self.draft.held(self._from, pixel)
        elif self._hold is _Hold.MOVING and self.selected is not None:
            box = self.draft.shifted(self._box, pixel[0] - self._from[0], pixel[1] - self._from[1])
            self._take(self.draft.changed(self.selected, box), remember=False, selected=self.selected)
        elif self._hold is _Hold.SIZING and self.selected is not None:
            held = self.draft.held(self._fixed, pixel)
            if held is not None:
                self._take(self.draft.changed(self.selected, held), remember=False, selected=self.selected)
        self._last = at
        shape = Qt.CursorShape.CrossCursor
        if self._corner(at) is not None:
            shape = Qt.CursorShape.SizeFDiagCursor
        elif self.draft.at(*pixel) is not None:
            shape = Qt.CursorShape.SizeAllCursor
        self.setCursor(shape)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Keep what was drawn."""
        hold, self._hold = self._hold, _Hold.NOTHING
        if hold is _Hold.DRAWING and self._drawn is not None:
            drawn, self._drawn = self._drawn, None
            self._take(self.draft.added(Patch(drawn, self.covers)), selected=len(self.draft.patches))
        elif hold in (_Hold.MOVING, _Hold.SIZING) and self._former and self._former[-1].patches == self.draft.patches:
            self._former.pop()  # nothing was changed
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer."""
        self._whole = None
        at = event.position()
        self._view = self._view.zoomed(1.25 ** (event.angleDelta().y() / 120), (at.x(), at.y()))
        self.update()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Remove or nudge the selected rectangle."""
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.selected is not None:
            self.remove_selected()
        elif key in _STEP and self.selected is not None:
            far = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            dx, dy = _STEP[key]
            box = self.draft.shifted(self.draft.patches[self.selected].box, far * dx, far * dy)
            self._take(self.draft.changed(self.selected, box), selected=self.selected)
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep what is shown, or zoom and centre once they were chosen by hand."""
        if self._whole is not None:
            self.show_whole(self._whole)
        else:
            self._view = self._view.resized(self.width(), self.height())

    def _pixel(self, at: QPointF) -> tuple[float, float]:
        x, y = self._view.to_clip(at.x(), at.y())
        return x + 0.5, y + 0.5  # edges of pixels are whole numbers here

    def _corner(self, at: QPointF) -> tuple[float, float] | None:
        """Return the corner opposite to the one under the pointer, in pixels; None where there is none."""
        if self.selected is None or self.selected >= len(self.draft.patches):
            return None
        box = self.draft.patches[self.selected].box
        place = self._on_view(box)
        x, y, width, height = box
        corners = (
            (place.topLeft(), (x + width, y + height)),
            (place.topRight(), (x, y + height)),
            (place.bottomLeft(), (x + width, y)),
            (place.bottomRight(), (x, y)),
        )
        for corner, opposite in corners:
            offset = corner - at
            if abs(offset.x()) <= _GRIP and abs(offset.y()) <= _GRIP:
                return float(opposite[0]), float(opposite[1])
        return None


def _weave(shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return dark blue with faint diagonals, (height, width, 3): black areas, told from dark parts of the picture."""
    rows, columns = np.indices(shape)
    out = np.empty((*shape, 3), dtype=np.uint8)
    out[:] = (14, 19, 44)
    out[(rows + columns) % 12 < 2] = (24, 33, 74)
    return out
