"""The M-mode as files: axes where they belong, raw greys as they are, and honest words on the scale."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from lsgui.core.errors import LsguiError
from lsgui.core.label import RESEARCH_LINE
from lsgui.export.mmode_picture import MModeCut, MModeSheet, mmode_picture, save_mmode

FRAMES, ABOVE, BELOW = 50, 40, 80


def _sheet(count: int = 1) -> MModeSheet:
    """Frame k is grey 4k, with a bright row on the pleura; the clip runs at 20 frames/s."""
    image = np.tile((4 * np.arange(FRAMES)).astype(np.uint8), (ABOVE + BELOW + 1, 1))
    image[ABOVE] = 255
    cuts = tuple(MModeCut("AB"[k], 0.25 + 0.5 * k, image) for k in range(count))
    return MModeSheet("clip 7.mp4", cuts, np.arange(FRAMES) / 20.0, FRAMES / 20.0, ABOVE, 0.25, False, "hand")


def _greys(picture: np.ndarray) -> np.ndarray:
    return np.asarray(np.ptp(picture.astype(int), axis=2) == 0)


def test_the_picture_has_the_whole_clip_with_the_pleura_at_zero() -> None:
    picture = mmode_picture(_sheet())
    left, right, top, bottom = 74, 1100, 64, 64 + 420
    line = top + int(np.argmax(picture[top:bottom, 203, 0]))  # between two dashes
    assert line == pytest.approx(top + (ABOVE + 0.5) / (ABOVE + BELOW + 1) * (bottom - top), abs=2)
    row = picture[bottom - 20, left:right, 0].astype(int)
    assert (np.diff(row) >= 0).all()
    assert (row[0], row[-1]) == (0, 4 * (FRAMES - 1))
    assert row[(right - left) // 2] == pytest.approx(4 * FRAMES / 2, abs=4)


def test_two_columns_stand_side_by_side_with_letters_of_their_colours() -> None:
    one, two = mmode_picture(_sheet(1)), mmode_picture(_sheet(2))
    assert two.shape[0] == one.shape[0]
    assert two.shape[1] > 1.4 * one.shape[1]
    half = two.shape[1] // 2
    for side, colour in ((two[:, :half], (127, 224, 122)), (two[:, half:], (255, 158, 203))):
        assert (np.abs(side.astype(int) - colour).max(axis=2) < 20).sum() > 100


def test_the_files_hold_raw_greys_and_their_scales_and_only_the_clips_name(tmp_path: Path) -> None:
    sheet = _sheet(2)
    saved = save_mmode(sheet, tmp_path / "out.png")
    assert [path.name for path in saved] == ["out.png", "out-raw-B.png", "out-raw-A.png", "out.json"]
    assert np.array_equal(cv2.imread(str(tmp_path / "out-raw-A.png"), cv2.IMREAD_UNCHANGED), sheet.cuts[0].image)
    text = (tmp_path / "out.json").read_text(encoding="utf-8")
    said = json.loads(text)
    assert said["clip"] == "clip 7.mp4"
    assert (said["mm_per_px"], said["scale"], said["pleura_row"]) == (0.25, "estimated", ABOVE)
    assert said["seconds_per_px"] == pytest.approx(0.05)
    assert len(said["times_s"]) == said["frames"] == FRAMES
    assert said["columns"] == {"A": {"along_line": 0.25}, "B": {"along_line": 0.75}}
    assert said["note"] == RESEARCH_LINE
    assert str(tmp_path) not in text
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in saved}


@pytest.mark.parametrize(
    ("mm_per_px", "calibrated", "scale"),
    [(0.2, True, "calibrated"), (0.2, False, "estimated"), (None, False, "unknown")],
)
def test_the_scale_says_where_it_comes_from(mm_per_px: float | None, calibrated: bool, scale: str) -> None:
    sheet = replace(_sheet(), mm_per_px=mm_per_px, calibrated=calibrated)
    assert sheet.to_json()["scale"] == scale
    other = replace(sheet, calibrated=not calibrated) if mm_per_px else _sheet()
    assert not np.array_equal(mmode_picture(sheet)[-60:], mmode_picture(other)[-60:])


def test_frames_at_odd_moments_lie_where_they_happen() -> None:
    late = np.concatenate([np.linspace(0.0, 2.0, FRAMES // 2), np.linspace(2.02, 2.48, FRAMES // 2)])
    even, odd = (mmode_picture(s)[64 + 400, 74:1100, 0] for s in (_sheet(), replace(_sheet(), times_s=late)))
    assert odd[500] < even[500] - 20


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(LsguiError, match=r"^out\.json cannot be written \(.+\): choose another folder\.$"):
        save_mmode(_sheet(), blocked / "out.png")


def test_no_colour_hides_in_the_greys() -> None:
    picture = mmode_picture(_sheet())
    assert _greys(picture[64 + 200 : 64 + 400, 80:1090]).all()


def test_a_long_file_name_stays_within_the_picture() -> None:
    picture = mmode_picture(replace(_sheet(), clip="a very long name of a clip " * 8 + "end.mp4"))
    assert (picture[8:40, -18:] == picture[8, -1]).all()
