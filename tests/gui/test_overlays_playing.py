"""Every overlay switched on and off while the clip plays: no frame is lost by it and the window never stalls."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from evidence_samples import prediction
from window_samples import open_clip_in, until

from lsgui.core.label import SlidingLabel
from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import Ribbon, WindowScore
from lsgui.gui.play_test import OverlaySwitcher
from lsgui.gui.stall_watch import StallWatch
from lsgui.inference.protocol import MotionReady
from lsgui.review import mmode_transitions as mm
from lsgui.review import transitions as to
from lsgui.review.state import AnalysisPhase, OverlaySwitch

FRAMES, FPS = 60, 20.0
LONGEST_WORK_MS = 100.0
"""What the window may work on without a look at its events, as in the stall test of the analysis."""


@dataclass(frozen=True)
class Played:
    """What reached the screen, and what the window itself worked between two ticks of the watch."""

    due: float
    shown: int
    skipped: int
    busiest_ms: float
    waited_ms: float
    """Time in which the machine did not let the window work: not the window's doing."""


@pytest.fixture
def moving_clip(tmp_path: Path) -> Path:
    path = tmp_path / "moving.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (480, 360))
    noise = np.random.default_rng(2).integers(20, 90, (360, 480), dtype=np.uint8)
    for k in range(FRAMES):
        writer.write(cv2.cvtColor(np.roll(noise, k, axis=1), cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def _map(quantity: Any) -> MotionMap:
    rng = np.random.default_rng(3)
    values = rng.random((24, 30, 100), dtype=np.float32) * 0.5
    values[:, :, 90:] = np.nan
    vectors = rng.random((24, 5, 16, 2), dtype=np.float32) if quantity == "flow" else None
    unit = "mm/s" if quantity == "flow" else ""
    return MotionMap(quantity, values, np.arange(24) / 8.0, 60.0, unit, 0.0, 0.5, vectors)


def _analyse(review: Any, qtbot: Any, told_session: Any) -> None:
    """Let the worker answer with maps, a ribbon of both classes and a lung point."""
    line = PleuralROI(
        ((0, np.array([[40.0, 120], [240, 110], [440, 122]])), (50, np.array([[44.0, 130], [244, 118], [444, 131]])))
    )
    review.window.clip_view.roiDrawn.emit(line)
    review.controller.analysis.analyse()
    until(qtbot, lambda: len(told_session.requests) == 1)
    for quantity in ("speckle_change", "flow", "focus"):
        told_session.events.put(MotionReady(told_session.requests[-1].id, _map(quantity)))
    starts = np.arange(5) * 10
    ribbon = Ribbon(np.tile(np.float32([0.02] * 5 + [0.97] * 3), (5, 1)), starts, starts + 20)
    windows = tuple(WindowScore(int(a), int(a) + 20, 0.4) for a in starts)
    told_session.finish(verdict=prediction(SlidingLabel.CANNOT_ASSESS, ribbon=ribbon, windows=windows))
    until(qtbot, lambda: review.controller.state.analysis.phase is AnalysisPhase.DONE)


def _watched(review: Any, qtbot: Any, do: Any) -> Played:
    rate = review.window.shown_rate
    before, watch = (rate.shown, rate.skipped), StallWatch()
    do()
    watch.stop()
    waited = sum(max(gap - busy - 20.0, 0.0) for gap, busy in zip(watch.gaps_ms, watch.busy_ms, strict=True))
    due = sum(watch.gaps_ms) / 1000.0 * FPS
    return Played(due, rate.shown - before[0], rate.skipped - before[1], watch.busiest_ms, waited)


def test_switching_every_overlay_while_playing_loses_no_frame_and_stalls_nothing(
    review: Any, qtbot: Any, told_session: Any, moving_clip: Path
) -> None:
    controller = review.controller
    open_clip_in(review, qtbot, moving_clip)
    _analyse(review, qtbot, told_session)
    controller.change(mm.second_column_toggled)
    until(qtbot, lambda: review.window.mmode_view.second_image is not None)
    controller.change(lambda s: to.playing_set(replace(s, overlays_shown=False), True))
    qtbot.wait(300)
    bare = _watched(review, qtbot, lambda: qtbot.wait(2000))

    everything = {name: replace(switch, shown=True) for name, switch in controller.state.overlays.items()}
    controller.change(lambda s: replace(s, overlays_shown=True, overlays=everything))
    switcher, ended = OverlaySwitcher(controller, controller), []
    switcher.ended.connect(lambda: ended.append(True))

    def switch() -> None:
        switcher.start(120)
        until(qtbot, lambda: bool(ended))

    with_overlays = _watched(review, qtbot, switch)
    assert controller.state.playback.playing
    for played in (bare, with_overlays):
        assert played.busiest_ms < LONGEST_WORK_MS, played
    lost = with_overlays.due - with_overlays.shown
    expected = bare.due - bare.shown + 2.0 + with_overlays.waited_ms / 1000.0 * FPS
    assert lost <= expected, (bare, with_overlays)
    assert with_overlays.skipped <= bare.skipped + 1 + with_overlays.waited_ms / 1000.0 * FPS, (bare, with_overlays)


def test_the_switcher_takes_every_overlay_in_turn_and_leaves_all_as_they_were(
    review: Any, qtbot: Any, moving_clip: Path
) -> None:
    controller = review.controller
    open_clip_in(review, qtbot, moving_clip)
    controller.switch_overlay("badge", False)
    before, seen = controller.state.overlays, set()

    def note(old: Any, new: Any) -> None:
        seen.update(
            (name, new.overlays[name].shown) for name in new.overlays if old.overlays[name] != new.overlays[name]
        )

    controller.stateChanged.connect(note)
    switcher, ended = OverlaySwitcher(controller, controller), []
    switcher.ended.connect(lambda: ended.append(True))
    switcher.start(1)
    until(qtbot, lambda: bool(ended))
    assert controller.state.overlays == before
    assert seen == {(name, shown) for name in before for shown in (True, False)}
    assert before["badge"] == OverlaySwitch(shown=False, opacity=before["badge"].opacity)
