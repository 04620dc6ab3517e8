"""Two real windows are open; one is killed, the other crashes in native code: each is noticed, named and put back."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lsgui.review.crash_file import crash_files
from lsgui.review.paths import sessions_dir
from lsgui.review.session_mark import claim_left
from lsgui.review.session_snapshot import LeftSession, load_snapshot

GUI_TESTS = Path(__file__).parents[1] / "gui"
sys.path.insert(0, str(GUI_TESTS))  # for `window_samples`

from window_samples import ToldSession, is_complete, until, write_clip  # noqa: E402 - found by the line above

WINDOW = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer

sys.path.insert(0, {samples!r})
from window_samples import ToldSession, draw, is_complete
from lsgui.gui import app

app.session_maker = lambda **_: ToldSession


def prepare(review):
    def look():
        if is_complete(review) and review.controller.state.roi_phase.value != "searching":
            draw(review)
            review.controller.seek(5)
        else:
            QTimer.singleShot(50, look)

    QTimer.singleShot(50, look)


raise SystemExit(app.run_window([Path(sys.argv[1])], prepare=prepare))
"""


@pytest.fixture
def windows(tmp_path: Path) -> Iterator[dict[Path, Any]]:
    """Two windows, each with a clip of its own and a line drawn on it, by their clips."""
    clips = [write_clip(tmp_path / f"Marquardt {name}.avi") for name in ("Ilse", "Otto")]
    script = WINDOW.format(samples=str(GUI_TESTS))
    opened = {clip: subprocess.Popen([sys.executable, "-c", script, str(clip)], env=os.environ) for clip in clips}
    yield opened
    for window in opened.values():
        if window.poll() is None:
            window.kill()
        window.wait()


def _drawn() -> int:
    written = [load_snapshot(file) for file in sessions_dir().glob("window-*.json")]
    return sum(1 for snapshot in written if snapshot is not None and snapshot.lines and snapshot.frame == 5)


def _left() -> tuple[Any, LeftSession]:
    found = claim_left(sessions_dir())
    assert found is not None
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended by signals")
def test_a_killed_and_a_crashed_window_are_told_apart_from_a_living_one(
    windows: dict[Path, Any], qtbot: Any, home: Path
) -> None:
    killed, crashed = windows
    deadline = time.monotonic() + 60
    while _drawn() < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _drawn() == 2
    assert claim_left(sessions_dir()) is None, "both windows live"

    windows[killed].send_signal(signal.SIGKILL)
    windows[killed].wait()
    mark, left = _left()
    assert claim_left(sessions_dir()) is None, "the other one lives on"
    assert left.fault == ""
    assert left.snapshot is not None
    assert (left.snapshot.clip, left.snapshot.frame, len(left.snapshot.lines)) == (killed, 5, 1)
    mark.take_away()

    windows[crashed].send_signal(signal.SIGSEGV)
    windows[crashed].wait()
    mark, left = _left()
    assert left.fault == "Segmentation fault"
    mark.let_go()
    crash = crash_files()[0].read_text()
    assert "what: Segmentation fault" in crash
    assert 'File "lsgui/gui/app.py", line' in crash
    assert "Marquardt" not in "".join(file.read_text() for file in crash_files())
    assert len(crash_files()) == 2
    _is_put_back(qtbot, crashed)


def _is_put_back(qtbot: Any, clip: Path) -> None:
    """Open the next window, as the program does, and press the button."""
    from lsgui.gui.app import open_review
    from lsgui.review.window_watch import window_watch

    with window_watch() as mark:
        review = open_review(ToldSession, mark=mark)
        review.window.show()
        until(qtbot, review.window.left_strip.isVisible)
        assert "by a fault (segmentation fault); what was saved is safe." in review.window.left_strip.words.text()
        review.window.left_strip.restore.click()
        until(qtbot, lambda: is_complete(review) and review.controller.state.playback.frame == 5)
        assert review.controller.state.clip.path == clip
        assert review.controller.state.roi is not None
        review.window.close()
    review.window.deleteLater()
    review.controller.deleteLater()
    assert list(sessions_dir().iterdir()) == []


def test_a_demo_offers_nothing_and_leaves_what_was_left(home: Path) -> None:
    from lsgui.review.session_mark import begin_mark

    left = begin_mark(sessions_dir())
    assert left is not None
    left.stack_file.write_text("Fatal Python error: Segmentation fault")
    left.let_go()
    script = WINDOW.format(samples=str(GUI_TESTS)).replace("prepare=prepare", "prepare=prepare, remembers=False")
    clip = write_clip(home / "clip.avi")
    script = script.replace("draw(review)", "assert review.controller.state.left is None; review.window.close()")
    script = script.replace("review.controller.seek(5)", "pass")
    done = subprocess.run([sys.executable, "-c", script, str(clip)], env=os.environ, timeout=60, check=False)
    assert done.returncode == 0
    found = claim_left(sessions_dir())
    assert found is not None, "it waits for a window with a reader"
    found[0].take_away()
    assert list(sessions_dir().iterdir()) == [], "the demo was closed as it should be"
