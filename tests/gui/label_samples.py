"""What the tests of labelling share: a clip that is ready, keys, and what the store holds."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from window_samples import is_complete, open_clip_in, press, until

from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.store import AnnotationStore
from lsgui.core.label import ReaderLabel
from lsgui.core.reading import ReadingRecord, Statement, StatementKind
from lsgui.review.paths import labels_file

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
Key = Qt.Key


def ready(review: Any, qtbot: Any, path: Path) -> None:
    """Wait until a clip is decoded and what was said of it before is shown."""
    controller = review.controller
    until(qtbot, lambda: is_complete(review) and controller.state.clip.path == path.absolute())
    until(qtbot, lambda: controller.readings.looked_up(path.absolute()))


def open_ready(review: Any, qtbot: Any, *clips: Path) -> None:
    open_clip_in(review, qtbot, *clips)
    review.controller.lines.set_line(None)
    ready(review, qtbot, clips[0])


def turn_to(review: Any, qtbot: Any, clips: list[Path], index: int) -> None:
    review.controller.clips.select(index)
    ready(review, qtbot, clips[index])


def settled(review: Any, qtbot: Any) -> None:
    """Wait until everything that was said is on disk, and the window shows it."""
    until(qtbot, lambda: review.controller.readings.unsaved == 0 and not saved_lines(review)[1])


def saved_lines(review: Any) -> tuple[str, ...]:
    return review.window.label_panel.saved_words.lines()


def type_in(review: Any, qtbot: Any, widget: Any, text: str) -> None:
    qtbot.waitUntil(widget.hasFocus, timeout=10_000)
    QTest.keyClicks(widget, text)


def history(kind: StatementKind | None = None, store: Path | None = None) -> list[Statement]:
    with AnnotationStore(store or labels_file()) as opened:
        return [row for row in opened.history() if kind is None or row.kind is kind]


def records(clip: Path, store: Path | None = None) -> tuple[ReadingRecord, ...]:
    with AnnotationStore(store or labels_file()) as opened:
        return opened.records(content_hash(clip))


def say_in_store(clip: Path, rater: str, label: ReaderLabel, store: Path | None = None, **more: Any) -> None:
    """Let another program say something of a clip."""
    with AnnotationStore(store or labels_file()) as opened:
        value = {"label": label.value}
        opened.say(content_hash(clip), clip.name, rater, StatementKind.LABEL, value, **more)


def keyboard(review: Any, key: Qt.Key, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key where the keyboard is."""
    QTest.keyClick(QApplication.focusWidget() or review.window, key, modifier)


__all__ = [
    "CTRL", "SHIFT", "Key", "history", "keyboard", "open_ready", "press", "ready", "records", "saved_lines",
    "say_in_store", "settled", "turn_to", "type_in", "until",
]  # fmt: skip
