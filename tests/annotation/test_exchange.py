"""Labels in and out: what goes out comes back as it was, whatever is written in it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from statement_samples import NOON, fill, histories, new_store

from lsgui.annotation.by_name import bind_clips, hash_by_name, is_by_name
from lsgui.annotation.clip_facts import ClipFacts
from lsgui.annotation.exchange import Labels, guess_format, settle
from lsgui.annotation.exchange_csv import read_csv, to_csv
from lsgui.annotation.exchange_json import read_json, to_json
from lsgui.annotation.store import AnnotationStore
from lsgui.core.errors import LsguiError
from lsgui.core.reading import StatementKind

CLIP, OTHER = "a" * 64, "b" * 64
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def _everything(store: AnnotationStore) -> Labels:
    return Labels(store.history(), tuple(store.clips().values()), store.all_verdicts(), store.all_masks())


def _csv_of(store: AnnotationStore) -> str:
    return to_csv(store.records(), store.standing())


def _take_csv(store: AnnotationStore, path: Path, rater: str | None = None) -> int:
    return store.merge(settle(read_csv(path, rater, hash_by_name), store.standing(), LATER))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exchange")


@settings(max_examples=25)
@given(histories())
def test_json_brings_the_whole_history(folder: Path, history: list[dict[str, Any]]) -> None:
    path = folder / "labels.json"
    with new_store(folder, "a") as first, new_store(folder, "b") as second:
        fill(first, history)
        path.write_bytes(to_json(_everything(first)).encode())
        brought = read_json(path)
        assert brought == _everything(first)
        assert second.merge(brought.statements, brought.clips, brought.verdicts, brought.masks) == len(first.history())
        assert second.history() == first.history()
        assert second.standing() == first.standing()
        assert second.merge(brought.statements) == 0


@settings(max_examples=30)
@given(histories())
def test_a_table_brings_every_reading(folder: Path, history: list[dict[str, Any]]) -> None:
    path = folder / "labels.csv"
    with new_store(folder, "a") as first, new_store(folder, "b") as second:
        fill(first, history)
        text = _csv_of(first)
        path.write_bytes(text.encode())
        if text.count("\n") < 2:
            return  # all was withdrawn
        _take_csv(second, path)
        assert _csv_of(second) == text
        assert _take_csv(second, path) == 0
        assert _take_csv(first, path) == 0, "the store that wrote it knows it all"


def test_a_row_of_an_adjudication_does_not_hide_the_marks_beside_it(tmp_path: Path) -> None:
    """The rater who decides has read the clip too: two rows of one rater, and the marks are of the second."""
    path = tmp_path / "labels.csv"
    with AnnotationStore(tmp_path / "a.sqlite") as store:
        store.say(CLIP, "clip.mp4", "AB", StatementKind.ADJUDICATION, {"label": "ls_p", "of": []}, when=NOON)
        mark = {"start": 0, "stop": None, "label": None}
        store.say(CLIP, "clip.mp4", "AB", StatementKind.INTERVAL, mark, subject="m1", when=NOON)
        path.write_bytes(_csv_of(store).encode())
        assert _take_csv(store, path) == 0


def test_no_cell_of_a_table_is_a_formula(tmp_path: Path) -> None:
    evil = '=HYPERLINK("http://x","y")'
    with AnnotationStore(tmp_path / "a.sqlite") as store:
        store.say(CLIP, "@clip.mp4", "+AB", StatementKind.LABEL, {"label": "ls_a"}, when=NOON)
        store.say(CLIP, "@clip.mp4", "+AB", StatementKind.COMMENT, evil, when=NOON)
        text = _csv_of(store)
    import csv

    cells = [cell for row in list(csv.reader(text.splitlines()))[1:] for cell in row]
    assert f"'{evil}" in cells
    assert [cell for cell in cells if cell and cell[0] in "=+-@\t\r"] == []


def test_a_table_made_by_hand_needs_clip_and_label(tmp_path: Path) -> None:
    path = tmp_path / "hand.csv"
    path.write_bytes("﻿label; clip ;comment\r\nLS_A ;a.mp4;'twas 5 - 3\r\n;b.mp4;nothing seen\r\n".encode())
    with AnnotationStore(tmp_path / "a.sqlite") as store:
        _take_csv(store, path, " AB ")
        first, second = store.records()
        assert (first.file_name, first.rater, first.label, first.comment) == ("a.mp4", "AB", "ls_a", "'twas 5 - 3")
        assert (second.label, second.comment) == (None, "nothing seen")
        assert is_by_name(first.content_hash, "a.mp4")
        store.say(first.content_hash, "a.mp4", "AB", StatementKind.CONFIDENCE, 3)
        assert _take_csv(store, path, "AB") == 0
        assert store.records()[0].confidence == 3, "what a table does not speak of stays"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lacks the column clip"),
        ("clip,label\n", "holds no labels"),
        ("clip,label,rater\na,ls_x,AB\n", "line 2: 'ls_x' is no label: ls_p, ls_a, cannot_assess, lung_point are"),
        ("clip,label\na,ls_a\n", "line 2: it names no rater, give one with --rater"),
        ("clip,label,rater\na,ls_a,AB\n,ls_a,AB\n", "line 3: it names no clip"),
        ("clip,label,rater,content_hash\na,ls_a,AB,xyz\n", "line 2: 'xyz' is no content hash"),
        ("clip,label,rater,intervals\na,ls_a,AB,12 to 13\n", "line 2: '12 to 13' is no interval"),
        ("clip,label,rater,intervals\na,ls_a,AB,12-3\n", "line 2: an interval holds at least one frame"),
        ("clip,label,rater,confidence\na,ls_a,AB,9\n", "line 2: what is said is no confidence"),
        ("clip,label,rater,tags\na,ls_a,AB,c_lines\n", "line 2: what is said is no tags"),
        ("clip,label,rater,line\na,ls_a,AB,{}\n", "line 2: what is said is no line"),
        ("clip,label,rater,said_at\na,ls_a,AB,yesterday\n", "line 2: "),
        ('clip,label,rater\na,ls_a,"AB\n', "the table cannot be read"),
        ("clip,label,patient,source,start,stop,roi\na,ls_a,p,s,,,\n", "is a data set for training"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LsguiError) as caught:
        read_csv(path, None, hash_by_name)
    assert str(caught.value).startswith("bad.csv")
    assert said in str(caught.value)


def test_a_table_in_another_alphabet_says_so(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes("clip,label\nřez.mp4,ls_a".encode("cp1250"))
    with pytest.raises(LsguiError, match="save it as CSV UTF-8"):
        read_csv(path, "AB", hash_by_name)


GOOD = {
    "uid": "0" * 32, "content_hash": CLIP, "file_name": "c", "rater": "AB", "sitting": 1, "kind": "label",
    "subject": "", "value": {"label": "ls_a"}, "said_at": "2026-03-01T12:00:00+00:00", "program_version": "1",
    "blind": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"value": {"label": "ls_x"}}, "what is said is no label"),
        ({"value": 3}, "what is said is no label"),
        ({"kind": "dance"}, "entry 2 of statements: kind"),
        ({"kind": "interval"}, "needs a subject"),
        ({"subject": "m1"}, "has no subject"),
        ({"uid": "1"}, "uid and content_hash"),
        ({"content_hash": "../" * 8}, "uid and content_hash"),
        ({"rater": " "}, "has a rater"),
        ({"sitting": 0}, "a sitting from 1 up"),
        ({"said_at": "2026-03-01T12:00:00"}, "no time zone"),
        ({"said_at": "noon"}, "said_at"),
        ({"blind": "perhaps"}, "blind"),
    ],
)
def test_a_bad_statement_is_refused_with_its_entry(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "labels.json"
    whole = {"format": "lsgui labels", "version": 1, "statements": [GOOD, {**GOOD, "uid": "1" * 32, **change}]}
    path.write_text(json.dumps(whole))
    with pytest.raises(LsguiError) as caught:
        read_json(path)
    assert str(caught.value).startswith("labels.json, entry 2 of statements: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not a JSON file"),
        ('["\\ud800"]', "is not a JSON file"),
        ("[]", "holds no labels of lsgui"),
        ('{"format": "lsgui labels"}', "does not say the version"),
        ('{"format": "lsgui labels", "version": 99}', "newer lsgui"),
        ('{"format": "lsgui labels", "version": 1, "clips": 3}', "labels.json, clips: "),
        ("[" * 100_000, "is not a JSON file"),
    ],
)
def test_a_file_that_is_no_export_says_so(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "labels.json"
    path.write_text(text)
    with pytest.raises(LsguiError, match=said):
        read_json(path)


def test_folders_in_a_foreign_file_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    said = {**GOOD, "file_name": "C:\\ward\\Doe^Jane\\c.mp4", "rater": " AB "}
    path.write_text(json.dumps({"format": "lsgui labels", "version": 1, "statements": [said]}))
    (read,) = read_json(path).statements
    assert (read.file_name, read.rater) == ("c.mp4", "AB")


def test_an_older_table_does_not_outweigh_what_stands(tmp_path: Path) -> None:
    with AnnotationStore(tmp_path / "a.sqlite") as store:
        store.say(CLIP, "c", "AB", StatementKind.LABEL, {"label": "ls_a"}, when=NOON)
        store.say(CLIP, "c", "AB", StatementKind.INTERVAL, {"start": 1, "stop": 9, "label": None}, subject="m")
        old = tmp_path / "old.csv"
        old.write_bytes(_csv_of(store).encode())
        store.say(CLIP, "c", "AB", StatementKind.LABEL, {"label": "ls_p"}, when=NOON + timedelta(hours=1))
        store.say(CLIP, "c", "AB", StatementKind.INTERVAL, None, subject="m")
        before = _csv_of(store)
        _take_csv(store, old)
        assert _csv_of(store) == before
        edited = tmp_path / "edited.csv"
        edited.write_bytes(before.replace("ls_p", "cannot_assess").encode())
        for wanted, path in (("cannot_assess", edited), ("ls_p", None), ("cannot_assess", edited)):
            if path is None:
                path = tmp_path / "before.csv"
                path.write_bytes(before.encode())
            _take_csv(store, path)
            assert store.records()[0].label == wanted


def test_labels_kept_by_name_move_to_their_clip(tmp_path: Path) -> None:
    with AnnotationStore(tmp_path / "a.sqlite") as store:
        stand_in = hash_by_name("c.mp4")
        label = store.say(stand_in, "c.mp4", "AB", StatementKind.LABEL, {"label": "ls_a"}, when=NOON)
        store.say(
            stand_in, "c.mp4", "AB", StatementKind.OVERRIDE,
            {"verdict": "ls_p", "model": "m", "reason": "r"}, subject=label.uid, when=NOON,
        )  # fmt: skip
        store.say(stand_in, "c.mp4", "CD", StatementKind.LABEL, {"label": "ls_p"}, when=NOON)
        store.say(CLIP, "c.mp4", "CD", StatementKind.LABEL, {"label": "lung_point"}, when=NOON)
        store.say(OTHER, "d.mp4", "CD", StatementKind.LABEL, {"label": "ls_p"}, when=NOON)
        store.save_clip(ClipFacts(stand_in, "c.mp4", 0, 0.0, 0, 0, "pseudonym"))
        assert bind_clips(store, {"c.mp4": CLIP, "d.mp4": "c" * 64}) == 5
        mine, theirs, other = sorted(store.records(), key=lambda record: (record.content_hash, record.rater))
        assert (mine.content_hash, mine.label, mine.said_at) == (CLIP, "ls_a", NOON)
        assert mine.override is not None
        assert (theirs.content_hash, theirs.label) == (CLIP, "lung_point"), "what was said of the clip itself stays"
        assert other.content_hash == OTHER
        assert store.clips()[CLIP].patient == "pseudonym"
        assert bind_clips(store, {"c.mp4": CLIP}) == 0


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "csv"), ("A.JSON", "json"), ("sliding_metafile.json", "metafile"), ("a.cvat.json", "cvat"),
        ("labels.sqlite", "store"), ("folder", "dataset"),
    ],
)  # fmt: skip
def test_a_name_tells_the_format(name: str, kind: str) -> None:
    assert guess_format(Path(name)) == kind


def test_a_name_that_tells_nothing_says_so() -> None:
    with pytest.raises(LsguiError, match="name it with --format"):
        guess_format(Path("labels.xlsx"))
