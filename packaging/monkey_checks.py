"""What must hold after each of the monkey's actions: state, screen, store, what was said, threads and memory."""

import json
import logging
import math
import os
import sys
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monkey_world import children_of, memory_mb, open_files, threads_of
from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication, QLabel

from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.store import AnnotationStore
from lsgui.core.errors import LsguiError
from lsgui.core.label import SlidingLabel
from lsgui.core.reading import Statement, StatementKind
from lsgui.gui.app import Review
from lsgui.gui.reading_orders import Said
from lsgui.review.line_of_reader import same_line
from lsgui.review.state import AnalysisPhase, LoadPhase, ReviewState

MOST_THREADS, MOST_CHILDREN, MOST_FILES, MOST_WIDGETS = 60, 8, 400, 90
MOST_MB = 1800
LONGEST_ACTION_S = 25.0
FORBIDDEN_ON_SCREEN = ("pneumothorax", "Traceback")
_NOT_OURS = ("This plugin does not support", "occurs outside target window")
"""What the offscreen platform says of what only a window manager can do, and `QTest` of places that scrolled away."""


class BrokenPromiseError(Exception):
    """Something that must always hold does not."""


class _LoudLog(logging.Handler):
    """Collects what must not happen: warnings and errors of the program's own log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note a record, with the fault that it tells of."""
        if record.getMessage().strip().rpartition("\n")[2].startswith("lsgui.core.errors."):
            return  # a request that the worker refuses with a sentence for the reader
        fault = "" if record.exc_info is None else "".join(traceback.format_exception(*record.exc_info))
        self.said.append(f"{record.levelname} {record.name}: {record.getMessage()} {fault}")


@dataclass(slots=True)
class Figures:
    """The most of everything that a run has seen."""

    verdicts: set[int] = field(default_factory=set)
    clips: set[Path] = field(default_factory=set)
    statements: int = 0
    readings_compared: int = 0
    hidden_verdicts: int = 0
    most_threads: int = 0
    most_children: int = 0
    most_files: int = 0
    most_widgets: int = 0
    most_mb: int = 0


