"""Faults of the machine under the real window: disks, clock, sleep, screens, a second window, and closing at any time.

As in fault_acts.py, each function takes an empty folder, and returns what the window said.
"""

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Self

import resource_limits
from fault_scene import KEYS, Scene, is_one_sentence, note, notes, real_worker, write_clip
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication

from lsgui.annotation.store import AnnotationStore
from lsgui.core.reading import StatementKind
from lsgui.gui import controller_readings, reading_store
from lsgui.review import transitions as to
from lsgui.review.state import LoadPhase, LoopMode

HERE = Path(__file__).resolve().parent
CONTROL = Qt.KeyboardModifier.ControlModifier


def disk_is_mounted() -> bool:
    """Whether `small_disk` is a file system of its own; else the size of files is limited where it is filled."""
    return os.environ.get("LSGUI_DRILL_DISK") == "mounted"


def small_disk(work: Path) -> Path:
    """Return the folder of the small disk."""
    folder = work.parent / "disk"
    folder.mkdir(exist_ok=True)
    return folder


class FullDisk:
    """A small disk that is filled to its last byte, or a limit at which no file can grow any more."""

    def __init__(self, disk: Path) -> None:
        self._filler = disk / "filler"
        if not disk_is_mounted():
            resource_limits.limit_files(0)
            return
        with self._filler.open("ab", buffering=0) as file:
            for size in (65536, 4096, 512, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError as fault:
                    if fault.errno != errno.ENOSPC:
                        raise

    def free(self) -> None:
        """Make room."""
        if disk_is_mounted():
            self._filler.unlink()
        else:
            resource_limits.limit_files(None)


# --- disks


def disk_full_while_labels_are_saved(work: Path) -> str:
    """The disk with the store, the settings and the log has no room left."""
    disk = small_disk(work)
    os.environ["LSGUI_HOME"] = str(disk / "home")
    scene = Scene(work, store=disk / "labels.sqlite")
    scene.say(0, "ls_p")
    full = FullDisk(disk)
    scene.turn_to(1)
    scene.say(1, "ls_a", wait=False)
    scene.until(lambda: scene.state.unsaved.count > 0, "what is wrong")
    said = scene.state.unsaved.sentence
    scene.must("disk" in said and said in scene.words(), f"of the disk nothing is said: {said}")
    FullDisk(disk)  # what SQLite gave back is taken, too
    scene.review.controller.choose("speed", 2.0)  # settings cannot be saved either
    scene.must(is_one_sentence(scene.state.notice), f"of the settings nothing is said: {scene.state.notice}")
    scene.turn_to(2)
    scene.say(2, "lung_point", wait=False)
    scene.press(Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)
    scene.review.window.close()
    scene.must(scene.review.window.isVisible(), "the window closed over labels that are not saved")
    scene.answer("Go on reading")
    full.free()
    scene.until(lambda: scene.state.unsaved.count == 0, "everything to be saved once there is room")
    scene.close()
    scene.kept()
    return said


def disk_full_while_exporting(work: Path) -> str:
    """The disk that an export goes to fills up in the middle of it."""
    (work / "clips").mkdir()
    write_clip(work / "clips" / "clip 0.avi", 150, size=(640, 480))
    scene = Scene(work, clips=1)
    scene.say(0, "ls_p")
    out = small_disk(work) / "out"
    if not disk_is_mounted():
        resource_limits.limit_files(300_000)
    exports = scene.review.window.commands.exports
    exports.open_dialog()
    dialog = scene.review.window.commands.dialog
    for box in dialog.boxes.values():
        box.setChecked(box.isEnabled())
    dialog.folder.setText(str(out))
    dialog.export_button.click()
    scene.until(lambda: hasattr(scene.review.window.commands.dialog, "confirm"), "the question for the mask")
    mask = scene.review.window.commands.dialog
    mask.who.setText("R9")
    mask.confirm.setChecked(True)
    mask.approve.click()
    scene.until(lambda: not exports.exporter.busy, "the end of the export")
    said = scene.state.notice
    scene.must(is_one_sentence(said) and not said.startswith("Saved"), f"it does not say what happened: {said}")
    left = [path.name for path in out.rglob("*")] if out.exists() else []
    scene.must(not left, f"half an export is left: {left}")
    resource_limits.limit_files(None)
    scene.say(0, "ls_a")
    scene.close()
    scene.kept()
    return said


def drive_pulled_while_playing(work: Path) -> str:
    """The file system with the clips is unmounted under the playing clip; where it cannot be, its folder goes."""
    disk = small_disk(work)
    (work / "clips").symlink_to(disk / "clips")
    (disk / "clips").mkdir()
    scene = Scene(work, real_worker)
    scene.say(0, "ls_p")
    if disk_is_mounted():
        subprocess.run(["umount", "-l", str(disk)], check=True)
    else:
        shutil.rmtree(disk)
    frame = scene.state.playback.frame
    scene.until(lambda: scene.state.playback.frame != frame, "the clip to play on")
    scene.say(0, "ls_a")
    scene.draw()
    scene.analyse()
    scene.verdict()
    scene.turn_to(2, ready=False)
    scene.until(lambda: scene.state.clip is not None and scene.state.clip.phase is LoadPhase.FAILED, "the fault")
    said = scene.state.clip.error if scene.state.clip is not None else ""
    scene.must(is_one_sentence(said), f"what is wrong with the clip is not said: {said}")
    scene.close()
    scene.kept()
    return said


# --- sleep


def sleep_and_resume(work: Path) -> str:
    """The window's process is halted and goes on, as when a lid is shut: while it plays, saves and analyses."""
    scene = Scene(work, real_worker, frames=400)
    scene.review.controller.change(lambda s: to.loop_set(to.playing_set(s, False), LoopMode.ONCE))
    scene.review.controller.seek(0)
    scene.review.controller.toggle_play()
    shown: list[int] = []
    scene.review.controller.stateChanged.connect(lambda _old, new: shown.append(new.playback.frame))
    scene.until(lambda: len(shown) > 5, "the clip to play")
    _nap(scene)
    awake = len(shown)
    scene.until(lambda: len(shown) > awake + 5, "the clip to play on")
    leap = max(after - before for before, after in pairwise(shown))
    scene.must(leap <= 25, f"the clip ran on by {leap} frames while nobody could see it")
    scene.must(scene.state.playback.playing, "it does not play any more")
    scene.say(0, "ls_a", wait=False)
    _nap(scene)
    scene.until(scene.is_saved, "the label to be saved")
    scene.draw()
    scene.analyse()
    _nap(scene)
    scene.verdict()
    scene.review.controller.change(lambda s: to.playing_set(s, False))
    scene.wait(1.0)
    used = time.process_time()
    QApplication.processEvents()
    time.sleep(1.0)
    QApplication.processEvents()
    scene.must(time.process_time() - used < 0.6, "timers that piled up keep the window busy")
    scene.close()
    scene.kept()
    return f"nothing needs to be said: it goes on where it stood (leaps of {leap} frames at most)"


def _nap(scene: Scene) -> None:
    """Let another process halt this one for a while, and wait until that is over."""
    seconds = float(os.environ.get("LSGUI_DRILL_NAP_S", "20"))
    code = (
        "import os, signal, sys, time; pid = int(sys.argv[1]); time.sleep(0.2); os.kill(pid, signal.SIGSTOP); "
        "time.sleep(float(sys.argv[2])); os.kill(pid, signal.SIGCONT)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(os.getpid()), str(seconds)])
    scene.until(lambda: other.poll() is not None, "the end of the nap", seconds + 60.0)


# --- the clock


class SetClock(datetime):
    """The machine's clock, `off` away from the true time."""

    off = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return what the clock says."""
        moment = datetime.now(tz) + cls.off
        return cls(*moment.timetuple()[:6], moment.microsecond, moment.tzinfo)


def clock_set_back(work: Path) -> str:
    """The clock jumps between labels; what is said last stands, in this window and in the next one."""
    controller_readings.datetime = SetClock
    reading_store.datetime = SetClock
    scene = Scene(work)
    order = []
    for days, label in ((0, "ls_p"), (-1, "ls_a"), (-400, "lung_point"), (2, "cannot_assess"), (-3, "ls_a")):
        SetClock.off = timedelta(days=days)
        scene.say(0, label)
        order.append(label)
    scene.press(Qt.Key.Key_Z, CONTROL)
    scene.until(lambda: scene.state.reading.label == "cannot_assess" and scene.is_saved(), "the label to be taken back")
    scene.press(Qt.Key.Key_Y, CONTROL)
    scene.until(lambda: scene.state.reading.label == "ls_a" and scene.is_saved(), "the label to be given again")
    order += ["cannot_assess", "ls_a"]
    scene.close()
    scene.kept()
    with AnnotationStore(scene.store) as store:
        rows = [row.value["label"] for row in store.history() if row.kind is StatementKind.LABEL]
    scene.must(rows == order, f"the history is {rows} instead of {order}")
    SetClock.off = timedelta(days=-1000)
    again = Scene(work)
    again.until(lambda: again.state.reading.label == "ls_a", "the label that was said last")
    again.turn_to(1)
    again.say(1, "ls_p")
    again.close()
    again.kept()
    return "nothing needs to be said: what was said last stands"


# --- a second window


def second_window(work: Path) -> str:
    """A second window of the same reader labels into the same store at the same time."""
    scene = Scene(work, clips=8)
    log = work / "other.jsonl"
    command = [sys.executable, str(HERE / "fault_drill.py"), "--inside", "the_second_window", str(work.parent)]
    other = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        scene.until(lambda: bool(notes(log)), "the second window to begin")
        for number in range(4):
            scene.turn_to(number)
            scene.say(number, list(KEYS)[number])
        scene.until(lambda: other.poll() is not None, "the second window to end")
    finally:
        if other.poll() is None:
            other.kill()
        other.wait()
    scene.must(other.returncode == 0, "the second window failed")
    scene.said |= {int(row["clip"]): str(row["label"]) for row in notes(log) if row["what"] == "ack"}
    scene.must(len(scene.said) == 8, f"{len(scene.said)} of 8 clips are labelled")
    scene.until(lambda: all(entry.label is not None for entry in scene.state.worklist), "the labels of the other one")
    scene.close()
    scene.kept()
    for file in Path(os.environ["LSGUI_HOME"]).rglob("*.json"):
        json.loads(file.read_text(encoding="utf-8"))
    return "nothing needs to be said: each shows the other's labels"


def the_second_window(work: Path) -> str:
    """Label the other half of the clips (a part of `second_window`)."""
    log = work / "other.jsonl"
    scene = Scene(work, clips=8)
    note(log, what="begun")
    for number in range(7, 3, -1):
        scene.turn_to(number)
        scene.say(number, list(KEYS)[number % 4])
        note(log, what="ack", clip=number, label=scene.said[number])
    scene.close()
    return ""


# --- screens


def screens_change(work: Path) -> str:
    """The window moves to a finer screen and back, and is opened again where that screen is gone."""
    scene = Scene(work)
    first, second = QApplication.screens()
    scene.must(second.devicePixelRatio() == 2.0, "the second screen is no finer one")
    scene.say(0, "ls_p")
    for screen in (second, first, second):
        scene.review.window.move(screen.geometry().topLeft() + QPoint(20, 20))
        scene.wait(0.3)
        scene.must(scene.review.window.screen() is screen, "the window did not move")
        ratio = scene.review.window.clip_view.grab().devicePixelRatio()
        scene.must(ratio == screen.devicePixelRatio(), f"the clip is painted for a ratio of {ratio}")
        frame = scene.state.playback.frame
        scene.until(lambda frame=frame: scene.state.playback.frame != frame, "the clip to play on")
        scene.turn_to((scene.state.selected or 0) + 1 if (scene.state.selected or 0) < 2 else 0)
        scene.say(scene.state.selected or 0, "ls_a")
    scene.review.window.showMaximized()
    scene.wait(0.2)
    scene.close()
    scene.kept()
    command = [sys.executable, str(HERE / "fault_drill.py"), "--inside", "on_a_smaller_screen", str(work.parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    scene.must(done.returncode == 0, f"on the smaller screen: {done.stderr[-600:]}")
    return "nothing needs to be said: the window is on the screen that there is"


def on_a_smaller_screen(work: Path) -> str:
    """Open the window again on one small screen (a part of `screens_change`)."""
    scene = Scene(work)
    seen = scene.review.window.frameGeometry()
    room = scene.review.window.screen().availableGeometry()
    scene.must(
        room.contains(seen.center()) and room.contains(seen.topLeft()), f"the window is at {seen}, not in {room}"
    )
    scene.close()
    return ""


def screens_for(name: str, work: Path) -> str:
    """Return the platform with the screens of a drill."""
    screens = {
        "screens_change": ((0, 0, 1920, 1080), (1920, 0, 2560, 1600)),
        "on_a_smaller_screen": ((0, 0, 1366, 768),),
    }[name]
    keys = ("x", "y", "width", "height")
    rows = [
        {"name": f"screen{k}", "logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1, **dict(zip(keys, screen, strict=True))}
        for k, screen in enumerate(screens)
    ]
    os.environ["QT_SCREEN_SCALE_FACTORS"] = "screen0=1;screen1=2"  # a ratio of the platform is not followed offscreen
    file = work / f"{name}.json"
    file.write_text(json.dumps({"screens": rows}), encoding="utf-8")
    return f"offscreen:configfile={file}"


ACTS = {act.__name__: act for act in (clock_set_back, second_window, screens_change, drive_pulled_while_playing)}
if sys.platform != "win32":
    ACTS |= {
        act.__name__: act for act in (disk_full_while_labels_are_saved, disk_full_while_exporting, sleep_and_resume)
    }
PARTS = {act.__name__: act for act in (the_second_window, on_a_smaller_screen)}
ON_A_SMALL_DISK = {
    "disk_full_while_labels_are_saved": "2m",
    "disk_full_while_exporting": "400k",
    "drive_pulled_while_playing": "20m",
}
WITH_SCREENS = {"screens_change", "on_a_smaller_screen"}
