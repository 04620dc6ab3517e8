"""What the window shows before a clip is open: ways to open one."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from lsgui.core.label import RESEARCH_LINE
from lsgui.gui.theme import icon, icon_pixmap, tokens
from lsgui.review.demo_clips import DemoClip
from lsgui.review.state import ReviewState

_RECENT_SHOWN = 5


class StartScreen(QScrollArea):
    """Open, drop, demo clips with what to look for, and recent files."""

    filesAsked = Signal()
    folderAsked = Signal()
    pathAsked = Signal(object)
    demoAsked = Signal(object)
    filesDropped = Signal(list)
    helpAsked = Signal()

    def __init__(self, demos: tuple[DemoClip, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAcceptDrops(True)
        self.demos = demos
        self._icons: list[tuple[QPushButton, str, str]] = []
        page = QWidget(self)
        page.setProperty("look", "stage")
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWidget(page)
        middle = QWidget(page)
        middle.setMaximumWidth(640)
        middle.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        column = QVBoxLayout(middle)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(8)
        self._head(column)
        self._open_row(column)
        if demos:
            self._demo_list(column, demos)
        self._recent_heading = _heading("Recent")
        column.addSpacing(12)
        column.addWidget(self._recent_heading)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        column.addLayout(self._recent)
        column.addSpacing(12)
        column.addLayout(self._foot())
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(middle, 8)
        row.addStretch(1)
        outer = QVBoxLayout(page)
        outer.addStretch(1)
        outer.addLayout(row)
        outer.addStretch(2)

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render the difference."""
        if old is not None and old.recent == new.recent:
            return
        while (item := self._recent.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        self._recent_heading.setVisible(bool(new.recent))
        for path in new.recent[:_RECENT_SHOWN]:
            self._recent.addWidget(self._recent_row(path))

    def retheme(self) -> None:
        """Paint the icons anew in the colours of the theme."""
        for button, name, role in self._icons:
            button.setIcon(icon(name, str(getattr(tokens(), role))))
        self._sign.setPixmap(icon_pixmap("lsgui", tokens().accent, 48))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take local files."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand the paths on."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.filesDropped.emit(paths)

    def _head(self, column: QVBoxLayout) -> None:
        row = QHBoxLayout()
        row.setSpacing(16)
        self._sign = QLabel()
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(4)
        title = QLabel("Does the lung slide?")
        title.setProperty("look", "title")
        lead = QLabel("Open a lung-ultrasound clip, mark the pleural line, press Enter.")
        lead.setProperty("look", "muted")
        lead.setWordWrap(True)
        words.addWidget(title)
        words.addWidget(lead)
        row.addLayout(words, 1)
        column.addLayout(row)
        column.addSpacing(12)

    def _open_row(self, column: QVBoxLayout) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        files = self._button("Open clip…", "open-file", "on_accent", self.filesAsked.emit, look="primary")
        folder = self._button("Open folder…", "open-folder", "text", self.folderAsked.emit)
        for button in (files, folder):
            button.setMinimumHeight(40)
            row.addWidget(button)
        drop = QLabel("or drop files and folders here")
        drop.setProperty("look", "muted")
        row.addSpacing(8)
        row.addWidget(drop, 1)
        column.addLayout(row)

    def _demo_list(self, column: QVBoxLayout, demos: tuple[DemoClip, ...]) -> None:
        column.addSpacing(16)
        column.addWidget(_heading("Demo clips, simulated"))
        for demo in demos:
            card = QFrame()
            card.setProperty("look", "card")
            box = QHBoxLayout(card)
            box.setContentsMargins(12, 6, 12, 6)
            box.setSpacing(12)
            words = QVBoxLayout()
            words.setSpacing(1)
            title = QLabel(demo.title)
            sentence = QLabel(demo.look_for)
            sentence.setProperty("look", "small")
            sentence.setWordWrap(True)
            words.addWidget(title)
            words.addWidget(sentence)
            box.addLayout(words, 1)
            ask = partial(self._ask_demo, demo)
            show = self._button("Show", "play", "accent", ask, look="flat")
            show.setAccessibleName(f"Show the demo clip: {demo.title}")
            box.addWidget(show)
            column.addWidget(card)

    def _foot(self) -> QHBoxLayout:
        research = QLabel(RESEARCH_LINE)
        research.setProperty("look", "small")
        signs = QPushButton("What lung sliding looks like")
        signs.setObjectName("help")
        signs.setProperty("look", "link")
        signs.setCursor(Qt.CursorShape.PointingHandCursor)
        signs.clicked.connect(self.helpAsked)
        row = QHBoxLayout()
        row.addWidget(signs)
        row.addStretch(1)
        row.addWidget(research)
        return row

    def _recent_row(self, path: Path) -> QPushButton:
        button = QPushButton(path.name)
        button.setProperty("look", "link")
        button.setToolTip(str(path))
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(lambda: self.pathAsked.emit(path))
        return button

    def _ask_demo(self, demo: DemoClip, _checked: bool = False) -> None:
        """Ask for a demo clip; a button tells whether it is checked, which is no clip."""
        self.demoAsked.emit(demo)

    def _button(self, text: str, name: str, role: str, ask: object, look: str = "") -> QPushButton:
        button = QPushButton(text)
        if look:
            button.setProperty("look", look)
        button.setIconSize(QSize(16, 16))
        button.clicked.connect(ask)
        self._icons.append((button, name, role))
        return button


def _heading(text: str) -> QLabel:
    label = QLabel(text.upper())
    label.setProperty("look", "heading")
    return label
