"""Search, filter and order of the worklist: one line to type in, two buttons with menus."""

import secrets
from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QStyle,
    QStyleOptionToolButton,
    QStylePainter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from lsgui.gui.theme import CONTROL_HEIGHT, SIZE_SMALL, SIZE_TEXT, icon, icon_pixmap, text_font, tokens
from lsgui.review import worklist_transitions as wl
from lsgui.review.state import ReviewState
from lsgui.review.worklist_choice import ListChoice, ListFilter, ListOrder
from lsgui.review.worklist_view import listed

Change = Callable[[ReviewState], ReviewState]

BLIND_FILTER = "Blind reading: flags and disagreement are known only of clips that you have read."
BLIND_ORDER = "Blind reading: only clips that you have read are ordered by what the AI and others said."
_MOST_SEEDS = 10_000
_CHEVRON = 12
_SIGN = 14
_PAD = 8
_SEARCH_KEY = "Ctrl+F"


class WorklistBar(QWidget):
    """What is listed, and in which order. Emits changes of the state; shows what the state says."""

    changeAsked = Signal(object)
    firstAsked = Signal()
    """The first clip of what was found is wanted."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._state = ReviewState()
        self.search = SearchLine(self)
        self.search.setPlaceholderText("Search names")
        self.search.setAccessibleName("Search the worklist by name")
        self.search.textEdited.connect(lambda words: self._change(lambda s: wl.searched(s, words)))
        self.search.accepted.connect(self.firstAsked)
        self.filter_button = MenuButton(self, "Filter (F)")
        self.order_button = MenuButton(self, "Order (Shift+F)")
        self.filter_button.menu_shown.connect(self._fill_filters)
        self.order_button.menu_shown.connect(self._fill_orders)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        buttons.addWidget(self.filter_button, 4)
        buttons.addWidget(self.order_button, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.search)
        column.addLayout(buttons)

    def start_search(self) -> None:
        """Give the keys to the search."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Show what is chosen."""
        self._state = new
        choice = new.listing
        if self.search.text() != choice.search:
            self.search.setText(choice.search)
        count = "" if choice.filter is ListFilter.ALL else f"{listed(new).counts[choice.filter]}"
        self.filter_button.say(choice.filter.short, count, marked=choice.filter is not ListFilter.ALL)
        self.order_button.say(choice.order.short, "", marked=choice.order is not ListOrder.NATURAL)

    def retheme(self) -> None:
        """Paint icons anew after a change of theme."""
        self.search.retheme()

    def _change(self, change: Change) -> None:
        self.changeAsked.emit(change)

    def _fill_filters(self, menu: QMenu) -> None:
        counts, choice = listed(self._state).counts, self._state.listing
        for wanted in ListFilter:
            if wanted in _NEW_GROUP:
                menu.addSeparator()
            action = _choice(menu, f"{wanted.wording}\t{counts[wanted]}", checked=wanted is choice.filter)
            action.triggered.connect(lambda _on=False, w=wanted: self._change(lambda s: wl.filter_chosen(s, w)))
        if self._state.blind:
            _note(menu, BLIND_FILTER)

    def _fill_orders(self, menu: QMenu) -> None:
        choice = self._state.listing
        for order in ListOrder:
            words = f"Random, number {choice.seed}" if order is ListOrder.RANDOM else order.wording
            action = _choice(menu, words, checked=order is choice.order)
            action.triggered.connect(lambda _on=False, o=order: self._change(lambda s: wl.order_chosen(s, o)))
        menu.addSeparator()
        again = menu.addAction("Shuffle again")
        again.triggered.connect(lambda: self._change(shuffle))
        grouping = _choice(menu, "Studies and folders with headings", checked=choice.grouped)
        grouping.triggered.connect(lambda: self._change(wl.grouping_switched))
        if self._state.blind:
            _note(menu, BLIND_ORDER)


def shuffle(state: ReviewState) -> ReviewState:
    """List the clips in another random order than before."""
    seed = secrets.randbelow(_MOST_SEEDS) + 1
    return wl.shuffled(state, seed if seed != state.listing.seed else seed + 1)


def fresh_choice() -> ListChoice:
    """Return the choice for a worklist that was never opened before: its random order is its own."""
    return ListChoice(seed=secrets.randbelow(_MOST_SEEDS) + 1)


_NEW_GROUP = (ListFilter.LS_P, ListFilter.FLAGGED)


def _choice(menu: QMenu, words: str, *, checked: bool) -> QAction:
    action = menu.addAction(words)
    action.setCheckable(True)
    action.setChecked(checked)
    return action


def _note(menu: QMenu, sentence: str) -> None:
    menu.addSeparator()
    for line in sentence.split(": "):
        menu.addAction(line[0].upper() + line[1:]).setEnabled(False)


