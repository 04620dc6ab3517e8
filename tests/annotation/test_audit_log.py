import multiprocessing
import os
import random
import signal
import sqlite3
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lsgui.annotation.audit_log import FIRST, AuditHead, AuditKind, AuditLog, head_file
from lsgui.core.errors import LsguiError


def _filled(path: Path, count: int) -> AuditHead:
    with AuditLog(path) as log:
        for k in range(count):
            head = log.append(AuditKind.VERDICT, {"clip": f"{k:064x}", "p_absent": k / 10, "model": "größe"})
    return head


def _faults(path: Path, noted: AuditHead | None = None) -> tuple[str, ...]:
    with AuditLog(path, reading=True) as log:
        return log.verify(noted).faults


def _tampered(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("DROP TRIGGER entries_are_kept; DROP TRIGGER entries_stay;")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_entries_come_back_in_order_and_the_chain_holds(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    head = _filled(path, 5)

    with AuditLog(path) as log:
        report = log.verify()
        entries = list(log.entries())
    assert report.faults == ()
    assert (report.entries, report.head) == (5, head)
    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5]
    assert entries[0].before == FIRST
    assert [entry.before for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]
    assert entries[3].facts == {"clip": f"{3:064x}", "p_absent": 0.3, "model": "größe"}


def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    _filled(path, 1)
    assert _faults(path) == ()
    with AuditLog(tmp_path / "other.sqlite") as log:
        assert log.head() == AuditHead(0, FIRST)


def test_the_file_itself_refuses_changes(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    _filled(path, 2)
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="kept"):
        connection.execute("DELETE FROM entries WHERE number = 2")
    with pytest.raises(sqlite3.IntegrityError, match="stays"):
        connection.execute("UPDATE entries SET line = '{}'")
    connection.close()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE entries SET line = replace(line, '0.3', '0.9') WHERE number = 4", "entry 4 was changed."),
        ("UPDATE entries SET line = 'no json' WHERE number = 2", "entry 2 is damaged."),
        ("DELETE FROM entries WHERE number = 3", "entry 3 is missing."),
        ("DELETE FROM entries WHERE number IN (2, 3)", "entries 2 to 3 are missing."),
        ("DELETE FROM entries WHERE number >= 4", "its end is missing: it ends at entry 3"),
        ("DELETE FROM entries", "its end is missing: it ends at entry 0"),
    ],
)
def test_tampering_is_told_with_its_place(tmp_path: Path, statement: str, said: str) -> None:
    path = tmp_path / "audit.sqlite"
    _filled(path, 5)
    _tampered(path, statement)
    faults = _faults(path)
    assert any(said in fault for fault in faults), faults


def test_a_changed_entry_with_a_new_hash_breaks_the_next_one(tmp_path: Path) -> None:
    path, forged = tmp_path / "audit.sqlite", tmp_path / "forged.sqlite"
    _filled(path, 4)
    _filled(forged, 1)
    with AuditLog(forged) as log:
        log.append(AuditKind.OVERRIDE, {"clip": "another"})
    connection = sqlite3.connect(forged)
    line, hashed = connection.execute("SELECT line, hash FROM entries WHERE number = 2").fetchone()
    connection.close()
    _tampered(path, f"UPDATE entries SET line = '{line}', hash = '{hashed}' WHERE number = 2")

    assert any(fault.startswith("entry 3 does not follow") for fault in _faults(path))


def test_a_chain_made_anew_differs_from_a_head_that_was_noted(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    noted = _filled(path, 3)
    path.unlink()
    head_file(path).unlink()
    _filled(path, 4)
    assert _faults(path) == ()
    assert any("that was noted" in fault for fault in _faults(path, noted))


def test_a_log_that_is_gone_is_not_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    _filled(path, 3)
    path.unlink()
    with pytest.raises(LsguiError, match=r"audit\.sqlite is gone"):
        AuditLog(path)
    assert not path.exists()


def test_a_log_that_was_emptied_is_told_and_one_that_is_just_being_made_is_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    path.touch()
    with pytest.raises(LsguiError, match="no audit log yet"):
        AuditLog(path, reading=True)
    _filled(path, 3)
    path.write_bytes(b"")
    with pytest.raises(LsguiError, match=r"audit\.sqlite is gone though audit\.head is there"):
        AuditLog(path, reading=True)


def test_a_missing_or_damaged_head_is_told(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    _filled(path, 2)
    head_file(path).write_text("2 nonsense", "utf-8")
    assert any("head is damaged" in fault for fault in _faults(path))
    head_file(path).unlink()
    assert any("head is missing" in fault for fault in _faults(path))


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        (
            "end",
            "before entry 4 the end was cut off or made anew: it ended at entry 3, the head kept beside it was entry 5",
        ),
        (
            "all",
            "before entry 1 the end was cut off or made anew: it ended at entry 0, the head kept beside it was entry 5",
        ),
        ("head", "before entry 6 the end was cut off or made anew: it ended at entry 5, its head was missing"),
        (
            "anew",
            "before entry 6 the end was cut off or made anew: it ended at entry 5, the head kept beside it was entry 5",
        ),
    ],
)
def test_an_end_that_was_cut_off_still_shows_after_the_next_entry(tmp_path: Path, cut: str, said: str) -> None:
    path = tmp_path / "audit.sqlite"
    _filled(path, 5)
    if cut == "end":
        _tampered(path, "DELETE FROM entries WHERE number > 3")
    elif cut == "all":
        path.write_bytes(b"")
    elif cut == "head":
        head_file(path).unlink()
    else:
        head_file(path).write_text(f"5 {'ab' * 32}", "utf-8")
    with AuditLog(path) as log:
        log.append(AuditKind.VERDICT, {"clip": "next"})
        log.append(AuditKind.VERDICT, {"clip": "and the one after"})
    assert _faults(path) == (f"{said}.",)


