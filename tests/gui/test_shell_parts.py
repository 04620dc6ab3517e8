"""Worklist, preferences, log, faults and display check: the parts around the clip."""

import logging
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QSpinBox
from window_samples import until, write_clip

from lsgui.core.errors import LsguiError
from lsgui.core.label import ReaderLabel
from lsgui.gui.fault_hook import FaultHook
from lsgui.gui.job_thread import JobThread
from lsgui.gui.platform_check import _counts_wrongly, why_no_window
from lsgui.gui.settings_dialog import SettingsDialog
from lsgui.gui.worklist_panel import WorklistPanel
from lsgui.review import transitions as to
from lsgui.review.log_file import clip_tag, log_file, redacted, start_log
from lsgui.review.settings import Settings, setting_rules
from lsgui.review.state import ReviewState, WorklistEntry


@pytest.fixture
def panel(qtbot):
    made = WorklistPanel()
    qtbot.addWidget(made)
    made.resize(248, 700)
    yield made
    made.close_thread()


def test_ten_thousand_clips_are_as_quick_as_ten(panel, qtbot, tmp_path):
    few = tuple(WorklistEntry(tmp_path / f"{k}.mp4", f"{k}.mp4", "1 frame") for k in range(10))
    many = tuple(WorklistEntry(tmp_path / f"{k}.mp4", f"{k}.mp4", "1 frame") for k in range(10_000))
    state = ReviewState(worklist=few, selected=0)
    panel.apply(None, state)
    panel.show()
    full = replace(state, worklist=many)
    began = time.thread_time()
    panel.apply(state, full)
    chosen = replace(full, selected=9_000)
    panel.apply(full, chosen)
    read = to.entry_changed(chosen, many[9_000].path, label=ReaderLabel.LS_A)
    panel.apply(chosen, read)
    QApplication.processEvents()
    assert time.thread_time() - began < 0.5
    assert panel._list.currentIndex().row() == 9_000
    assert "1 OF 10000 READ" in panel._heading.text()


def test_the_worklist_shows_pictures_lengths_and_labels(panel, qtbot, tmp_path):
    clips = [write_clip(tmp_path / f"clip {k}.avi", frames=20) for k in range(2)]
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"nothing")
    entries = tuple(WorklistEntry(path, path.name) for path in (*clips, bad))
    panel.apply(None, ReviewState(worklist=entries, pace_s=60.0))
    panel.show()
    model = panel._model
    until(qtbot, lambda: all(entry.path in model._images for entry in entries))
    assert model._images[clips[0]].detail == "20 frames · 1.0 s"
    assert model._images[clips[0]].image.width() == 128
    assert model._images[bad].image is None
    assert "bad.mp4" in model._images[bad].error
    assert panel._left_to_read.text() == "3 to read · about 3 min at your pace"


def test_choosing_a_clip_asks_for_it_but_showing_the_choice_does_not(panel, qtbot, tmp_path):
    entries = tuple(WorklistEntry(tmp_path / f"{k}.mp4", f"{k}.mp4", "x") for k in range(3))
    state = ReviewState(worklist=entries)
    panel.apply(None, state)
    asked = []
    panel.clipAsked.connect(asked.append)
    panel.apply(state, replace(state, selected=2))
    assert asked == []
    panel._list.setCurrentIndex(panel._model.index(1))
    assert asked == [1]


def test_every_setting_has_an_editor_of_its_kind(qtbot):
    dialog = SettingsDialog(Settings(), {"models": {"motion": "Motion index"}})
    qtbot.addWidget(dialog)
    assert set(setting_rules()) - set(dialog.editors) == {"rater", "sitting", "store_file"}  # their own commands
    kinds = {
        "theme": QComboBox,
        "raft_weights": QLineEdit,
        "blind": QCheckBox,
        "speed": QDoubleSpinBox,
        "memory_mb": QSpinBox,
    }
    for name, kind in kinds.items():
        assert isinstance(dialog.editors[name], kind)
    assert dialog.editors["model_id"].currentText() == "cmwru-strip (not here)"


