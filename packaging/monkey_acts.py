"""What the monkey does: one random action a time, as a person would, by keys, pointer, menus and dialogs.

Every action draws from lots of its own, made from the seed and the action's number: the same seed does the same
again, also where actions are left out.
"""

import random
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QSlider,
    QWidget,
)

from lsgui.gui.action_table import ACTIONS
from lsgui.gui.actions import Action, has_line, is_complete
from lsgui.gui.app import Review
from lsgui.review.demo_clips import demo_clips
from lsgui.review.state import AnalysisPhase, ReviewState

NEVER = frozenset({"quit", "log_folder"})
"""Commands that end the program or start another one."""
FAVOURITES = (
    *("export", "blind", "adjudicate", "undo", "redo", "reader", "second_pass", "settings", "draw_line", "cancel"),
    *("suggest", "theme", "next", "comment", "interval", "new_project", "own_labels", "focus", "flow_raft"),
)
"""Commands that come more often than by chance: they change most."""
NO_MODIFIER, SHIFT, CONTROL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
KEYS = (
    *range(Qt.Key.Key_A, Qt.Key.Key_Z + 1),
    *range(Qt.Key.Key_0, Qt.Key.Key_9 + 1),
    *(Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Tab, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Space),
    *(Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Delete, Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight),
    *(Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_F5, Qt.Key.Key_Minus, Qt.Key.Key_Equal),
)
TEXTS = ("MK", "a b", "=1+2", "x", "é ß 中", "'; --", "0", "<b>", "AK")
TIMID = ("log folder", "show folder", "log", "open the log")
"""Buttons that start another program."""