def test_a_program_killed_between_an_entry_and_its_head_leaves_no_break(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    for count in (1, 3):
        _filled(path, count)
        behind = head_file(path).read_bytes()
        _filled(path, 1)
        if count == 1:
            head_file(path).unlink()  # the very first entry was written, its head was not
            _tampered(path, "DELETE FROM entries WHERE number = 2")
        else:
            head_file(path).write_bytes(behind)
        _filled(path, 1)
        assert _faults(path) == ()


def test_entries_that_changed_places_are_told(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    _filled(path, 4)
    _tampered(
        path,
        "CREATE TABLE aside AS SELECT * FROM entries",
        "UPDATE entries SET line = (SELECT line FROM aside WHERE number = 5 - entries.number), "
        "hash = (SELECT hash FROM aside WHERE number = 5 - entries.number) WHERE number IN (2, 3)",
    )
    faults = _faults(path)
    assert "entry 2 was changed: in its place stands entry 3." in faults
    assert "entry 3 was changed: in its place stands entry 2." in faults


@pytest.mark.parametrize("cell", ["x'00ff'", "CAST(x'ff22' AS TEXT)", "17", "'{}'"])
def test_a_cell_that_is_no_text_is_told_like_any_change(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "audit.sqlite"
    _filled(path, 3)
    _tampered(path, f"UPDATE entries SET line = {cell} WHERE number = 2")
    assert "entry 2 is damaged." in _faults(path)


def test_a_head_that_cannot_be_kept_costs_no_entry(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    _filled(path, 1)
    head_file(path).unlink()
    head_file(path).mkdir()
    with AuditLog(path) as log:
        assert log.append(AuditKind.VERDICT, {}).number == 2
        assert "the audit log cannot be written" in log.head_fault
    head_file(path).rmdir()


def test_a_program_that_comes_late_puts_no_newer_head_back(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    early = _filled(path, 2)
    _filled(path, 3)
    with AuditLog(path) as log:
        log._keep_head(early, anew=False)
    assert head_file(path).read_text().startswith("5 ")


def test_a_copy_can_be_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "shelf" / "audit.sqlite"
    _filled(path, 2)
    before = sorted((file.name, file.read_bytes()) for file in path.parent.iterdir())
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")  # as good as write-protected: whoever reads must not ask to write
    try:
        with AuditLog(path, reading=True) as log:
            assert log.verify().faults == ()
            assert len(list(log.entries())) == 2
            with pytest.raises(LsguiError, match="cannot be used"):
                log.append(AuditKind.VERDICT, {})
    finally:
        connection.close()
    assert sorted((file.name, file.read_bytes()) for file in path.parent.iterdir()) == before


def test_foreign_and_damaged_files_are_refused_and_left(tmp_path: Path) -> None:
    foreign, damaged = tmp_path / "foreign.sqlite", tmp_path / "damaged.sqlite"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE mine (a)")
    connection.close()
    damaged.write_bytes(b"SQLite format 3\x00" + b"\x07" * 4000)
    for path in (foreign, damaged):
        before = path.read_bytes()
        with pytest.raises(LsguiError, match=path.name):
            AuditLog(path)
        assert path.read_bytes() == before


def test_a_clock_that_was_set_back_changes_no_order(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    with AuditLog(path) as log:
        log.append(AuditKind.VERDICT, {}, datetime(2030, 1, 1, tzinfo=UTC))
        log.append(AuditKind.VERDICT, {}, datetime(2020, 1, 1, tzinfo=UTC))
        assert [entry.at.year for entry in log.entries()] == [2030, 2020]
    assert _faults(path) == ()


def _append_for_ever(path: str) -> None:
    with AuditLog(Path(path)) as log:
        while True:
            log.append(AuditKind.VERDICT, {"by": os.getpid()})


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended by signal 9")
def test_two_programs_write_one_chain_and_a_kill_leaves_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    _filled(path, 1)
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_append_for_ever, args=(str(path),)) for _ in range(2)]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + 30
    with AuditLog(path) as log:
        while len({entry.facts.get("by") for entry in log.entries()}) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
    for writer in writers:
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()

    with AuditLog(path) as log:
        report = log.verify()
        assert len({entry.facts.get("by") for entry in log.entries()}) == 3
    assert report.faults == ()


def test_whatever_bytes_of_the_file_change_it_is_whole_told_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    _filled(path, 12)
    with AuditLog(path, reading=True) as log:
        entries = list(log.entries())
    whole, chance = path.read_bytes(), random.Random(5)
    ends = {"whole": 0, "told": 0, "refused": 0}
    for _ in range(400):
        changed = bytearray(whole[: chance.randrange(len(whole))] if chance.random() < 0.3 else whole)
        for _ in range(chance.choice((1, 4, 32)) if changed else 0):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        path.write_bytes(changed)
        try:
            with AuditLog(path, reading=True) as log:
                if log.verify().faults:
                    ends["told"] += 1
                else:
                    assert list(log.entries()) == entries
                    ends["whole"] += 1
        except LsguiError:
            ends["refused"] += 1
    assert min(ends.values()) > 20, ends
