"""The check finds every way in which a store may be unsound, and says what to do."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lsgui.annotation.by_name import hash_by_name, kept_by_name
from lsgui.annotation.checkup import check_clips, check_file
from lsgui.annotation.clips_at_hand import ClipsAtHand
from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.schema import APPLICATION_ID, MIGRATIONS, VERSION
from lsgui.annotation.store import AnnotationStore, SavedOverride
from lsgui.cli.main import run
from lsgui.core.errors import LsguiError
from lsgui.core.label import SlidingLabel
from lsgui.core.reading import StatementKind

CLIP = "a" * 64
ROW = {
    "uid": "1" * 32, "content_hash": CLIP, "file_name": "c", "rater": "AB", "sitting": 1, "kind": "label",
    "subject": "", "value": '{"label": "ls_a"}', "said_at": "2026-03-01T12:00:00.000000+00:00",
    "program_version": "9", "blind": 0,
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with AnnotationStore(tmp_path / "labels.sqlite") as store:
        reading = store.save_reading(CLIP, "c", "AB", "ls_a")
        store.save_override(SavedOverride(reading.uid, SlidingLabel.LS_P, "m", "r"))
        store.say(CLIP, "c", "AB", StatementKind.TAGS, ["a_lines"])
        store.say(CLIP, "c", "AB", StatementKind.TAGS, None)
    return tmp_path / "labels.sqlite"


def test_a_sound_store_has_no_faults(path: Path) -> None:
    before = path.read_bytes()
    found = check_file(path)
    assert (found.statements, found.clips, found.faults, found.notes) == (4, 1, (), ())
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"content_hash": "z" * 64}, "the clip's content hash is none"),
        ({"kind": "dance"}, "the kind 'dance' is unknown"),
        ({"value": '{"label": "ls_x"}'}, "what is said is no label"),
        ({"subject": "m"}, "a statement of kind label has no subject"),
        ({"said_at": "noon"}, "the moment is none"),
        ({"said_at": "2026-03-01T12:00:00"}, "the moment is none"),
        (
            {"kind": "override", "subject": "f" * 32, "value": '{"verdict": "ls_p", "model": "m", "reason": "r"}'},
            "an override belongs to no label of its rater",
        ),
    ],
)
def test_a_foreign_row_is_found(path: Path, change: dict, sentence: str) -> None:
    row = {**ROW, **change}
    with closing(sqlite3.connect(path, isolation_level=None)) as foreign:
        foreign.execute(f"INSERT INTO history ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", [*row.values()])
    (fault,) = check_file(path).faults
    assert fault.startswith("1 row of the history (first: 5): ")
    assert sentence in fault
    assert ": " in fault.partition(sentence)[2]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("DROP TRIGGER history_is_kept", "history_is_kept of the store are missing or changed"),
        ("DROP INDEX history_by_slot", "history_by_slot of the store are missing or changed"),
        (
            "INSERT INTO verdicts (uid, content_hash, file_name, model_id, model_version, model_sha256, label, "
            "threshold, quality, line_source, said_at, program_version) "
            f"VALUES ('{'1' * 32}', '{CLIP}', 'c', 'm', '1', '', "
            "'maybe', 0.5, '[]', '', '2026-03-01T12:00:00+00:00', '9')",
            "Among the verdicts 1 cannot be understood (first: row 1)",
        ),
        (
            "INSERT INTO masks (uid, series, rectangles, width, height, approved_by, approved_at, program_version) "
            f"VALUES ('{'1' * 32}', 's', '[[1, 2]]', 9, 9, 'AB', '2026-03-01T12:00:00+00:00', '9')",
            "Among the masks 1 cannot be understood (first: row 1)",
        ),
    ],
)
def test_what_a_foreign_program_did_to_the_file_is_found(path: Path, change: str, sentence: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as foreign:
        foreign.execute(change)
    (fault,) = check_file(path).faults
    assert sentence in fault


def test_an_old_store_is_told_and_left_old(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.executescript(f"PRAGMA application_id = {APPLICATION_ID}; {MIGRATIONS[0]} PRAGMA user_version = 1;")
    before = path.read_bytes()
    assert run(["labels", "check", "--store", str(path)]) == 0
    out = capsys.readouterr().out
    assert out == f"old.sqlite is of version 1; it is brought to {VERSION} when it is next opened.\n"
    assert path.read_bytes() == before


def test_a_damaged_page_is_found(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + bytes(255 - k % 251 for k in range(4096)) + whole[12288:])
    (fault,) = check_file(path).faults
    assert "the file is damaged" in fault
    assert "put a backup in its place" in fault


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (f"PRAGMA user_version = {VERSION + 1}", "newer lsgui"),
        (f"PRAGMA application_id = {APPLICATION_ID + 1}", "is not an annotation store"),
    ],
)
def test_what_is_not_of_this_program_is_refused(path: Path, change: str, sentence: str) -> None:
    with closing(sqlite3.connect(path)) as foreign:
        foreign.execute(change)
    with pytest.raises(LsguiError, match=sentence):
        check_file(path)


def test_clips_are_looked_for(path: Path, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    (clips / "moved.avi").write_text("here")
    (clips / "named.avi").write_text("waiting")
    with AnnotationStore(path) as store:
        store.save_reading(content_hash(clips / "moved.avi"), "former.avi", "AB", "ls_p")
        store.save_reading(hash_by_name("named.avi"), "named.avi", "AB", "ls_p")
        gone, waiting = check_clips(store, ClipsAtHand(clips.iterdir(), content_hash, lambda _folder: []))
        assert gone.startswith("c is not in the folders of --clips under any name")
        assert waiting.startswith("named.avi is here now, but its labels are kept by name")
        assert kept_by_name(store) == ("named.avi",)
