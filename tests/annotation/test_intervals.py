"""Intervals and overrides: append-only as readings are, and an older store is brought up without a loss."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lsgui.annotation.clip_facts import ApprovedMask, ClipFacts, StoredVerdict
from lsgui.annotation.schema import APPLICATION_ID, MIGRATIONS, VERSION, stored_version
from lsgui.annotation.store import NOT_GIVEN, AnnotationStore, SavedOverride
from lsgui.core.errors import LsguiError
from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.reading import StatementKind

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
    with AnnotationStore(path) as store:
        kept = store.history()
    assert [said.value is None for said in kept] == [False] * 4 + [True]
    assert kept[0].file_name == "clip.mp4"


def test_an_interval_that_ends_before_its_start_is_turned_round() -> None:
    assert IntervalMark("m", 30).ended(10, None) == IntervalMark("m", 10, 31)
    assert IntervalMark("m", 30).ended(30, LS_A) == IntervalMark("m", 30, 31, LS_A)
    with pytest.raises(ValueError, match="at least one frame"):
        IntervalMark("m", 5, 5)


def test_a_reason_may_follow_an_override(path: Path) -> None:
    with AnnotationStore(path) as store:
        first = store.save_reading(CLIP, "c", "AB", LS_A)
        second = store.save_reading(OTHER, "d", "AB", LS_P)
        noted = SavedOverride(first.uid, SlidingLabel.LS_P, "motion 1", NOT_GIVEN)
        store.save_override(noted)
        store.save_override(SavedOverride(second.uid, SlidingLabel.LS_A, "motion 1", NOT_GIVEN))
        with_reason = SavedOverride(second.uid, SlidingLabel.LS_A, "motion 1", "seen on other views")
        store.save_override(with_reason)
        assert store.overrides() == {first.uid: noted, second.uid: with_reason}
        assert len([said for said in store.history() if said.kind is StatementKind.OVERRIDE]) == 3


@pytest.mark.parametrize("table", ["history", "clips", "verdicts", "masks"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET width = 1"])
def test_rows_cannot_be_changed_even_past_the_program(path: Path, table: str, statement: str) -> None:
    now = datetime.now(UTC)
    with AnnotationStore(path) as store:
        reading = store.save_reading(CLIP, "c", "AB", LS_A)
        store.save_interval(CLIP, "c", "AB", IntervalMark("m", 1, 2))
        store.save_override(SavedOverride(reading.uid, SlidingLabel.LS_P, "motion 1", "other"))
        store.save_clip(ClipFacts(CLIP, "c", 10, 20.0, 64, 48))
        store.save_verdict(
            StoredVerdict(CLIP, "c", "motion", "2", "", SlidingLabel.LS_P, 0.1, 0.0, 0.2, 0.5, 0.1, (), "hand", now)
        )
        store.approve_mask(ApprovedMask("series", ((0, 0, 9, 9),), 64, 48, "AB", now))
    column = {"history": "rater", "verdicts": "model_id"}.get(table, "width")
    before = rows(path, table)
    assert before
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError, match="never"):
        connection.execute(statement.format(table).replace("width", column))
    assert rows(path, table) == before


def test_an_interval_needs_a_rater(path: Path) -> None:
    with AnnotationStore(path) as store, pytest.raises(LsguiError, match="no rater"):
        store.save_interval(CLIP, "c", " ", IntervalMark("m", 1, 2))


def _old_store(path: Path, version: int) -> list[tuple[str, str]]:
    """Write 200 readings as that version did, from version 2 on with intervals and overrides."""
    when = "2026-03-01T12:00:00+00:00"
    said = [(f"{number:064d}", f"clip {number}.mp4") for number in range(200)]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        scripts = "".join(MIGRATIONS[:version])
        connection.executescript(f"PRAGMA application_id = {APPLICATION_ID};{scripts}PRAGMA user_version = {version};")
        for digest, name in said:
            connection.execute(
                "INSERT INTO readings (content_hash, file_name, rater, label, read_at, program_version) "
                "VALUES (?, ?, 'AB', 'ls_a', ?, '0.1')",
                (digest, name, when),
            )
        if version > 1:
            for mark, action, stop in (("m1", "marked", None), ("m1", "marked", 9), ("m2", "withdrawn", 5)):
                connection.execute(
                    "INSERT INTO intervals (mark, action, content_hash, file_name, rater, label, start, stop, "
                    "marked_at, program_version) VALUES (?, ?, ?, 'clip 7.mp4', 'AB', 'ls_p', 3, ?, ?, '0.1')",
                    (mark, action, said[7][0], stop, when),
                )
            connection.execute(
                "INSERT INTO overrides (reading, verdict, model, reason, given_at, program_version) "
                "VALUES (8, 'ls_p', 'motion 1', 'seen on other views', ?, '0.1')",
                (when,),
            )
    return said


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_store_is_brought_up_and_loses_nothing(path: Path, version: int) -> None:
    said = _old_store(path, version)
    before = rows(path, "readings")
    with AnnotationStore(path) as store:
        readings = store.all_readings()
        assert [(reading.content_hash, reading.file_name) for reading in readings] == said
        assert {(reading.rater, reading.label, reading.program_version) for reading in readings} == {
            ("AB", LS_A, "0.1")
        }
        eighth = store.latest(f"{7:064d}", "AB")
        assert eighth is not None
        if version > 1:
            assert store.intervals(f"{7:064d}", "AB") == (IntervalMark("m1", 3, 9, LS_P),)
            reason = SavedOverride(eighth.uid, SlidingLabel.LS_P, "motion 1", "seen on other views")
            assert store.overrides() == {eighth.uid: reason}
        store.save_interval(f"{7:064d}", "clip 7.mp4", "AB", IntervalMark("m", 1, 2))
        assert len(store.history()) == 201 + 4 * (version - 1)
    with closing(sqlite3.connect(path)) as connection:
        assert stored_version(connection) == VERSION == 3
    kept = path.with_name(f"annotations.v{version}.sqlite")
    assert rows(kept, "readings") == before


def test_two_programs_bring_a_store_up_at_once(path: Path) -> None:
    said = _old_store(path, 2)
    opener = "import sys; from pathlib import Path; from lsgui.annotation.store import AnnotationStore; "
    opener += "print(len(AnnotationStore(Path(sys.argv[1])).all_readings()))"
    children = [
        subprocess.Popen([sys.executable, "-c", opener, str(path)], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert [int(child.communicate(timeout=60)[0]) for child in children] == [len(said)] * 3
