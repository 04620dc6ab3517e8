"""The controller's audit log: every verdict as it is shown, and every label that contradicts one."""

from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtCore import QObject

from lsgui.annotation.audit_facts import override_facts, verdict_facts
from lsgui.core.label import ReaderLabel
from lsgui.core.prediction import Prediction
from lsgui.core.reading import StatementKind
from lsgui.gui.audit_thread import AuditOrder, AuditThread
from lsgui.gui.controller_lines import LinesPart
from lsgui.gui.controller_readings import ReadingsPart
from lsgui.gui.reading_orders import Say
from lsgui.gui.state_keeper import StateKeeper
from lsgui.gui.survey_thread import ClipKnown
from lsgui.review import transitions as to
from lsgui.review.override_transitions import REASONS, opposite
from lsgui.review.paths import audit_file
from lsgui.review.reading_transitions import label_of
from lsgui.review.state import AnalysisPhase, ReviewState

_MOST_SHOWN = 64
"""Of so many clips the verdict that was shown is remembered: more than stay at hand when they are left."""


class _Whose(NamedTuple):
    """Whose label of which clip: an adjudication is one of its own."""

    path: Path
    rater: str
    sitting: int
    kind: StatementKind


class AuditPart(QObject):
    """Sees what is shown and said, and has it entered. A verdict counts as shown once no cover hides it."""

    def __init__(self, keeper: StateKeeper, lines: LinesPart, readings: ReadingsPart) -> None:
        super().__init__(keeper)
        self._keeper = keeper
        self._thread = AuditThread(audit_file, self)
        self._thread.told.connect(self._on_thread_told)
        self._shown: OrderedDict[Path, Prediction] = OrderedDict()
        """The verdict that was last shown of a clip, on its line as it stands."""
        self._hashes: OrderedDict[Path, str] = OrderedDict()
        self._against: dict[_Whose, Prediction] = {}
        """The labels that stand against a verdict now."""
        lines.clipKnown.connect(self._on_lines_clipKnown)
        readings.saying.connect(self._on_readings_saying)
        keeper.stateChanged.connect(self._on_keeper_stateChanged)

    def close(self) -> None:
        """Enter what waits, then end the thread."""
        self._thread.close()

    def _on_lines_clipKnown(self, event: ClipKnown) -> None:
        _put(self._hashes, event.path, event.content_hash)

    def _on_keeper_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        if (old.rater and old.rater != new.rater) or old.sitting != new.sitting:
            self._shown.clear()  # what another reader saw, this one has not seen
        clip, analysis = new.clip, new.analysis
        if clip is None or (old.analysis is analysis and old.verdict_hidden == new.verdict_hidden):
            return
        if analysis.stale:
            self._shown.pop(clip.path, None)
            return
        verdict = analysis.prediction
        if verdict is None or analysis.phase is not AnalysisPhase.DONE or new.verdict_hidden:
            return
        if self._shown.get(clip.path) is not verdict:
            _put(self._shown, clip.path, verdict)
            self._enter_verdict(clip.path, verdict, new)

    def _enter_verdict(self, path: Path, verdict: Prediction, state: ReviewState) -> None:
        now = datetime.now(UTC)
        content = self._hashes.get(path)
        facts = verdict_facts("", verdict, "window")
        self._thread.submit(AuditOrder("verdict", facts, path, content, now))
        reading, kind = state.reading, StatementKind.LABEL
        if state.adjudication is not None:
            reading, kind = state.adjudication.answer, StatementKind.ADJUDICATION
        if state.rater and reading.label is not None and verdict.label is opposite(reading.label):
            whose = _Whose(path, state.rater, state.sitting, kind)
            self._enter_override(whose, verdict, reading.label, now, before_verdict=True)

    def _on_readings_saying(self, say: Say) -> None:
        """Enter a label that contradicts the verdict on its clip, the reason for it, and that it is withdrawn."""
        if say.kind in (StatementKind.LABEL, StatementKind.ADJUDICATION):
            whose = _Whose(say.path, say.rater, say.sitting, say.kind)
            label, shown = label_of(say.value), self._shown.get(say.path)
            if label is not None and shown is not None and shown.label is opposite(label):
                self._enter_override(whose, shown, label, say.when)
            elif whose in self._against:
                self._enter_override(whose, self._against.pop(whose), label, say.when)
        elif say.kind is StatementKind.OVERRIDE and say.value is not None:
            whose = _Whose(say.path, say.rater, say.sitting, StatementKind.LABEL)
            stands = self._against.get(whose)
            if stands is not None:
                given = str(say.value.get("reason", ""))
                reason = given if given in REASONS else "in the reader's own words"
                self._enter_override(whose, stands, _contrary(stands), say.when, reason=reason)

    def _enter_override(
        self,
        whose: _Whose,
        verdict: Prediction,
        label: ReaderLabel | None,
        when: datetime,
        *,
        before_verdict: bool = False,
        reason: str = "",
    ) -> None:
        if label is not None and verdict.label is opposite(label):
            self._against[whose] = verdict
        facts = override_facts(
            *("", verdict),
            rater=whose.rater,
            sitting=whose.sitting,
            label=label,
            before_verdict=before_verdict,
            reason=reason,
        )
        self._thread.submit(AuditOrder("override", facts, whose.path, self._hashes.get(whose.path), when))

    def _on_thread_told(self, fault: str) -> None:
        if fault:
            sentence = f"Not in the audit log yet; it is tried again. {fault}"
            self._keeper.change(lambda s: to.notice_set(s, sentence))


def _contrary(verdict: Prediction) -> ReaderLabel | None:
    return next((label for label in ReaderLabel if verdict.label is opposite(label)), None)


def _put(held: OrderedDict[Path, Any], path: Path, value: Prediction | str) -> None:
    held[path] = value
    held.move_to_end(path)
    while len(held) > _MOST_SHOWN:
        held.popitem(last=False)
