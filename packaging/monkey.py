"""Do thousands of random things in the real window, and check after each that nothing is lost, mixed up or left behind.

Run from the project's root: python packaging/monkey.py --work EMPTY [--actions 2000] [--seed 1] [--clips FOLDER]
Again, and again as little as breaks it: add --replay (says every action) or --shrink; --only 3,17,20-31 does these.

Starts the real window offscreen with a real worker over clips of every kind (demo clips, tiny and damaged ones, those
of FOLDER) and a store of its own in which two readers disagree, and carries out actions drawn from the seed: every
command of the menus, keys, mouse, wheel, sizes, themes, lines drawn point by point, clips opened, texts typed, dialogs
answered or dismissed. After each it checks state, screen, threads, processes, files and memory, and time and again the
store against what could be seen to be said. The first broken promise ends it with the action's number, the seed and
the last actions. Prints figures as JSON; exit status 0 where nothing broke.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from monkey_acts import Hand
from monkey_checks import BrokenPromiseError, Promises, as_json
from monkey_world import children_of, memory_mb, write_clips, write_other_readers
from PySide6.QtWidgets import QApplication, QDialog

from lsgui.annotation.content_hash import content_hash
from lsgui.gui.app import Review, open_review, session_maker
from lsgui.review.paths import log_dir, settings_file
from lsgui.review.settings import Settings, save_settings

LAST = 40
MOST_TRIES = 40
THOROUGH_EVERY = 20
RATER = "MONKEY"
SAYS_NOTHING = ("select", "wait", "resize", "wheel", "open")
"""Kinds of action by which nothing can be said of a clip."""


@dataclass(slots=True)
class Run:
    """What a run did."""

    seed: int
    actions: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    seen: dict[str, object] = field(default_factory=dict)
    memory_mb: list[int] = field(default_factory=list)
    """Resident memory of the window after each tenth of the run, and at the end."""
    workers_mb: list[int] = field(default_factory=list)
    """The same of its child processes together."""
    longest_action_s: float = 0.0
    minutes: float = 0.0
    broken: str = ""
    last: list[str] = field(default_factory=list)


class Monkey:
    """Carries out random actions in a window."""

    def __init__(self, review: Review, hand: Hand, promises: Promises, seed: int, *, loud: bool = False) -> None:
        self._review, self._hand, self._promises, self._loud = review, hand, promises, loud
        self.run_of = Run(seed)
        self._last: deque[str] = deque(maxlen=LAST)

    def run(self, numbers: list[int]) -> Run:
        """Do the things of these numbers."""
        run, began = self.run_of, time.monotonic()
        try:
            for done, number in enumerate(numbers):
                if done % max(1, len(numbers) // 10) == 0:
                    self._weigh()
                self._one(number, thorough=done % THOROUGH_EVERY == THOROUGH_EVERY - 1)
            self._settle()
        except BrokenPromiseError as fault:
            run.broken = f"action {self._last[-1].split()[0] if self._last else 0}: {fault}"
            run.last = list(self._last)
        finally:
            self._promises.close()
        self._weigh()
        run.seen = as_json(self._promises.figures)
        run.minutes = round((time.monotonic() - began) / 60, 2)
        return run

    def _one(self, number: int, *, thorough: bool) -> None:
        run, began = self.run_of, time.monotonic()
        kind, words = self._hand.act(random.Random(f"{run.seed} {number}"))
        self._last.append(f"{number} {kind} {words}")
        if self._loud:
            sys.stderr.write(f"{self._last[-1]}\n")
        run.actions += 1
        run.by_kind[kind] = run.by_kind.get(kind, 0) + 1
        took = time.monotonic() - began - self._hand.waited_s
        run.longest_action_s = max(run.longest_action_s, round(took, 2))
        silent = kind in SAYS_NOTHING
        self._promises.check(took, undid=self._hand.undid, silent=silent, thorough=thorough)

    def _settle(self) -> None:
        """Come to rest, and compare once more."""
        self._hand.dismiss_dialogs()
        self._hand.until(lambda: not self._review.controller.readings.unsaved, 20.0)
        self._promises.check(0.0, undid=False, silent=False, thorough=True)

    def _weigh(self) -> None:
        self.run_of.memory_mb.append(memory_mb())
        self.run_of.workers_mb.append(sum(memory_mb(child) for child in children_of(os.getpid())))


def play(work: Path, numbers: list[int], seed: int, more: Path | None, *, loud: bool, patience_s: float) -> Run:
    """Open the window in an empty folder, do the things of these numbers, and close it."""
    clips = write_clips(work / "clips", more)
    store = work / "monkey.sqlite"
    known = {path: content_hash(path) for path in clips if path.name not in ("empty.avi", "damaged.mp4")}
    write_other_readers(store, known)
    save_settings(settings_file(), Settings(rater=RATER))
    files = work / "files"
    files.mkdir()
    os.chdir(files)
    application = QApplication.instance() or QApplication(["monkey"])
    review = open_review(session_maker(in_process=False), [work / "clips"], store=store)
    review.window.resize(1366, 768)
    review.window.show()
    hand = Hand(review, application, clips, files, patience_s)
    promises = Promises(review, application)
    run = Monkey(review, hand, promises, seed, loud=loud).run(numbers)
    for dialog in application.topLevelWidgets():
        if isinstance(dialog, QDialog):
            dialog.reject()
    review.window.close()
    if review.window.isVisible():
        run.broken = run.broken or f"the window does not close: {review.controller.state.unsaved.sentence}"
        review.window.unsaved_question.give_up()
    left = children_of(os.getpid())
    if left and not run.broken:
        run.broken = f"after closing {len(left)} processes live; the log is in {log_dir()}"
    review.window.deleteLater()
    review.controller.deleteLater()
    return run


def shrink(numbers: list[int], seed: int, more: Path | None) -> list[int]:
    """Return as few of the actions as still break a promise, found by leaving parts out."""
    tries = 0

    def breaks(some: list[int]) -> bool:
        nonlocal tries
        tries += 1
        with tempfile.TemporaryDirectory(prefix="lsgui-monkey-", ignore_cleanup_errors=True) as folder:
            command = [sys.executable, str(Path(__file__).resolve()), "--work", folder, "--seed", str(seed)]
            command += ["--only", ",".join(map(str, some)), *(["--clips", str(more)] if more else [])]
            return subprocess.run(command, capture_output=True, timeout=3600, check=False).returncode != 0

    for tail in (20, 60, 200):
        if tail < len(numbers) and breaks(numbers[-tail:]):
            numbers = numbers[-tail:]
            break
    size = len(numbers) // 2
    while size and tries < MOST_TRIES:
        start = 0
        while start < len(numbers) and tries < MOST_TRIES:
            without = numbers[:start] + numbers[start + size :]
            if without and breaks(without):
                numbers = without
            else:
                start += size
        size //= 2
    return numbers


def numbers_of(text: str) -> list[int]:
    """Return the numbers of "3,17,20-31"."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def main(given_words: Iterable[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="an empty folder")
    parser.add_argument("--actions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clips", type=Path, help="a folder of more clips")
    parser.add_argument("--only", default="", help="numbers of the actions that are done, as 3,17,20-31")
    parser.add_argument("--replay", action="store_true", help="say every action on standard error when it was done")
    parser.add_argument("--shrink", action="store_true", help="where a promise breaks, look for fewer actions that do")
    parser.add_argument("--patience", type=float, default=15.0, help="seconds that it waits for a verdict")
    given = parser.parse_args(None if given_words is None else list(given_words))
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    work = given.work.absolute()
    os.environ["LSGUI_HOME"] = os.environ["HOME"] = str(work / "home")
    (work / "home").mkdir(parents=True)
    more = None if given.clips is None else given.clips.absolute()
    numbers = numbers_of(given.only) if given.only else list(range(given.actions))
    run = play(work, numbers, given.seed, more, loud=given.replay, patience_s=given.patience)
    sys.stdout.write(json.dumps(asdict(run), indent=1, ensure_ascii=False) + "\n")
    if run.broken and given.shrink:
        few = shrink(numbers[: run.actions], given.seed, more)
        sys.stdout.write(f"the same breaks with --seed {given.seed} --only {','.join(map(str, few))}\n")
    sys.stdout.flush()
    return 1 if run.broken else 0


if __name__ == "__main__":
    sys.exit(main())
