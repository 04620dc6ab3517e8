"""The audit writer: in order, tried again, and never in anybody's way."""

import sqlite3
from pathlib import Path

from lsgui.annotation.audit_entries import AuditKind
from lsgui.annotation.audit_log import AuditLog, head_file
from lsgui.annotation.audit_writer import AuditEvent, AuditWriter


def _event(number: int) -> AuditEvent:
    return AuditEvent(AuditKind.VERDICT, {"number": number})


def test_what_cannot_be_written_waits_and_goes_in_later_in_its_order(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.write_text("in the way")
    writer = AuditWriter(lambda: folder / "audit.sqlite")
    first = _event(1)
    assert "cannot be written" in writer.add(first)
    assert "cannot be written" in writer.add(_event(2))
    assert writer.waiting == 2
    folder.unlink()
    assert writer.add(_event(3)) == ""
    assert writer.waiting == 0
    with AuditLog(folder / "audit.sqlite", reading=True) as log:
        entries = list(log.entries())
        assert log.verify().faults == ()
    assert [entry.facts["number"] for entry in entries] == [1, 2, 3]
    assert entries[0].at == first.when, "the moment is that of the verdict, not of the disk"


def test_another_program_that_holds_the_log_is_waited_for_and_then_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("lsgui.annotation.audit_log._BUSY_S", 0.05)
    path = tmp_path / "audit.sqlite"
    writer = AuditWriter(lambda: path)
    assert writer.add(_event(1)) == ""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert "database is locked" in writer.add(_event(2))
    other.close()
    assert writer.write() == ""
    assert writer.waiting == 0


def test_a_head_that_cannot_be_kept_is_told_and_the_entry_is_in(tmp_path: Path) -> None:
    path = tmp_path / "audit.sqlite"
    head_file(path).mkdir()
    path.touch()
    writer = AuditWriter(lambda: path)
    assert "audit.head" in writer.add(_event(1))
    assert writer.waiting == 0
