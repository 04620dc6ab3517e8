"""The annotation store keeps every reading it has acknowledged and refuses what it cannot trust."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

import lsgui
from lsgui.annotation.schema import APPLICATION_ID, VERSION
from lsgui.annotation.store import AnnotationStore
from lsgui.core.errors import LsguiError
from lsgui.core.label import ReaderLabel

CLIP, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "annotations.sqlite"


def test_a_reading_comes_back_as_it_was_saved(path: Path) -> None:
    when = datetime(2026, 3, 1, 14, 2, 11, 250000, tzinfo=timezone(timedelta(hours=2)))
    with AnnotationStore(path) as store:
        saved = store.save_reading(CLIP, "/ward/Jane Doe/clip.mp4", " AB ", "ls_a", when)
    with AnnotationStore(path) as store:
        assert store.all_readings() == (saved,)
    assert saved.file_name == "clip.mp4"
    assert saved.rater == "AB"
    assert saved.label is ReaderLabel.LS_A
    assert saved.read_at == when
    assert saved.read_at.utcoffset() == timedelta(0)
    assert saved.program_version == lsgui.__version__


def test_windows_folder_is_cut_off_as_well(path: Path) -> None:
    with AnnotationStore(path) as store:
        assert store.save_reading(CLIP, r"C:\ward\Doe\clip.avi", "AB", "ls_p").file_name == "clip.avi"


def test_now_is_the_default_moment(path: Path) -> None:
    before = datetime.now(UTC)
    with AnnotationStore(path) as store:
        assert before <= store.save_reading(CLIP, "c", "AB", "ls_p").read_at <= datetime.now(UTC)


def test_the_last_reading_counts_per_clip_and_rater(path: Path) -> None:
    with AnnotationStore(path) as store:
        store.save_reading(CLIP, "c", "AB", "ls_p")
        second = store.save_reading(CLIP, "c", "AB", "ls_a")
        theirs = store.save_reading(CLIP, "c", "CD", "lung_point")
        other = store.save_reading(OTHER, "d", "AB", "cannot_assess")
        assert store.latest(CLIP, "AB") == second
        assert store.latest(CLIP, "CD") == theirs
        assert store.latest(OTHER, "CD") is None
        assert store.latest_by_clip("AB") == {CLIP: second, OTHER: other}
        assert len(store.all_readings()) == 4


@pytest.mark.parametrize("statement", ["DELETE FROM history", "UPDATE history SET rater = 'CD'"])
def test_readings_cannot_be_changed_even_past_the_program(path: Path, statement: str) -> None:
    with AnnotationStore(path) as store:
        store.save_reading(CLIP, "c", "AB", "ls_a")
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError, match="never"):
        connection.execute(statement)


def test_wrong_arguments_are_refused(path: Path) -> None:
    with AnnotationStore(path) as store:
        with pytest.raises(LsguiError, match="no rater"):
            store.save_reading(CLIP, "c", "  ", "ls_a")
        with pytest.raises(ValueError, match="maybe"):
            store.save_reading(CLIP, "c", "AB", "maybe")
        with pytest.raises(ValueError, match="64"):
            store.save_reading("123", "c", "AB", "ls_a")
        assert store.all_readings() == ()


WRITER = """
import sys
from pathlib import Path
from lsgui.annotation.store import AnnotationStore
with AnnotationStore(Path(sys.argv[1])) as store:
    for _ in range(int(sys.argv[2])):
        print(store.save_reading("a" * 64, "c", sys.argv[3], "ls_a").uid, flush=True)
