from pathlib import Path

import cv2
import numpy as np
import pytest

from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.store import AnnotationStore
from lsgui.core.clip import Clip, ClipInfo, MemoryFrames
from lsgui.core.errors import LsguiError
from lsgui.export.approval import approve, approved_mask
from lsgui.export.mask import PixelMask, masked_clip, propose_mask, series_key
from lsgui.readers.base import open_clip
from lsgui.simulation.dicom_writer import write_dicom


def speckle_clip(frames: int = 40, width: int = 240, height: int = 200) -> np.ndarray:
    """Living speckle in a black surround, (frames, height, width): the scan fills (60, 40, 120, 120)."""
    rng = np.random.default_rng(5)
    out = np.zeros((frames, height, width), dtype=np.uint8)
    for frame in out:
        noise = cv2.GaussianBlur(rng.normal(110.0, 160.0, (120, 120)).astype(np.float32), (0, 0), 1.5)
        frame[40:160, 60:180] = np.clip(noise, 5, 255).astype(np.uint8)
    return out


def as_clip(frames: np.ndarray, path: Path = Path("clip.mp4")) -> Clip:
    info = ClipInfo(path, "movie", len(frames), frames.shape[2], frames.shape[1], 20.0, "file")
    return Clip(info, MemoryFrames(frames))


def test_a_mask_blanks_what_it_says_and_nothing_else():
    mask = PixelMask(((0, 0, 10, 4), (8, 6, 100, 100)), 12, 9)
    frame = np.full((9, 12), 200, dtype=np.uint8)
    out = mask.apply(frame)
    expected = frame.copy()
    expected[:4, :10] = 0
    expected[6:, 8:] = 0
    assert (out == expected).all()
    assert (frame == 200).all()
    assert mask.left_over(frame) == int((expected == 0).sum())
    assert mask.left_over(out) == 0
    colour = mask.apply(np.repeat(frame[..., None], 3, axis=2))
    assert (colour == expected[..., None]).all()


def test_a_mask_survives_json_and_says_what_is_wrong_with_another():
    mask = PixelMask(((1, 2, 3, 4),), 30, 20)
    assert PixelMask.from_json(mask.to_json()) == mask
    for broken in ({}, {"width": 3, "height": 3, "rectangles": [[1, 2]]}, {"width": 0, "height": 3, "rectangles": []}):
        with pytest.raises(LsguiError, match="approve it again"):
            PixelMask.from_json(broken)


def test_a_mask_of_another_size_is_refused():
    mask = PixelMask((), 30, 20)
    with pytest.raises(LsguiError, match="30 x 20"):
        mask.apply(np.zeros((30, 20), dtype=np.uint8))
    with pytest.raises(LsguiError, match="of its own"):
        masked_clip(as_clip(speckle_clip(3)), mask)


def test_a_person_can_blank_more_and_show_more():
    mask = PixelMask(((0, 0, 20, 20),), 40, 20).with_blanked((30, 0, 10, 5)).with_shown((5, 5, 4, 3))
    blanked = mask.blanked()
    assert blanked[0, 35]
    assert not blanked[5:8, 5:9].any()
    assert blanked.sum() == 20 * 20 + 50 - 12