class Promises:
    """Watches a window; `check` raises `BrokenPromiseError` where something does not hold."""

    def __init__(self, review: Review, application: QApplication) -> None:
        self._review, self._application = review, application
        self.figures = Figures()
        self.said = SaidModel(review)
        self._log = _LoudLog()
        logging.getLogger("lsgui").addHandler(self._log)
        self._messages: list[str] = []
        self._former = qInstallMessageHandler(self._on_message)
        self._faults: list[str] = []
        sys.excepthook = self._on_fault

    def close(self) -> None:
        """Look no more."""
        qInstallMessageHandler(self._former)
        logging.getLogger("lsgui").removeHandler(self._log)
        sys.excepthook = sys.__excepthook__

    def check(self, took_s: float, *, undid: bool, silent: bool, thorough: bool) -> None:
        """Check every promise; the store only now and then, for that takes longer. See `SaidModel.observe`."""
        state = self._review.controller.state
        self._check_quiet()
        check_state(state)
        self._count(state)
        self.check_screen()
        self.said.observe(state, undid=undid, silent=silent)
        if took_s > LONGEST_ACTION_S:
            raise BrokenPromiseError(f"it took {took_s:.1f} s")
        self._check_process()
        if thorough:
            self.figures.statements = self.said.check_store()
            self.figures.readings_compared = self.said.compared

    def _count(self, state: ReviewState) -> None:
        if state.clip is not None:
            self.figures.clips.add(state.clip.path)
        if state.analysis.prediction is not None:
            self.figures.verdicts.add(state.analysis.request_id)

    def _check_quiet(self) -> None:
        said = self._faults + self._log.said + self._messages
        if said:
            raise BrokenPromiseError("it complained: " + said[0])

    def _check_process(self) -> None:
        seen, most = self.figures, (MOST_THREADS, MOST_CHILDREN, MOST_FILES, MOST_WIDGETS, MOST_MB)
        now = (
            *(threads_of(), len(children_of(os.getpid())), open_files()),
            *(len(self._application.topLevelWidgets()), memory_mb()),
        )
        names = ("most_threads", "most_children", "most_files", "most_widgets", "most_mb")
        for name, value, limit in zip(names, now, most, strict=True):
            setattr(seen, name, max(getattr(seen, name), value))
            if value > limit:
                kinds = Counter(type(widget).__name__ for widget in self._application.topLevelWidgets())
                raise BrokenPromiseError(f"{name[5:]}: {value}, more than {limit}; of widgets {dict(kinds)}")

    def check_screen(self) -> None:
        """Read what stands on the screen."""
        state = self._review.controller.state
        covered = state.verdict_hidden and state.analysis.prediction is not None
        secrets = _verdict_words(state) if covered else ()
        self.figures.hidden_verdicts += covered
        for label in self._review.window.findChildren(QLabel):
            if not label.isVisible():
                continue
            text = label.text()
            if any(word.lower() in text.lower() for word in FORBIDDEN_ON_SCREEN) and not _is_help(label):
                raise BrokenPromiseError(f"on screen stands: {text}")
        if covered:
            panel = self._review.window.verdict_panel
            told = [panel.accessibleName(), panel.toolTip()]
            told += [label.text() + label.toolTip() for label in panel.findChildren(QLabel) if label.isVisible()]
            ribbon = self._review.window.player_bar.ribbon
            told += [ribbon.words_at(x) for x in range(0, max(ribbon.width(), 1), 60)] if ribbon.isVisible() else []
            shown = next((text for text in told for secret in secrets if secret in text), None)
            if shown is not None:
                raise BrokenPromiseError(f"a blind reader is told: {shown}")

    def _on_message(self, kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
        loud = kind in (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg)
        if loud and not any(words in message for words in _NOT_OURS):
            self._messages.append(message)

    def _on_fault(self, kind: type[BaseException], fault: BaseException, trace: Any) -> None:
        self._faults.append("".join(traceback.format_exception(kind, fault, trace)))


def check_state(state: ReviewState) -> None:
    """Check that the state holds together, and that a verdict is of the clip and the line beside which it stands.

    Raises
    ------
    BrokenPromiseError
        Where it does not.
    """
    rows = len(state.worklist)
    if state.selected is not None and not 0 <= state.selected < rows:
        raise BrokenPromiseError(f"clip {state.selected} of {rows} is selected")
    if len({entry.path for entry in state.worklist}) != rows:
        raise BrokenPromiseError("a clip stands in the worklist twice")
    clip = state.clip
    if clip is None:
        if state.analysis.prediction is not None or state.roi is not None:
            raise BrokenPromiseError("without a clip there is a verdict or a line")
        return
    if state.selected is None or state.worklist[state.selected].path != clip.path:
        raise BrokenPromiseError("the clip shown is not the one selected")
    _check_player(state)
    _check_analysis(state)


def _check_player(state: ReviewState) -> None:
    clip, play = state.clip, state.playback
    if clip is None:
        return
    if clip.frames_ready and not 0 <= play.frame < clip.frames_ready:
        raise BrokenPromiseError(f"frame {play.frame} of {clip.frames_ready} is shown")
    if not 0.09 <= play.speed <= 4.01 or play.direction not in (1, -1):
        raise BrokenPromiseError(f"it plays at {play.speed} in direction {play.direction}")
    if play.mark_a is not None and play.mark_b is not None and play.mark_a > play.mark_b:
        raise BrokenPromiseError(f"A lies at {play.mark_a}, after B at {play.mark_b}")
    if sum(mark.stop is None for mark in state.intervals) > 1:
        raise BrokenPromiseError("two intervals have no end")
    for x, y in () if state.roi is None else state.roi.line_at(play.frame):
        if not (math.isfinite(x) and math.isfinite(y)):
            raise BrokenPromiseError(f"a point of the line lies at {x}, {y}")


def _check_analysis(state: ReviewState) -> None:
    analysis, clip = state.analysis, state.clip
    said = analysis.prediction
    if analysis.phase is AnalysisPhase.RUNNING and (clip is None or clip.phase is not LoadPhase.COMPLETE):
        raise BrokenPromiseError("a clip is analysed that is not decoded")
    if said is None:
        if analysis.phase is AnalysisPhase.DONE:
            raise BrokenPromiseError("an analysis is done and has no verdict")
        return
    if clip is not None and said.clip != clip.path.name:
        raise BrokenPromiseError(f"the verdict of {said.clip} stands beside {clip.path.name}")
    shown, asked = state.roi, analysis.roi
    moved = shown is not None and asked is not None and shown is not asked and not same_line(shown, asked)
    if moved and not analysis.stale:
        raise BrokenPromiseError("a verdict of another line is not called stale")


def _verdict_words(state: ReviewState) -> tuple[str, ...]:
    """Return what would tell a blind reader what the verdict is."""
    said = state.analysis.prediction
    if said is None:
        return ()
    numbers = () if said.p_absent is None else (f"{said.p_absent:.2f}", f"p(absent) {said.p_absent:.1f}")
    return (*(label.wording for label in SlidingLabel), *numbers)


def _is_help(label: QLabel) -> bool:
    """Whether a text stands in a dialog: help and limits name what the program does not say of a clip."""
    return label.window() is not label.window().window() or type(label.window()).__name__ != "MainWindow"


Slot = tuple[Path, str, int, str, bool]
"""Store, rater, sitting, fingerprint of the clip, and whether it is an adjudication."""


class SaidModel:
    """What the reader said, as it could be seen on the screen; the store must hold the same.

    It knows nothing of how statements travel: it reads the label, the signs, the confidence and the comment that stand
    on the screen after every action, and what of them is called saved.
    """

    def __init__(self, review: Review) -> None:
        self._review = review
        self._model: dict[Slot, tuple[Any, ...]] = {}
        self._typed: dict[Slot, str] = {}
        self._on: Slot | None = None
        self._pending: Slot | None = None
        """The clip on screen while it is not known yet what was said of it before."""
        self._hashes: dict[Path, str] = {}
        self._uids: dict[Path, list[str]] = {}
        self._acknowledged: dict[Path, list[str]] = {}
        self.compared = 0
        review.controller.readings.told.connect(self._on_readings_told)

    def observe(self, state: ReviewState, *, undid: bool, silent: bool) -> None:
        """Take in what stands on the screen; what is shown again must be what was said before.

        `undid` and `silent` say of the action before that it may have changed what was said of any clip, and that it
        can have said nothing. What was said without being seen, for the clip was left at once, is not known here.
        """
        slot = self._slot(state)
        if undid:
            self._model.clear()
        if slot != self._on and not silent and self._on is not None:
            self._model.pop(self._on, None)  # something may have been said of it before it was left
        known = state.clip is not None and self._review.controller.readings.looked_up(state.clip.path)
        if slot is None or not known:
            if slot is not None and slot == self._pending and not silent:
                self._model.pop(slot, None)
            self._on, self._pending = None, slot
            return
        shown = _shown(state)
        if slot != self._on and slot in self._model and silent and not self._is_said(slot, shown):
            self._explain(slot, shown)
        self._on, self._pending = slot, None
        self._model[slot] = shown
        self._typed[slot] = self._review.window.label_panel.comment.toPlainText().strip()

    def check_store(self) -> int:
        """Compare the store with what was said; return how many statements it holds."""
        store = self._review.controller.project.store
        if not store.exists():
            return 0
        if self._review.controller.readings.unsaved:
            return len(self._uids.get(store, []))
        with AnnotationStore(store) as opened:
            rows = opened.history()
            standing = opened.standing()
        if self._review.controller.readings.unsaved:
            return len(rows)  # something was said while it was read
        self._check_history(store, rows)
        held = held_by(standing)
        for slot, said in self._model.items():
            if slot[0] == store and slot[1]:
                self.compared += 1
                if not self._is_said(slot, held.get(slot[1:], _NOTHING)):
                    raise BrokenPromiseError(
                        f"of clip {slot[3][:8]} {said} was said by {slot[1]}, the store holds {held.get(slot[1:])}"
                    )
        return len(rows)

    def _check_history(self, store: Path, rows: tuple[Statement, ...]) -> None:
        """Nothing that was written goes, or changes its place; what was called saved is there."""
        uids = [row.uid for row in rows]
        before = self._uids.get(store, [])
        if uids[: len(before)] != before:
            raise BrokenPromiseError(f"the store's history of {len(before)} statements was changed")
        missing = set(self._acknowledged.get(store, [])) - set(uids)
        if missing:
            raise BrokenPromiseError(f"{len(missing)} statements that were called saved are not in the store")
        self._uids[store] = uids

    def _is_said(self, slot: Slot, held: tuple[Any, ...]) -> bool:
        """Whether this was said; a comment that was being typed is saved when its clip is left."""
        said = self._model[slot]
        return held[:3] == said[:3] and held[3] in (said[3], self._typed.get(slot))

    def _explain(self, slot: Slot, shown: tuple[Any, ...]) -> None:
        raise BrokenPromiseError(
            f"of clip {slot[3][:8]} {self._model[slot]} was said, and {shown} is shown when it is opened again"
        )

    def _slot(self, state: ReviewState) -> Slot | None:
        if state.clip is None or not state.rater:
            return None
        if state.adjudication is not None and not state.adjudication.reads:
            return None  # what raters said is not there yet
        path = state.clip.path
        if path not in self._hashes:
            try:
                self._hashes[path] = content_hash(path)
            except LsguiError:
                return None
        store = self._review.controller.project.store
        return store, state.rater, state.sitting, self._hashes[path], state.adjudication is not None

    def _on_readings_told(self, event: object) -> None:
        if isinstance(event, Said):
            store = self._review.controller.project.store
            self._acknowledged.setdefault(store, []).append(event.uid)


_NOTHING: tuple[Any, ...] = (None, (), None, "")


def _shown(state: ReviewState) -> tuple[Any, ...]:
    if state.adjudication is not None:
        label = state.adjudication.answer.label
        return (None if label is None else label.value, (), None, "")
    said = state.reading
    tags = tuple(sorted(tag.value for tag in said.tags))
    return (None if said.label is None else said.label.value, tags, said.confidence, said.comment)


def held_by(standing: tuple[Statement, ...]) -> dict[tuple[str, int, str, bool], tuple[Any, ...]]:
    """Return what a store holds in the form of the model: by rater, sitting, clip and whether it is an adjudication."""
    held: dict[tuple[str, int, str, bool], list[Any]] = {}
    places = {StatementKind.LABEL: 0, StatementKind.TAGS: 1, StatementKind.CONFIDENCE: 2, StatementKind.COMMENT: 3}
    for row in standing:
        settled = row.kind is StatementKind.ADJUDICATION
        place = 0 if settled else places.get(row.kind)
        if place is None:
            continue
        value = row.value["label"] if place == 0 else tuple(row.value) if place == 1 else row.value
        slot = (row.rater, row.sitting, row.content_hash, settled)
        held.setdefault(slot, list(_NOTHING))[place] = value
    return {slot: tuple(values) for slot, values in held.items()}


def as_json(figures: Figures) -> dict[str, Any]:
    """Return the figures for people and programs."""
    found = {name: getattr(figures, name) for name in Figures.__slots__}
    return json.loads(json.dumps(found, default=len))  # type: ignore[no-any-return]  # what was dumped
