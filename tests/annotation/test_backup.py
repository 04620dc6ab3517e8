"""Copies of the store: whole, never in a file's place, one a day."""

import sqlite3
import threading
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from lsgui.annotation.backup import backups_of, copy_for_reading, daily_backup, save_backup
from lsgui.annotation.store import AnnotationStore
from lsgui.core.errors import LsguiError

CLIP = "a" * 64


@pytest.fixture
def store(tmp_path: Path):
    with AnnotationStore(tmp_path / "labels.sqlite") as opened:
        opened.save_reading(CLIP, "c", "AB", "ls_a")
        yield opened


def test_a_copy_holds_everything_in_one_file(store: AnnotationStore, tmp_path: Path) -> None:
    assert save_backup(store, tmp_path / "away" / "copy.sqlite") == 1
    assert [file.name for file in (tmp_path / "away").iterdir()] == ["copy.sqlite"]
    with AnnotationStore(tmp_path / "away" / "copy.sqlite") as copy:
        assert copy.history() == store.history()


def test_a_copy_is_whole_while_another_program_writes(store: AnnotationStore, tmp_path: Path) -> None:
    done = threading.Event()

    def write() -> None:
        with AnnotationStore(store.path) as other:
            while not done.is_set():
                other.save_reading(CLIP, "c", "CD", "ls_p")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        counts = [save_backup(store, tmp_path / f"copy{n}.sqlite") for n in range(3)]
    finally:
        done.set()
        writer.join()
    assert counts == sorted(counts)


def test_a_file_that_is_there_stays(store: AnnotationStore, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(LsguiError, match=r"^mine.txt is there already"):
        save_backup(store, tmp_path / "mine.txt")
    assert (tmp_path / "mine.txt").read_text() == "precious"
    with pytest.raises(LsguiError, match=r"^copy.sqlite cannot be written .*: choose another folder"):
        save_backup(store, tmp_path / "mine.txt" / "copy.sqlite")


def test_one_copy_a_day_and_the_last_seven_stay(store: AnnotationStore, tmp_path: Path) -> None:
    first = date(2026, 2, 25)
    folder = tmp_path / "labels.backups"
    made = [daily_backup(store, first + timedelta(days=n)) for n in range(9)]
    assert None not in made
    assert daily_backup(store, first + timedelta(days=8)) is None
    names = [path.name for path in backups_of(store.path)]
    assert names == [f"labels.{first + timedelta(days=n)}.sqlite" for n in range(2, 9)]
    (folder / "labels.notes.sqlite").write_text("somebody else's")
    daily_backup(store, first + timedelta(days=9))
    assert (folder / "labels.notes.sqlite").exists()
    assert len(backups_of(store.path)) == 7
    with AnnotationStore(backups_of(store.path)[-1]) as copy:
        assert copy.history() == store.history()


def test_a_store_is_read_without_being_touched(store: AnnotationStore, tmp_path: Path) -> None:
    before = store.path.read_bytes(), sorted(path.name for path in tmp_path.iterdir())
    copy_for_reading(store.path, tmp_path / "copy.sqlite")
    (tmp_path / "copy.sqlite").rename(tmp_path.parent / f"{tmp_path.name}.sqlite")
    assert (store.path.read_bytes(), sorted(path.name for path in tmp_path.iterdir())) == before
    with AnnotationStore(tmp_path.parent / f"{tmp_path.name}.sqlite") as copy:
        assert copy.history() == store.history()


@pytest.mark.parametrize("content", [b"", b"no database, but long enough to be looked at by it\n" * 99])
def test_what_is_no_store_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.sqlite").write_bytes(content)
    with pytest.raises(LsguiError, match=r"^x.sqlite"):
        copy_for_reading(tmp_path / "x.sqlite", tmp_path / "copy.sqlite")
    with pytest.raises(LsguiError, match="no such annotation store"):
        copy_for_reading(tmp_path / "y.sqlite", tmp_path / "copy.sqlite")


def test_a_copy_that_cannot_be_read_back_is_taken_away(store: AnnotationStore, tmp_path: Path, monkeypatch) -> None:
    def damaged(path: Path) -> None:
        path.write_bytes(store.path.read_bytes()[:5000])

    monkeypatch.setattr(store, "copy_to", damaged)
    with pytest.raises(LsguiError, match="cannot be read back"):
        save_backup(store, tmp_path / "copy.sqlite")
    assert not (tmp_path / "copy.sqlite").exists()


def test_the_copy_has_no_log_beside_it(store: AnnotationStore, tmp_path: Path) -> None:
    save_backup(store, tmp_path / "copy.sqlite")
    with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as copy:
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
