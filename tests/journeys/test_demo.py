"""The demo: what is bundled, and the show that plays it."""

import json
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsgui.cli.main import run
from lsgui.core.pleura import PleuralROI
from lsgui.core.resources import resources_dir
from lsgui.inference.protocol import Failed, InferenceEvent, InferenceRequest, WorkerReady
from lsgui.readers.base import open_clip
from lsgui.review.demo_clips import demo_clips
from lsgui.review.state import AnalysisPhase, LoadPhase
from lsgui.simulation.checks import block_correlation

NAMES = ["sliding", "absent", "lung_point", "lung_pulse", "probe_drift"]


def test_the_five_clips_are_bundled_small_and_simulated() -> None:
    demos = demo_clips()
    assert [demo.path.stem for demo in demos] == NAMES
    assert all(demo.path.stat().st_size < 1_500_000 for demo in demos)
    assert [demo.path.suffix for demo in demos].count(".dcm") == 1
    table = json.loads((resources_dir() / "demo" / "demo.json").read_text("utf-8"))
    assert all(set(row) == {"file", "title", "look_for", "roi"} for row in table)
    assert all(demo.look_for.endswith(".") and demo.roi is not None for demo in demos)
    # clinic.md: never a diagnosis
    assert not any("pneumothorax" in (demo.title + demo.look_for).lower() for demo in demos)


@pytest.mark.parametrize("name", NAMES)
def test_a_demo_clip_reads_and_its_line_lies_on_the_pleura(name: str) -> None:
    demo = next(demo for demo in demo_clips() if demo.path.stem == name)
    clip = open_clip(demo.path)
    assert 120 <= len(clip) <= 160
    assert 20 <= clip.info.fps <= 25
    assert 6 <= clip.info.duration_s <= 8
    assert 300 <= clip.info.width <= 340
    assert demo.roi is not None
    for k in (0, len(clip) // 2, len(clip) - 1):
        line = demo.roi.line_at(k)
        grey = [
            clip.frame(k)[np.round(line[:, 1]).astype(int) + step, np.round(line[:, 0]).astype(int)].mean()
            for step in (0, -14, 14)
        ]
        assert grey[0] > 1.25 * max(grey[1:])
    if demo.path.suffix == ".dcm":
        assert clip.info.spacing_mm == pytest.approx((0.14, 0.14))
        assert clip.info.fps_source == "FrameTime"


def test_the_clips_show_what_they_say() -> None:
    half_second = {}
    for demo in demo_clips():
        clip = open_clip(demo.path)
        assert demo.roi is not None
        parts = [demo.roi]
        if demo.path.stem == "lung_point":
            line = demo.roi.line_at(0)
            parts = [PleuralROI.single(0, line[:4]), PleuralROI.single(0, line[6:])]
        found = [block_correlation(clip.stack(), part, lags=(11,), gap_px=8, follow=True)[11] for part in parts]
        half_second[demo.path.stem] = found
    assert half_second["sliding"][0][1] < 0.6 < 0.95 < half_second["sliding"][0][0]
    assert half_second["absent"][0][1] > 0.9
    assert half_second["probe_drift"][0][1] > 0.9
    assert 0.4 < half_second["lung_pulse"][0][1] < 0.8
    left, right = (found[1] for found in half_second["lung_point"])
    assert left < 0.6 < 0.75 < right


class NoSession:
    """A worker that answers every request with a sentence."""

    def __init__(self) -> None:
        self.requests: list[InferenceRequest] = []
        self.events: queue.Queue[InferenceEvent | None] = queue.Queue()

    def start(self) -> None:
        self.events.put(WorkerReady("cpu", "CPU", "2.9.0", ""))

    def submit(self, request: InferenceRequest) -> None:
        self.requests.append(request)
        self.events.put(Failed(request.id, "No verdict in this test."))

    def cancel(self, request_id: int) -> None:
        """Nothing runs."""

    def poll(self, timeout_s: float | None) -> InferenceEvent | None:
        try:
            return self.events.get(timeout=None if timeout_s is None else max(timeout_s, 0.001))
        except queue.Empty:
            return None

    def wake(self) -> None:
        self.events.put(None)

    def close(self) -> None:
        """Nothing to end."""


@pytest.fixture
def session() -> NoSession:
    return NoSession()


@pytest.fixture
def opened(qtbot: Any, home: Path, session: NoSession) -> Iterator[Any]:
    """Return what opens a show; its window is closed after the test."""
    from lsgui.gui.app import open_review
    from lsgui.gui.demo_show import DemoShow
    from lsgui.review.paths import settings_file
    from lsgui.review.settings import Settings, save_settings

    save_settings(settings_file(), Settings(model_id="motion", blind=True))
    reviews = []

    def start(**how: Any) -> Any:
        review = open_review(lambda: session)
        reviews.append(review)
        DemoShow(review, demo_clips(), **how)
        review.window.resize(1280, 800)
        with qtbot.waitExposed(review.window):
            review.window.show()
        return review

    yield start
    for review in reviews:
        review.window.close()
        review.window.deleteLater()
        review.controller.deleteLater()


def test_the_demo_opens_all_clips_and_analyses_the_first(qtbot: Any, opened: Any, session: NoSession) -> None:
    review = opened()
    state = lambda: review.controller.state  # noqa: E731
    qtbot.waitUntil(lambda: state().analysis.phase is AnalysisPhase.FAILED, timeout=60_000)
    assert [entry.path.stem for entry in state().worklist] == NAMES
    assert state().clip.path.stem == "sliding"
    assert state().playback.playing
    assert len(session.requests) == 1
    assert not state().verdict_hidden
    assert state().roi.source == "file"
    qtbot.waitUntil(lambda: "shimmers to and fro" in state().notice)
    assert state().notice.startswith("Simulated clip")
    review.controller.clips.select(1)
    qtbot.waitUntil(lambda: len(session.requests) == 2, timeout=60_000)


def test_a_kiosk_clears_the_screen_and_goes_on_by_itself(qtbot: Any, opened: Any, session: NoSession) -> None:
    review = opened(kiosk=True, shown_s=0.2, verdict_s=0.1)
    seen: list[str] = []

    def note(_old: Any, new: Any) -> None:
        if new.clip is not None and new.clip.phase is LoadPhase.COMPLETE and new.clip.path.stem not in seen[-1:]:
            seen.append(new.clip.path.stem)

    review.controller.stateChanged.connect(note)
    qtbot.waitUntil(lambda: len(seen) >= 6, timeout=120_000)
    assert seen[:6] == [*NAMES, "sliding"]
    assert review.window.worklist_panel.isHidden()
    assert review.window.label_panel.isHidden()
    assert review.window.menuBar().isHidden()
    assert not review.window.verdict_panel.isHidden()
    assert len(session.requests) >= 5


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--help"]) == 0
    assert "lsgui demo --kiosk" in capsys.readouterr().out
    assert run(["demo", "--nonsense"]) == 2
