"""Paints one clip of the worklist: picture, name, length, and a sign for its label."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from lsgui.core.label import ReaderLabel
from lsgui.gui.theme import SIZE_SMALL, SIZE_TEXT, icon_pixmap, text_font, tokens, verdict_colour
from lsgui.gui.thumbnails import HEIGHT, WIDTH
from lsgui.review.state import WorklistEntry

ENTRY_ROLE = int(Qt.ItemDataRole.UserRole) + 1
IMAGE_ROLE = int(Qt.ItemDataRole.UserRole) + 2

_SIGNS = {
    ReaderLabel.LS_P: "present",
    ReaderLabel.LS_A: "absent",
    ReaderLabel.CANNOT_ASSESS: "unsure",
    ReaderLabel.LUNG_POINT: "lung-point",
}
_SIGN = 16


class WorklistDelegate(QStyledItemDelegate):
    """A row of the worklist. A label is told by its sign and its colour; an unread clip has an empty ring."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Return the size of a row."""
        return QSize(180, HEIGHT + 16)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint a row."""
        entry, detail = index.data(ENTRY_ROLE)
        image = index.data(IMAGE_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect: QRect = option.rect
        current = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        _paint_row(painter, QRectF(rect).adjusted(0.5, 2.5, -0.5, -2.5), current=current, hovered=hovered)
        picture = QRectF(rect.left() + 8, rect.top() + 8, WIDTH, HEIGHT)
        _paint_picture(painter, picture, image)
        _paint_text(painter, rect, entry, detail)
        _paint_sign(painter, rect, entry)
        painter.restore()


def _paint_row(painter: QPainter, rect: QRectF, *, current: bool, hovered: bool) -> None:
    look = tokens()
    if not current and not hovered:
        return
    painter.setPen(QPen(QColor(look.accent if current else look.line), 1))
    painter.setBrush(QColor(look.raised))
    painter.drawRoundedRect(rect, 6, 6)


def _paint_picture(painter: QPainter, rect: QRectF, image: QImage | None) -> None:
    path = QPainterPath()
    path.addRoundedRect(rect, 4, 4)
    painter.save()
    painter.setClipPath(path)
    painter.fillRect(rect, QColor(tokens().clip))
    if image is not None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(rect, image)
    painter.restore()


def _paint_text(painter: QPainter, rect: QRect, entry: WorklistEntry, detail: str) -> None:
    look = tokens()
    left = rect.left() + 8 + WIDTH + 8
    width = rect.right() - left - _SIGN - 10
    for text, size, colour, top in (
        (entry.title, SIZE_TEXT, look.text, 14),
        (detail, SIZE_SMALL, look.absent if entry.error else look.muted, 34),
    ):
        font = text_font(size)
        painter.setFont(font)
        painter.setPen(QColor(colour))
        box = QRect(left, rect.top() + top, width, 18)
        where = Qt.TextElideMode.ElideMiddle if text is entry.title else Qt.TextElideMode.ElideRight
        elided = painter.fontMetrics().elidedText(text, where, width)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), elided)


def _paint_sign(painter: QPainter, rect: QRect, entry: WorklistEntry) -> None:
    centre = QPointF(rect.right() - 8 - _SIGN / 2, rect.center().y() + 0.5)
    if entry.label is not None:
        sign = icon_pixmap(_SIGNS[entry.label], verdict_colour(entry.label), _SIGN)
        painter.drawPixmap(centre - QPointF(_SIGN / 2, _SIGN / 2), sign)
        return
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(tokens().muted), 1.2))
    painter.drawEllipse(centre, 3.5, 3.5)
