"""The rows of the worklist for the list on screen: ten thousand are as quick as ten."""

from collections import OrderedDict
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QStringListModel, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from lsgui.gui.thumbnails import Thumbnail, ThumbnailThread
from lsgui.review.state import WorklistEntry
from lsgui.review.worklist_view import Heading, Row

ENTRY_ROLE = int(Qt.ItemDataRole.UserRole) + 1
IMAGE_ROLE = int(Qt.ItemDataRole.UserRole) + 2

_KEPT_IMAGES = 400
_MOST_CHANGES = 64
"""More rows than this that come or go at one place are told as a new list."""

Index = QModelIndex | QPersistentModelIndex


class WorklistModel(QStringListModel):
    """The rows for the list; asks for a thumbnail when one is first painted.

    Qt asks for the number of rows tens of thousands of times while it lays out a long list: a model of its own answers
    that without Python, which is told apart from a model in Python by a tenth of the time.
    """

    faultFound = Signal(object, str)
    """A clip cannot be read: its path, and one sentence."""

    def __init__(self, thumbnails: ThumbnailThread, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._entries: tuple[WorklistEntry, ...] = ()
        self._rows: tuple[Row, ...] = ()
        self._row_of: dict[int, int] = {}
        self._headings: dict[int, Heading] = {}
        self._images: OrderedDict[Path, Thumbnail] = OrderedDict()
        self._asked: dict[Path, int] = {}
        thumbnails.ready.connect(self._on_thumbnails_ready)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what the list shows of one row."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        return self._heading_data(row, role) if isinstance(row, Heading) else self._clip_data(row, role)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Tell that a heading cannot be chosen: the arrow keys pass it."""
        if index.isValid() and self.heading_at(index.row()) is not None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren

    def heading_at(self, row: int) -> Heading | None:
        """Return the heading of a row; None where it is a clip."""
        found = self._rows[row] if 0 <= row < len(self._rows) else None
        return found if isinstance(found, Heading) else None

    @property
    def has_headings(self) -> bool:
        """Whether clips are listed in groups."""
        return bool(self._headings)

    def clip_at(self, row: int) -> int | None:
        """Return the place in the worklist of a row's clip; None where it is a heading."""
        found = self._rows[row] if 0 <= row < len(self._rows) else None
        return found if isinstance(found, int) else None

    def row_of(self, clip: int | None) -> int | None:
        """Return the row of a clip by its place in the worklist; None where it is not listed."""
        return None if clip is None else self._row_of.get(clip)

    def set_list(self, entries: tuple[WorklistEntry, ...], rows: tuple[Row, ...]) -> None:
        """Take over the worklist and its rows, telling the list only what changed."""
        old, count = self._entries, len(self._entries)
        grown = count <= len(entries) and (count == 0 or entries[count - 1].path is old[-1].path)
        changed = {clip for clip, (one, other) in enumerate(zip(old, entries, strict=False)) if one is not other}
        self._entries = entries
        if not grown or not self._move(rows):
            self._thumbnails.forget()
            self._asked.clear()
            self._take(rows)
            self.setStringList([""] * len(rows))
            return
        for clip in changed:
            if (row := self._row_of.get(clip)) is not None:
                self._tell(row)

    def _take(self, rows: tuple[Row, ...]) -> None:
        self._rows = rows
        self._row_of = {clip: row for row, clip in enumerate(rows) if type(clip) is int}
        self._headings = {row: heading for row, heading in enumerate(rows) if type(heading) is Heading}

    def _move(self, rows: tuple[Row, ...]) -> bool:
        """Tell of rows that came or went at one place, and of headings that changed; False where it is another list."""
        if rows == self._rows:
            return True
        before, after = _keys(self._rows), _keys(rows)
        start = _shared(before, after)
        end = _shared(before[start:][::-1], after[start:][::-1])
        gone, come = len(before) - start - end, len(after) - start - end
        if max(gone, come) > _MOST_CHANGES and (gone or end):  # any number may be added at the end
            return False
        former = {heading.key: heading for heading in self._headings.values()}
        self._take(rows)
        if gone:
            self.removeRows(start, gone)
        if come:
            self.insertRows(start, come)
        for row, heading in self._headings.items():
            if former.get(heading.key, heading) != heading:
                self._tell(row)
        return True

    def _tell(self, row: int) -> None:
        self.dataChanged.emit(self.index(row), self.index(row))

    def _heading_data(self, heading: Heading, role: int) -> object:
        if role == ENTRY_ROLE:
            return heading
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{heading.title}, {heading.clips} clips, {heading.read} read"
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{heading.title}: click to {'unfold' if heading.folded else 'fold'}"
        return None

    def _clip_data(self, clip: int, role: int) -> object:
        entry = self._entries[clip]
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
            return self._image(clip)
        return None

    def _detail(self, entry: WorklistEntry) -> str:
        if entry.detail or entry.error:
            return "cannot be read" if entry.error else entry.detail
        known = self._images.get(entry.path)
        return "" if known is None else known.detail or ("cannot be read" if known.error else "")

    def _image(self, clip: int) -> QImage | None:
        path = self._entries[clip].path
        known = self._images.get(path)
        if known is None:
            self._asked[path] = clip
            self._thumbnails.ask(path)
            return None
        self._images.move_to_end(path)
        return known.image

    def _on_thumbnails_ready(self, thumbnail: Thumbnail) -> None:
        self._images[thumbnail.path] = thumbnail
        while len(self._images) > _KEPT_IMAGES:
            self._images.popitem(last=False)
        if thumbnail.error:
            self.faultFound.emit(thumbnail.path, thumbnail.error)
        clip = self._asked.pop(thumbnail.path, None)
        row = self.row_of(clip)
        if row is not None and clip is not None and self._entries[clip].path == thumbnail.path:
            self._tell(row)


def _keys(rows: tuple[Row, ...]) -> list[int | str]:
    return [row.key if type(row) is Heading else row for row in rows]  # type: ignore[misc]  # the other kind is int


def _shared(before: list[int | str], after: list[int | str]) -> int:
    """Return how many rows from the first on are the same, by halves: slices are compared without Python."""
    low, high = 0, min(len(before), len(after))
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
