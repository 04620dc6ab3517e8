"""Marks of windows: a living one is nobody's, a killed one is found once, and its crash file names nobody."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lsgui.core.pleura import PleuralROI
from lsgui.review import session_mark
from lsgui.review.crash_file import MOST_FILES, crash_files, stack_of, write_crash_file
from lsgui.review.paths import sessions_dir
from lsgui.review.session_mark import SessionMark, begin_mark, claim_left
from lsgui.review.session_snapshot import LeftSession, Snapshot, save_snapshot, words_of
from lsgui.review.window_watch import window_watch

SEGFAULT = """Fatal Python error: Segmentation fault

Current thread 0x00007f (most recent call first):
  File "{home}/Marquardt/lsgui/gui/clip_view.py", line 12 in paintEvent
"""


def _killed(tmp_path: Path, snapshot: Snapshot | None = None, stack: str = "") -> SessionMark:
    """A mark as a killed window leaves it: the lock goes, the files stay."""
    mark = begin_mark(sessions_dir())
    assert mark is not None
    if snapshot is not None:
        save_snapshot(mark.snapshot_file, snapshot)
    mark.stack_file.write_text(stack)
    mark.let_go()
    return mark


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "Marquardt Ilse.dcm"
    path.write_bytes(b"DICM")
    return path


def test_a_window_that_lives_is_nobodys_and_one_that_was_closed_leaves_nothing(home: Path) -> None:
    mark = begin_mark(sessions_dir())
    assert mark is not None
    save_snapshot(mark.snapshot_file, Snapshot((home,)))
    assert claim_left(sessions_dir()) is None
    mark.take_away()
    assert list(sessions_dir().iterdir()) == []
    assert claim_left(sessions_dir()) is None


def test_a_killed_window_is_found_by_one_other_window_and_comes_back_whole(tmp_path: Path, clip: Path) -> None:
    line = PleuralROI.single(3, [[1, 2], [3, 4]])
    store = tmp_path / "ward.sqlite"
    store.touch()
    _killed(tmp_path, Snapshot((clip, tmp_path / "gone.avi"), clip, 17, ((clip, line),), store))
    found = claim_left(sessions_dir())
    assert found is not None
    mark, left = found
    assert claim_left(sessions_dir()) is None, "one window offers it, not two"
    assert (left.fault, left.gone) == ("", 1)
    assert left.snapshot is not None
    assert (left.snapshot.paths, left.snapshot.clip, left.snapshot.frame) == ((clip,), clip, 17)
    assert left.snapshot.store == store
    assert [(path, roi.to_json()) for path, roi in left.snapshot.lines] == [(clip, line.to_json())]
    mark.let_go()
    again = claim_left(sessions_dir())
    assert again is not None, "unanswered, it is offered again"
    again[0].take_away()
    assert list(sessions_dir().iterdir()) == []


def test_a_native_fault_is_named_and_its_crash_file_is_written_once_without_names(tmp_path: Path, clip: Path) -> None:
    _killed(tmp_path, Snapshot((clip,), clip), SEGFAULT.format(home=tmp_path))
    for _ in range(2):
        found = claim_left(sessions_dir())
        assert found is not None
        assert found[1].fault == "Segmentation fault"
        found[0].let_go()
    (file,) = crash_files()
    text = file.read_text()
    assert "what: Segmentation fault" in text
    assert 'File "lsgui/gui/clip_view.py", line 12 in paintEvent' in text
    assert "Marquardt" not in text


def test_the_window_that_was_alive_last_is_offered_first(tmp_path: Path, clip: Path) -> None:
    other = tmp_path / "other.avi"
    other.touch()
    early, late = _killed(tmp_path, Snapshot((clip,))), _killed(tmp_path, Snapshot((other,)))
    os.utime(early._path, (1, 1))
    for expected in (other, clip):
        found = claim_left(sessions_dir())
        assert found is not None
        assert found[1].snapshot is not None
        assert found[1].snapshot.paths == (expected,)
        found[0].take_away()
    assert late.snapshot_file.exists() is False


def test_a_mark_that_is_being_made_is_left_alone(home: Path) -> None:
    sessions_dir().mkdir(parents=True)
    fresh = sessions_dir() / "window-1-aa.mark"
    fresh.touch()
    assert claim_left(sessions_dir()) is None
    os.utime(fresh, (1e9, 1e9))
    assert claim_left(sessions_dir()) is None, "what is decades old is offered to nobody"
    assert not fresh.exists()


def test_a_damaged_snapshot_is_told_without_anything_to_restore(tmp_path: Path) -> None:
    for text in ("{", "[]", '{"paths": 3}', '{"paths": [], "clip": null, "frame": 1e999, "lines": [], "store": null}'):
        mark = _killed(tmp_path)
        mark.snapshot_file.write_text(text)
        found = claim_left(sessions_dir())
        assert found is not None
        assert found[1].snapshot is None
        found[0].take_away()


def test_where_no_lock_can_be_had_nothing_is_watched_and_nothing_fails(home: Path, monkeypatch) -> None:
    def refuse(_file: object) -> bool:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(session_mark, "try_lock", refuse)
    with window_watch() as mark:
        assert mark is None
    assert list(sessions_dir().iterdir()) == []


def test_a_fault_that_ends_the_window_leaves_its_mark_and_a_sentence_does_not(home: Path) -> None:
    from lsgui.core.errors import LsguiError

    with pytest.raises(LsguiError), window_watch():
        raise LsguiError("said")
    assert claim_left(sessions_dir()) is None
    with pytest.raises(KeyError), window_watch():
        raise KeyError("".join(reversed("tdrauqraM")))
    found = claim_left(sessions_dir())
    assert found is not None
    assert found[1].fault == "KeyError"
    assert "Marquardt" not in crash_files()[0].read_text()
    found[0].take_away()


def test_the_stack_of_a_fault_has_no_message(home: Path) -> None:
    try:
        try:
            Path("/nowhere/Marquardt").read_text()
        except OSError as fault:
            raise ValueError("Marquardt Ilse") from fault
    except ValueError as fault:
        stack = stack_of(fault)
    assert "FileNotFoundError" in stack
    assert stack.endswith("ValueError")
    assert "in test_the_stack_of_a_fault_has_no_message" in stack


def test_only_so_many_crash_files_are_kept(home: Path) -> None:
    for _ in range(MOST_FILES + 3):
        assert write_crash_file("a fault", "") is not None
    assert len(crash_files()) == MOST_FILES


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (LeftSession(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)), "lsgui ended at 03:04 without being closed"),
        (
            LeftSession(datetime(2026, 1, 1, 3, 4, tzinfo=UTC)),
            "lsgui ended on 2026-01-01 at 03:04 without being closed",
        ),
        (
            LeftSession(datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "Segmentation fault"),
            "lsgui ended at 03:04 by a fault (segmentation fault)",
        ),
    ],
)
def test_one_sentence_says_it(left: LeftSession, words: str) -> None:
    now = datetime(2026, 1, 2, 5, 0, tzinfo=UTC)
    assert words_of(left, now) == f"{words}; what was saved is safe."
    assert now - left.ended_at < timedelta(days=2)
