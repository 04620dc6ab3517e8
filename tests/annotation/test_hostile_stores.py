"""Stores and label files that a foreign program, or chance, wrote: one sentence, nothing run, nothing taken over."""

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from lsgui.annotation.store import AnnotationStore
from lsgui.cli.main import run
from lsgui.core.errors import LONGEST_SENTENCE, LsguiError
from lsgui.core.label import ReaderLabel

HASH = "a" * 64
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with one reading."""
    path = tmp_path / "study.sqlite"
    with AnnotationStore(path) as store:
        store.save_reading(HASH, "clip.mp4", "AB", ReaderLabel.LS_A)
    return path


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for guard in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {guard[0]}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    "statements",
    [
        [f"CREATE VIEW endless AS {ENDLESS} SELECT x FROM c"],
        [f"CREATE TRIGGER t AFTER INSERT ON history BEGIN INSERT INTO store {ENDLESS} SELECT x, x FROM c; END"],
        ["CREATE TRIGGER history_is_kept AFTER INSERT ON history BEGIN SELECT 1; END"],
        ["DROP TABLE clips", f"CREATE VIEW clips AS {ENDLESS} SELECT x AS id, x AS content_hash FROM c"],
        ["ALTER TABLE history RENAME TO old", "CREATE TABLE history (id, uid AS (hex(zeroblob(1000000000))))"],
    ],
)
def test_a_store_with_parts_that_no_lsgui_made_is_not_opened(path: Path, statements: list[str]) -> None:
    change(path, *statements)
    with pytest.raises(LsguiError, match="parts that no lsgui made"):
        AnnotationStore(path)


def test_a_store_whose_guards_were_taken_away_still_opens(path: Path) -> None:
    change(path)
    with AnnotationStore(path) as store:
        assert len(store.records()) == 1


@pytest.mark.parametrize(
    "cell",
    [
        "value = '{\"label\": []}'",
        "value = '[[1]]'",
        "value = replace(hex(zeroblob(20000)), '0', '[')",
        "value = CAST(x'ff' AS TEXT)",
        "said_at = 'not a day'",
        "said_at = x'00'",
        "kind = 'other'",
        "file_name = x'ff00'",
        "rater = x'ff'",
        "uid = 7",
        "sitting = x'00'",
    ],
)
def test_a_cell_of_another_kind_is_a_sentence_in_every_command(
    path: Path, cell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(path, f"UPDATE history SET {cell}")
    for command in (
        ["labels", "list", "--store", str(path)],
        ["labels", "check", "--store", str(path)],
        ["labels", "export", str(tmp_path / "out.json"), "--store", str(path), "--format", "json"],
        ["labels", "import", str(path), "--store", str(tmp_path / "other.sqlite")],
    ):
        capsys.readouterr()
        status = run(command)
        said = capsys.readouterr().err.splitlines()
        whole = command[1] == "export" and cell.startswith("value = '")  # JSON gives back what was said, as it stands
        assert status in ((0, 2) if whole or cell == "uid = 7" else (2,)), (command, said)
        assert all(line.startswith("lsgui: ") and len(line) < LONGEST_SENTENCE + 20 for line in said)


@pytest.mark.parametrize("pragma", ["user_version = -5", "user_version = 99", "application_id = 0"])
def test_a_store_of_no_version_is_refused(path: Path, pragma: str) -> None:
    change(path, f"PRAGMA {pragma}")
    with pytest.raises(LsguiError):
        AnnotationStore(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", f"clip,label,rater,sitting\nx.mp4,ls_a,AB,{'9' * 30}\n"),
        ("a.csv", "clip,label,rater,said_at\nx.mp4,ls_a,AB,0001-01-01\n"),
        ("a.csv", 'clip,label,rater,line\nx.mp4,ls_a,AB,"' + "[" * 90_000 + '"\n'),
        ("a.csv", 'clip,label,rater,line\nx.mp4,ls_a,AB,"{""polyline"": [[1e308, 0], [-1e308, 5]]}"\n'),
        ("a.json", "[" * 200_000),
        ("a.json", json.dumps({"format": "lsgui labels", "version": 1, "clips": [{"frames": 10**30}]})),
        ("sliding_metafile.json", '[{"video_name": "\\ud800", "video_class": "ls_a"}]'),
        (
            "a.cvat.json",
            json.dumps({"shapes": [{"label": "pleural line", "type": "polyline", "frame": 0, "points": [10**400]}]}),
        ),
    ],
)
def test_label_files_that_python_falls_over(
    name: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert run(["labels", "import", str(tmp_path / name), "--store", str(tmp_path / "s.sqlite"), "--rater", "AB"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert len(said[0]) < LONGEST_SENTENCE + 20
    with AnnotationStore(tmp_path / "s.sqlite") as store:
        assert store.history() == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{"format": "lsgui labels", "version": 1, "statements": [' + "{}," * 400_000 + "{}]}"),
        ("sliding_metafile.json", "[" + "{}," * 400_000 + "{}]"),
        ("a.csv", "clip,label\n" + "a,b\n" * 2_000_000),
        ("b.csv", "a,b\n" * 2_000_000),
    ],
)
def test_the_first_of_a_million_faults_is_said_at_once(
    name: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    began = time.process_time()
    assert run(["labels", "import", str(tmp_path / name), "--store", str(tmp_path / "s.sqlite"), "--rater", "AB"]) == 2
    assert time.process_time() - began < 4.0
    said = capsys.readouterr().err
    assert any(word in said for word in ("entry", "line 2", "lacks the column"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such pipes on this system")
def test_a_pipe_is_no_store_and_no_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.csv", "a.json", "a.sqlite"):
        if hasattr(os, "mkfifo"):
            os.mkfifo(tmp_path / name)
        assert run(["labels", "import", str(tmp_path / name), "--store", str(tmp_path / "s.sqlite")]) == 2
    assert run(["labels", "list", "--store", str(tmp_path / "a.sqlite")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 4
