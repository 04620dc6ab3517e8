"""Looking for clips in folders, as the worklist does."""

import sys

from dicom_samples import write_dicom
from reader_samples import numbered_frames, write_folder

from lsgui.readers.base import clip_suffixes, find_clips, is_clip, natural_key, open_clip


def test_natural_order_counts_as_people_do(tmp_path):
    names = ["clip 10.mp4", "clip 2.mp4", "Clip 1.mp4", "clip 02.avi", "a10b2.mp4", "a9b11.mp4", "10.mp4", "9.mp4"]
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in find_clips(tmp_path)] == [
        "9.mp4", "10.mp4", "a9b11.mp4", "a10b2.mp4", "Clip 1.mp4", "clip 02.avi", "clip 2.mp4", "clip 10.mp4",
    ]  # fmt: skip


def test_frames_are_read_in_natural_order_whatever_the_zeros(tmp_path):
    folder = write_folder(tmp_path / "clip", numbered_frames(12))
    assert [p.name for p in sorted(folder.iterdir(), key=natural_key)] == [f"frame_{k}.png" for k in range(12)]
    assert len(open_clip(folder)) == 12


def test_a_disc_of_an_exam(tmp_path):
    """Exports keep DICOM files without suffix in nested folders, with a table of contents and other files beside."""
    series = tmp_path / "DICOM" / "PA000" / "SE000"
    series.mkdir(parents=True)
    for name in ("IM10", "IM2", "1.2.840.113619.2.1"):
        write_dicom(series / name, numbered_frames(2), "explicit little endian")
    (tmp_path / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "README.txt").write_text("about this disc")
    (tmp_path / "AUTORUN.INF").write_text("[autorun]")
    (series / "notes").write_text("no clip")
    (series / ".IM1").write_bytes((series / "IM2").read_bytes())
    assert [path.name for path in find_clips(tmp_path)] == ["1.2.840.113619.2.1", "IM2", "IM10"]


def test_folders_of_frames_among_movies(tmp_path):
    """The paper's layout: one folder of frames a clip, and a metafile beside them."""
    for name in ("015_video", "2_video"):
        write_folder(tmp_path / name, numbered_frames(2))
    (tmp_path / "sliding_metafile.json").write_text("[]")
    (tmp_path / "preview.png").write_bytes((tmp_path / "2_video" / "frame_0.png").read_bytes())
    (tmp_path / "movie.mp4").touch()
    assert [path.name for path in find_clips(tmp_path)] == ["2_video", "015_video", "movie.mp4"]
    assert find_clips(tmp_path / "2_video") == [tmp_path / "2_video"]
    assert is_clip(tmp_path / "2_video")
    assert not is_clip(tmp_path)


def test_what_is_no_clip(tmp_path):
    for name in ("notes.txt", "table.csv", "frame.png", "model.json", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"x")
        assert not is_clip(tmp_path / name)
    assert not is_clip(tmp_path / "gone.mp4")
    assert not is_clip(tmp_path / "gone")
    (tmp_path / "folder.mp4").mkdir()
    assert not is_clip(tmp_path / "folder.mp4")
    assert find_clips(tmp_path / "gone") == []


def test_suffixes_are_lower_case_and_sorted():
    suffixes = clip_suffixes()
    assert list(suffixes) == sorted(set(suffixes))
    assert {".dcm", ".avi", ".mp4", ".mov", ".mpeg", ".webm", ".mkv", ".gif"} <= set(suffixes)
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in suffixes)


def test_a_linked_folder_does_not_lead_round_in_circles(tmp_path):
    write_folder(tmp_path / "clip", numbered_frames(1))
    try:
        (tmp_path / "clip" / "again").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        assert sys.platform == "win32"  # links need a right there that few accounts have
        return
    assert find_clips(tmp_path) == [tmp_path / "clip"]


def test_shared_clips_are_all_found(shared_clips):
    found = find_clips(shared_clips)
    assert len(found) == 17
    assert found == sorted(found, key=natural_key)
