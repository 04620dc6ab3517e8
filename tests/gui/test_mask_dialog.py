"""The approval of a mask: black areas drawn, moved, resized and taken away, then approved by a person with a name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evidence_samples import pixels
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from lsgui.core.clip import Clip, ClipInfo, MemoryFrames
from lsgui.core.pleura import PleuralROI
from lsgui.export.mask import PixelMask
from lsgui.export.mask_preview import brightest, preview_picture
from lsgui.gui.export_thread import MaskWanted
from lsgui.gui.mask_dialog import MaskDialog
from lsgui.gui.mask_draft import MaskDraft, Patch

WIDTH, HEIGHT, FRAMES, TOP = 120, 90, 12, 20
LINE = PleuralROI.single(0, [[20, 70], [100, 70]])


def _clip() -> Clip:
    """Grey 100; a white letter at (60, 50) in frame 7 alone; white under the mask."""
    frames = np.full((FRAMES, HEIGHT, WIDTH), 100, np.uint8)
    frames[7, 50:54, 60:64] = 255
    frames[:, :TOP] = 255
    return Clip(ClipInfo(Path("clip.avi"), "movie", FRAMES, WIDTH, HEIGHT, 10.0, "container"), MemoryFrames(frames))


class _Task:
    """What the dialog needs to know of a task."""

    def __init__(self, clip: Clip) -> None:
        self.subject = type("Subject", (), {"clip": clip, "frame": 3, "roi": LINE})()


@pytest.fixture
def dialog(qtbot: Any) -> MaskDialog:
    clip = _clip()
    proposed = PixelMask(((0, 0, WIDTH, TOP),), WIDTH, HEIGHT)
    wanted = MaskWanted(1, _Task(clip), "ab" * 32, proposed, brightest(clip))  # type: ignore[arg-type]  # a part of one
    made = MaskDialog(wanted, "R1")
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def _at(dialog: MaskDialog, x: float, y: float) -> QPoint:
    return QPoint(*(round(v) for v in dialog.canvas.transform.to_view(x - 0.5, y - 0.5)))


def _drag(dialog: MaskDialog, first: tuple[float, float], last: tuple[float, float]) -> None:
    canvas = dialog.canvas
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=_at(dialog, *first))
    QTest.mouseMove(canvas, _at(dialog, (first[0] + last[0]) / 2, (first[1] + last[1]) / 2))
    QTest.mouseMove(canvas, _at(dialog, *last))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=_at(dialog, *last))


def test_rectangles_are_drawn_moved_resized_and_removed(dialog: MaskDialog) -> None:
    _drag(dialog, (20, 40), (50, 60))
    (patch,) = dialog.canvas.draft.patches
    assert patch.covers
    assert patch.box == pytest.approx((20, 40, 30, 20), abs=1)

    x, y, width, height = patch.box
    _drag(dialog, (x + 15, y + 10), (x + 35, y + 15))  # by its middle
    moved = dialog.canvas.draft.patches[0].box
    assert moved == pytest.approx((x + 20, y + 5, width, height), abs=1)

    x, y, width, height = moved
    _drag(dialog, (x + width, y + height), (x + width + 10, y + height - 5))  # by its lower right corner
    sized = dialog.canvas.draft.patches[0].box
    assert sized == pytest.approx((x, y, width + 10, height - 5), abs=1)

    dialog.canvas.setFocus()
    QTest.keyClick(dialog.canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert dialog.canvas.draft.patches[0].box[0] == min(sized[0] + 10, WIDTH - sized[2])
    QTest.keyClick(dialog.canvas, Qt.Key.Key_Delete)
    assert dialog.canvas.draft.patches == ()
    dialog.canvas.undo()
    dialog.canvas.undo()
    assert dialog.canvas.draft.patches[0].box == sized
    for _ in range(3):
        dialog.canvas.undo()
    assert dialog.canvas.draft.patches == ()
    dialog.canvas.undo()  # nothing is left to take back


def test_what_is_approved_is_what_was_drawn(dialog: MaskDialog) -> None:
    approved: list[tuple[PixelMask, str]] = []
    dialog.approved.connect(lambda mask, who: approved.append((mask, who)))
    _drag(dialog, (20, 40), (50, 60))
    dialog.uncover.setChecked(True)
    dialog.canvas.show_whole(True)
    _drag(dialog, (60, 5), (80, 15))
    assert not dialog.approve.isEnabled()
    dialog.confirm.setChecked(True)
    assert dialog.approve.isEnabled()
    dialog.who.setText("  ")
    assert not dialog.approve.isEnabled(), "somebody has to say who looked"
    dialog.who.setText("R4 ")
    dialog.approve.click()
    ((mask, who),) = approved
    assert who == "R4"
    assert mask.blanked()[45, 30]
    assert not mask.blanked()[70, 70]
    assert not mask.blanked()[10, 70], "shown by hand"
    assert mask.blanked()[10, 20]
    np.testing.assert_array_equal(mask.blanked(), dialog.canvas.draft.blanked())


def test_a_change_after_looking_asks_to_look_again(dialog: MaskDialog) -> None:
    dialog.confirm.setChecked(True)
    _drag(dialog, (20, 40), (50, 60))
    assert not dialog.confirm.isChecked()
    assert not dialog.approve.isEnabled()


def test_a_covered_pleural_line_is_told_until_it_is_laid_open(dialog: MaskDialog) -> None:
    assert not dialog.hint.isVisible()
    _drag(dialog, (50, 60), (70, 80))
    assert dialog.hint.isVisible()
    dialog.canvas.remove_selected()
    assert not dialog.hint.isVisible()


def test_the_brightest_shows_text_that_comes_and_goes_and_black_is_black(dialog: MaskDialog) -> None:
    letter = _at(dialog, 62, 52)
    shown = pixels(dialog.canvas.grab().toImage())
    assert shown[letter.y(), letter.x()].min() > 200, "the letter of one frame among all"
    dialog.brightest.setChecked(False)
    shown = pixels(dialog.canvas.grab().toImage())
    assert shown[letter.y(), letter.x()].max() < 120
    dialog.slider.setValue(7)
    assert pixels(dialog.canvas.grab().toImage())[letter.y(), letter.x()].min() > 200
    dialog.canvas.show_whole(True)
    under = _at(dialog, 60, 10)
    assert pixels(dialog.canvas.grab().toImage())[under.y(), under.x()].max() < 90, "the mask covers white"
    dialog.canvas.set_see_through(True)
    assert pixels(dialog.canvas.grab().toImage())[under.y(), under.x()].max() > 70, "seen faintly on the screen only"


def test_the_wheel_enlarges_and_the_whole_frame_comes_back(dialog: MaskDialog) -> None:
    before = dialog.canvas.transform.zoom
    dialog.canvas.show_whole(True)
    assert dialog.canvas.transform.zoom == 1.0 <= before


def test_a_draft_lays_later_patches_over_earlier_ones() -> None:
    draft = MaskDraft(PixelMask(((0, 0, 100, 10),), 100, 50))
    draft = draft.added(Patch((10, 0, 20, 30), covers=False)).added(Patch((15, 5, 5, 5), covers=True))
    blank = draft.blanked()
    assert not blank[2, 12]
    assert blank[7, 17]
    assert blank[2, 50]
    np.testing.assert_array_equal(draft.mask().blanked(), blank)
    assert draft.at(17, 7) == 1
    assert draft.at(12, 2) == 0
    assert draft.at(90, 40) is None
    assert draft.held((-5, -5), (200, 20)) == (0, 0, 100, 20)
    assert draft.held((5, 5), (6, 6)) is None
    assert draft.shifted((10, 0, 20, 30), 500, 500) == (80, 20, 20, 30)
    assert draft.removed(0).patches == (Patch((15, 5, 5, 5), covers=True),)


def test_the_preview_shows_no_masked_pixel() -> None:
    clip = _clip()
    picture = preview_picture(clip, PixelMask(((0, 0, WIDTH, TOP),), WIDTH, HEIGHT))
    zoom = 3
    covered = picture[36 : 36 + TOP * zoom, 16 : 16 + WIDTH * zoom]
    assert covered[10:, 30:].max() < 180, "white under the mask is not in the preview"
    letter = picture[36 + 52 * zoom, 16 + 62 * zoom]
    assert letter.min() > 200, "text that comes and goes is"
