"""The list of the worklist: clips and headings that fold."""

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from lsgui.gui.worklist_delegate import WorklistDelegate
from lsgui.gui.worklist_model import WorklistModel
from lsgui.review.state import WorklistEntry
from lsgui.review.worklist_view import Row


class WorklistList(QListView):
    """A list of rows of one height, which keeps the layout of ten thousand of them cheap."""

    clipChosen = Signal(int)
    """A clip, by its place in the worklist, was chosen by pointer or key."""
    headingClicked = Signal(str)

    def __init__(self, model: WorklistModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows = model
        self._showing = False
        self.setModel(model)
        self.setItemDelegate(WorklistDelegate(self))
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setMouseTracking(True)
        self.setAccessibleName("Worklist")
        self.selectionModel().currentChanged.connect(self._on_selectionModel_currentChanged)

    def set_list(self, entries: tuple[WorklistEntry, ...], rows: tuple[Row, ...], selected: int | None) -> None:
        """Show these rows; that the clip on screen leaves the list is no choice of another one."""
        self._showing = True
        self._rows.set_list(entries, rows)
        self._showing = False
        self.show_clip(selected)

    def show_clip(self, clip: int | None) -> None:
        """Mark the clip on screen, and bring it into view; None for none."""
        row = self._rows.row_of(clip)
        index = QModelIndex() if row is None else self._rows.index(row)
        if self.currentIndex() == index:
            return
        self._showing = True
        if index.isValid():
            self.setCurrentIndex(index)
            heading = self._heading_above(index.row())
            if heading is not None:
                self.scrollTo(self._rows.index(heading))  # the first clips of a group are shown with its heading
            self.scrollTo(index)
        else:
            self.selectionModel().clear()
        self._showing = False

    def _heading_above(self, row: int) -> int | None:
        """Return the heading of a clip's group where both fit into view."""
        if not self._rows.has_headings:
            return None  # before the view port is asked for: the first time it takes the toolkit 15 ms
        room = self.viewport().height() // max(self.sizeHintForRow(row), 1) - 1
        above = range(row - 1, max(row - room, 0) - 1, -1)
        return next((number for number in above if self._rows.heading_at(number) is not None), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Fold or unfold a heading that is pressed; choose a clip."""
        heading = self._rows.heading_at(self.indexAt(event.position().toPoint()).row())
        if heading is None:
            super().mousePressEvent(event)
        elif event.button() == Qt.MouseButton.LeftButton:
            self.headingClicked.emit(heading.key)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show a hand over a heading: it can be pressed."""
        heading = self._rows.heading_at(self.indexAt(event.position().toPoint()).row())
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor if heading is None else Qt.CursorShape.PointingHandCursor)
        super().mouseMoveEvent(event)

    def _on_selectionModel_currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:
        clip = self._rows.clip_at(current.row()) if current.isValid() else None
        if clip is not None and not self._showing:
            self.clipChosen.emit(clip)
