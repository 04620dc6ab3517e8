"""Maps on demand in the real window: the verdict stays, the newest wish wins, none lands where it should not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from evidence_samples import motion_map, pixels, prediction
from PySide6.QtCore import Qt
from window_samples import draw, open_clip_in, press, until

from lsgui.core.prediction import ModelRef
from lsgui.inference.protocol import FlowChoice
from lsgui.review.settings import Settings
from lsgui.review.state import AnalysisPhase

RAFT = replace(motion_map("flow", 0.2), note="RAFT, step 2 frames (0.10 s)")
FOCUS = replace(motion_map("focus", -0.8), low=-1.0, high=1.0, above_px=12.0)


@pytest.fixture
def judged(review: Any, told_session: Any, qtbot: Any, clips: list[Any]) -> Any:
    """The window with a verdict of a network and its flow by DIS on screen."""
    open_clip_in(review, qtbot, *clips)
    draw(review)
    analyse(review, told_session, qtbot)
    return review


def analyse(review: Any, session: Any, qtbot: Any) -> None:
    asked = len(session.requests)
    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: len(session.requests) > asked)
    number = session.requests[-1].id
    session.events.put(_map_event(number))
    session.finish()
    until(qtbot, lambda: state(review).analysis.phase is AnalysisPhase.DONE)


def _map_event(number: int) -> Any:
    from lsgui.inference.protocol import MotionReady

    return MotionReady(number, motion_map("flow"))


def state(review: Any) -> Any:
    return review.controller.state


def asked(session: Any, qtbot: Any, count: int) -> Any:
    until(qtbot, lambda: len(session.requests) == count)
    return session.requests[-1]


def test_flow_by_raft_is_made_beside_the_verdict_and_then_takes_the_place_of_dis(
    judged: Any, told_session: Any, qtbot: Any
) -> None:
    verdict, former = state(judged).analysis.prediction, state(judged).analysis.maps["flow"]
    press(judged, Qt.Key.Key_F5)
    request = asked(told_session, qtbot, 2)
    assert (request.wanted, request.flow) == ("flow", FlowChoice("raft"))
    assert state(judged).overlays["flow"].shown
    assert judged.controller.settings.flow_method == "raft"
    told_session.tell(0.4)
    until(qtbot, lambda: state(judged).analysis.map_work.fraction == 0.4)
    assert state(judged).analysis.phase is AnalysisPhase.DONE
    assert state(judged).analysis.prediction is verdict
    assert state(judged).analysis.maps["flow"] is former
    told_session.draw(RAFT)
    until(qtbot, lambda: state(judged).analysis.map_work is None)
    assert state(judged).analysis.maps["flow"].note == RAFT.note
    assert state(judged).analysis.prediction is verdict
    press(judged, Qt.Key.Key_F8)
    assert asked(told_session, qtbot, 3).flow == FlowChoice("raft", 2)


def test_the_clip_says_how_far_the_map_is(judged: Any, told_session: Any, qtbot: Any) -> None:
    before = pixels(judged.window.clip_view.grab_view())
    press(judged, Qt.Key.Key_G)
    asked(told_session, qtbot, 2)
    told_session.tell(0.5)
    until(qtbot, lambda: state(judged).analysis.map_work.fraction == 0.5)
    half = pixels(judged.window.clip_view.grab_view())
    corner = np.s_[: half.shape[0] // 3, half.shape[1] // 2 :]
    assert (before[corner] != half[corner]).any()


def test_escape_stops_the_map_and_leaves_the_verdict(judged: Any, told_session: Any, qtbot: Any) -> None:
    press(judged, Qt.Key.Key_F5)
    request = asked(told_session, qtbot, 2)
    press(judged, Qt.Key.Key_Escape)
    until(qtbot, lambda: request.id in told_session.cancelled)
    assert state(judged).analysis.map_work is None
    assert state(judged).analysis.prediction is not None
    assert state(judged).notice == "Stopped: the flow map by RAFT was not computed."
    told_session.draw(RAFT, request.id)
    press(judged, Qt.Key.Key_3)  # the flow overlay off and on again is no new wish
    press(judged, Qt.Key.Key_3)
    qtbot.wait(100)
    assert len(told_session.requests) == 2
    assert state(judged).analysis.maps["flow"].note == "", "what came after the stop is dropped"


def test_focus_is_computed_when_it_is_first_asked_for_and_then_switched(
    judged: Any, told_session: Any, qtbot: Any
) -> None:
    press(judged, Qt.Key.Key_G)
    request = asked(told_session, qtbot, 2)
    assert request.wanted == "focus"
    assert request.model_id == told_session.requests[0].model_id
    told_session.draw(FOCUS)
    until(qtbot, lambda: "focus" in state(judged).analysis.maps)
    assert state(judged).overlays["focus"].shown
    press(judged, Qt.Key.Key_G)
    assert not state(judged).overlays["focus"].shown
    press(judged, Qt.Key.Key_G)
    assert state(judged).overlays["focus"].shown
    assert len(told_session.requests) == 2


def test_a_wish_during_the_analysis_waits_for_the_verdict(
    review: Any, told_session: Any, qtbot: Any, clips: Any
) -> None:
    open_clip_in(review, qtbot, *clips)
    draw(review)
    press(review, Qt.Key.Key_Return)
    asked(told_session, qtbot, 1)
    press(review, Qt.Key.Key_G)
    assert len(told_session.requests) == 1
    told_session.finish()
    assert asked(told_session, qtbot, 2).wanted == "focus"


def test_a_map_that_another_took_the_place_of_is_made_after_it(judged: Any, told_session: Any, qtbot: Any) -> None:
    press(judged, Qt.Key.Key_F5)
    asked(told_session, qtbot, 2)
    press(judged, Qt.Key.Key_G)
    assert asked(told_session, qtbot, 3).wanted == "focus"
    press(judged, Qt.Key.Key_3)
    told_session.draw(FOCUS)
    assert asked(told_session, qtbot, 4).flow.method == "raft"


def test_a_map_lands_on_no_other_clip_and_no_other_line(judged: Any, told_session: Any, qtbot: Any) -> None:
    press(judged, Qt.Key.Key_F5)
    request = asked(told_session, qtbot, 2)
    draw(judged, 70.0)
    until(qtbot, lambda: request.id in told_session.cancelled)
    told_session.draw(RAFT, request.id)
    qtbot.wait(50)
    assert state(judged).analysis.maps["flow"].note == ""
    press(judged, Qt.Key.Key_G)
    assert "The line was changed" in state(judged).notice
    analyse(judged, told_session, qtbot)
    request = asked(told_session, qtbot, 4)  # flow by RAFT is still what the reader wants
    judged.controller.clips.select(1)
    until(qtbot, lambda: request.id in told_session.cancelled)
    told_session.draw(RAFT, request.id)
    qtbot.wait(50)
    assert not state(judged).analysis.maps


def test_a_new_analysis_takes_the_place_of_the_map(judged: Any, told_session: Any, qtbot: Any) -> None:
    press(judged, Qt.Key.Key_G)
    request = asked(told_session, qtbot, 2)
    press(judged, Qt.Key.Key_Return)
    assert asked(told_session, qtbot, 3).wanted == "verdict"
    assert request.id in told_session.cancelled
    told_session.draw(FOCUS, request.id)
    told_session.finish()
    until(qtbot, lambda: state(judged).analysis.phase is AnalysisPhase.DONE)
    assert "focus" not in state(judged).analysis.maps


def test_a_map_that_fails_is_one_sentence_and_is_not_tried_again_by_itself(
    judged: Any, told_session: Any, qtbot: Any
) -> None:
    press(judged, Qt.Key.Key_F5)
    asked(told_session, qtbot, 2)
    told_session.fail("weights.pth is not a file of weights that can be read safely: choose another file.")
    until(qtbot, lambda: state(judged).analysis.map_work is None)
    assert state(judged).notice.startswith("weights.pth is not a file")
    assert state(judged).analysis.prediction is not None
    press(judged, Qt.Key.Key_3)
    press(judged, Qt.Key.Key_3)
    qtbot.wait(100)
    assert len(told_session.requests) == 2


def test_maps_without_a_verdict_without_a_network_and_behind_a_blind_are_refused(
    review: Any, told_session: Any, qtbot: Any, clips: Any
) -> None:
    open_clip_in(review, qtbot, *clips)
    press(review, Qt.Key.Key_G)
    assert state(review).notice.startswith("Analyse the clip first")
    draw(review)
    press(review, Qt.Key.Key_Return)
    asked(told_session, qtbot, 1)
    told_session.finish(verdict=replace(prediction(), model=ModelRef("motion", "1", "")))
    until(qtbot, lambda: state(review).analysis.phase is AnalysisPhase.DONE)
    press(review, Qt.Key.Key_G)
    assert "motion is no network" in state(review).notice
    review.controller.set_settings(replace(review.controller.settings, blind=True))
    press(review, Qt.Key.Key_F5)
    assert state(review).notice == "Maps stay hidden until you save your reading."
    assert len(told_session.requests) == 1


def test_flow_settings_give_a_choice_and_a_half_typed_path_asks_for_nothing(
    judged: Any, told_session: Any, qtbot: Any, tmp_path: Any
) -> None:
    assert Settings(flow_method="raft", flow_step="3", raft_weights=" w.pth ").flow == FlowChoice("raft", 3, "w.pth")
    assert Settings(flow_step="auto", raft_weights="w.pth").flow == FlowChoice()
    press(judged, Qt.Key.Key_F5)
    asked(told_session, qtbot, 2)
    told_session.draw(RAFT)
    until(qtbot, lambda: state(judged).analysis.map_work is None)
    weights = tmp_path / "w.pth"
    settings = judged.controller.settings
    judged.controller.set_settings(replace(settings, raft_weights=str(weights)))
    qtbot.wait(50)
    assert len(told_session.requests) == 2
    weights.write_bytes(b"x")
    judged.controller.set_settings(settings)
    judged.controller.set_settings(replace(settings, raft_weights=str(weights)))
    assert asked(told_session, qtbot, 3).flow == FlowChoice("raft", 0, str(weights))
