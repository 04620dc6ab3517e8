"""What the tests of the screen share."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `evidence_samples` and `window_samples`


@pytest.fixture
def told_session() -> Any:
    """A worker that answers when the test says so."""
    from window_samples import ToldSession

    return ToldSession()


@pytest.fixture
def review(qtbot: Any, home: Path, told_session: Any) -> Iterator[Any]:
    """The real window over a worker that is told what to do, without a search for lines; closed after the test."""
    from lsgui.gui.app import open_review
    from lsgui.review.paths import settings_file
    from lsgui.review.settings import Settings, save_settings

    save_settings(settings_file(), Settings(model_id="motion", suggest_on_open=False, rater="R1"))
    opened = open_review(lambda: told_session)
    opened.window.resize(1280, 800)
    with qtbot.waitExposed(opened.window):
        opened.window.show()
    qtbot.waitUntil(lambda: opened.controller.state.worker.device != "", timeout=30_000)
    yield opened
    opened.window.close()
    if opened.window.isVisible():  # a test that failed may leave something unsaved: its window must not outlive it
        opened.window.unsaved_question.give_up()
    opened.window.deleteLater()
    opened.controller.deleteLater()


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    """Three short clips in files."""
    from window_samples import write_clip

    return [write_clip(tmp_path / f"clip {k}.avi", frames=30 + 10 * k) for k in range(3)]


@pytest.fixture
def paint(qtbot: Any) -> Any:
    """Paint a state in a view of 600 x 450 points and return its pixels."""
    from evidence_samples import pixels

    from lsgui.gui.clip_view import ClipView

    view = ClipView()
    qtbot.addWidget(view)
    view.resize(600, 450)
    view.show()
    qtbot.waitExposed(view)
    shown: list[Any] = [None]

    def picture(state: Any) -> Any:
        view.apply(shown[-1], state)
        shown.append(state)
        return pixels(view.grab_view())

    return picture