def test_an_edit_takes_effect_and_an_impossible_one_is_refused(qtbot):
    dialog = SettingsDialog(Settings(), {"models": {"motion": "Motion index", "cmwru-strip": "Strip"}})
    qtbot.addWidget(dialog)
    got = []
    dialog.settingsEdited.connect(got.append)
    dialog.editors["model_id"].setCurrentIndex(0)
    dialog.editors["blind"].setChecked(True)
    dialog.editors["speed"].setValue(0.5)
    assert (got[-1].model_id, got[-1].blind, got[-1].speed) == ("motion", True, 0.5)
    line = dialog.editors["raft_weights"]
    line.textEdited.emit("x" * 1001)
    assert got[-1].raft_weights == ""
    assert not dialog._fault.isHidden()
    line.setText("raft.safetensors")
    line.textEdited.emit("raft.safetensors")
    assert got[-1].raft_weights == "raft.safetensors"
    assert dialog._fault.isHidden()


def test_the_log_names_neither_clips_nor_folders(home):
    clip = Path("/data/Patients/Smith^John 1970/IMG Smith.dcm")
    tag = clip_tag(clip)
    assert clip_tag(clip) == tag
    handler = start_log()
    try:
        logging.getLogger("lsgui.test").info("opening %s", clip)
        try:
            raise LsguiError(f"{clip.name} is empty; see {clip.parent}.")
        except LsguiError:
            logging.getLogger("lsgui.test").info("failed", exc_info=True)
    finally:
        logging.getLogger("lsgui").removeHandler(handler)
        handler.close()
    text = log_file().read_text()
    assert log_file().is_relative_to(home)
    assert tag in text
    assert "Smith" not in text
    assert "Patients" not in text
    assert redacted(r"C:\Users\Jane\clips\a.avi failed") == "...(path left out)" or "Jane" not in redacted(
        r"C:\Users\Jane\clips\a.avi failed"
    )


def test_a_fault_that_nobody_caught_is_said_and_logged(qtbot, expected_log_warnings):
    hook = FaultHook()
    said = []
    hook.faultHappened.connect(said.append)
    try:
        sys.excepthook(ValueError, ValueError("x"), None)
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        until(qtbot, lambda: len(said) == 2)
    finally:
        hook.remove()
    assert "ValueError" in said[0]
    assert "ZeroDivisionError" in said[1]


def test_no_display_is_one_sentence(monkeypatch):
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert "no display" in why_no_window()
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert why_no_window() == ""


def test_the_binding_that_miscounts_references_is_refused():
    assert _counts_wrongly((6, 12, 0, "", ""), (3, 11, 7))
    assert not _counts_wrongly((6, 12, 0, "", ""), (3, 12, 1))
    assert not _counts_wrongly((6, 11, 3, "", ""), (3, 11, 7))


class CountingJob:
    """Tells numbers until it is cancelled."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, tell, cancelled) -> None:
        from lsgui.core.errors import CancelledError

        while not cancelled():
            tell(self.name)
            time.sleep(0.005)
        raise CancelledError

    def failure(self, sentence: str) -> str:
        return sentence


class FailingJob:
    """Raises."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault

    def run(self, tell, cancelled) -> None:
        raise self.fault

    def failure(self, sentence: str) -> str:
        return sentence


def test_a_newer_job_takes_the_place_of_the_running_one(qtbot):
    thread, told = JobThread("test"), []
    thread.told.connect(told.append)
    thread.submit(CountingJob("first"))
    until(qtbot, lambda: "first" in told)
    thread.submit(CountingJob("second"))
    until(qtbot, lambda: "second" in told)
    assert "first" not in told[told.index("second") :]
    thread.close()
    assert not thread.isRunning()


def test_a_fault_in_a_job_is_a_sentence_and_the_thread_lives_on(qtbot, expected_log_warnings):
    thread, told = JobThread("test"), []
    thread.told.connect(told.append)
    thread.submit(FailingJob(LsguiError("clip.mp4 is empty.")))
    until(qtbot, lambda: told == ["clip.mp4 is empty."])
    thread.submit(FailingJob(ZeroDivisionError()))
    until(qtbot, lambda: len(told) == 2)
    assert "ZeroDivisionError" in told[1]
    thread.submit(CountingJob("again"))
    until(qtbot, lambda: "again" in told)
    thread.close()
