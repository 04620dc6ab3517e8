"""Closing the real window in the middle of everything: it ends, nothing lives on, and no label is lost."""

import multiprocessing
import threading
import time
from collections.abc import Callable
from pathlib import Path

from fault_scene import Scene, real_worker, write_clip
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from lsgui.review.state import AnalysisPhase, LoadPhase, RoiPhase

LONGEST_END_S = 10.0


def closed_while_opening(work: Path) -> str:
    """Close between the choice of a clip and its first frame."""
    scene = _scene(work)
    scene.turn_to(2, ready=False)
    return _closed(scene, lambda: scene.state.clip.phase is LoadPhase.OPENING)


def closed_while_decoding(work: Path) -> str:
    """Close in the middle of a clip that was just labelled."""
    scene = _scene(work)
    scene.turn_to(2, ready=False)
    scene.until(lambda: scene.state.clip is not None and scene.state.clip.frames_ready > 3, "the first frames")
    scene.say(2, "lung_point", wait=False)
    return _closed(scene, lambda: scene.state.clip.phase is LoadPhase.DECODING)


def closed_while_searching(work: Path) -> str:
    """Close while the pleural line is looked for."""
    scene = _scene(work)
    scene.say(0, "ls_p", wait=False)
    scene.press(Qt.Key.Key_R, Qt.KeyboardModifier.ShiftModifier)
    return _closed(scene, lambda: scene.state.roi_phase is RoiPhase.SEARCHING)


def closed_while_drawing(work: Path) -> str:
    """Close in the middle of a line that is drawn."""
    scene = _scene(work)
    scene.say(0, "ls_a", wait=False)
    scene.press(Qt.Key.Key_R)
    view = scene.review.window.clip_view
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.rect().center())
    return _closed(scene, lambda: scene.state.tool == "draw_line")


def closed_while_analysing(work: Path) -> str:
    """Close while the worker computes."""
    scene = _scene(work, worker=True)
    scene.draw()
    scene.say(0, "ls_p", wait=False)
    scene.analyse()
    return _closed(scene, lambda: scene.state.analysis.phase is AnalysisPhase.RUNNING)


def closed_while_the_worker_starts(work: Path) -> str:
    """Close before the worker is ready."""
    _long_clip(work)
    scene = Scene(work, real_worker, wait_for_worker=False)
    scene.say(0, "ls_p", wait=False)
    return _closed(scene, lambda: scene.state.worker.device == "")


def closed_while_exporting(work: Path) -> str:
    """Close while a movie is written: the label is there, half a movie is not."""
    scene = _scene(work)
    scene.say(0, "ls_a", wait=False)
    exports = scene.review.window.commands.exports
    stages: list[str] = []
    exports.exporter.progressed.connect(lambda stage, _part: stages.append(stage))
    exports.open_dialog()
    dialog = scene.review.window.commands.dialog
    for box in dialog.boxes.values():
        box.setChecked(box.isEnabled())
    dialog.folder.setText(str(work / "out"))
    dialog.export_button.click()
    scene.until(lambda: hasattr(scene.review.window.commands.dialog, "confirm"), "the question for the mask")
    mask = scene.review.window.commands.dialog
    mask.who.setText("R9")
    mask.confirm.setChecked(True)
    mask.approve.click()
    scene.until(lambda: any(stage not in ("", "Preparing") for stage in stages), "the first file")
    said = _closed(scene, lambda: exports.exporter.busy)
    left = [path.name for path in (work / "out").rglob("*")] if (work / "out").exists() else []
    scene.must(not left, f"half an export is left: {left}")
    return said


def closed_while_listing(work: Path) -> str:
    """Close while a folder of many clips is listed."""
    scene = _scene(work)
    many = work / "many"
    many.mkdir()
    data = scene.clips[0].read_bytes()
    for number in range(1500):
        (many / f"{number:04d}.avi").write_bytes(data[:2000])
    scene.say(0, "ls_p", wait=False)
    scene.review.controller.open_paths([many])
    return _closed(scene, lambda: scene.state.scanning)


def closed_while_dialogs_are_open(work: Path) -> str:
    """Close under every dialog, the one that asks who reads among them."""
    for number, name in enumerate(
        ("settings", "shortcuts", "help_limits", "about", "export", "open_files", "save_line", "new_project", "reader")
    ):
        folder = work / name
        folder.mkdir()
        scene = Scene(folder)
        scene.draw()
        scene.say(0, ("ls_p", "ls_a")[number % 2], wait=False)
        scene.review.window.menus.actions[name].trigger()
        _closed(scene, lambda: True)
    return "it closed"


def closed_while_typing_a_comment(work: Path) -> str:
    """Close in the middle of a word: what was typed is saved."""
    scene = _scene(work)
    scene.say(0, "ls_p", wait=False)
    scene.press(Qt.Key.Key_W)
    QTest.keyClicks(scene.review.window.label_panel.comment, "rib in the wa")
    said = _closed(scene, lambda: True)
    from lsgui.annotation.store import AnnotationStore

    with AnnotationStore(scene.store) as store:
        comments = [record.comment for record in store.records(scene.hashes[0])]
    scene.must(comments == ["rib in the wa"], f"of the comment this is left: {comments}")
    return said


def _long_clip(work: Path) -> None:
    (work / "clips").mkdir()
    write_clip(work / "clips" / "clip 2.avi", 900, seed=9, size=(640, 480))


def _scene(work: Path, *, worker: bool = False) -> Scene:
    _long_clip(work)
    return Scene(work, real_worker) if worker else Scene(work)


def _closed(scene: Scene, in_the_middle: Callable[[], bool]) -> str:
    """Close the window now; it must be in the middle of it, and leave nothing behind."""
    scene.must(in_the_middle(), "it was over before the window could be closed")
    began = time.monotonic()
    scene.close()
    took = time.monotonic() - began
    scene.must(took < LONGEST_END_S, f"closing took {took:.1f} s")
    end = time.monotonic() + 3.0
    while _alive() and time.monotonic() < end:
        time.sleep(0.02)
    scene.must(not _alive(), f"after closing there live: {_alive()}")
    scene.kept()
    return "it closed"


def _alive() -> list[str]:
    processes = [child.name for child in multiprocessing.active_children()]
    foreign = threading._DummyThread  # threads that Python did not start
    threads = [t.name for t in threading.enumerate() if t is not threading.main_thread() and type(t) is not foreign]
    return processes + threads


ACTS = {
    act.__name__: act
    for act in (
        closed_while_opening,
        closed_while_decoding,
        closed_while_searching,
        closed_while_drawing,
        closed_while_analysing,
        closed_while_the_worker_starts,
        closed_while_exporting,
        closed_while_listing,
        closed_while_dialogs_are_open,
        closed_while_typing_a_comment,
    )
}
