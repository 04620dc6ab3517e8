"""Who gets a key: the window's shortcuts, but for a control that the reader reached with the keyboard."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QAbstractSlider, QApplication, QWidget

_OWN_KEYS: tuple[tuple[type[QWidget], frozenset[int]], ...] = (
    (QAbstractButton, frozenset({Qt.Key.Key_Space, Qt.Key.Key_Select})),
    (QAbstractSlider, frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End})),
    (QAbstractItemView, frozenset({Qt.Key.Key_Home, Qt.Key.Key_End})),
)


class KeyFilter(QObject):
    """Space plays the clip after a click on a button, but presses the button that was reached with Tab.

    Without this, either the keyboard could not press buttons, or every click would take Space away from the player.

    It filters the window's own events only: a key that no control takes comes up to the window. A filter on the whole
    application would wake Python for every event of every object, and have PySide make a class for each of them.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._reached: QWidget | None = None
        window.installEventFilter(self)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._on_application_focusChanged)

    def note_reached(self) -> None:
        """The control that has the focus now was reached with Tab."""
        self._reached = QApplication.focusWidget()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leave a control its own keys."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._reached is not None:
            plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
            for control, keys in _OWN_KEYS:
                if plain and isinstance(self._reached, control) and event.key() in keys:
                    event.accept()
                    return True
        return False

    def _on_application_focusChanged(self) -> None:
        self._reached = None
