"""`lsgui audit`, as a person types it."""

import json
import sqlite3
from pathlib import Path

import pytest

from lsgui.annotation.audit_log import AuditKind, AuditLog
from lsgui.cli.main import run
from lsgui.review.paths import audit_file


@pytest.fixture
def log(home: Path) -> Path:
    """Three verdicts in this user's log."""
    with AuditLog(audit_file()) as opened:
        for number in range(3):
            opened.append(AuditKind.VERDICT, {"clip": f"{number:064x}", "label": "ls_p"})
    return audit_file()


def test_a_whole_log_is_said_to_be_whole_with_its_head(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "head"]) == 0
    head = capsys.readouterr().out.strip()
    assert run(["audit", "verify", "--head", head]) == 0
    assert capsys.readouterr().out == f"The audit log is whole: 3 entries, head {head}.\n"


def test_a_changed_log_is_exit_status_2(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    connection = sqlite3.connect(log)
    connection.executescript("DROP TRIGGER entries_stay; UPDATE entries SET line = replace(line, 'ls_p', 'ls_a')")
    connection.close()
    assert run(["audit", "verify", "--file", str(log)]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("entry 1 was changed.\nentry 2 was changed.")
    assert err == "lsgui: the audit log is not whole: see above, and keep the file as it is.\n"


def test_entries_are_listed_a_line_each(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "list", "--json"]) == 0
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(entry["number"], entry["facts"]["label"]) for entry in entries] == [(1, "ls_p"), (2, "ls_p"), (3, "ls_p")]


def test_without_a_log_and_with_a_wrong_head_one_sentence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "verify"]) == 2
    assert "there is no audit log yet" in capsys.readouterr().err
    assert run(["audit", "verify", "--head", "not a head"]) == 2
    err = capsys.readouterr().err
    assert "is no head" in err
    assert len(err.splitlines()) == 1
