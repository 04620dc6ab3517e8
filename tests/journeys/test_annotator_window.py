"""The annotators' journey: two raters read the same clips blind by keys alone, a third settles their disagreement."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from lsgui.annotation.store import AnnotationStore
from lsgui.core.label import ReaderLabel
from lsgui.core.reading import StatementKind, Tag
from lsgui.gui.app import Review, open_review
from lsgui.review import adjudication as ad
from lsgui.review.paths import settings_file
from lsgui.review.settings import Settings, save_settings
from lsgui.review.state import LoadPhase

PATIENCE_MS = 60_000
NONE, CTRL, SHIFT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)
KEYS = {
    ReaderLabel.LS_P: Qt.Key.Key_P,
    ReaderLabel.LS_A: Qt.Key.Key_A,
    ReaderLabel.CANNOT_ASSESS: Qt.Key.Key_U,
    ReaderLabel.LUNG_POINT: Qt.Key.Key_K,
}


@pytest.fixture
def samples(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the tests of the window share: clips, and a worker that has nothing to do."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "gui"))
    return importlib.import_module("window_samples")


@pytest.fixture
def clips(tmp_path: Path, samples: Any) -> list[Path]:
    """Four short clips in a folder."""

    folder = tmp_path / "clips"
    folder.mkdir()
    return [samples.write_clip(folder / f"clip {number}.avi", frames=24 + number) for number in range(4)]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "study.sqlite"


@pytest.fixture
def review(qtbot: Any, home: Path, store: Path, samples: Any) -> Iterator[Review]:
    save_settings(settings_file(), Settings(model_id="motion", blind=True, suggest_on_open=False, play_on_open=False))
    opened = open_review(samples.ToldSession, store=store)
    opened.window.resize(1366, 768)
    with qtbot.waitExposed(opened.window):
        opened.window.show()
    yield opened
    opened.window.close()
    opened.window.deleteLater()
    opened.controller.deleteLater()


class Annotator:
    """Somebody who has nothing but a keyboard."""

    def __init__(self, review: Review, qtbot: Any) -> None:
        self.review = review
        self._qtbot = qtbot

    @property
    def state(self) -> Any:
        return self.review.controller.state

    def until(self, done: Any) -> None:
        self._qtbot.waitUntil(done, timeout=PATIENCE_MS)

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
        QTest.keyClick(QApplication.focusWidget() or self.review.window, key, modifier)

    def type(self, text: str) -> None:
        QTest.keyClicks(QApplication.focusWidget(), text)

    def ready(self) -> None:
        controller = self.review.controller
        self.until(lambda: self.state.clip is not None and self.state.clip.phase is LoadPhase.COMPLETE)
        self.until(lambda: controller.readings.looked_up(self.state.clip.path))

    def saved(self) -> None:
        lines = self.review.window.label_panel.saved_words.lines
        self.until(lambda: self.review.controller.readings.unsaved == 0 and not lines()[1] and not lines()[2])

    def next_clip(self) -> None:
        before = self.state.selected
        self.press(Qt.Key.Key_N)
        self.until(lambda: self.state.selected != before)
        self.ready()

    def read_all(self, labels: list[ReaderLabel]) -> None:
        """Label every clip and go to the next with N."""
        for number, label in enumerate(labels):
            if number:
                self.next_clip()
            self.press(KEYS[label])
            self.saved()

    def sit_down(self, name: str) -> None:
        """Another person: Ctrl+U, a name, Enter."""
        self.press(Qt.Key.Key_U, CTRL)
        self.until(self.review.window.rater_strip.name.hasFocus)
        self.type(name)
        self.press(Qt.Key.Key_Return)
        self.until(lambda: self.state.rater == name)
        self.ready()


def test_two_raters_by_keys_alone_a_second_pass_and_a_third_who_settles(review, qtbot, clips, store):
    one = Annotator(review, qtbot)
    review.controller.open_paths([clips[0].parent])
    one.until(lambda: len(one.state.worklist) == 4 and not one.state.scanning)
    one.ready()
    _reads_first(one, review)
    _reads_second_and_again(one)
    _settles(one)
    with AnnotationStore(store) as opened:
        _check_readings(opened)
        _check_passes(opened)


P, A, U, K = ReaderLabel.LS_P, ReaderLabel.LS_A, ReaderLabel.CANNOT_ASSESS, ReaderLabel.LUNG_POINT


def _reads_first(one: "Annotator", review) -> None:
    """Asked for a name once, then labels, signs, an interval, and a slip that is taken back two clips later."""
    _describes_the_opening(one, review)
    one.next_clip()
    one.press(Qt.Key.Key_A)
    one.press(Qt.Key.Key_A, SHIFT)  # a slip: no A-lines there
    one.saved()
    one.next_clip()
    one.press(Qt.Key.Key_Z, CTRL)
    one.until(lambda: one.state.selected == 1)
    one.ready()
    one.saved()
    assert one.state.reading.tags == frozenset()
    one.next_clip()
    for label in (U, K):
        one.press(KEYS[label])
        one.saved()
        if label is U:
            one.next_clip()
    assert [entry.label for entry in one.state.worklist] == [P, A, U, K]


def _describes_the_opening(one: "Annotator", review) -> None:
    one.press(Qt.Key.Key_P)
    one.until(review.window.rater_strip.name.hasFocus)
    one.type("AK")
    one.press(Qt.Key.Key_Return)
    one.saved()
    one.press(Qt.Key.Key_B, SHIFT)
    one.press(Qt.Key.Key_S)
    one.press(Qt.Key.Key_Home)
    for _ in range(3):
        one.press(Qt.Key.Key_Right)
    one.press(Qt.Key.Key_I)
    for _ in range(5):
        one.press(Qt.Key.Key_Right)
    one.press(Qt.Key.Key_I)
    one.press(Qt.Key.Key_W)
    one.type("second rib space")
    one.press(Qt.Key.Key_Escape)
    one.saved()


def _reads_second_and_again(one: "Annotator") -> None:
    """Sees nothing of the first rater's, disagrees on one clip, and reads all again in a second pass."""
    one.sit_down("MB")
    assert [entry.label for entry in one.state.worklist] == [None] * 4
    one.press(Qt.Key.Key_Home, CTRL)
    one.until(lambda: one.state.selected == 0)
    one.ready()
    assert (one.state.reading.label, one.state.reading.comment, one.state.intervals) == (None, "", ())
    one.read_all([P, P, U, K])
    one.press(Qt.Key.Key_D, CTRL)
    one.until(lambda: one.state.sitting == 2)
    one.ready()
    while True:
        one.press(KEYS[A if one.state.selected == 0 else K])
        one.saved()
        if all(entry.label for entry in one.state.worklist):
            break
        one.next_clip()
    one.press(Qt.Key.Key_D, CTRL)
    one.until(lambda: one.state.sitting == 1)


