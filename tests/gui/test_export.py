"""Exports from the window: a dialog, a mask that is looked at once, and files that appear whole or not at all."""

import csv
import gc
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pypdf
import pytest
from evidence_samples import prediction
from PySide6.QtCore import Qt
from window_samples import approve_mask, draw, open_clip_in, press, until

from lsgui.annotation.store import AnnotationStore
from lsgui.core.label import ReaderLabel
from lsgui.core.motion_map import MotionMap
from lsgui.core.prediction import WindowScore
from lsgui.export.kinds import ExportKind
from lsgui.gui.export_dialog import ExportDialog
from lsgui.gui.export_task import export_subject
from lsgui.gui.export_thread import STOPPED
from lsgui.gui.mask_dialog import MaskDialog
from lsgui.gui.stall_watch import StallWatch
from lsgui.review.paths import labels_file
from lsgui.review.state import AnalysisPhase

NAME = "NOVAK JAN"
HEADER = 30


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A clip with a name burned in above the scan, and in its file's name."""
    path = tmp_path / "NOVAK JAN.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (200, 160))
    rng = np.random.default_rng(1)
    for _ in range(40):
        picture = rng.integers(30, 110, (160, 200), dtype=np.uint8)
        picture[90:94] = 220
        picture[:HEADER] = 0
        cv2.putText(picture, NAME, (6, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)
        writer.write(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


@pytest.fixture
def judged(review: Any, qtbot: Any, told_session: Any, named: Path) -> Any:
    """The window with the clip, its line and a verdict."""
    open_clip_in(review, qtbot, named)
    draw(review, 92.0)
    review.controller.analysis.analyse()
    until(qtbot, lambda: len(told_session.requests) == 1)
    values = np.full((2, 6, 16), 0.4, dtype=np.float32)
    told_session.events.put(
        _map_ready(told_session, MotionMap("speckle_change", values, np.array([0.0, 2.0]), 30.0, "", 0.0, 0.5))
    )
    windows = (WindowScore(0, 20, 0.1), WindowScore(20, 40, 0.2))
    told_session.finish(verdict=replace(prediction(), windows=windows, ribbon=None))
    until(qtbot, lambda: review.controller.state.analysis.phase is AnalysisPhase.DONE)
    until(qtbot, lambda: review.controller.readings.known_hash(named) is not None)
    return review


def _map_ready(session: Any, motion: MotionMap) -> Any:
    from lsgui.inference.protocol import MotionReady

    return MotionReady(session.requests[-1].id, motion)


def active(review: Any, qtbot: Any) -> Any:
    """Bring the window to the front again: the offscreen platform does not when a dialog closes."""
    review.window.activateWindow()
    until(qtbot, review.window.isActiveWindow)
    return review


def dialog_of(review: Any, qtbot: Any) -> ExportDialog:
    press(active(review, qtbot), Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    dialog = review.window.commands.dialog
    assert isinstance(dialog, ExportDialog)
    return dialog


def export(review: Any, qtbot: Any, folder: Path, *kinds: ExportKind) -> None:
    dialog = dialog_of(review, qtbot)
    for kind, box in dialog.boxes.items():
        box.setChecked(kind in kinds)
    dialog.folder.setText(str(folder))
    dialog.export_button.click()


def ended(review: Any, qtbot: Any, start: str = "Saved") -> str:
    until(qtbot, lambda: not review.window.commands.exports.exporter.busy)
    notice = review.controller.state.notice
    assert notice.startswith(start), notice
    return str(notice)


def visible_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def test_a_report_leaves_after_the_mask_was_looked_at_and_the_next_one_without_a_question(
    judged: Any, qtbot: Any, named: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    short = judged.controller.readings.known_hash(named)[:8]
    assert judged.controller.state.playback.playing
    export(judged, qtbot, out, ExportKind.REPORT, ExportKind.WINDOWS)
    assert judged.window.commands.exports.progress.isVisible()
    approve_mask(judged, qtbot, "R9")
    assert ended(judged, qtbot) == f"Saved lsgui-{short}-report.pdf, lsgui-{short}-windows.csv."
    assert judged.controller.state.playback.playing, "the clip plays on"
    assert not judged.window.commands.exports.progress.isVisible()
    assert judged.window.notice_bar.action.isVisible()
    assert judged.window.notice_bar.action.text() == "Show folder"
    assert visible_files(out) == [f"lsgui-{short}-report.pdf", f"lsgui-{short}-windows.csv"]
    text = " ".join(pypdf.PdfReader(out / f"lsgui-{short}-report.pdf").pages[0].extract_text().split())
    assert "Lung sliding present" in text
    assert "No reading" in text
    assert "NOVAK" not in text
    rows = list(csv.DictReader(io.StringIO((out / f"lsgui-{short}-windows.csv").read_text("utf-8-sig"))))
    assert [row["p_absent"] for row in rows] == ["0.1000", "0.2000"]
    with AnnotationStore(labels_file()) as store:
        (mask,) = store.all_masks()
        assert mask.approved_by == "R9"
        assert (mask.width, mask.height) == (200, 160)

    judged.controller.tell("")
    assert not judged.window.notice_bar.action.isVisible()
    export(judged, qtbot, out, ExportKind.PICTURE)  # approved before: nobody is asked
    ended(judged, qtbot)
    picture = cv2.imread(str(out / f"lsgui-{short}-picture.png"))
    assert not (picture[:40] > 180).all(axis=2).any(), "the burned-in name"


def test_the_readers_label_is_in_the_report(judged: Any, qtbot: Any, tmp_path: Path) -> None:
    judged.controller.labels.label(ReaderLabel.LS_A)
    until(qtbot, lambda: judged.controller.state.reading.saved_at != "")
    export(judged, qtbot, tmp_path / "out", ExportKind.REPORT)
    approve_mask(judged, qtbot)
    ended(judged, qtbot)
    (report,) = (tmp_path / "out").iterdir()
    text = " ".join(pypdf.PdfReader(report).pages[0].extract_text().split())
    assert "Absent (ls_a)" in text
    assert "Reader R1 ·" in text
    assert "assisted reading" in text


def test_nothing_leaves_without_approval(judged: Any, qtbot: Any, tmp_path: Path) -> None:
    export(judged, qtbot, tmp_path / "out", ExportKind.PICTURE, ExportKind.REPORT)
    until(qtbot, lambda: isinstance(judged.window.commands.dialog, MaskDialog))
    judged.window.commands.dialog.reject()
    ended(judged, qtbot, "Nothing was exported: the mask was not approved.")
    assert visible_files(tmp_path / "out") == []
    assert not judged.window.commands.exports.progress.isVisible()
    assert not labels_file().exists() or masks_of_the_store() == ()


def masks_of_the_store() -> tuple[object, ...]:
    with AnnotationStore(labels_file()) as store:
        return store.all_masks()


def test_a_blind_readers_export_keeps_the_ai_covered(judged: Any, qtbot: Any, tmp_path: Path) -> None:
    judged.controller.set_settings(replace(judged.controller.settings, blind=True))
    dialog = dialog_of(judged, qtbot)
    assert not dialog.boxes[ExportKind.WINDOWS].isEnabled()
    assert any("Blind reading" in label.text() for label in dialog.findChildren(type(dialog._hint)))
    dialog.boxes[ExportKind.REPORT].setChecked(True)
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.export_button.click()
    approve_mask(judged, qtbot)
    ended(judged, qtbot)
    (report,) = (tmp_path / "out").iterdir()
    text = pypdf.PdfReader(report).pages[0].extract_text()
    assert "Left out" in text
    assert "sliding present" not in text
    assert "cmwru" not in text


def test_the_dialog_says_how_files_are_called_and_what_is_missing(
    review: Any, qtbot: Any, named: Path, told_session: Any
) -> None:
    open_clip_in(review, qtbot, named)
    until(qtbot, lambda: review.controller.readings.known_hash(named) is not None)
    dialog = dialog_of(review, qtbot)
    words = lambda: " ".join(label.text() for label in dialog.findChildren(type(dialog._hint)))  # noqa: E731
    assert "The clip is not analysed" in words()
    assert "lsgui-" in words()
    assert "NOVAK" not in words()
    dialog.names.setChecked(True)
    assert "NOVAK JAN-report.pdf" in words()
    assert not dialog.identified.isVisible(), "only a DICOM clip has a patient to keep"
    for box in dialog.boxes.values():
        box.setChecked(False)
    assert not dialog.export_button.isEnabled()
    assert "Tick what you want" in words()
    dialog.reject()
    assert review.window.commands.dialog is None


def test_escape_stops_an_export_and_nothing_is_left(judged: Any, qtbot: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    stages: list[str] = []
    judged.window.commands.exports.exporter.progressed.connect(lambda stage, _part: stages.append(stage))
    export(judged, qtbot, out, ExportKind.MOVIE, ExportKind.REPORT)
    approve_mask(judged, qtbot)
    until(qtbot, lambda: "Report" in stages)
    press(active(judged, qtbot), Qt.Key.Key_Escape)
    ended(judged, qtbot, STOPPED)
    until(qtbot, lambda: visible_files(out) == [])
    export(judged, qtbot, out, ExportKind.WINDOWS)
    ended(judged, qtbot)
    assert len(visible_files(out)) == 1


def test_the_window_closes_over_an_export_and_nothing_is_left(judged: Any, qtbot: Any, tmp_path: Path) -> None:
    stages: list[str] = []
    judged.window.commands.exports.exporter.progressed.connect(lambda stage, _part: stages.append(stage))
    export(judged, qtbot, tmp_path / "out", ExportKind.MOVIE)
    approve_mask(judged, qtbot)
    until(qtbot, lambda: "Movie" in stages)
    judged.window.close()
    assert visible_files(tmp_path / "out") == []


def test_the_quick_picture_is_masked_and_pseudonymous(judged: Any, qtbot: Any, named: Path, tmp_path: Path) -> None:
    press(judged, Qt.Key.Key_E, Qt.KeyboardModifier.ShiftModifier)
    dialog = judged.window.commands.dialog
    short = judged.controller.readings.known_hash(named)[:8]
    assert dialog.selectedFiles()[0].endswith(f"lsgui-{short}-picture.png")
    dialog.fileSelected.emit(str(tmp_path / "mine.png"))
    dialog.reject()
    approve_mask(judged, qtbot)
    assert ended(judged, qtbot) == "Saved mine.png."
    picture = cv2.imread(str(tmp_path / "mine.png"))[..., ::-1].astype(int)
    assert not (picture[:40] > 180).all(axis=2).any(), "the burned-in name"
    blue = np.abs(picture - np.array([70, 184, 218])).max(axis=2) < 30
    assert blue.sum() > 200, "the pleural line"
    assert ((picture[..., 0] - picture[..., 2]) > 60).sum() > 500, "the heat map"


def test_overlays_that_are_off_stay_out_of_the_picture(judged: Any, qtbot: Any, named: Path) -> None:
    store = judged.controller.project.store
    shown = export_subject(judged.controller.state, None, store)
    assert shown.layers().line
    assert shown.heat.quantity == "speckle_change"
    assert shown.heat.look().ramp == "inferno"
    press(judged, Qt.Key.Key_O)
    bare = export_subject(judged.controller.state, None, store)
    assert not bare.layers().line
    assert bare.heat is None
    review_line = judged.controller.state.roi
    judged.controller.lines.set_line(review_line.with_line(0, [[20, 80], [140, 82]]))
    changed = export_subject(judged.controller.state, None, store)
    assert changed.stale
    assert changed.prediction is None, "a verdict on the former line does not leave with the new one"


def test_the_picture_has_the_greys_that_the_reader_set_and_the_mask_stays_black(
    judged: Any, qtbot: Any, tmp_path: Path
) -> None:
    shots = []
    for name, brightness in (("plain", 0.0), ("bright", 0.4)):
        judged.controller.adjust_picture(brightness, 1.0)
        judged.window.menus.actions["export_picture"].trigger()
        dialog = judged.window.commands.dialog
        dialog.fileSelected.emit(str(tmp_path / f"{name}.png"))
        dialog.reject()
        if not shots:
            approve_mask(judged, qtbot)
        ended(judged, qtbot)
        shots.append(cv2.imread(str(tmp_path / f"{name}.png")))
    plain, bright = (shot[: shot.shape[0] // 2].astype(int) for shot in shots)
    assert bright[plain > 20].mean() > plain[plain > 20].mean() + 60
    assert bright[:40].max() == 0, "what is masked is black, however bright the rest"


def test_the_reader_goes_on_to_the_next_clip_meanwhile(
    judged: Any, qtbot: Any, clips: list[Path], tmp_path: Path
) -> None:
    stages: list[str] = []
    judged.window.commands.exports.exporter.progressed.connect(lambda stage, _part: stages.append(stage))
    judged.controller.open_paths([clips[0]])
    until(qtbot, lambda: judged.controller.state.clip.path == clips[0])
    judged.controller.clips.select(0)
    until(qtbot, lambda: judged.controller.state.analysis.phase is AnalysisPhase.DONE)
    until(qtbot, lambda: judged.controller.state.clip.phase.value == "complete")
    export(judged, qtbot, tmp_path / "out", ExportKind.MOVIE)
    approve_mask(judged, qtbot)
    until(qtbot, lambda: "Movie" in stages)
    judged.controller.clips.select(1)
    until(qtbot, lambda: not judged.window.commands.exports.exporter.busy)
    assert judged.controller.state.clip.path == clips[0]
    (movie,) = (tmp_path / "out").iterdir()
    reader = cv2.VideoCapture(str(movie))
    assert reader.get(cv2.CAP_PROP_FRAME_COUNT) == 40, "the movie is of the clip that was on screen"
    reader.release()


def test_a_folder_that_cannot_be_made_is_one_sentence(judged: Any, qtbot: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    export(judged, qtbot, tmp_path / "file" / "out", ExportKind.WINDOWS)
    ended(judged, qtbot, "Nothing was exported to out (")
    assert not judged.window.notice_bar.action.isVisible()


def test_the_window_plays_on_while_files_are_made(judged: Any, qtbot: Any, tmp_path: Path) -> None:
    export(judged, qtbot, tmp_path / "first", ExportKind.WINDOWS, ExportKind.PICTURE)
    approve_mask(judged, qtbot)
    ended(judged, qtbot)
    bare = StallWatch()
    qtbot.wait(1500)
    bare.stop()
    export(judged, qtbot, tmp_path / "out", ExportKind.REPORT, ExportKind.MOVIE)
    qtbot.wait(100)  # the dialog goes away
    gc.collect()
    gc.freeze()  # as the program does once its window stands: what tests have loaded is not walked through again
    watch = StallWatch()
    try:
        ended(judged, qtbot)
    finally:
        watch.stop()
        gc.unfreeze()
    assert len(visible_files(tmp_path / "out")) == 2
    assert watch.busiest_ms < max(50.0, 1.5 * bare.busiest_ms), "the window works no more than it does by itself"
    late = [round(gap) for gap in watch.gaps_ms if gap > max(50.0, 1.5 * bare.longest_ms)]
    assert len(late) <= 0.02 * len(watch.gaps_ms), f"{late} of {len(watch.gaps_ms)}"
