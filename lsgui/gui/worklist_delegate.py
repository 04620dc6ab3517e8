"""Paints one clip of the worklist: picture, name, length, and a sign for its label."""

from bisect import bisect_right
from functools import lru_cache

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from lsgui.core.label import ReaderLabel
from lsgui.gui.theme import SIZE_SMALL, SIZE_TEXT, icon_pixmap, text_font, tokens, verdict_colour
from lsgui.gui.thumbnails import HEIGHT, WIDTH
from lsgui.gui.worklist_model import ENTRY_ROLE, IMAGE_ROLE
from lsgui.review.state import WorklistEntry
from lsgui.review.worklist_view import Heading

_SIGNS = {
    ReaderLabel.LS_P: "present",
    ReaderLabel.LS_A: "absent",
    ReaderLabel.CANNOT_ASSESS: "unsure",
    ReaderLabel.LUNG_POINT: "lung-point",
}
_SIGN = 16


class WorklistDelegate(QStyledItemDelegate):
    """A row of the worklist. A label is told by its sign and its colour; an unread clip has an empty ring."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        _font.cache_clear()  # of another application, where tests make several

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Return the size of a row."""
        return QSize(180, HEIGHT + 16)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint a row."""
        said = index.data(ENTRY_ROLE)
        if said is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect: QRect = option.rect
        if isinstance(said, Heading):
            _paint_heading(painter, rect, said, hovered=bool(option.state & QStyle.StateFlag.State_MouseOver))
            painter.restore()
            return
        entry, detail = said
        image = index.data(IMAGE_ROLE)
        current = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        _paint_row(painter, QRectF(rect).adjusted(0.5, 2.5, -0.5, -2.5), current=current, hovered=hovered)
        picture = QRectF(rect.left() + 8, rect.top() + 8, WIDTH, HEIGHT)
        _paint_picture(painter, picture, image)
        _paint_text(painter, rect, entry, detail)
        _paint_sign(painter, rect, entry)
        painter.restore()


def _paint_heading(painter: QPainter, rect: QRect, heading: Heading, *, hovered: bool) -> None:
    """Paint a study or folder: what it is, how far it is read, and whether it is folded."""
    look = tokens()
    card = QRectF(rect).adjusted(0.5, 8.5, -0.5, -2.5)
    painter.setPen(QPen(QColor(look.line), 1))
    painter.setBrush(QColor(look.hover if hovered else look.panel))
    painter.drawRoundedRect(card, 6, 6)
    chevron = icon_pixmap("chevron-right" if heading.folded else "chevron-down", look.muted, _SIGN)
    painter.drawPixmap(QPointF(card.left() + 8, card.center().y() - _SIGN / 2), chevron)
    left, width = round(card.left()) + 32, round(card.width()) - 42
    clips = "1 clip" if heading.clips == 1 else f"{heading.clips} clips"
    read = "all read" if heading.read == heading.clips else f"{heading.read} read"
    for text, size, colour, top, bold in (
        (heading.title, SIZE_TEXT, look.text, 12, True),
        (f"{clips} · {read}", SIZE_SMALL, look.muted, 29, False),
    ):
        painter.setFont(_font(size, bold=bold))
        painter.setPen(QColor(colour))
        box = QRect(left, rect.top() + top, width, 18)
        elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, width)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), elided)
    bar = QRectF(left, rect.top() + 52, width, 3)
    painter.setPen(Qt.PenStyle.NoPen)
    for colour, share in ((look.line, 1.0), (look.accent, heading.read / max(heading.clips, 1))):
        painter.setBrush(QColor(colour))
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * share, bar.height()), 1.5, 1.5)


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
    lines = name_lines(entry.title, width)
    top = 14 if len(lines) == 1 else 7
    said = [(line, SIZE_TEXT, look.text) for line in lines]
    said.append((detail, SIZE_SMALL, look.absent if entry.error else look.muted))
    for text, size, colour in said:
        painter.setFont(_font(size))
        painter.setPen(QColor(colour))
        box = QRect(left, rect.top() + top, width, 18)
        elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, width)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), elided)
        top += 20 if len(lines) == 1 else 16


@lru_cache(maxsize=8)
def _font(size: int, *, bold: bool = False) -> QFont:
    return text_font(size, bold=bold)


@lru_cache(maxsize=512)
def name_lines(name: str, width: int) -> tuple[str, ...]:
    """Return a file name in one line, or in two where it is too long: names of clips often differ at their end.

    Parameters
    ----------
    width
        Room in points. What is too long for two lines is left out in the middle of the name.
    """
    letters = QFontMetrics(_font(SIZE_TEXT))
    if letters.horizontalAdvance(name) <= width:
        return (name,)
    fitting = bisect_right(
        range(1, len(name) + 1), width - 2, key=lambda count: letters.horizontalAdvance(name[:count])
    )
    first, rest = name[:fitting], name[fitting:]
    if letters.horizontalAdvance(rest) > width - 2:
        rest = letters.elidedText(rest, Qt.TextElideMode.ElideLeft, width - 2)
    return (first, rest)


def _paint_sign(painter: QPainter, rect: QRect, entry: WorklistEntry) -> None:
    centre = QPointF(rect.right() - 8 - _SIGN / 2, rect.center().y() + 0.5)
    if entry.label is not None:
        sign = icon_pixmap(_SIGNS[entry.label], verdict_colour(entry.label), _SIGN)
        painter.drawPixmap(centre - QPointF(_SIGN / 2, _SIGN / 2), sign)
        return
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(tokens().muted), 1.2))
    painter.drawEllipse(centre, 3.5, 3.5)
