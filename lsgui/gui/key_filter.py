"""Who gets a key: the window's shortcuts, but for a control that the reader reached with the keyboard."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QAbstractSlider, QApplication, QWidget

_BY_KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)
_OWN_KEYS: tuple[tuple[type[QWidget], frozenset[int]], ...] = (
    (QAbstractButton, frozenset({Qt.Key.Key_Space, Qt.Key.Key_Select})),
    (QAbstractSlider, frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End})),
    (QAbstractItemView, frozenset({Qt.Key.Key_Home, Qt.Key.Key_End})),
)


class KeyFilter(QObject):
    """Space plays the clip after a click on a button, but presses the button that was reached with Tab.

    Without this, either the keyboard could not press buttons, or every click would take Space away from the player.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._reached: QWidget | None = None
        application = QApplication.instance()
        if application is not None:
            application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Remember how the focus came, and leave a control its own keys."""
        kind = event.type()
        if kind == QEvent.Type.FocusIn and isinstance(watched, QWidget) and isinstance(event, QFocusEvent):
            self._reached = watched if event.reason() in _BY_KEYBOARD else None
        elif kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and watched is self._reached:
            plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
            for control, keys in _OWN_KEYS:
                if plain and isinstance(watched, control) and event.key() in keys:
                    event.accept()
                    return True
        return False
