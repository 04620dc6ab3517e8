import multiprocessing
import os
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
    with AuditLog(path, create=False) as log:
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


def test_a_missing_or_damaged_head_is_told(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    _filled(path, 2)
    head_file(path).write_text("2 nonsense", "utf-8")
    assert any("head is damaged" in fault for fault in _faults(path))
    head_file(path).unlink()
    assert any("head is missing" in fault for fault in _faults(path))


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
