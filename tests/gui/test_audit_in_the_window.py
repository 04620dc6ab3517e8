"""The window enters every verdict that is shown, and every label that contradicts one, in the audit log."""

from pathlib import Path
from typing import Any

import pytest
from evidence_samples import prediction
from label_samples import CTRL, SHIFT, Key, open_ready, ready, turn_to, type_in
from PySide6.QtTest import QTest
from window_samples import draw, press, until

from lsgui.annotation.audit_log import AuditLog
from lsgui.annotation.content_hash import content_hash
from lsgui.cli.main import run
from lsgui.core.label import SlidingLabel
from lsgui.review.paths import audit_file
from lsgui.review.state import AnalysisPhase


def _entries() -> list[tuple[str, dict[str, Any]]]:
    if not audit_file().exists() or not audit_file().stat().st_size:  # it may just be made
        return []
    with AuditLog(audit_file(), reading=True) as log:
        assert log.verify().faults == ()
        return [(entry.kind, dict(entry.facts)) for entry in log.entries()]


def _entered(qtbot: Any, count: int) -> list[tuple[str, dict[str, Any]]]:
    until(qtbot, lambda: len(_entries()) >= count)
    entries = _entries()
    assert len(entries) == count, entries
    return entries


def _analysed(review: Any, qtbot: Any, session: Any, label: SlidingLabel = SlidingLabel.LS_P) -> None:
    before = len(session.requests)
    draw(review)
    press(review, Key.Key_Return)
    until(qtbot, lambda: len(session.requests) == before + 1)
    session.finish(verdict=prediction(label))
    until(qtbot, lambda: review.controller.state.analysis.phase is AnalysisPhase.DONE)


def test_a_verdict_is_entered_once_with_all_that_it_rests_on(review, qtbot, clips, told_session):
    open_ready(review, qtbot, *clips)
    _analysed(review, qtbot, told_session)
    ((kind, facts),) = _entered(qtbot, 1)
    assert kind == "verdict"
    assert facts["clip"] == content_hash(clips[0])
    assert (facts["by"], facts["label"], facts["p_absent"], facts["threshold"]) == ("window", "ls_p", 0.1, 0.4)
    assert facts["model"] == {"id": "cmwru-strip", "version": "1.2", "sha256": "a" * 64}
    turn_to(review, qtbot, clips, 1)
    turn_to(review, qtbot, clips, 0)
    assert review.controller.state.analysis.prediction is not None
    _analysed(review, qtbot, told_session)
    assert [facts["clip"] for _, facts in _entered(qtbot, 2)] == [content_hash(clips[0])] * 2


def test_an_override_its_reason_and_its_undoing_are_entered(review, qtbot, clips, told_session):
    open_ready(review, qtbot, *clips)
    _analysed(review, qtbot, told_session)
    press(review, Key.Key_A)
    until(qtbot, lambda: review.controller.state.override is not None)
    press(review, Key.Key_2, CTRL)
    until(qtbot, lambda: review.controller.state.override is None)
    press(review, Key.Key_Z, CTRL)
    press(review, Key.Key_Z, CTRL | SHIFT)
    press(review, Key.Key_P)
    entries = _entered(qtbot, 6)
    assert [kind for kind, _ in entries] == ["verdict", *["override"] * 5]
    said = [(facts["label"], facts["reason"]) for _, facts in entries[1:]]
    assert said == [("ls_a", None), ("ls_a", "motion is pulse or probe"), (None, None), ("ls_a", None), ("ls_p", None)]
    for _, facts in entries[1:]:
        assert (facts["rater"], facts["sitting"], facts["before_verdict"]) == ("R1", 1, False)
        assert facts["clip"] == content_hash(clips[0])
        assert facts["verdict"]["label"] == "ls_p"
        assert facts["verdict"]["model"]["sha256"] == "a" * 64


def test_a_reason_in_own_words_is_not_entered_for_it_may_name_somebody(review, qtbot, clips, told_session):
    open_ready(review, qtbot, *clips)
    _analysed(review, qtbot, told_session)
    press(review, Key.Key_A)
    until(qtbot, lambda: review.controller.state.override is not None)
    press(review, Key.Key_4, CTRL)
    type_in(review, qtbot, review.window.override_strip.other, "Mrs Marquardt holds her breath")
    QTest.keyClick(review.window.override_strip.other, Key.Key_Return)
    assert _entered(qtbot, 3)[2][1]["reason"] == "in the reader's own words"
    assert b"Marquardt" not in audit_file().read_bytes()