def _settles(one: "Annotator") -> None:
    """Both readings side by side, one key."""
    one.sit_down("CHIEF")
    one.until(lambda: ad.disputes(one.state.worklist) == (1, 1))
    one.press(Qt.Key.Key_J, CTRL)
    one.until(lambda: one.state.selected == 1 and one.state.adjudication.reads != ())
    assert [(read.rater, read.label) for read in one.state.adjudication.reads] == [("AK", A), ("MB", P)]
    one.press(Qt.Key.Key_A)
    one.saved()
    one.until(lambda: one.state.adjudication.left == 0)


def _check_readings(store: AnnotationStore) -> None:
    first = {(r.rater, r.file_name): r for r in store.records() if r.sitting == 1 and not r.adjudicated}
    assert [first["AK", f"clip {n}.avi"].label for n in range(4)] == [P, A, U, K]
    assert [first["MB", f"clip {n}.avi"].label for n in range(4)] == [P, P, U, K]
    opening = first["AK", "clip 0.avi"]
    assert (opening.tags, opening.confidence, opening.comment) == ({Tag.B_LINES}, 3, "second rib space")
    assert [(mark.start, mark.stop, mark.label) for mark in opening.intervals] == [(3, 9, P)]
    assert all(record.blind for record in first.values())


def _check_passes(store: AnnotationStore) -> None:
    records, said = store.records(), store.history()
    again = {r.file_name: r.label for r in records if r.sitting == 2}
    assert again == {"clip 0.avi": A, "clip 1.avi": K, "clip 2.avi": K, "clip 3.avi": K}
    (settled,) = [r for r in records if r.adjudicated]
    assert (settled.rater, settled.file_name, settled.label, settled.adjudicates) == (
        *("CHIEF", "clip 1.avi", A),
        ("AK", "MB"),
    )
    assert [row.value for row in said if row.kind is StatementKind.TAGS and row.file_name == "clip 1.avi"] == [
        ["a_lines"],
        None,
    ]