"""


def _writer(path: Path, count: int, rater: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(count), rater], stdout=subprocess.PIPE, text=True
    )


def test_a_killed_program_loses_no_acknowledged_reading(path: Path) -> None:
    acknowledged: list[str] = []
    for _ in range(3):
        with _writer(path, 1_000_000, "AB") as child:
            assert child.stdout is not None
            acknowledged += [child.stdout.readline().strip() for _ in range(40)]
            child.kill()
            acknowledged += [line.strip() for line in child.stdout if line.endswith("\n")]
    with AnnotationStore(path) as store:
        kept = {reading.uid for reading in store.all_readings()}
    assert len(acknowledged) >= 120
    assert set(acknowledged) <= kept
    assert len(kept) <= len(acknowledged) + 3  # at most the one reading that was on its way at each kill


def test_two_programs_write_at_once(path: Path) -> None:
    children = [_writer(path, 60, rater) for rater in ("AB", "CD")]
    for child in children:
        child.communicate(timeout=60)
        assert child.returncode == 0
    with AnnotationStore(path) as store:
        raters = [reading.rater for reading in store.all_readings()]
    assert (raters.count("AB"), raters.count("CD")) == (60, 60)


def test_threads_share_a_store(path: Path) -> None:
    with AnnotationStore(path) as store:
        threads = [
            threading.Thread(target=lambda: [store.save_reading(CLIP, "c", "AB", "ls_a") for _ in range(20)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.all_readings()) == 80


def _store_with_readings(path: Path, count: int = 400) -> bytes:
    with AnnotationStore(path) as store:
        store._connection.execute("BEGIN")  # one transaction for speed; readings are whole rows all the same
        for _ in range(count):
            store.save_reading(CLIP, "c", "AB", "ls_a")
        store._connection.execute("COMMIT")
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["empty", "text", "cut", "page of noise"])
def test_a_damaged_file_is_refused_and_left_alone(path: Path, kind: str) -> None:
    whole = _store_with_readings(path)
    noise = bytes(255 - k % 251 for k in range(4096))
    damaged = {
        "empty": b"",
        "text": b"not a database at all, but long enough to be looked at\n" * 40,
        "cut": whole[: len(whole) // 2],
        "page of noise": whole[:4096] + noise + whole[8192:],
    }[kind]
    path.write_bytes(damaged)
    with pytest.raises(LsguiError, match=r"^annotations\.sqlite: the annotation store is damaged .*\.$"):
        AnnotationStore(path)
    assert path.read_bytes() == damaged


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "photos.db")) as connection:
        connection.execute("CREATE TABLE photos (id)")
    with pytest.raises(LsguiError, match="is not an annotation store"):
        AnnotationStore(tmp_path / "photos.db")


def test_a_newer_store_is_refused(path: Path) -> None:
    AnnotationStore(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(LsguiError, match="newer lsgui"):
        AnnotationStore(path)


def test_a_new_store_carries_mark_and_version(path: Path) -> None:
    AnnotationStore(path).close()
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_locked_store_says_so_and_recovers(path: Path) -> None:
    with AnnotationStore(path, busy_timeout_s=0.05) as store, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LsguiError, match="another program is writing"):
            store.save_reading(CLIP, "c", "AB", "ls_a")
        other.rollback()
        store.save_reading(CLIP, "c", "AB", "ls_a")
        assert len(store.all_readings()) == 1


def test_a_write_protected_store_says_so(path: Path) -> None:
    with AnnotationStore(path) as store:
        store._connection.execute("PRAGMA query_only = ON")  # file modes do not stop an administrator
        with pytest.raises(LsguiError, match="write-protected"):
            store.save_reading(CLIP, "c", "AB", "ls_a")


def test_a_full_disk_says_so(path: Path) -> None:
    with AnnotationStore(path) as store:
        store._connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(LsguiError, match="disk is full"):
            store.save_reading(CLIP, "c" * 100_000, "AB", "ls_a")
        assert store.all_readings() == ()


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LsguiError, match=r"^annotations\.sqlite: the annotation store cannot be"):
        AnnotationStore(tmp_path / "file" / "annotations.sqlite")
    with pytest.raises(LsguiError, match=f"^{tmp_path.name}: "):
        AnnotationStore(tmp_path)


def test_a_closed_store_says_so(path: Path) -> None:
    store = AnnotationStore(path)
    store.close()
    store.close()
    with pytest.raises(LsguiError, match="already closed"):
        store.latest(CLIP, "AB")