def test_a_proposal_blanks_header_clock_and_text_within_the_scan_and_keeps_the_scan():
    frames = speckle_clip()
    for index, frame in enumerate(frames):
        cv2.putText(frame, "MUSTER^ERIKA", (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 255, 1)
        cv2.putText(frame, f"12:00:{index:02d}", (180, 190), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 255, 1)
        cv2.putText(frame, "ID 4711", (90, 120), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
    mask = propose_mask(as_clip(frames))
    text = np.zeros(frames.shape[1:], dtype=np.uint8)
    cv2.putText(text, "MUSTER^ERIKA", (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 255, 1)
    cv2.putText(text, "88:88:88", (180, 190), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 255, 1)
    cv2.putText(text, "ID 4711", (90, 120), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
    assert not (~mask.blanked() & (text > 0)).any()
    shown = ~mask.blanked()[40:160, 60:180]
    assert shown.mean() > 0.7
    assert mask.blanked()[:36].all()


def test_a_scan_without_text_is_shown_whole():
    shown = ~propose_mask(as_clip(speckle_clip())).blanked()
    assert shown[44:156, 64:176].all()


def test_text_that_shows_in_a_part_of_the_clip_only_is_found_too():
    frames = speckle_clip(60)
    for frame in frames[40:52]:
        cv2.putText(frame, "MUSTER", (80, 100), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
    blanked = propose_mask(as_clip(frames)).blanked()
    assert blanked[90:101, 82:130].all()


def test_the_masked_clip_is_black_under_the_mask_and_itself_elsewhere():
    frames = speckle_clip(5)
    mask = PixelMask(((0, 0, 100, 100),), 240, 200)
    clip = masked_clip(as_clip(frames), mask)
    assert len(clip) == 5
    assert clip.info.width == 240
    for index in range(5):
        frame = clip.frame(index)
        assert not frame[:100, :100].any()
        assert (frame[100:] == frames[index][100:]).all()
        assert not frame.flags.writeable
    with pytest.raises(IndexError):
        clip.frame(5)


def test_one_approval_holds_for_the_series_of_a_dicom_clip_and_for_one_other_file(tmp_path: Path):
    frames = speckle_clip(3)
    write_dicom(tmp_path / "a.dcm", frames, 20, 0.2, (60, 40, 120, 120), patient="P1")
    write_dicom(tmp_path / "b.dcm", frames[::-1].copy(), 20, 0.2, (60, 40, 120, 120), patient="P1")
    write_dicom(tmp_path / "c.dcm", frames, 20, 0.2, (60, 40, 120, 120), patient="P2")
    write_dicom(tmp_path / "d.dcm", frames[:, :-8].copy(), 20, 0.2, (60, 40, 120, 120), patient="P1")
    keys = {name: series_key(tmp_path / f"{name}.dcm", content_hash(tmp_path / f"{name}.dcm")) for name in "abcd"}
    assert keys["a"] == keys["b"]
    assert len({keys["a"], keys["c"], keys["d"]}) == 3
    folder = tmp_path / "frames"
    folder.mkdir()
    cv2.imwrite(str(folder / "frame_0.png"), frames[0])
    assert series_key(folder, "h1") == "h1"
    (tmp_path / "x.mp4").write_bytes(b"nothing that is DICOM")
    assert series_key(tmp_path / "x.mp4", "h2") == "h2"


def test_an_approval_holds_for_the_next_clip_of_the_series_unless_text_shows_there(tmp_path: Path):
    frames = speckle_clip(40)
    texts = {"a": (0, 0), "b": (0, 0), "c": (80, 100)}
    clips, hashes = {}, {}
    for name, place in texts.items():
        marked = frames[:: -1 if name == "b" else 1].copy()
        for frame in marked if name == "c" else ():
            cv2.putText(frame, "MUSTER", place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
        path = tmp_path / f"{name}.dcm"
        write_dicom(path, marked, 20, 0.2, (60, 40, 120, 120), patient="P1", compression="none")
        clips[name], hashes[name] = open_clip(path), content_hash(path)
    mask = propose_mask(clips["a"])
    with AnnotationStore(tmp_path / "store.sqlite") as store:
        assert approved_mask(store, clips["a"], hashes["a"]) is None
        approve(store, clips["a"], hashes["a"], mask, "R1")
        assert approved_mask(store, clips["a"], hashes["a"]) == mask
        assert approved_mask(store, clips["b"], hashes["b"]) == mask
        assert approved_mask(store, clips["c"], hashes["c"]) is None
        approve(store, clips["c"], hashes["c"], mask, "R2")  # a person looked and saw no name in it
        assert approved_mask(store, clips["c"], hashes["c"]) == mask


def test_a_still_scan_of_strong_grain_is_not_taken_for_a_page_of_text():
    rng = np.random.default_rng(2)
    frame = np.zeros((200, 240), dtype=np.uint8)
    noise = cv2.GaussianBlur(rng.normal(0.0, 1.0, (120, 120)).astype(np.float32), (0, 0), 1.0)
    frame[40:160, 60:180] = np.clip(90.0 + 30.0 * noise / noise.std(), 5, 255).astype(np.uint8)
    blanked = propose_mask(as_clip(np.repeat(frame[None], 24, axis=0))).blanked()
    assert blanked[44:156, 64:176].mean() < 0.4  # 0.95 where grain is not told from strokes


def test_the_series_key_does_not_give_the_series_away(tmp_path: Path):
    write_dicom(tmp_path / "a.dcm", speckle_clip(2), 20, 0.2, (60, 40, 120, 120))
    import pydicom

    uid = str(pydicom.dcmread(tmp_path / "a.dcm", stop_before_pixels=True).SeriesInstanceUID)
    key = series_key(tmp_path / "a.dcm", "h")
    assert uid not in key
    assert len(key) == 64


def test_nothing_but_the_scan_of_the_recorded_screen_is_left(shared_clips: Path):
    clip = open_clip(shared_clips / "tuke_lumify_l12.mp4")
    mask = propose_mask(clip)
    masked = masked_clip(clip, mask)
    for index in (0, 2, 80, 163):
        frame = masked.frame(index)
        assert mask.left_over(frame) == 0
        assert not frame[:60].any()  # header
        assert not frame[:, :545].any()  # ruler, marker of the probe's side
        assert not frame[:, 735:].any()  # settings
    assert masked.frame(80)[110:400, 565:715].mean() > 0.9 * clip.frame(80)[110:400, 565:715].mean()


@pytest.mark.parametrize("letter", ["7", "JD", "#83"])
def test_single_letters_over_living_tissue_are_found(letter: str):
    frames = speckle_clip()
    text = np.zeros(frames.shape[1:], dtype=np.uint8)
    for frame in (*frames, text):
        cv2.putText(frame, letter, (100, 110), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 2)
    blanked = propose_mask(as_clip(frames)).blanked()
    assert (blanked & (text > 0)).sum() > 0.9 * (text > 0).sum()
    assert blanked[40:160, 60:180].mean() < 0.3  # edges are 0.08 of this small scan


def test_recorded_scans_without_text_keep_their_pleura(shared_clips: Path):
    """None of the recorded clips has text in its scan: nothing inside it may be taken for text."""
    from lsgui.imaging.burned_in_text import find_text
    from lsgui.imaging.scan_area import find_scan_area

    for name in ("Cov_convex_volpecelli_sonographic_v1.mov", "Vir_whitelung_h1n1.mp4", "Reg_pat2Image_133824.mpeg"):
        clip = open_clip(shared_clips / name)
        area = find_scan_area(clip).mask
        inside = [b for b in find_text(clip) if area[b[1] : b[1] + b[3], b[0] : b[0] + b[2]].mean() > 0.5]
        assert inside == [], name