def test_agreement_and_cannot_assess_are_no_overrides(review, qtbot, clips, told_session):
    open_ready(review, qtbot, *clips)
    _analysed(review, qtbot, told_session)
    for key in (Key.Key_P, Key.Key_U):
        press(review, key)
        until(qtbot, lambda: review.controller.state.reading.saved_at != "")
    turn_to(review, qtbot, clips, 1)
    _analysed(review, qtbot, told_session)
    assert [kind for kind, _ in _entered(qtbot, 2)] == ["verdict", "verdict"]


def test_a_covered_verdict_is_entered_when_it_is_uncovered_and_the_blind_label_against_it(
    review, qtbot, clips, told_session
):
    review.controller.project.toggle_blind()
    open_ready(review, qtbot, *clips)
    _analysed(review, qtbot, told_session)
    qtbot.wait(200)
    assert _entries() == [], "nobody has seen it"
    press(review, Key.Key_A)
    (verdict, against) = _entered(qtbot, 2)
    assert verdict[0] == "verdict"
    assert (against[0], against[1]["label"], against[1]["before_verdict"]) == ("override", "ls_a", True)


def test_a_label_given_before_the_analysis_that_contradicts_it_is_entered(review, qtbot, clips, told_session):
    open_ready(review, qtbot, *clips)
    press(review, Key.Key_P)
    until(qtbot, lambda: review.controller.state.reading.saved_at != "")
    _analysed(review, qtbot, told_session, SlidingLabel.LS_A)
    entries = _entered(qtbot, 2)
    assert (entries[1][0], entries[1][1]["label"], entries[1][1]["before_verdict"]) == ("override", "ls_p", True)


def test_a_verdict_on_a_former_line_contradicts_nothing(review, qtbot, clips, told_session):
    open_ready(review, qtbot, *clips)
    _analysed(review, qtbot, told_session)
    draw(review, 70.0)
    assert review.controller.state.analysis.stale
    press(review, Key.Key_A)
    until(qtbot, lambda: review.controller.state.reading.saved_at != "")
    _entered(qtbot, 1)


def test_what_was_said_last_is_entered_before_the_window_closes(review, qtbot, clips, told_session):
    open_ready(review, qtbot, *clips)
    _analysed(review, qtbot, told_session)
    press(review, Key.Key_A)
    review.window.close()
    assert [kind for kind, _ in _entries()] == ["verdict", "override"]


def test_a_log_that_cannot_be_written_is_said_once_and_caught_up_with(
    review, qtbot, clips, told_session, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("lsgui.gui.audit_thread._PAUSE_S", 0.1)
    audit_file().write_bytes(b"SQLite format 3\x00" + b"\x07" * 4000)
    open_ready(review, qtbot, *clips)
    _analysed(review, qtbot, told_session)
    until(qtbot, lambda: review.controller.state.notice != "")
    assert review.controller.state.notice == (
        "Not in the audit log yet; it is tried again. "
        "audit.sqlite: the audit log is damaged and was left as it is: put a backup copy in its place."
    )
    assert review.controller.state.analysis.prediction is not None
    review.controller.tell("")
    turn_to(review, qtbot, clips, 1)
    _analysed(review, qtbot, told_session)
    qtbot.wait(300)
    assert review.controller.state.notice == ""
    audit_file().unlink()
    until(qtbot, lambda: len(_entries()) == 2)


def test_a_clip_that_is_gone_meanwhile_is_entered_all_the_same(review, qtbot, clips, told_session, monkeypatch):
    open_ready(review, qtbot, *clips)
    review.controller.audit._hashes.clear()
    clips[0].unlink()
    _analysed(review, qtbot, told_session)
    assert _entered(qtbot, 1)[0][1]["clip"] is None


def test_a_window_and_predict_write_one_chain(
    review, qtbot, clips, told_session, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    open_ready(review, qtbot, *clips)
    _analysed(review, qtbot, told_session)
    assert run(["predict", str(clips[1]), "--model", "motion", "--json", "-"]) == 0
    ready(review, qtbot, clips[0])
    press(review, Key.Key_A)
    assert [facts["by"] for _, facts in _entered(qtbot, 3)] == ["window", "predict", "window"]
    capsys.readouterr()
    assert run(["audit", "verify"]) == 0
    assert "whole: 3 entries" in capsys.readouterr().out
