"""The worklist: clips with picture, length and label; ten thousand are as quick as ten."""

from collections import OrderedDict
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractItemView, QFrame, QLabel, QListView, QProgressBar, QVBoxLayout, QWidget

from lsgui.gui.thumbnails import Thumbnail, ThumbnailThread
from lsgui.gui.worklist_delegate import ENTRY_ROLE, IMAGE_ROLE, WorklistDelegate
from lsgui.review.state import ReviewState, WorklistEntry
from lsgui.review.worklist import read_count

_KEPT_IMAGES = 400

Index = QModelIndex | QPersistentModelIndex


class WorklistModel(QAbstractListModel):
    """The entries for the list; asks for a thumbnail when one is first painted."""

    def __init__(self, thumbnails: ThumbnailThread, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._entries: tuple[WorklistEntry, ...] = ()
        self._images: OrderedDict[Path, Thumbnail] = OrderedDict()
        thumbnails.ready.connect(self._on_thumbnails_ready)

    def rowCount(self, parent: Index | None = None) -> int:
        """Return the number of clips."""
        return 0 if parent is not None and parent.isValid() else len(self._entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what the list shows of one clip."""
        if not index.isValid() or index.row() >= len(self._entries):
            return None
        entry = self._entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return entry.error or entry.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            label = "not read" if entry.label is None else entry.label.wording
            return f"{entry.title}, {self._detail(entry)}, {label}"
        if role == ENTRY_ROLE:
            return (entry, self._detail(entry))
        if role == IMAGE_ROLE:
            return self._image(entry.path)
        return None

    def set_entries(self, entries: tuple[WorklistEntry, ...]) -> None:
        """Take over the worklist, telling the list only what changed."""
        old = self._entries
        if len(entries) == len(old) and all(a.path == b.path for a, b in zip(old, entries, strict=True)):
            self._entries = entries
            for row, (before, after) in enumerate(zip(old, entries, strict=True)):
                if before is not after:
                    self.dataChanged.emit(self.index(row), self.index(row))
        elif entries[: len(old)] == old and len(entries) > len(old):
            self.beginInsertRows(QModelIndex(), len(old), len(entries) - 1)
            self._entries = entries
            self.endInsertRows()
        else:
            self._thumbnails.forget()
            self.beginResetModel()
            self._entries = entries
            self.endResetModel()

    def _detail(self, entry: WorklistEntry) -> str:
        if entry.detail or entry.error:
            return entry.detail or "cannot be read"
        known = self._images.get(entry.path)
        return "" if known is None else known.detail or ("cannot be read" if known.error else "")

    def _image(self, path: Path) -> QImage | None:
        known = self._images.get(path)
        if known is None:
            self._thumbnails.ask(path)
            return None
        self._images.move_to_end(path)
        return known.image

    def _on_thumbnails_ready(self, thumbnail: Thumbnail) -> None:
        self._images[thumbnail.path] = thumbnail
        while len(self._images) > _KEPT_IMAGES:
            self._images.popitem(last=False)
        for row, entry in enumerate(self._entries):
            if entry.path == thumbnail.path:
                self.dataChanged.emit(self.index(row), self.index(row))
                return


class WorklistPanel(QFrame):
    """The left column."""

    clipAsked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "column")
        self._showing = False
        self._thumbnails = ThumbnailThread(self)
        self._heading = QLabel(self)
        self._heading.setProperty("look", "heading")
        self._model = WorklistModel(self._thumbnails, self)
        self._list = QListView(self)
        self._list.setModel(self._model)
        self._list.setItemDelegate(WorklistDelegate(self._list))
        self._list.setUniformItemSizes(True)
        self._list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._list.setMouseTracking(True)
        self._list.setAccessibleName("Worklist")
        self._list.selectionModel().currentChanged.connect(self._on_selectionModel_currentChanged)
        self._progress = QProgressBar(self)
        self._progress.setTextVisible(False)
        self._left_to_read = QLabel(self)
        self._left_to_read.setProperty("look", "small")
        self._left_to_read.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 12, 8, 12)
        column.setSpacing(8)
        for widget in (self._heading, self._list, self._progress, self._left_to_read):
            column.addWidget(widget, 1 if widget is self._list else 0)
        self._heading.setContentsMargins(4, 0, 4, 0)
        self._left_to_read.setContentsMargins(4, 0, 4, 0)

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render the difference."""
        if old is None or old.worklist is not new.worklist:
            self._model.set_entries(new.worklist)
        if old is None or old.selected != new.selected or len(old.worklist) != len(new.worklist):
            self._show_selected(new.selected)
        if old is None or old.worklist is not new.worklist or old.pace_s != new.pace_s or old.scanning != new.scanning:
            self._show_progress(new)

    def close_thread(self) -> None:
        """End the thread that reads thumbnails."""
        self._thumbnails.close()

    def _show_selected(self, selected: int | None) -> None:
        selection = self._list.selectionModel()
        index = QModelIndex() if selected is None else self._model.index(selected)
        if selection.currentIndex() == index:
            return
        self._showing = True
        self._list.setCurrentIndex(index)
        self._showing = False
        if index.isValid():
            self._list.scrollTo(index)

    def _show_progress(self, state: ReviewState) -> None:
        count, read = len(state.worklist), read_count(state.worklist)
        self._progress.setVisible(count > 0)
        self._left_to_read.setVisible(count > 0 or state.scanning)
        if state.scanning:
            self._heading.setText("WORKLIST")
            self._left_to_read.setText("Looking for clips…")
            return
        self._heading.setText("WORKLIST" if count == 0 else f"WORKLIST · {read} OF {count} READ")
        self._progress.setMaximum(max(count, 1))
        self._progress.setValue(read)
        left = count - read
        if left == 0:
            self._left_to_read.setText("All read")
        elif state.pace_s is None:
            self._left_to_read.setText(f"{left} to read")
        else:
            self._left_to_read.setText(f"{left} to read · about {_duration(left * state.pace_s)} at your pace")

    def _on_selectionModel_currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:
        if current.isValid() and not self._showing:
            self.clipAsked.emit(current.row())


def _duration(seconds: float) -> str:
    minutes = max(round(seconds / 60), 1)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