class Hand:
    """Does things in a window.

    Parameters
    ----------
    clips
        What may be opened.
    folder
        Where files that are saved go.
    patience_s
        How long a reader waits for a verdict at most.
    """

    def __init__(
        self, review: Review, application: QApplication, clips: list[Path], folder: Path, patience_s: float = 15.0
    ) -> None:
        self.review, self._application, self._clips, self._folder = review, application, clips, folder
        self._patience_s = patience_s
        self.lots = random.Random(0)
        self.waited_s = 0.0
        """How long the last action waited of its own will."""
        self.undid = False
        """Whether the last action may have taken something back, or done it again."""
        self._files = 0
        self._menus = QTimer(review.window)
        self._menus.setInterval(200)
        self._menus.timeout.connect(self._on_menus_timeout)
        self._menus.start()
        self._kinds: tuple[tuple[str, float, Callable[[], str]], ...] = (
            ("command", 10, self._command),
            ("key", 6, self._key),
            ("mouse", 4, self._mouse),
            ("wheel", 1, self._wheel),
            ("select", 3, self._select),
            ("open", 1, self._open),
            ("label", 5, self._label),
            ("analyse", 3, self._analyse),
            ("dialog", 7, self._dialog),
            ("resize", 1, self._resize),
            ("click", 4, self._click),
            ("filter", 2, self._filter),
            ("draw", 2, self._draw),
            ("wait", 2, self._wait),
            ("judge", 1.5, self._judge),
        )

    @property
    def _state(self) -> ReviewState:
        return self.review.controller.state

    def act(self, lots: random.Random) -> tuple[str, str]:
        """Do one thing; return its kind and what was done."""
        self.lots, self.waited_s, self.undid = lots, 0.0, False
        if not self._asking() and not self.review.window.isActiveWindow():
            self.review.window.activateWindow()  # offscreen nothing does when a dialog closes
        name, _, act = lots.choices(self._kinds, [weight for _, weight, _ in self._kinds])[0]
        words = act()
        self.until(lambda: False, lots.choice((0.0, 0.0, 0.01, 0.05, 0.2)))
        return name, words

    def until(self, done: Callable[[], bool], longest_s: float) -> None:
        """Let the window live until something is so, or for so long."""
        began = time.monotonic()
        self._application.processEvents()
        while time.monotonic() - began < longest_s and not done():
            self._application.processEvents()
            time.sleep(0.003)
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)  # as a running event loop does
        self.waited_s += time.monotonic() - began

    def _on_menus_timeout(self) -> None:
        """Choose from a menu that is open, or close it: its own event loop holds the action that opened it."""
        popup = self._application.activePopupWidget()
        if popup is None:
            return
        chosen = None
        if isinstance(popup, QMenu) and self.lots.random() < 0.5:
            names = {action.text(): name for name, action in self.review.window.menus.actions.items()}
            rows = [row for row in popup.actions() if row.isEnabled() and not row.menu() and row.text()]
            rows = [row for row in rows if names.get(row.text()) not in NEVER]
            chosen = self.lots.choice(rows) if rows else None
        popup.close()
        if chosen is not None:
            QTimer.singleShot(0, popup, chosen.trigger)

    def dismiss_dialogs(self) -> None:
        """Close what asks."""
        for dialog in self._asking():
            dialog.reject()

    # --- what it does ------------------------------------------------------------------------------------------------

    def _command(self) -> str:
        often = self.lots.random() < 0.35
        drawn = self.lots.sample([a for a in ACTIONS if a.id not in NEVER and (not often or a.id in FAVOURITES)], 6)
        action: Action = next((a for a in drawn if a.enabled(self._state)), drawn[0])
        by_key, which = self.lots.random() < 0.5, self.lots.random()
        self.undid = action.id in ("undo", "redo")
        if by_key and action.keys:
            shortcut = action.keys[int(which * len(action.keys))]
            combined = QKeySequence(shortcut)[0]
            QTest.keyClick(self._target(), combined.key(), combined.keyboardModifiers())
            return f"{action.id} by {shortcut}"
        if not action.enabled(self._state):
            return f"{action.id}: not now"
        self.review.window.menus.actions[action.id].trigger()
        return action.id

    def _key(self) -> str:
        key = self.lots.choice(KEYS)
        modifier = self.lots.choice((NO_MODIFIER, NO_MODIFIER, NO_MODIFIER, SHIFT, CONTROL))
        if modifier == CONTROL and key == Qt.Key.Key_Q:
            return "spared"
        self.undid = modifier == CONTROL and key in (Qt.Key.Key_Z, Qt.Key.Key_Y)
        QTest.keyClick(self._target(), Qt.Key(key), modifier)
        return f"{Qt.Key(key).name} {modifier.name}"

    def _mouse(self) -> str:
        window = self.review.window
        view = self.lots.choice((window.clip_view, window.clip_view, window.player_bar, window.mmode_view))
        places = [(self.lots.random(), self.lots.random()) for _ in range(3)]
        button = self.lots.choice((Qt.MouseButton.LeftButton, Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton))
        what = self.lots.choice(("click", "drag", "double"))
        if not view.isVisible() or view.width() < 2 or view.height() < 2:
            return "hidden"
        points = [QPoint(int(x * view.width()), int(y * view.height())) for x, y in places]
        if what == "click":
            QTest.mouseClick(view, button, NO_MODIFIER, points[0])
        elif what == "double":
            QTest.mouseDClick(view, button, NO_MODIFIER, points[0])
        else:
            _drag(view, button, points)
        return f"{what} on {type(view).__name__}"

    def _wheel(self) -> str:
        view, turn = self.review.window.clip_view, self.lots.choice((120, -120, 480))
        place = view.mapTo(self.review.window, QPoint(view.width() // 2, view.height() // 2))
        QTest.wheelEvent(self.review.window.windowHandle(), place, QPoint(0, turn))
        return str(turn)

    def _select(self) -> str:
        which = self.lots.random()
        if not self._state.worklist:
            return "empty"
        index = int(which * len(self._state.worklist))
        self.review.controller.clips.select(index)
        return str(index)

    def _open(self) -> str:
        some = self.lots.sample(self._clips, self.lots.randrange(1, 4))
        whole = self.lots.random() < 0.5
        self.review.controller.open_paths([some[0].parent if whole else some[0], *some[1:]])
        return ", ".join(path.name for path in some) + (", all of the folder" if whole else "")

    def _label(self) -> str:
        key = self.lots.choice((Qt.Key.Key_A, Qt.Key.Key_P, Qt.Key.Key_U, Qt.Key.Key_K))
        QTest.keyClick(self._target(), key)
        return Qt.Key(key).name

    def _analyse(self) -> str:
        QTest.keyClick(self._target(), Qt.Key.Key_Return)
        return ""

    def _dialog(self) -> str:
        """Answer what is asked, in one of the ways a person has: a button, a choice, a text, a file, Escape."""
        what, which = self.lots.choice(("escape", "button", "button", "box", "text", "check")), self.lots.random()
        text, asking = self.lots.choice(TEXTS), self._asking()
        if not asking:
            return "none"
        dialog = asking[int(which * len(asking))]
        if isinstance(dialog, QFileDialog):
            return self._choose_file(dialog, text)
        parts = [w for w in dialog.findChildren(QWidget) if w.isVisible() and w.isEnabled()]
        boxes = [w for w in parts if isinstance(w, QComboBox) and w.count()]
        texts = [w for w in parts if isinstance(w, QLineEdit)]
        checks = [w for w in parts if isinstance(w, QAbstractButton) and w.isCheckable()]
        buttons = [w for w in parts if isinstance(w, QPushButton) and w.text().lower().strip("&…") not in TIMID]
        if what == "box" and boxes:
            box = boxes[int(which * len(boxes))]
            box.setCurrentIndex(self.lots.randrange(box.count()))
        elif what == "text" and texts:
            _type(texts[int(which * len(texts))], text)
        elif what == "check" and checks:
            QTest.mouseClick(checks[int(which * len(checks))], Qt.MouseButton.LeftButton)
        elif what == "button" and buttons:
            QTest.mouseClick(buttons[int(which * len(buttons))], Qt.MouseButton.LeftButton)
        else:
            QTest.keyClick(dialog, Qt.Key.Key_Escape)
        return f"{type(dialog).__name__} {what}"

    def _choose_file(self, dialog: QFileDialog, text: str) -> str:
        """Name a file as a person would, and choose it, or not."""
        choice = self.lots.choice(("reject", "save", "clip", "folder"))
        if choice == "save" and dialog.acceptMode() is QFileDialog.AcceptMode.AcceptSave:
            self._files += 1
            name = f"{self._files} {text.strip('<>')}"
            dialog.fileSelected.emit(str(self._folder / f"{name}.{dialog.defaultSuffix().lstrip('.') or 'png'}"))
        elif choice == "clip" and dialog.acceptMode() is QFileDialog.AcceptMode.AcceptOpen:
            dialog.filesSelected.emit([str(self.lots.choice(self._clips))])
        dialog.reject()
        return f"QFileDialog {choice}"

    def _resize(self) -> str:
        width, height = self.lots.choice(((640, 480), (1366, 768), (1920, 1080), (900, 1400), (1280, 800)))
        self.review.window.resize(width, height)
        return f"{width} x {height}"

    def _click(self) -> str:
        """Click any button that can be seen, or pull at any slider."""
        which, far = self.lots.random(), self.lots.random()
        buttons = self.review.window.findChildren(QAbstractButton)
        parts: list[QWidget] = [b for b in buttons if b.text().lower().strip("&…") not in TIMID]
        parts += self.review.window.findChildren(QSlider)
        parts = [part for part in parts if part.isVisible() and part.isEnabled() and part.window().isActiveWindow()]
        if not parts:
            return "none"
        part = parts[int(which * len(parts))]
        if isinstance(part, QSlider):
            part.setValue(part.minimum() + int(far * (part.maximum() - part.minimum())))
            return f"slider {part.accessibleName()}"
        QTest.mouseClick(part, Qt.MouseButton.LeftButton)
        return getattr(part, "text", str)() or part.accessibleName()

    def _filter(self) -> str:
        """Type into what can be typed into in the window: the worklist's search, a comment, a reason, who reads."""
        which, text = self.lots.random(), self.lots.choice((*TEXTS, "tiny", "ward"))
        fields = [w for w in self.review.window.findChildren(QLineEdit) if w.isVisible() and w.isEnabled()]
        fields += [w for w in self.review.window.findChildren(QPlainTextEdit) if w.isVisible() and w.isEnabled()]  # type: ignore[misc]  # both take keys
        after = self.lots.choice((Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Tab, None, Qt.Key.Key_Backspace))
        if not fields:
            return "nothing to type into"
        field = fields[int(which * len(fields))]
        field.setFocus()
        _type(field, text)
        if after is not None:
            QTest.keyClick(field, after)
        return f"{text!r} into {field.accessibleName() or type(field).__name__}"

    def _draw(self) -> str:
        """Draw a pleural line, point by point."""
        view, count = self.review.window.clip_view, self.lots.randrange(2, 5)
        places = sorted((self.lots.uniform(0.3, 0.7), self.lots.uniform(0.35, 0.5)) for _ in range(count))
        if self._asking() or not view.isVisible():
            return "not now"
        self.review.window.menus.actions["draw_line"].trigger()
        for x, y in places:
            QTest.mouseClick(view, Qt.MouseButton.LeftButton, NO_MODIFIER, _point(view, x, y))
        QTest.keyClick(view, Qt.Key.Key_Return)
        return f"{count} points"

    def _wait(self) -> str:
        seconds = self.lots.choice((0.3, 1.0, 3.0))
        self.until(lambda: False, seconds)
        return f"{seconds} s"

    def _judge(self) -> str:
        """Open a demo clip with its line, analyse it, and mostly stay until there is an answer, as a reader does."""
        controller, view = self.review.controller, self.review.window.clip_view
        demo, patience = self.lots.choice(demo_clips()), self.lots.choice((0.1, 1.0, 1e9, 1e9))
        self.dismiss_dialogs()
        controller.open_demo(demo)
        self.until(lambda: is_complete(self._state) and has_line(self._state), 5.0)
        view.setFocus()
        QTest.keyClick(view, Qt.Key.Key_Return)
        ends = (AnalysisPhase.DONE, AnalysisPhase.FAILED, AnalysisPhase.CANCELLED)
        self.until(lambda: self._state.analysis.phase in ends, min(patience, self._patience_s))
        return f"{demo.path.stem}: {self._state.analysis.phase.value}"

    def _asking(self) -> list[QDialog]:
        return [w for w in self._application.topLevelWidgets() if w.isVisible() and isinstance(w, QDialog)]

    def _target(self) -> QWidget:
        modal = self._application.activeModalWidget()
        return modal or self._application.focusWidget() or self.review.window


def _type(field: QWidget, text: str) -> None:
    """Type, letters of other alphabets too, for which `QTest` has no keys."""
    for letter in text:
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            QApplication.sendEvent(field, QKeyEvent(kind, 0, NO_MODIFIER, letter))


def _point(view: QWidget, x: float, y: float) -> QPoint:
    return QPoint(int(x * view.width()), int(y * view.height()))


def _drag(view: QWidget, button: Qt.MouseButton, points: list[QPoint]) -> None:
    QTest.mousePress(view, button, NO_MODIFIER, points[0])
    for place in points[1:]:
        QTest.mouseMove(view, place)
    QTest.mouseRelease(view, button, NO_MODIFIER, points[-1])