class SearchLine(QLineEdit):
    """A line to search in. Escape empties it, Return goes to the first clip found; both give the keys back."""

    accepted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setTextMargins(_SIGN + 4, 0, _SIGN + 8, 0)
        self._clear = QToolButton(self)
        self._clear.setProperty("look", "flat")
        self._clear.setIcon(icon("close", tokens().muted, _SIGN))
        self._clear.setIconSize(QSize(_SIGN, _SIGN))
        self._clear.setStyleSheet("QToolButton { min-height: 20px; padding: 0 3px; }")
        self._clear.setCursor(Qt.CursorShape.ArrowCursor)
        self._clear.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._clear.setToolTip("Clear (Esc)")
        self._clear.setAccessibleName("Clear the search")
        self._clear.clicked.connect(self._empty)
        self._clear.hide()
        self.textChanged.connect(lambda words: self._clear.setVisible(bool(words)))

    def retheme(self) -> None:
        """Paint icons anew after a change of theme."""
        self._clear.setIcon(icon("close", tokens().muted, _SIGN))
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the cross at the right edge."""
        super().resizeEvent(event)
        size = self._clear.sizeHint()
        self._clear.setGeometry(self.width() - size.width() - 5, (self.height() - size.height()) // 2, *size.toTuple())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a sign before the words, and while there are none the key that leads here."""
        super().paintEvent(event)
        painter, look, middle = QPainter(self), tokens(), self.rect().center().y() + 1
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPixmap(9, middle - _SIGN // 2, icon_pixmap("search", look.muted, _SIGN))
        if self.text() or self.hasFocus():
            return
        painter.setFont(text_font(SIZE_SMALL))
        width = painter.fontMetrics().horizontalAdvance(_SEARCH_KEY) + 12
        box = QRectF(self.width() - width - 8, middle - 9, width, 18)
        painter.setPen(QPen(QColor(look.line), 1))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(look.muted))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, _SEARCH_KEY)

    def event(self, event: QEvent) -> bool:
        """Keep the keys that would otherwise be commands of the window."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in _SEARCH_KEYS
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Carry out Escape and Return."""
        if event.key() not in _SEARCH_KEYS:
            super().keyPressEvent(event)
            return
        if event.key() == Qt.Key.Key_Escape and self.text():
            self._empty()
        elif event.key() != Qt.Key.Key_Escape:
            self.accepted.emit()
        self.clearFocus()

    def _empty(self) -> None:
        self.clear()
        self.textEdited.emit("")


_SEARCH_KEYS = (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class MenuButton(QToolButton):
    """A button with a menu that is made anew each time it is opened, and a number beside its words."""

    menu_shown = Signal(object)

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent)
        self._count = ""
        self._name = name
        self._marked = False
        self._menu = QMenu(self)
        self.setToolTip(name)
        self.setFixedHeight(CONTROL_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self.open_menu)

    def say(self, words: str, count: str, *, marked: bool) -> None:
        """Show what is chosen; `marked` where it is not the usual choice."""
        if (words, count, marked) != (self.text(), self._count, self._marked):
            self._count, self._marked = count, marked
            self.setText(words)
            self.setAccessibleName(f"{self._name}: {words} {count}".strip())
            self.update()

    def open_menu(self) -> QMenu:
        """Open the menu under the button."""
        self._menu.clear()
        self.menu_shown.emit(self._menu)
        checked = next((action for action in self._menu.actions() if action.isChecked()), None)
        if checked is not None:
            self._menu.setActiveAction(checked)
        self._menu.popup(self.mapToGlobal(QPoint(0, self.height() + 2)))
        return self._menu

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the style sheet's button, then words, number and chevron."""
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        option.text = ""
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)
        look = tokens()
        ink = look.accent if self._marked else look.text
        chevron = icon_pixmap("chevron-down", look.muted, _CHEVRON)
        painter.drawPixmap(self.width() - _CHEVRON - 6, (self.height() - _CHEVRON) // 2, chevron)
        box = self.rect().adjusted(_PAD, 0, -_CHEVRON - 8, 0)
        painter.setFont(text_font(SIZE_TEXT))
        if self._count and self.words_fit(self._count):
            painter.setPen(look.muted)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), self._count)
        painter.setPen(ink)
        words = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), words)

    def words_fit(self, count: str = "") -> bool:
        """Tell whether the words have room, with a number beside them where one is given."""
        letters = QFontMetricsF(text_font(SIZE_TEXT))
        wanted = letters.horizontalAdvance(self.text()) + (6 + letters.horizontalAdvance(count) if count else 0)
        return wanted <= self.width() - _PAD - _CHEVRON - 8
