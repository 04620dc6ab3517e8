"""Help in the window: the texts of `resources/help`, topics at the left, the chosen one at the right."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from PySide6.QtCore import QEvent, QSize, Qt, QUrl
from PySide6.QtGui import (
    QBrush,
    QColor,
    QDesktopServices,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QMessageBox,
    QTextBrowser,
    QWidget,
)

from lsgui.core.errors import LsguiError
from lsgui.core.resources import model_dirs, resources_dir
from lsgui.gui.theme import SIZE_LARGE, SIZE_SMALL, SIZE_TITLE, text_font, tokens

TOPICS = (
    *("lung_sliding", "drawing_the_line", "reading_the_verdict", "limits", "labelling", "worklist", "exporting"),
    *("many_clips", "intended_use", "failure_modes", "risks"),
)
"""The files of `resources/help`, in the order of the list."""

_CARD = "model:"
_SIZE = QSize(1080, 700)
_BODY_SIZE = 14
_LINE_HEIGHT, _TABLE_LINE_HEIGHT = 140.0, 115.0
_MARGIN = 28.0
_MANY_COLUMNS = 7
"""Tables of so many columns are set smaller, so that no word is broken."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One text: its file's stem, its heading and its Markdown without the heading's line."""

    id: str
    title: str
    text: str


def read_topic(topic_id: str) -> Topic:
    """Return a text of `resources/help`.

    Raises
    ------
    LsguiError
        When the file is not there.
    """
    path = resources_dir() / "help" / f"{topic_id}.md"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise LsguiError(f"The help text {path.name} is missing: install lsgui again.") from fault
    return Topic(topic_id, text.split("\n", 1)[0].removeprefix("# ").strip(), text)


def read_model_cards() -> list[Topic]:
    """Return the texts of the cards of the models that come with lsgui, each under the id `model:<id>`."""
    found = []
    for path in sorted(model_dirs()[-1].glob("*/README.md")):
        try:
            text = path.read_text(encoding="utf-8")
        except OSError:
            continue  # the model's own fault is told where it is chosen
        found.append(Topic(f"{_CARD}{path.parent.name}", f"Model card: {path.parent.name}", text))
    return found


class HelpDialog(QDialog):
    """Shows one topic or model card at a time. Nothing is fetched, and no link leaves without a question."""

    def __init__(self, topic_id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Help")
        self.resize(_SIZE.boundedTo(self.screen().availableSize() * 0.95))
        self._topics = [*(read_topic(name) for name in TOPICS), *read_model_cards()]
        self.question: QMessageBox | None = None
        """The question before a link is opened, while it is on screen."""
        self.list = QListWidget(self)
        self.list.setAccessibleName("Topics")
        self.list.setFixedWidth(240)
        self.list.setSpacing(2)
        for topic in self._topics:
            entry = QListWidgetItem(topic.title)
            entry.setSizeHint(QSize(0, 36))
            self.list.addItem(entry)
        self.page = QTextBrowser(self)
        self.page.setAccessibleName("Help text")
        self.page.setOpenLinks(False)
        self.page.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.page.anchorClicked.connect(self._on_page_anchorClicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 16, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.list)
        row.addWidget(self.page, 1)
        self.list.currentRowChanged.connect(self._on_list_currentRowChanged)
        self.list.setCurrentRow(TOPICS.index(topic_id))
        self.list.setFocus()

    @property
    def topic_id(self) -> str:
        """The topic that is shown."""
        return self._topics[self.list.currentRow()].id

    def changeEvent(self, event: QEvent) -> None:
        """Set the text anew in the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "page"):
            self._on_list_currentRowChanged(self.list.currentRow())

    def _on_list_currentRowChanged(self, row: int) -> None:
        document = self.page.document()
        document.setDefaultFont(text_font(_BODY_SIZE))
        document.setMarkdown(self._topics[row].text)
        self._set_paragraphs()
        self._set_tables()
        self.page.moveCursor(QTextCursor.MoveOperation.Start)

    def _set_paragraphs(self) -> None:
        """Give headings and lines the sizes and the air of the window."""
        document = self.page.document()
        frame = document.rootFrame().frameFormat()
        frame.setLeftMargin(_MARGIN)
        frame.setRightMargin(_MARGIN)
        frame.setTopMargin(_MARGIN / 2)
        frame.setBottomMargin(_MARGIN)
        document.rootFrame().setFrameFormat(frame)
        block = document.begin()
        while block.isValid():
            cursor = QTextCursor(block)
            level = block.blockFormat().headingLevel()
            shape = QTextBlockFormat()
            shape.setNonBreakableLines(False)  # a command is read whole, on as many lines as it takes
            in_table = cursor.currentTable() is not None
            height = _TABLE_LINE_HEIGHT if in_table else _LINE_HEIGHT
            shape.setLineHeight(height, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            if level:
                cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
                letters = QTextCharFormat()
                letters.setFont(text_font(SIZE_TITLE if level == 1 else SIZE_LARGE, bold=True))
                # Markdown gives headings steps of the text's size, and a step wins over the font's own size
                letters.setProperty(QTextCharFormat.Property.FontSizeAdjustment.value, 2 if level == 1 else 1)
                cursor.mergeCharFormat(letters)
                shape.setBottomMargin(12)
            elif not in_table:
                shape.setBottomMargin(6 if block.textList() is not None else 10)
            cursor.mergeBlockFormat(shape)
            block = block.next()

    def _set_tables(self) -> None:
        """Rule tables with the theme's own thin lines."""
        for frame in self.page.document().rootFrame().childFrames():
            if not isinstance(frame, QTextTable):
                continue
            shape = frame.format()
            shape.setBorder(1)
            shape.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            shape.setBorderBrush(QBrush(QColor(tokens().line)))
            shape.setBorderCollapse(True)
            shape.setCellPadding(7)
            shape.setCellSpacing(0)
            shape.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
            shape.setTopMargin(10)
            shape.setBottomMargin(14)
            if frame.columns() >= _MANY_COLUMNS:
                shape.setCellPadding(4)
                _set_size(frame, SIZE_SMALL)
            frame.setFormat(shape)

    def _on_page_anchorClicked(self, link: QUrl) -> None:
        if link.isRelative():
            path = PurePosixPath(link.path())
            card = path.name == "README.md" and path.parent.name
            wanted = f"{_CARD}{card}" if card else path.name.removesuffix(".md")
            row = next((row for row, topic in enumerate(self._topics) if topic.id == wanted), None)
            if row is not None:
                self.list.setCurrentRow(row)
            return
        question = QMessageBox(self)
        question.setWindowTitle("Open a link")
        question.setText(f"Open {link.toDisplayString()} in the browser of this computer?")
        question.setStandardButtons(QMessageBox.StandardButton.Open | QMessageBox.StandardButton.Cancel)
        question.setDefaultButton(QMessageBox.StandardButton.Cancel)
        question.accepted.connect(lambda: QDesktopServices.openUrl(link))
        question.finished.connect(question.deleteLater)
        self.question = question
        question.open()


def _set_size(table: QTextTable, size: int) -> None:
    for row in range(table.rows()):
        for column in range(table.columns()):
            cell = table.cellAt(row, column)
            cursor = cell.firstCursorPosition()
            cursor.setPosition(cell.lastCursorPosition().position(), QTextCursor.MoveMode.KeepAnchor)
            letters = QTextCharFormat()
            letters.setProperty(QTextCharFormat.Property.FontPixelSize.value, size)  # what is bold stays so
            cursor.mergeCharFormat(letters)
