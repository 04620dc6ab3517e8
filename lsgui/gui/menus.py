"""Menus and shortcuts, made from the table of actions."""

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from lsgui.gui.action_table import ACTIONS
from lsgui.gui.actions import MENUS, Desk
from lsgui.review.demo_clips import DemoClip
from lsgui.review.state import ReviewState


class Menus(QObject):
    """Builds the menu bar of a window, and keeps what can be done now enabled.

    The actions belong to the window, so that their keys work in full screen, where the menu bar is hidden.
    """

    def __init__(
        self, window: QMainWindow, desk: Desk, demos: tuple[DemoClip, ...], open_demo: Callable[[DemoClip], None]
    ) -> None:
        super().__init__(window)
        self._demos = demos
        self.actions: dict[str, QAction] = {}
        for name in MENUS:
            menu = window.menuBar().addMenu(name)
            for row in (action for action in ACTIONS if action.menu == name):
                if row.group:
                    menu.addSeparator()
                self._add(window, menu, desk, row.id)
            if name == "File":
                self._recent = self._recent_menu(menu, desk)
            if name == "Help" and demos:
                self._demo_menu(menu, open_demo)

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Enable and tick what fits the state."""
        for row in ACTIONS:
            action = self.actions[row.id]
            enabled = row.enabled(new)
            if action.isEnabled() != enabled:
                action.setEnabled(enabled)
            if row.checked is not None:
                checked = row.checked(new)
                if action.isChecked() != checked:
                    action.setChecked(checked)
        if old is None or old.recent != new.recent:
            self._show_recent(new)

    def _add(self, window: QMainWindow, menu: QMenu, desk: Desk, wanted: str) -> None:
        row = next(action for action in ACTIONS if action.id == wanted)
        action = QAction(row.text, window)
        action.setObjectName(row.id)
        action.setShortcuts([QKeySequence(key) for key in row.keys])
        action.setStatusTip(row.help)
        action.setCheckable(row.checked is not None)
        action.setMenuRole(_ROLES.get(row.id, QAction.MenuRole.NoRole))
        action.triggered.connect(lambda _checked=False: row.run(desk))
        menu.addAction(action)
        window.addAction(action)
        self.actions[row.id] = action

    def _recent_menu(self, menu: QMenu, desk: Desk) -> QMenu:
        recent = QMenu("Recent", menu)
        menu.insertMenu(self.actions["close_all"], recent)
        self._open_recent = desk.controller.open_paths
        return recent

    def _show_recent(self, state: ReviewState) -> None:
        self._recent.clear()
        self._recent.setEnabled(bool(state.recent))
        for path in state.recent:
            entry = self._recent.addAction(path.name)
            entry.triggered.connect(lambda _checked=False, p=path: self._open_recent([p]))

    def _demo_menu(self, menu: QMenu, open_demo: Callable[[DemoClip], None]) -> None:
        before = self.actions["log_folder"]
        section = QMenu("Demo clips", menu)
        menu.insertMenu(before, section)
        for demo in self._demos:
            entry = section.addAction(demo.title)
            entry.setStatusTip(demo.look_for)
            entry.setToolTip(demo.look_for)
            entry.triggered.connect(lambda _checked=False, d=demo: open_demo(d))
        section.setToolTipsVisible(True)


_ROLES = {
    "settings": QAction.MenuRole.PreferencesRole,
    "about": QAction.MenuRole.AboutRole,
    "quit": QAction.MenuRole.QuitRole,
}
