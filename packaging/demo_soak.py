"""Let the demo show as many clips as in eight hours, one after the other without their rest, and weigh the window.

Run from the project's root: python packaging/demo_soak.py [--hours 8] [--rest 0.25] [--json FILE]

The kiosk of `lsgui demo --kiosk`, offscreen, with its real worker, shows each clip for a moment instead of for 14
seconds; everything else is as it is at a fair: clips are opened, decoded, played at four times their rate, analysed
and followed by the next. The demo keeps the verdicts of its few clips; here they are forgotten at every twentieth
round, so that the worker works as well. Prints memory, threads and open files of window and children after each
tenth; the exit status is 0 where none grew beyond its bound and every clip had its verdict.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from monkey_world import children_of, memory_mb, open_files, threads_of
from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtWidgets import QApplication

from lsgui.gui.app import Review, open_review, session_maker
from lsgui.gui.demo_show import DemoShow
from lsgui.review import transitions as to
from lsgui.review.demo_clips import demo_clips
from lsgui.review.paths import settings_file
from lsgui.review.settings import Settings, save_settings
from lsgui.review.state import AnalysisPhase, LoadPhase, ReviewState

SHOWN_S = 14.0
"""How long the kiosk shows a clip."""
MOST_GROWTH_MB, MOST_GROWTH = 80, 6
"""Megabytes, and threads or files, by which the end may be above the middle."""


@dataclass(slots=True)
class Soak:
    """What a soak has seen: lists have a value for each tenth, the first one taken after it."""

    clips: int
    hours: float
    verdicts: int = 0
    failures: list[str] = field(default_factory=list)
    window_mb: list[int] = field(default_factory=list)
    children_mb: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    children: list[int] = field(default_factory=list)
    objects: list[int] = field(default_factory=list)
    """Qt objects of the window."""
    minutes: float = 0.0
    broken: str = ""

    def weigh(self, review: Review) -> None:
        """Add a value to each list."""
        children = children_of(os.getpid())
        self.window_mb.append(memory_mb())
        self.children_mb.append(sum(memory_mb(child) for child in children))
        self.threads.append(threads_of())
        self.files.append(open_files())
        self.children.append(len(children))
        self.objects.append(len(review.window.findChildren(QObject)) + len(review.controller.findChildren(QObject)))

    def judge(self) -> None:
        """Say which value grew beyond its bound."""
        bounds = {"window_mb": MOST_GROWTH_MB, "children_mb": MOST_GROWTH_MB, "threads": MOST_GROWTH}
        bounds |= {"files": MOST_GROWTH, "children": 1, "objects": 60}
        for name, most in bounds.items():
            values = getattr(self, name)
            begun = values[len(values) // 2 - 1 :]  # by then every kind of work was done
            if begun and min(begun[-2:]) - begun[0] > most:
                self.broken = self.broken or f"{name} grew from {begun[0]} to {begun[-1]}"
        if self.failures:
            self.broken = self.broken or self.failures[0]


class Watch(QObject):
    """Counts the clips of a show, notes their verdicts, and forgets these now and then."""

    def __init__(self, review: Review, soak: Soak) -> None:
        super().__init__(review.window)
        self._review, self._soak = review, soak
        self.shown = 0
        self._complete: object = None
        self._judged: set[int] = set()
        review.controller.stateChanged.connect(self._on_controller_stateChanged)

    def _on_controller_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        clip = new.clip
        if clip is None:
            return
        if clip.phase is LoadPhase.COMPLETE and (old.clip is None or old.clip.phase is not LoadPhase.COMPLETE):
            self.shown += 1
            if new.playback.speed < 4.0:
                self._review.controller.change(lambda s: to.speed_set(s, 4.0))
        if clip.phase is LoadPhase.FAILED and (old.clip is None or old.clip.phase is not LoadPhase.FAILED):
            self._soak.failures.append(clip.error)
        analysis = new.analysis
        if old.analysis.phase is not analysis.phase and analysis.phase is AnalysisPhase.FAILED:
            self._soak.failures.append(analysis.message)
        if analysis.prediction is not None and analysis.request_id not in self._judged:
            self._judged.add(analysis.request_id)
            self._soak.verdicts = len(self._judged)
            if analysis.prediction.clip != clip.path.name:
                self._soak.failures.append(f"the verdict of {analysis.prediction.clip} beside {clip.path.name}")


def soak(clips: int, rest_s: float) -> Soak:
    """Show so many clips."""
    application = QApplication.instance() or QApplication(["demo soak"])
    save_settings(settings_file(), Settings())
    found = Soak(clips, round(clips * SHOWN_S / 3600, 2))
    review = open_review(session_maker(in_process=False))
    DemoShow(review, demo_clips(), kiosk=True, shown_s=rest_s, verdict_s=0.0)
    watch = Watch(review, found)
    review.window.resize(1366, 768)
    review.window.show()
    began = seen_at = time.monotonic()
    seen, rounds, next_weight = 0, len(demo_clips()), max(clips // 10, 1)
    while watch.shown < clips and not found.failures and not found.broken:
        application.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)  # as a running event loop does
        time.sleep(0.002)
        if watch.shown != seen:
            seen, seen_at = watch.shown, time.monotonic()
            if seen % (20 * rounds) == 0:
                review.controller.clips._kept.clear()  # as if the program had just been started
        elif time.monotonic() - seen_at > 120.0:
            found.broken = f"it stands still at clip {seen}: {review.controller.state.notice}"
        if watch.shown >= next_weight:
            found.weigh(review)
            next_weight += max(clips // 10, 1)
    found.minutes = round((time.monotonic() - began) / 60, 2)
    found.judge()
    review.window.close()
    if left := children_of(os.getpid()):
        found.broken = found.broken or f"after closing {len(left)} processes live"
    review.window.deleteLater()
    review.controller.deleteLater()
    return found


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=8.0, help="so many hours' clips")
    parser.add_argument("--rest", type=float, default=0.25, help="seconds that each clip is shown at least")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    given = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory(prefix="lsgui-soak-", ignore_cleanup_errors=True) as home:
        os.environ["LSGUI_HOME"] = home
        found = soak(max(round(given.hours * 3600 / SHOWN_S), 5), given.rest)
    text = json.dumps(asdict(found), indent=1) + "\n"
    sys.stdout.write(text)
    if given.json is not None:
        given.json.write_text(text, encoding="utf-8")
    return 1 if found.broken else 0


if __name__ == "__main__":
    sys.exit(main())
