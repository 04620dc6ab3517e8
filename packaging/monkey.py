"""Do thousands of random things in the real window, and check after each that nothing is lost, mixed up or left behind.

Run from the project's root: python packaging/monkey.py --work TMP [--actions 2000] [--seed 1] [--clips FOLDER]

Starts the real window offscreen with a real worker over clips of every kind (demo clips, tiny ones, damaged ones, those
of FOLDER) and a store of its own, and carries out actions drawn from the seed: every command of the menus, keys, mouse,
wheel, sizes, themes, clips opened and dropped, dialogs answered or dismissed. After each it checks state, store,
threads, processes, memory and what is on screen; the first broken promise ends it with the action's number, the seed
and the last actions. Prints figures as JSON; exit status 0 where nothing broke.
"""

import argparse
import json
import logging
import os
import random
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PySide6.QtCore import QMessageLogContext, QPoint, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QLabel, QLineEdit, QPushButton, QWidget

from lsgui.annotation.store import AnnotationStore
from lsgui.core.resources import resources_dir
from lsgui.gui.action_table import ACTIONS
from lsgui.gui.actions import Action, has_line, is_complete
from lsgui.gui.app import Review, open_review, session_maker
from lsgui.review.demo_clips import demo_clips
from lsgui.review.paths import log_dir, settings_file
from lsgui.review.settings import Settings, save_settings

NEVER = frozenset({"quit", "log_folder"})
"""Commands that end the program or start another one."""

MOST_THREADS, MOST_CHILDREN = 24, 6
MOST_MB = 1800
LONGEST_ACTION_S = 25.0
FORBIDDEN_ON_SCREEN = ("pneumothorax", "Traceback")
_NO_MODIFIER, _SHIFT, _CONTROL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
_NO_WINDOW_MANAGER = "This plugin does not support"
"""What the offscreen platform says of things that only a window manager can do."""

_KEYS = (
    *range(Qt.Key.Key_A, Qt.Key.Key_Z + 1),
    *range(Qt.Key.Key_0, Qt.Key.Key_9 + 1),
    *(Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Tab, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Space),
    *(Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Delete, Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight),
)


class BrokenPromiseError(Exception):
    """Something that must always hold does not."""


@dataclass(slots=True)
class Figures:
    """What a run did."""

    seed: int
    actions: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    verdicts: int = 0
    statements: int = 0
    clips_shown: int = 0
    most_threads: int = 0
    most_children: int = 0
    memory_mb: list[int] = field(default_factory=list)
    """Resident memory of the window after each tenth of the run."""
    longest_action_s: float = 0.0
    minutes: float = 0.0
    broken: str = ""


class LoudLog(logging.Handler):
    """Collects what must not happen: errors of the program's own log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note a record."""
        self.said.append(self.format(record))


