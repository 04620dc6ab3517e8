"""One session of the label drill: the real window, offscreen, labelled by key events alone, until it is killed.

Started by label_drill.py: label_drill_session.py FOLDER STORE SCRIPT LOG. It turns to the next unlabelled clip as a
reader does, presses the keys that the script has for it, and writes to the log, flushed to the disk: `press` with what
is about to be said, before the keys, and `ack` once the window shows it as saved.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from lsgui.core.reading import Tag
from lsgui.gui.app import Review, open_review
from lsgui.inference.protocol import InferenceEvent, InferenceRequest, WorkerReady
from lsgui.review.interval_transitions import half_open
from lsgui.review.paths import settings_file
from lsgui.review.settings import Settings, save_settings
from lsgui.review.state import LoadPhase, ReviewState

NONE, SHIFT, CONTROL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
LABELS = {"ls_p": Qt.Key.Key_P, "ls_a": Qt.Key.Key_A, "cannot_assess": Qt.Key.Key_U, "lung_point": Qt.Key.Key_K}
TAGS = {"a_lines": Qt.Key.Key_A, "b_lines": Qt.Key.Key_B, "lung_pulse": Qt.Key.Key_P}
CONFIDENCE = {1: Qt.Key.Key_D, 2: Qt.Key.Key_E, 3: Qt.Key.Key_S}
PATIENCE_S = 60.0
RATER = "DRILL"


class NoWorker:
    """An `InferenceSession` that has nothing to do: labelling needs no verdict."""

    def start(self) -> None:
        """Be ready."""
        self._told = False
        self._woken = threading.Event()

    def submit(self, request: InferenceRequest) -> None:
        """Refuse: nothing is analysed here."""
        raise AssertionError("nothing is analysed here")

    def cancel(self, request_id: int) -> None:
        """Nothing runs."""

    def poll(self, timeout_s: float | None) -> InferenceEvent | None:
        """Tell once that the worker is ready."""
        if not self._told:
            self._told = True
            return WorkerReady("cpu", "CPU", "", "")
        self._woken.wait(timeout_s)
        self._woken.clear()
        return None

    def wake(self) -> None:
        """Let a waiting `poll` return."""
        self._woken.set()

    def close(self) -> None:
        """Nothing is open."""


class Typist:
    """Presses keys in a window, and looks at what it shows."""

    def __init__(self, application: QApplication, review: Review, log: Path) -> None:
        self._application = application
        self.review = review
        self._log = log.open("a", encoding="utf-8")

    @property
    def state(self) -> ReviewState:
        """What the window shows."""
        return self.review.controller.state

    def note(self, what: str, **facts: Any) -> None:
        """Write a line to the log; it is on the disk when this returns."""
        self._log.write(json.dumps({"what": what, **facts}) + "\n")
        self._log.flush()
        os.fsync(self._log.fileno())

    def until(self, done: Callable[[], bool], what: str) -> None:
        """Wait for something that takes a moment."""
        end = time.monotonic() + PATIENCE_S
        while not done():
            if time.monotonic() > end:
                raise SystemExit(f"waited in vain for {what}: {self.state.notice} {self.state.unsaved}")
            self._application.processEvents()
            time.sleep(0.002)

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
        """Press a key where the keyboard is."""
        QTest.keyClick(self._application.focusWidget() or self.review.window, key, modifier)

    def write(self, text: str) -> None:
        """Type."""
        QTest.keyClicks(self._application.focusWidget(), text)

    def shown_as_saved(self, part: str) -> bool:
        """Look where the reader looks: at the words under the buttons, in which a label alone is not named."""
        saved, waiting, fault = self.review.window.label_panel.saved_words.lines()
        if part == "label":
            return saved.startswith("✓") and ("label" in saved or "·" not in saved) and not (waiting or fault)
        return part in saved and part not in waiting and part not in fault

    def say(self, part: str, value: Any, keys: Callable[[], None]) -> None:
        """Say something by keys, and wait until it is shown as saved."""
        clip = self.state.clip.path.name if self.state.clip is not None else ""
        self.note("press", clip=clip, part=part, value=value)
        keys()
        self.until(lambda: self.shown_as_saved(part), f"{part} of {clip} to be saved")
        self.note("ack", clip=clip, part=part, value=value)

    def clip_is_ready(self) -> bool:
        """The clip is decoded, and what was said of it before is shown."""
        clip = self.state.clip
        if clip is None or clip.phase is not LoadPhase.COMPLETE:
            return False
        return self.review.controller.readings.looked_up(clip.path)


def label_clip(typist: Typist, wanted: dict[str, Any]) -> None:
    """Say what the script has for one clip and is not said yet; the label comes last: the clip then counts as read."""
    press, reading = typist.press, typist.state.reading
    if wanted["interval"] is not None:
        mark_interval(typist, *wanted["interval"])
    for tag in sorted({Tag(tag) for tag in wanted["tags"]} ^ reading.tags):
        after = sorted(typist.state.reading.tags ^ {tag})
        typist.say("signs", after or None, partial(press, TAGS[tag], SHIFT))
    if wanted["confidence"] not in (None, reading.confidence):
        typist.say("confidence", wanted["confidence"], lambda: press(CONFIDENCE[wanted["confidence"]]))
    if wanted["comment"] != reading.comment:
        typist.say("comment", wanted["comment"], lambda: write_comment(typist, wanted["comment"]))
    if wanted["slip"] is not None:
        typist.say("label", wanted["slip"], lambda: press(LABELS[wanted["slip"]]))
        typist.say("label", None, lambda: press(Qt.Key.Key_Z, CONTROL))
    typist.say("label", wanted["label"], lambda: press(LABELS[wanted["label"]]))


def mark_interval(typist: Typist, start: int, stop: int) -> None:
    """Mark an interval by I at its first frame and at its last one; one that was half marked is ended."""
    if any(mark.stop is not None for mark in typist.state.intervals):
        return
    if half_open(typist.state) is None:
        go_to(typist, start)
        typist.say("intervals", [start, None], lambda: typist.press(Qt.Key.Key_I))
    go_to(typist, stop - 1)
    typist.say("intervals", [start, stop], lambda: typist.press(Qt.Key.Key_I))


def go_to(typist: Typist, frame: int) -> None:
    """Step to a frame by keys."""
    typist.press(Qt.Key.Key_Home)
    for _ in range(frame):
        typist.press(Qt.Key.Key_Right)


def write_comment(typist: Typist, text: str) -> None:
    """Write a comment in the place of the one that stands."""
    typist.press(Qt.Key.Key_W)
    typist.press(Qt.Key.Key_A, CONTROL)
    if text:
        typist.write(text)
    else:
        typist.press(Qt.Key.Key_Delete)
    typist.press(Qt.Key.Key_Escape)


def run(folder: Path, store: Path, script: dict[str, dict[str, Any]], log: Path) -> None:
    """Label until every clip has a label, as shown in the worklist."""
    application = QApplication(["label drill"])
    save_settings(settings_file(), Settings(rater=RATER, suggest_on_open=False, play_on_open=False))
    review = open_review(NoWorker, [folder], store=store)
    review.window.resize(1200, 760)
    review.window.show()
    typist = Typist(application, review, log)
    acknowledged = {clip for clip, part in acks(log) if part == "label"}
    typist.until(lambda: not typist.state.scanning and len(typist.state.worklist) == len(script), "the worklist")
    typist.until(typist.clip_is_ready, "the first clip")
    # labels that were acknowledged stand in the worklist again; one whose slip was being taken back need not
    typist.until(lambda: len(acknowledged - labelled(typist.state)) <= 1, "the labels of former sessions")
    typist.note("started", labelled=len(labelled(typist.state)))
    while len(labelled(typist.state)) < len(script):
        if typist.state.clip is not None and typist.state.clip.path.name in labelled(typist.state):
            before = typist.state.selected
            typist.press(Qt.Key.Key_N)
            typist.until(lambda: typist.state.selected != before, "the next clip")  # noqa: B023 - called at once
            typist.until(typist.clip_is_ready, "the next clip to be shown")
        if typist.state.clip is not None:
            label_clip(typist, script[typist.state.clip.path.name])
    typist.note("finished")
    review.window.close()


def labelled(state: ReviewState) -> set[str]:
    """Return the clips that have a label in the worklist."""
    return {entry.title for entry in state.worklist if entry.label is not None}


def acks(log: Path) -> list[tuple[str, str]]:
    """Return clip and part of everything that was acknowledged so far."""
    if not log.exists():
        return []
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    return [(row["clip"], row["part"]) for row in rows if row["what"] == "ack"]


if __name__ == "__main__":
    given = sys.argv[1:]
    run(Path(given[0]), Path(given[1]), json.loads(Path(given[2]).read_text(encoding="utf-8")), Path(given[3]))
