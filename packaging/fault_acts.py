"""Faults of worker and store while the real window is worked in, one function a fault.

Each takes an empty folder, brings the fault about for real, checks that no label is lost, and returns what the window
said of it. `DrillError` says what was broken.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from fault_scene import Scene, lost_gpu_worker, real_worker, worker_pid, write_clip
from PySide6.QtWidgets import QFileDialog

from lsgui.annotation.store import AnnotationStore
from lsgui.review.state import AnalysisPhase, WorkerPhase

# --- the worker


def worker_killed_while_idle(work: Path) -> str:
    """The system ends the worker while nothing is analysed."""
    scene = Scene(work, real_worker)
    scene.say(0, "ls_p")
    os.kill(worker_pid(), signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    said = scene.sentence("analysis worker ended")
    scene.say(0, "ls_a")
    scene.until(lambda: scene.state.worker.phase is WorkerPhase.READY, "a new worker")
    scene.draw()
    scene.analyse()
    scene.verdict()
    scene.close()
    scene.kept()
    return said


def worker_killed_while_analysing(work: Path) -> str:
    """The system ends the worker in the middle of an analysis."""
    session = real_worker()
    scene = Scene(work, lambda: session, frames=120)
    scene.say(0, "ls_p")
    scene.draw()
    pid = worker_pid()
    if sys.platform != "win32":
        os.kill(pid, signal.SIGSTOP)  # it has the request and does not come to an answer
    scene.analyse()
    scene.until(lambda: session.is_asked, "the analysis")  # what the worker had not got yet, the next one would do
    os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    scene.until(lambda: scene.state.analysis.phase is AnalysisPhase.FAILED, "the end of the analysis")
    said = scene.sentence("ended unexpectedly")
    scene.say(0, "ls_a")
    scene.analyse()
    scene.verdict()
    scene.close()
    scene.kept()
    return said


def worker_out_of_memory(work: Path) -> str:
    """The worker gets no more memory in the middle of its work (a limit on its address space)."""
    (work / "clips").mkdir()
    write_clip(work / "clips" / "clip 0.avi", 400, size=(640, 480))  # more than what was freed and is still held
    scene = Scene(work, real_worker)
    scene.say(0, "ls_a")
    scene.draw(240, 620)
    scene.until(lambda: scene.state.worker.phase is WorkerPhase.READY, "a worker")
    if sys.platform == "linux":
        import resource

        pid = worker_pid()
        held = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.prlimit(pid, resource.RLIMIT_AS, (held + 2_000_000, resource.RLIM_INFINITY))
    scene.analyse()
    scene.until(lambda: scene.state.analysis.phase is AnalysisPhase.FAILED, "the end of the analysis")
    said = scene.state.analysis.message
    scene.must("memory" in said and said in scene.words(), f"of memory nothing is said: {said}")
    scene.say(0, "ls_p")
    scene.until(lambda: scene.state.worker.phase is WorkerPhase.READY, "a worker that is ready")
    if sys.platform == "linux" and worker_pid() == pid:
        resource.prlimit(pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    scene.analyse()
    scene.verdict()
    scene.close()
    scene.kept()
    return said


def gpu_lost(work: Path) -> str:
    """The GPU fails where the network runs, and refuses everything afterwards (acted by lost_gpu.py)."""
    scene = Scene(work, lost_gpu_worker)
    scene.say(0, "ls_p")
    scene.draw()
    scene.analyse()
    scene.verdict()
    said = scene.sentence("The GPU failed")
    scene.must("CPU" in said, f"what answers instead is not said: {said}")
    scene.say(0, "ls_a")
    scene.analyse()
    scene.verdict()
    scene.close()
    scene.kept()
    return said


# --- the store


def store_deleted(work: Path) -> str:
    """Somebody deletes the store while the window is open and nothing waits; everything said is saved elsewhere."""
    scene = Scene(work)
    scene.say(0, "ls_p")
    scene.turn_to(1)
    scene.say(1, "ls_a")
    _delete(scene.store)
    said = scene.sentence("is gone")
    scene.turn_to(2)
    scene.say(2, "lung_point", wait=False)
    scene.wait(0.3)
    scene.must(not scene.store.exists(), "an empty store was begun in the place of the one that is gone")
    scene.review.window.close()
    scene.must(scene.review.window.isVisible(), "the window closed over labels whose file is gone")
    asked = scene.answer("another file")
    scene.must("not saved" in asked and "is gone" in asked, f"the question does not say what happened: {asked}")
    question = scene.review.window.unsaved_question
    scene.until(lambda: isinstance(question.dialog, QFileDialog), "where to save")
    rescued = work / "rescued.sqlite"
    question.dialog.fileSelected.emit(str(rescued))
    question.dialog.reject()
    scene.until(lambda: not scene.review.window.isVisible(), "the window to close")
    scene.forget()
    scene.kept(rescued)
    return said


def store_deleted_and_put_back(work: Path) -> str:
    """The store goes while nothing waits, and comes back: nothing is written twice, nothing is lost."""
    scene = Scene(work)
    scene.say(0, "ls_p")
    away = work / "away"
    away.mkdir()
    for part in work.glob("drill.sqlite*"):
        shutil.move(part, away / part.name)
    said = scene.sentence("is gone")
    for part in away.iterdir():
        shutil.move(part, work / part.name)
    scene.until(lambda: scene.state.unsaved.count == 0, "the store to be found again")
    scene.say(0, "ls_a")
    scene.close()
    scene.kept()
    with AnnotationStore(scene.store) as store:
        scene.must(len(store.history()) == 2, "something was written twice")
    return said


def store_locked(work: Path) -> str:
    """Another program writes to the store, and does not come to an end for a while."""
    scene = Scene(work)
    scene.say(0, "ls_p")
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE'); "
        "print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(scene.store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        scene.must(other.stdout is not None and other.stdout.readline() == "held\n", "the other program holds nothing")
        scene.turn_to(1)
        scene.say(1, "ls_a", wait=False)
        said = scene.sentence("another program is writing")
    finally:
        other.kill()
        other.communicate()
    scene.until(scene.is_saved, "the label to be saved once the store is free")
    scene.close()
    scene.kept()
    return said


def store_write_protected(work: Path) -> str:
    """The store and its folder are made read-only, under an open window and before the next one."""
    folder = work / "project"
    folder.mkdir()
    store = folder / "labels.sqlite"
    scene = Scene(work, store=store)
    scene.say(0, "ls_p")
    scene.turn_to(1)
    protect(folder)
    scene.say(1, "ls_a", wait=False)
    scene.until(lambda: scene.is_saved() or scene.state.unsaved.count > 0, "how the label stands")
    scene.review.window.close()
    if scene.review.window.isVisible():  # it looked once more, and could not see what it had written
        protect(folder, off=True)
        scene.answer("Try again")
        scene.until(lambda: not scene.review.window.isVisible(), "the window to close")
    scene.forget()
    scene.kept()
    protect(folder)
    again = Scene(work, store=store)
    again.said = dict(scene.said)
    again.turn_to(2)
    again.say(2, "lung_point", wait=False)
    again.until(lambda: again.state.unsaved.count > 0, "what is wrong")
    said = again.state.unsaved.sentence
    again.must(said in again.words(), "what is wrong is not on screen")
    protect(folder, off=True)
    again.until(again.is_saved, "the label to be saved once it may")
    again.close()
    again.kept()
    return said


def protect(folder: Path, *, off: bool = False) -> None:
    """Take or give back the right to write to a folder and what is in it."""
    if off:
        folder.chmod(0o755)
    for path in folder.iterdir():
        if path.is_file():
            path.chmod(0o644 if off else 0o444)
    if not off:
        folder.chmod(0o555)


def store_replaced(work: Path) -> str:
    """Another store is moved into the place of the open one, as by a program that copies files between machines."""
    scene = Scene(work)
    other = work / "older.sqlite"
    with AnnotationStore(other) as store:
        store.save_reading(scene.hashes[2], "clip 2.avi", "AK", "ls_p")
    scene.say(0, "ls_p")
    scene.turn_to(1)
    other.replace(scene.store)
    scene.say(1, "ls_a")
    said = scene.sentence("was replaced")
    scene.close()
    scene.kept()
    with AnnotationStore(scene.store) as store:
        scene.must([r.rater for r in store.records(scene.hashes[2])] == ["AK"], "what the other file held is gone")
    return said


def store_damaged(work: Path) -> str:
    """The store's file is overwritten with rubbish under the running window."""
    scene = Scene(work)
    scene.say(0, "ls_p")
    scene.turn_to(1)
    rubbish = bytes(range(256)) * 64
    with scene.store.open("r+b") as file:
        file.write(rubbish)
    scene.say(1, "ls_a", wait=False)
    scene.wait(1.0)
    scene.review.window.close()
    scene.must(scene.review.window.isVisible(), "the window closed over a store that is rubbish")
    said = scene.answer("another file")
    scene.must("damaged" in said, f"of damage nothing is said: {said}")
    question = scene.review.window.unsaved_question
    scene.until(lambda: isinstance(question.dialog, QFileDialog), "where to save")
    question.dialog.fileSelected.emit(str(work / "rescued.sqlite"))
    question.dialog.reject()
    scene.until(lambda: not scene.review.window.isVisible(), "the window to close")
    scene.forget()
    scene.kept(work / "rescued.sqlite")
    return said


def _delete(store: Path) -> None:
    for part in store.parent.glob(f"{store.name}*"):
        part.unlink()


ACTS = {
    act.__name__: act
    for act in (
        worker_killed_while_idle,
        worker_killed_while_analysing,
        gpu_lost,
        store_deleted,
        store_deleted_and_put_back,
        store_locked,
        store_replaced,
        store_damaged,
    )
}
if sys.platform == "linux":
    ACTS["worker_out_of_memory"] = worker_out_of_memory
if sys.platform != "win32":
    ACTS["store_write_protected"] = store_write_protected
AS_ANY_USER = {"store_write_protected"}
"""Faults that the root user of Linux would pass by: its right to do so is given up first."""