class Monkey:
    """Carries out random actions in a window."""

    def __init__(self, review: Review, application: QApplication, clips: list[Path], store: Path, seed: int) -> None:
        self.review, self._application, self._clips, self._store = review, application, clips, store
        self.lots = random.Random(seed)
        self.figures = Figures(seed)
        self.last: deque[str] = deque(maxlen=40)
        self._log = LoudLog()
        logging.getLogger("lsgui").addHandler(self._log)
        self._messages: list[str] = []
        self._former = qInstallMessageHandler(self._on_message)
        self._faults: list[str] = []
        sys.excepthook = lambda kind, fault, trace: self._faults.append(
            "".join(traceback.format_exception(kind, fault, trace))
        )
        self._rows = 0
        self._shown: set[Path] = set()
        self._judged: set[int] = set()
        self._kinds: tuple[tuple[str, float, Callable[[], str]], ...] = (
            ("command", 10, self._command),
            ("key", 6, self._key),
            ("mouse", 4, self._mouse),
            ("wheel", 1, self._wheel),
            ("select", 3, self._select),
            ("open", 1, self._open),
            ("label", 4, self._label),
            ("analyse", 3, self._analyse),
            ("dialog", 6, self._dialog),
            ("resize", 1, self._resize),
            ("click", 3, self._click),
            ("wait", 2, self._wait),
            ("judge", 1, self._judge),
        )

    def run(self, actions: int) -> Figures:
        """Do so many things."""
        began = time.monotonic()
        try:
            for number in range(actions):
                self._one(number)
                if number % max(1, actions // 10) == 0:
                    self.figures.memory_mb.append(memory_mb())
        except BrokenPromiseError as fault:
            self.figures.broken = f"action {self.figures.actions}: {fault}\nlast: " + " | ".join(self.last)
        finally:
            qInstallMessageHandler(self._former)
            logging.getLogger("lsgui").removeHandler(self._log)
            sys.excepthook = sys.__excepthook__
        self.figures.memory_mb.append(memory_mb())
        self.figures.clips_shown, self.figures.verdicts = len(self._shown), len(self._judged)
        self.figures.statements = self._rows
        self.figures.minutes = round((time.monotonic() - began) / 60, 2)
        return self.figures

    def _one(self, number: int) -> None:
        name, _, act = self.lots.choices(self._kinds, [weight for _, weight, _ in self._kinds])[0]
        began = time.monotonic()
        words = act()
        self.last.append(f"{number} {name} {words}")
        self.figures.actions = number + 1
        self.figures.by_kind[name] = self.figures.by_kind.get(name, 0) + 1
        pause = self.lots.choice((0.0, 0.0, 0.01, 0.05, 0.2))
        end = time.monotonic() + pause
        self._application.processEvents()
        while time.monotonic() < end:
            self._application.processEvents()
            time.sleep(0.002)
        took = time.monotonic() - began - pause
        self.figures.longest_action_s = max(self.figures.longest_action_s, round(took, 2))
        self.check(took, thorough=number % 25 == 0)

    # --- what it does ------------------------------------------------------------------------------------------------

    def _command(self) -> str:
        state = self.review.controller.state
        possible = [a for a in ACTIONS if a.id not in NEVER and a.enabled(state)]
        action: Action = self.lots.choice(possible)
        if self.lots.random() < 0.5 and action.keys:
            shortcut = self.lots.choice(action.keys)
            keys = _combination(shortcut)
            QTest.keyClick(self._target(), keys[0], keys[1])
            return f"{action.id} by {shortcut}"
        self.review.window.menus.actions[action.id].trigger()
        return action.id

    def _key(self) -> str:
        key = self.lots.choice(_KEYS)
        modifier = self.lots.choice((_NO_MODIFIER, _NO_MODIFIER, _NO_MODIFIER, _SHIFT, _CONTROL))
        if modifier == _CONTROL and key == Qt.Key.Key_Q:
            return "spared"
        QTest.keyClick(self._target(), Qt.Key(key), modifier)
        return f"{Qt.Key(key).name} {modifier.name}"

    def _mouse(self) -> str:
        view = self.lots.choice(
            (self.review.window.clip_view, self.review.window.player_bar, self.review.window.mmode_view)
        )
        if not view.isVisible() or view.width() < 2 or view.height() < 2:
            return "hidden"
        places = [QPoint(self.lots.randrange(view.width()), self.lots.randrange(view.height())) for _ in range(3)]
        button = self.lots.choice((Qt.MouseButton.LeftButton, Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton))
        what = self.lots.choice(("click", "drag", "double"))
        if what == "click":
            QTest.mouseClick(view, button, _NO_MODIFIER, places[0])
        elif what == "double":
            QTest.mouseDClick(view, button, _NO_MODIFIER, places[0])
        else:
            QTest.mousePress(view, button, _NO_MODIFIER, places[0])
            for place in places[1:]:
                QTest.mouseMove(view, place)
            QTest.mouseRelease(view, button, _NO_MODIFIER, places[-1])
        return f"{what} on {type(view).__name__}"

    def _wheel(self) -> str:
        view = self.review.window.clip_view
        QTest.wheelEvent(
            self.review.window.windowHandle(),
            view.mapTo(self.review.window, QPoint(view.width() // 2, view.height() // 2)),
            QPoint(0, self.lots.choice((120, -120, 480))),
        )
        return ""

    def _select(self) -> str:
        state = self.review.controller.state
        if not state.worklist:
            return "empty"
        index = self.lots.randrange(len(state.worklist))
        self.review.controller.clips.select(index)
        return str(index)

    def _open(self) -> str:
        some = self.lots.sample(self._clips, self.lots.randrange(1, 4))
        self.review.controller.open_paths([self.lots.choice((some[0].parent, *some)), *some[1:]])
        return ", ".join(path.name for path in some)

    def _label(self) -> str:
        key = self.lots.choice((Qt.Key.Key_A, Qt.Key.Key_P, Qt.Key.Key_U, Qt.Key.Key_K))
        QTest.keyClick(self._target(), key)
        return Qt.Key(key).name

    def _analyse(self) -> str:
        QTest.keyClick(self._target(), Qt.Key.Key_Return)
        return ""

    def _dialog(self) -> str:
        """Answer what is asked, in one of the ways a person has: a button, a choice, a text, Escape."""
        asking = [w for w in self._application.topLevelWidgets() if w.isVisible() and isinstance(w, QDialog)]
        if not asking:
            return "none"
        dialog = self.lots.choice(asking)
        parts = [w for w in dialog.findChildren(QWidget) if w.isVisible() and w.isEnabled()]
        buttons = [w for w in parts if isinstance(w, QPushButton)]
        boxes = [w for w in parts if isinstance(w, QComboBox) and w.count()]
        texts = [w for w in parts if isinstance(w, QLineEdit)]
        what = self.lots.choice(("escape", "button", "button", "box", "text"))
        if what == "box" and boxes:
            box = self.lots.choice(boxes)
            box.setCurrentIndex(self.lots.randrange(box.count()))
        elif what == "text" and texts:
            QTest.keyClicks(self.lots.choice(texts), self.lots.choice(("MK", "a b", "=1", "../x", "é")))
        elif what == "button" and buttons:
            button = self.lots.choice(buttons)
            if "log" not in button.text().lower():
                QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        else:
            QTest.keyClick(dialog, Qt.Key.Key_Escape)
        return f"{type(dialog).__name__} {what}"

    def _resize(self) -> str:
        width, height = self.lots.choice(((640, 480), (1366, 768), (1920, 1080), (900, 1400), (1280, 800)))
        self.review.window.resize(width, height)
        return f"{width} x {height}"

    def _click(self) -> str:
        """Click any button that can be seen."""
        buttons = [b for b in self.review.window.findChildren(QPushButton) if b.isVisible() and b.isEnabled()]
        if not buttons:
            return "none"
        button = self.lots.choice(buttons)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        return button.text() or button.accessibleName()

    def _wait(self) -> str:
        seconds = self.lots.choice((0.3, 1.0, 3.0))
        self._until(lambda: False, seconds)
        return f"{seconds} s"

    def _judge(self) -> str:
        """Open a demo clip with its line, analyse it, and mostly stay until there is an answer, as a reader does."""
        controller, view = self.review.controller, self.review.window.clip_view
        for dialog in self._application.topLevelWidgets():
            if isinstance(dialog, QDialog) and dialog.isVisible():
                dialog.reject()
        controller.open_demo(self.lots.choice(demo_clips()))
        self._until(lambda: is_complete(controller.state) and has_line(controller.state), 5.0)
        view.setFocus()
        QTest.keyClick(view, Qt.Key.Key_Return)
        patience = self.lots.choice((0.1, 1.0, 15.0, 15.0))
        self._until(lambda: controller.state.analysis.prediction is not None, patience)
        return controller.state.analysis.phase.value

    def _until(self, done: Callable[[], bool], longest_s: float) -> None:
        end = time.monotonic() + longest_s
        while time.monotonic() < end and not done():
            self._application.processEvents()
            time.sleep(0.005)

    def _target(self) -> QWidget:
        modal = self._application.activeModalWidget()
        return modal or self._application.focusWidget() or self.review.window

    # --- what must hold ----------------------------------------------------------------------------------------------

    def check(self, took: float, *, thorough: bool) -> None:
        """Check every promise; the store and the screen's words only now and then, for they take longer."""
        self._check_quiet()
        self._check_state()
        threads, children = threading.active_count(), len(children_of(os.getpid()))
        self.figures.most_threads = max(self.figures.most_threads, threads)
        self.figures.most_children = max(self.figures.most_children, children)
        if threads > MOST_THREADS or children > MOST_CHILDREN:
            raise BrokenPromiseError(f"{threads} threads and {children} processes live")
        if took > LONGEST_ACTION_S:
            raise BrokenPromiseError(f"it took {took:.1f} s")
        if thorough:
            if memory_mb() > MOST_MB:
                raise BrokenPromiseError(f"the window holds {memory_mb()} MB")
            self._check_screen()
            self._check_store()

    def _check_quiet(self) -> None:
        said = self._faults + self._log.said + self._messages
        if said:
            raise BrokenPromiseError("it complained: " + said[0])

    def _check_state(self) -> None:
        state = self.review.controller.state
        if state.selected is not None and not 0 <= state.selected < len(state.worklist):
            raise BrokenPromiseError(f"clip {state.selected} of {len(state.worklist)} is selected")
        if state.clip is None:
            return
        self._shown.add(state.clip.path)
        if state.selected is not None and state.worklist[state.selected].path != state.clip.path:
            raise BrokenPromiseError("the clip shown is not the one selected")
        if state.clip.frames_ready and not 0 <= state.playback.frame < state.clip.frames_ready:
            raise BrokenPromiseError(f"frame {state.playback.frame} of {state.clip.frames_ready} is shown")
        said = state.analysis.prediction
        if said is None:
            return
        self._judged.add(state.analysis.request_id)
        if said.clip != state.clip.path.name:
            raise BrokenPromiseError(f"the verdict of {said.clip} stands beside {state.clip.path.name}")
        if said.roi is not None and state.roi is not None and not state.analysis.stale and said.roi != state.roi:
            raise BrokenPromiseError("a verdict of another line is not called stale")

    def _check_screen(self) -> None:
        hidden = self.review.controller.state.verdict_hidden
        for label in self.review.window.findChildren(QLabel):
            if not label.isVisible():
                continue
            text = label.text()
            if any(word.lower() in text.lower() for word in FORBIDDEN_ON_SCREEN):
                raise BrokenPromiseError(f"on screen stands: {text}")
            if hidden and "p(absent)" in text and any(mark.isdigit() for mark in text):
                raise BrokenPromiseError(f"a blind reader sees: {text}")

    def _check_store(self) -> None:
        """Nothing that was written goes."""
        if not self._store.exists():
            return
        with AnnotationStore(self._store) as store:
            rows = len(store.history())
        if rows < self._rows:
            raise BrokenPromiseError(f"the store had {self._rows} statements and has {rows}")
        self._rows = rows

    def _on_message(self, kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        if kind in (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg) and _NO_WINDOW_MANAGER not in message:
            self._messages.append(message)


def _combination(shortcut: str) -> tuple[Qt.Key, Qt.KeyboardModifier]:
    from PySide6.QtGui import QKeySequence

    combined = QKeySequence(shortcut)[0]
    return combined.key(), combined.keyboardModifiers()


def children_of(pid: int) -> list[int]:
    """Return the processes that a process started, where the system tells; Python's own tracker is none of them."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text("ascii").split() if not _is_tracker(child)]
        except OSError:
            continue
    return found


def _is_tracker(pid: str) -> bool:
    try:
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True


def memory_mb() -> int:
    """Return the resident memory of this process, 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
    except (OSError, AttributeError):
        return 0


def write_clips(folder: Path, more: Path | None) -> list[Path]:
    """Write tiny clips and damaged ones beside copies of the demo clips, and link what `more` holds."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (frames, size) in enumerate(((1, (64, 48)), (12, (96, 72)), (200, (320, 240)), (40, (33, 500)))):
        noise = np.random.default_rng(number)
        writer = cv2.VideoWriter(str(folder / f"tiny {number}.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, size)
        for _ in range(frames):
            writer.write(np.repeat(noise.integers(0, 255, (*size[::-1], 1), dtype=np.uint8), 3, axis=2))
        writer.release()
    demo = resources_dir() / "demo"
    for path in (*demo.glob("*.mp4"), *demo.glob("*.dcm")):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "damaged.mp4").write_bytes((folder / "sliding.mp4").read_bytes()[:3000])
    (folder / "empty.avi").write_bytes(b"")
    if more is not None:
        for path in sorted(more.iterdir()):
            if path.suffix.lower() in (".mp4", ".mpeg", ".mov"):
                (folder / path.name).write_bytes(path.read_bytes())
    return sorted(folder.iterdir())


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="an empty folder")
    parser.add_argument("--actions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clips", type=Path, help="a folder of more clips")
    given = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["LSGUI_HOME"] = str(given.work / "home")
    clips = write_clips(given.work / "clips", given.clips)
    save_settings(settings_file(), Settings(rater="MONKEY"))
    application = QApplication(["monkey"])
    store = given.work / "monkey.sqlite"
    review = open_review(session_maker(in_process=False), [given.work / "clips"], store=store)
    review.window.resize(1366, 768)
    review.window.show()
    monkey = Monkey(review, application, clips, store, given.seed)
    figures = monkey.run(given.actions)
    review.window.close()
    if review.window.isVisible():
        review.window.unsaved_question.give_up()
    left = children_of(os.getpid())
    if left and not figures.broken:
        figures.broken = f"after closing {len(left)} processes live; the log is in {log_dir()}"
    sys.stdout.write(json.dumps({name: getattr(figures, name) for name in Figures.__slots__}, indent=1) + "\n")
    return 1 if figures.broken else 0


if __name__ == "__main__":
    sys.exit(main())
