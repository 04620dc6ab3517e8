"""The shortcut sheet: every command with its key and a sentence, made from the table of actions."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from lsgui.gui.action_table import ACTIONS
from lsgui.gui.actions import MENUS, Action


def key_words(keys: tuple[str, ...]) -> list[str]:
    """Return the shortcuts as this system writes them."""
    return [QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in keys]


class ShortcutSheet(QDialog):
    """Lists all commands by menu; typing narrows the list."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.resize(760, 620)
        self._rows: list[tuple[Action, tuple[QWidget, ...]]] = []
        self._headings: dict[str, QLabel] = {}
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Find a command or a key")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_search_textChanged)
        page = QWidget()
        page.setProperty("look", "column")
        grid = QGridLayout(page)
        grid.setContentsMargins(4, 4, 12, 4)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(2, 1)
        for menu in MENUS:
            self._add_menu(grid, menu)
        grid.setRowStretch(grid.rowCount(), 1)
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 8, 16)
        column.setSpacing(12)
        column.addWidget(self.search)
        column.addWidget(area, 1)

    def shown_actions(self) -> list[str]:
        """Return the ids of the commands that the search leaves."""
        return [action.id for action, widgets in self._rows if not widgets[0].isHidden()]

    def _add_menu(self, grid: QGridLayout, menu: str) -> None:
        heading = QLabel(menu.upper())
        heading.setProperty("look", "heading")
        heading.setContentsMargins(0, 12, 0, 2)
        self._headings[menu] = heading
        grid.addWidget(heading, grid.rowCount(), 0, 1, 3)
        for action in (action for action in ACTIONS if action.menu == menu):
            row = grid.rowCount()
            keys = QWidget()
            keys_row = QHBoxLayout(keys)
            keys_row.setContentsMargins(0, 0, 0, 0)
            keys_row.setSpacing(4)
            for key in key_words(action.keys):
                label = QLabel(key)
                label.setProperty("look", "key")
                keys_row.addWidget(label)
            keys_row.addStretch(1)
            name = QLabel(action.text.removesuffix("…"))
            sentence = QLabel(action.help)
            sentence.setProperty("look", "muted")
            sentence.setWordWrap(True)
            for column, widget in enumerate((keys, name, sentence)):
                grid.addWidget(widget, row, column, Qt.AlignmentFlag.AlignVCenter)
            self._rows.append((action, (keys, name, sentence)))

    def _on_search_textChanged(self, text: str) -> None:
        wanted = text.casefold().strip()
        menus: set[str] = set()
        for action, widgets in self._rows:
            said = " ".join((action.text, action.help, *action.keys, *key_words(action.keys))).casefold()
            fits = wanted in said
            if fits:
                menus.add(action.menu)
            for widget in widgets:
                widget.setVisible(fits)
        for menu, heading in self._headings.items():
            heading.setVisible(menu in menus)
