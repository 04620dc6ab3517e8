"""The real window for a fault drill: clips and a store of its own, keys, what is on screen, and what was said."""

import json
import logging
import multiprocessing
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from label_drill_session import NONE, NoWorker
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QPushButton

from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.store import AnnotationStore
from lsgui.core.pleura import PleuralROI
from lsgui.gui.app import Review, open_review, session_maker
from lsgui.inference.plan import WorkerPlan
from lsgui.inference.process_session import ProcessSession
from lsgui.inference.protocol import InferenceSession
from lsgui.review.paths import settings_file
from lsgui.review.settings import Settings, save_settings
from lsgui.review.state import AnalysisPhase, LoadPhase, ReviewState

PATIENCE_S = 60.0
RATER = "DRILL"
KEYS = {
    "ls_p": Qt.Key.Key_P,
    "ls_a": Qt.Key.Key_A,
    "cannot_assess": Qt.Key.Key_U,
    "lung_point": Qt.Key.Key_K,
}


class DrillError(Exception):
    """A fault lost something, went unsaid, or took the window along."""


def write_clip(path: Path, frames: int = 40, seed: int = 0, size: tuple[int, int] = (160, 120)) -> Path:
    """Write a clip of moving grain under a bright line; `seed` makes it another one."""
    width, height = size
    noise = np.random.default_rng(seed)
    grain = noise.integers(20, 90, (height, width + frames), dtype=np.uint8)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, size)
    for k in range(frames):
        picture = grain[:, k : k + width].copy()
        picture[height // 2 - 2 : height // 2 + 2] = 230
        writer.write(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def real_worker() -> ProcessSession:
    """Return a worker process as the window has it."""
    session = session_maker(in_process=False)()
    if not isinstance(session, ProcessSession):
        raise DrillError("the window's worker is no process of its own")
    return session


def lost_gpu_worker() -> InferenceSession:
    """Return a worker process whose GPU is lost in the middle of every analysis (lost_gpu.py)."""
    return ProcessSession(WorkerPlan("lost_gpu:analyse", "lost_gpu:resolve", 0))


class Scene:
    """The window over clips in `work`, and everything that was said in it.

    Parameters
    ----------
    work
        An empty folder, or that of a former scene: its clips and its store are taken again.
    make
        Makes the worker.
    store
        Where labels go; in `work` by default.
    """

    def __init__(
        self,
        work: Path,
        make: Callable[[], InferenceSession] = NoWorker,
        *,
        store: Path | None = None,
        clips: int = 3,
        frames: int = 40,
        wait_for_worker: bool = True,
        **settings: object,
    ) -> None:
        self.work = work
        self.store = store or work / "drill.sqlite"
        folder = work / "clips"
        folder.mkdir(parents=True, exist_ok=True)
        self.clips = [folder / f"clip {k}.avi" for k in range(clips)]
        for k, path in enumerate(self.clips):
            if not path.exists():
                write_clip(path, frames, seed=k)
        self.hashes = [content_hash(path) for path in self.clips]
        self.said: dict[int, str] = {}
        """The label last said of each clip, by its number."""
        chosen = {"rater": RATER, "suggest_on_open": False, "model_id": "motion", **settings}
        save_settings(settings_file(), Settings(**chosen))
        self.application = QApplication.instance() or QApplication(["fault drill"])
        self.review: Review = open_review(make, [folder], store=self.store)
        self.review.window.resize(1280, 800)
        self.review.window.show()
        self.until(lambda: len(self.state.worklist) == clips and not self.state.scanning, "the worklist")
        if make is not NoWorker and wait_for_worker:
            self.until(lambda: self.state.worker.device != "", "the worker")
        self.turn_to(0)

    @property
    def state(self) -> ReviewState:
        """What the window shows."""
        return self.review.controller.state

    def until(self, done: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
        """Wait for something that takes a moment."""
        end = time.monotonic() + patience_s
        while not done():
            if time.monotonic() > end:
                analysis = self.state.analysis
                seen = (self.state.notice, self.state.unsaved.sentence, analysis.message, analysis.phase.value)
                raise DrillError(f"waited in vain for {what}; on screen: {seen}")
            QApplication.processEvents()
            time.sleep(0.002)

    def wait(self, seconds: float) -> None:
        """Let the window live for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(0.002)

    def must(self, holds: bool, promise: str) -> None:
        """End the drill where a promise is broken."""
        if not holds:
            raise DrillError(promise)

    # --- the reader

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
        """Press a key; the offscreen platform does not bring the window to the front where a dialog closed."""
        if not self.review.window.isActiveWindow():
            self.review.window.activateWindow()
            self.until(self.review.window.isActiveWindow, "the window to come to the front")
        QTest.keyClick(self.review.window, key, modifier)

    def turn_to(self, number: int, *, ready: bool = True) -> None:
        """Turn to a clip, and wait until it is decoded and what was said of it is known."""
        path = self.clips[number].absolute()
        index = next(k for k, entry in enumerate(self.state.worklist) if entry.path == path)
        self.review.controller.clips.select(index)
        if ready:
            self.until(lambda: self.is_complete and self.state.clip.path == path, f"clip {number}")
            self.until(lambda: self.review.controller.readings.looked_up(path), f"the reading of clip {number}")

    @property
    def is_complete(self) -> bool:
        """Whether the clip on screen is decoded."""
        return self.state.clip is not None and self.state.clip.phase is LoadPhase.COMPLETE

    def say(self, number: int, label: str, *, wait: bool = True) -> None:
        """Give a clip, which is on screen, a label by its key; wait until it is shown as saved."""
        self.said[number] = label
        self.press(KEYS[label])
        self.must(self.state.reading.label == label, f"{label} of clip {number} is not taken")
        if wait:
            self.until(self.is_saved, f"{label} of clip {number} to be saved")

    def is_saved(self) -> bool:
        """Look where the reader looks whether all that was said of the clip on screen is saved."""
        saved, waiting, fault = self.review.window.label_panel.saved_words.lines()
        return saved.startswith("✓") and not (waiting or fault)

    def draw(self, y: int = 60, right: int = 140) -> None:
        """Draw the pleural line."""
        line = PleuralROI.single(0, [[20, y], [80, y], [right, y]])
        self.review.window.clip_view.roiDrawn.emit(line)

    def analyse(self) -> None:
        """Ask for the verdict, once the scale is known."""
        self.until(lambda: self.state.clip is not None and self.state.clip.mm_per_px is not None, "the scale")
        self.press(Qt.Key.Key_Return)

    def verdict(self) -> None:
        """Wait for the verdict; it must be there."""
        self.until(lambda: self.state.analysis.phase in (AnalysisPhase.DONE, AnalysisPhase.FAILED), "the end")
        self.must(self.state.analysis.prediction is not None, f"no verdict: {self.state.analysis.message}")

    # --- what is seen

    def words(self) -> str:
        """Return everything that can be read in the window."""
        found = [label.text() for label in self.review.window.findChildren(QLabel) if label.isVisible()]
        return "\n".join(text for text in found if text)

    def sentence(self, part: str) -> str:
        """Wait until a sentence with this part can be read in the window, and return it."""
        self.until(lambda: part in self.words(), f"a sentence on screen with “{part}”")
        return next(line for line in self.words().splitlines() if part in line)

    # --- the end

    def close(self) -> None:
        """Close the window; nothing may hold it."""
        self.review.window.close()
        if self.review.window.isVisible():
            asked = self.review.window.unsaved_question.dialog
            words = asked.text() if isinstance(asked, QMessageBox) else ""
            self.forget()
            raise DrillError(f"the window could not be closed: {words}")
        self.forget()

    def answer(self, button: str) -> str:
        """Answer the question of a window that does not close; return what it had said."""
        box = self.review.window.unsaved_question.dialog
        if not isinstance(box, QMessageBox):
            raise DrillError("the window did not ask")
        words = f"{box.text()} {box.informativeText()}"
        next(b for b in box.buttons() if isinstance(b, QPushButton) and button in b.text()).click()
        return words

    def forget(self) -> None:
        """Let go of a window, however it stands."""
        if self.review.window.isVisible():
            self.review.window.unsaved_question.give_up()
        self.review.window.close()
        self.review.window.deleteLater()
        self.review.controller.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

    def lost(self, store: Path | None = None) -> list[str]:
        """Return the labels that were said and do not stand in the store."""
        with AnnotationStore(store or self.store) as opened:
            standing = {
                self.hashes.index(record.content_hash): record.label.value
                for record in opened.records(rater=RATER)
                if record.content_hash in self.hashes and record.label is not None
            }
        return [f"clip {k}: {label}" for k, label in self.said.items() if standing.get(k) != label]

    def kept(self, store: Path | None = None) -> None:
        """End the drill where a label is lost."""
        lost = self.lost(store)
        self.must(not lost, f"lost: {', '.join(lost)}")


def worker_pid() -> int:
    """Return the process of the window's analysis worker."""
    workers = [child.pid for child in multiprocessing.active_children() if child.name == "lsgui-worker"]
    if len(workers) != 1 or workers[0] is None:
        raise DrillError(f"{len(workers)} workers live")
    return workers[0]


def is_one_sentence(text: str) -> bool:
    """Whether a text is a sentence for people: it ends as one, and no traceback is in it."""
    return text.strip().endswith(".") and "Traceback" not in text and "\n" not in text.strip()


def note(file: Path, **facts: object) -> None:
    """Write a line of facts for another process to read."""
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"at": time.monotonic(), **facts}) + "\n")


def notes(file: Path) -> list[dict[str, object]]:
    """Return the facts that another process has written so far."""
    if not file.exists():
        return []
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        with suppress(ValueError):
            found.append(json.loads(line))
    return found


def quiet_log() -> None:
    """Send the program's log, which tells of every fault that is drilled, nowhere."""
    logging.getLogger("lsgui").addHandler(logging.NullHandler())
    logging.getLogger("lsgui").propagate = False
