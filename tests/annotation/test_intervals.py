"""Intervals and overrides: append-only as readings are, and an older store is brought up without a loss."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lsgui.annotation.schema import APPLICATION_ID, MIGRATIONS, VERSION, stored_version
from lsgui.annotation.store import NOT_GIVEN, AnnotationStore, SavedOverride
from lsgui.core.errors import LsguiError
from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel, SlidingLabel

CLIP, OTHER = "a" * 64, "b" * 64
LS_P, LS_A = ReaderLabel.LS_P, ReaderLabel.LS_A


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "annotations.sqlite"


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()


def test_an_interval_is_begun_ended_and_withdrawn_and_every_step_stays(path: Path) -> None:
    begun = IntervalMark("m1", 10)
    ended = begun.ended(29, LS_P)
    second = IntervalMark("m2", 40, 60, LS_A)
    with AnnotationStore(path) as store:
        store.save_interval(CLIP, "/ward/Doe/clip.mp4", "AB", begun)
        assert store.intervals(CLIP, "AB") == (begun,)
        store.save_interval(CLIP, "clip.mp4", "AB", second)
        store.save_interval(CLIP, "clip.mp4", "AB", ended)
        store.save_interval(CLIP, "clip.mp4", "CD", IntervalMark("m3", 0, 5))
    with AnnotationStore(path) as store:
        assert store.intervals(CLIP, "AB") == (ended, second)
        assert store.intervals(OTHER, "AB") == ()
        store.save_interval(CLIP, "clip.mp4", "AB", second, withdrawn=True)
        assert store.intervals(CLIP, "AB") == (ended,)
        assert store.intervals(CLIP, "CD") == (IntervalMark("m3", 0, 5),)
    kept = rows(path, "intervals")
    assert [row[2] for row in kept] == ["marked"] * 4 + ["withdrawn"]
    assert kept[0][4] == "clip.mp4"


def test_an_interval_that_ends_before_its_start_is_turned_round() -> None:
    assert IntervalMark("m", 30).ended(10, None) == IntervalMark("m", 10, 31)
    assert IntervalMark("m", 30).ended(30, LS_A) == IntervalMark("m", 30, 31, LS_A)
    with pytest.raises(ValueError, match="at least one frame"):
        IntervalMark("m", 5, 5)


def test_a_reason_may_follow_an_override(path: Path) -> None:
    with AnnotationStore(path) as store:
        first = store.save_reading(CLIP, "c", "AB", LS_A)
        second = store.save_reading(OTHER, "d", "AB", LS_P)
        noted = SavedOverride(first.id, SlidingLabel.LS_P, "motion 1", NOT_GIVEN)
        store.save_override(noted)
        store.save_override(SavedOverride(second.id, SlidingLabel.LS_A, "motion 1", NOT_GIVEN))
        with_reason = SavedOverride(second.id, SlidingLabel.LS_A, "motion 1", "seen on other views")
        store.save_override(with_reason)
        assert store.overrides() == {first.id: noted, second.id: with_reason}
    assert len(rows(path, "overrides")) == 3


@pytest.mark.parametrize("table", ["intervals", "overrides"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET program_version = 'x'"])
def test_rows_cannot_be_changed_even_past_the_program(path: Path, table: str, statement: str) -> None:
    with AnnotationStore(path) as store:
        reading = store.save_reading(CLIP, "c", "AB", LS_A)
        store.save_interval(CLIP, "c", "AB", IntervalMark("m", 1, 2))
        store.save_override(SavedOverride(reading.id, SlidingLabel.LS_P, "motion 1", "other"))
    before = rows(path, table)
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError, match="never"):
        connection.execute(statement.format(table))
    assert rows(path, table) == before


def test_an_interval_needs_a_rater(path: Path) -> None:
    with AnnotationStore(path) as store, pytest.raises(LsguiError, match="no rater"):
        store.save_interval(CLIP, "c", " ", IntervalMark("m", 1, 2))


def test_a_store_of_version_1_is_brought_up_and_loses_nothing(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(f"PRAGMA application_id = {APPLICATION_ID};{MIGRATIONS[0]}PRAGMA user_version = 1;")
        for number in range(200):
            connection.execute(
                "INSERT INTO readings (content_hash, file_name, rater, label, read_at, program_version) "
                "VALUES (?, ?, 'AB', 'ls_a', '2026-03-01T12:00:00+00:00', '0.1')",
                (f"{number:064d}", f"clip {number}.mp4"),
            )
    before = rows(path, "readings")
    with AnnotationStore(path) as store:
        assert len(store.all_readings()) == 200
        assert store.latest(f"{7:064d}", "AB").file_name == "clip 7.mp4"
        assert store.overrides() == {}
        store.save_interval(f"{7:064d}", "clip 7.mp4", "AB", IntervalMark("m", 1, 2))
        assert store.save_reading(CLIP, "c", "AB", LS_A).id == 201
    assert rows(path, "readings")[:200] == before
    with closing(sqlite3.connect(path)) as connection:
        assert stored_version(connection) == VERSION == 2
