"""Labels as metafile, CVAT and data set: what they can hold comes back, what they cannot is told."""

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statement_samples import LABELS, NOON, names, new_store

from lsgui.annotation.by_name import hash_by_name
from lsgui.annotation.clip_facts import ClipFacts
from lsgui.annotation.clips_at_hand import ClipAtHand, ClipsAtHand
from lsgui.annotation.consensus import agreed
from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.cvat_reading import understood
from lsgui.annotation.exchange import FileReading, settle
from lsgui.annotation.exchange_cvat import cvat_text, read_cvat, to_cvat
from lsgui.annotation.exchange_dataset import COLUMNS, people_of, write_dataset
from lsgui.annotation.exchange_metafile import read_labels, to_metafile
from lsgui.annotation.metafile import METAFILE
from lsgui.annotation.store import AnnotationStore
from lsgui.core.errors import LsguiError
from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.reading import ReadingRecord, StatementKind, Tag

LATER = datetime(2027, 1, 1, tzinfo=UTC)
LINE = PleuralROI.single(3, [[10.0, 20.0], [60.0, 22.5]])


def nowhere(*_: str) -> None:
    """No clip is at hand."""


def reading(name: str = "c.mp4", label: str | None = "ls_p", rater: str = "AB", **more: Any) -> ReadingRecord:
    said = None if label is None else ReaderLabel(label)
    return ReadingRecord(hash_by_name(name), name, rater, more.pop("sitting", 1), said, NOON, **more)


def mark(start: int, stop: int | None, label: str | None = None) -> IntervalMark:
    return IntervalMark(f"m{start}", start, stop, None if label is None else ReaderLabel(label))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("formats")


def taken(folder: Path, readings: Sequence[FileReading]) -> tuple[ReadingRecord, ...]:
    with new_store(folder, "a") as store:
        store.merge(settle(readings, store.standing(), LATER))
        return store.records()


# --- the paper's metafile


@st.composite
def entries(draw: Any) -> list[dict[str, Any]]:
    def cut() -> list[list[int]]:
        starts = draw(st.lists(st.integers(0, 500), max_size=3, unique=True))
        return [[start, start + draw(st.integers(1, 300))] for start in starts]

    found = draw(st.lists(names.filter(lambda name: name == name.strip()), min_size=1, max_size=4, unique=True))
    classes = st.sampled_from(["ls_p", "ls_a"])
    return [{"video_name": name, "video_class": draw(classes), "cut_interval": cut()} for name in found]


@settings(max_examples=30)
@given(entries())
def test_a_metafile_comes_back_as_it_was(folder: Path, said: list[dict[str, Any]]) -> None:
    path = folder / METAFILE
    path.write_bytes(json.dumps(said).encode())
    labels = read_labels(path, "expert", nowhere)
    assert labels.by_name == tuple(entry["video_name"] for entry in said)
    written = to_metafile(taken(folder, labels.readings), {}, nowhere)
    assert json.loads(written.text) == said
    assert (written.clips, written.notes) == (len(said), ())


def test_the_papers_own_metafile_comes_back(shared_clips: Path, folder: Path) -> None:
    path = shared_clips.parent / "paper" / METAFILE
    labels = read_labels(path, "expert", nowhere)
    assert len(labels.readings) == 171
    assert json.loads(to_metafile(taken(folder, labels.readings), {}, nowhere).text) == json.loads(path.read_text())


def test_frames_of_a_folder_are_counted_by_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / METAFILE
    path.write_text('[{"video_name": "c", "video_class": "ls_a", "cut_interval": [[15, 278]]}]')
    clip = ClipAtHand(tmp_path / "c", "d" * 64, tuple(range(10, 300)))
    (read,) = read_labels(path, "AB", lambda _name: clip).readings
    assert read.content_hash == "d" * 64
    assert [(one.start, one.stop) for one in read.intervals or ()] == [(5, 269)]
    back = reading("c", "ls_a", intervals=(mark(5, 269),))
    assert json.loads(to_metafile([back], {}, lambda *_: clip).text)[0]["cut_interval"] == [[15, 278]]
    lacking = ClipAtHand(tmp_path / "c", "d" * 64, tuple(range(400, 500)))
    assert read_labels(path, "AB", lambda _name: lacking).by_name == ("c",)


def test_what_a_metafile_cannot_hold_is_told() -> None:
    records = [
        reading("whole", "ls_a"),
        reading("part", "ls_p", intervals=(mark(3, 9), mark(20, 30, "ls_p"), mark(30, 40, "ls_a"), mark(50, None))),
        reading("point", "lung_point", intervals=(mark(0, 9, "ls_p"),)),
        reading("unclear", "cannot_assess"),
        reading("against itself", "ls_p", intervals=(mark(0, 9, "ls_a"),)),
    ]
    facts = {record.content_hash: ClipFacts(record.content_hash, record.file_name, 90, 20, 9, 9) for record in records}
    written = to_metafile(records, facts, nowhere)
    assert json.loads(written.text) == [
        {"video_name": "whole", "video_class": "ls_a", "cut_interval": [[0, 89]]},
        {"video_name": "part", "video_class": "ls_p", "cut_interval": [[3, 8], [20, 29]]},
    ]
    left_out, cut_short = written.notes
    assert left_out.startswith("3 clips show not one class each and are left out: point, unclear, against itself")
    assert cut_short.startswith("part has intervals that are open")
    with pytest.raises(LsguiError, match="two clips have this name"):
        to_metafile([reading("a"), reading("a", rater="CD")], {}, nowhere)


# --- CVAT


def test_the_shared_document_is_understood_and_comes_back(shared_clips: Path, folder: Path) -> None:
    path = shared_clips / "tuke_lumify_l12.cvat.json"
    read = read_cvat(path, "expert", "tuke_lumify_l12.mp4", "e" * 64)
    (record,) = taken(folder, [read])
    assert (record.label, record.tags) == (ReaderLabel.LS_P, {Tag.A_LINES})
    assert [(one.start, one.stop, one.label) for one in record.intervals] == [(2, 161, "ls_p")]
    document = read.values[StatementKind.SHAPES]
    assert cvat_text(to_cvat(record, document, None)) == path.read_text()


def test_a_reading_that_changed_gives_up_its_shapes_of_sliding_only(shared_clips: Path) -> None:
    document = json.loads((shared_clips / "tuke_lumify_l12.cvat.json").read_text())
    document[0]["shapes"].append({**document[0]["shapes"][0], "label": "rib"})
    back = to_cvat(reading(label="ls_a"), document, None)
    assert [shape["label"] for shape in back[0]["shapes"]] == ["rib"]
    assert understood(back).label == ReaderLabel.LS_A
    assert len(document[0]["shapes"]) == 57, "what was kept is not touched"


def test_a_kept_document_that_is_torn_gives_way_to_the_reading() -> None:
    back = to_cvat(reading(label="ls_a"), [{"shapes": [{"frame": 3}]}], None)
    assert understood(back).label == ReaderLabel.LS_A


def shapes(*drawn: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"type": "polygon", "label": label, "frame": frame, "points": [1, 1, 9, 1, 9, 9]} for label, frame in drawn]


def test_classes_that_change_are_a_lung_point_with_an_interval_each() -> None:
    present, absent = "Lung sliding present", "presumably lungslidingabsent"
    said = understood({"shapes": shapes((present, 0), (present, 10), (absent, 20), (absent, 30), (present, 40))})
    assert said.label == ReaderLabel.LUNG_POINT
    assert [(one.start, one.stop, one.label) for one in said.intervals] == [(0, 11, "ls_p"), (20, 31, "ls_a")]
    assert said.unsure
    both = understood({"shapes": shapes((present, 0), (absent, 0), (present, 10), (absent, 10))})
    assert [(one.start, one.stop) for one in both.intervals] == [(0, 11), (0, 11)]


def test_a_track_holds_until_it_leaves_the_picture() -> None:
    steps = [{"frame": 5, "outside": False}, {"frame": 9, "outside": True}, {"frame": 20}, {"frame": 30}]
    said = understood([{"shapes": [], "tracks": [{"label": "lung-sliding-absent", "frame": 5, "shapes": steps}]}])
    assert [(one.start, one.stop, one.label) for one in said.intervals] == [(5, 9, "ls_a"), (20, None, "ls_a")]


marks = st.lists(
    st.builds(
        lambda start, length, label: mark(start, start + length, label),
        st.integers(0, 300),
        st.integers(1, 90),
        st.none() | st.sampled_from(LABELS),
    ),
    max_size=4,
    unique_by=lambda one: (one.start, one.stop, one.label),
)


@settings(max_examples=30)
@given(st.sampled_from(LABELS), marks, st.sets(st.sampled_from(list(Tag))), st.none() | st.just(LINE))
def test_a_reading_goes_to_cvat_and_back(
    folder: Path, label: str, intervals: list[IntervalMark], tags: set[Tag], line: PleuralROI | None
) -> None:
    record = reading(label=label, intervals=tuple(intervals), tags=frozenset(tags), line=line)
    path = folder / "c.cvat.json"
    path.write_text(cvat_text(to_cvat(record, None, None)), encoding="utf-8")
    (back,) = taken(folder, [read_cvat(path, "AB", "c.mp4", record.content_hash)])
    plain = [sorted((one.start, one.stop, one.label or "") for one in found.intervals) for found in (record, back)]
    assert plain[0] == plain[1]
    assert (back.label, back.tags) == (record.label, record.tags)
    assert (back.line and back.line.to_json()) == (line and line.to_json())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "no annotations of CVAT"),
        ("[]", "no annotations of CVAT"),
        ("3", "no annotations of CVAT"),
        ('{"shapes": [{"label": "aline"}]}', "no annotations of CVAT"),
        ('{"shapes": [{"label": 3, "frame": 1}]}', "no annotations of CVAT"),
        ('{"shapes": [{"label": "ls_p", "frame": -1}]}', "no annotations of CVAT"),
        ('{"shapes": [{"label": "pleural line", "type": "polyline", "frame": 1, "points": [1]}]}', "no annotations"),
        ('{"shapes": [{"label": "aline", "frame": 1}]}', "says nothing of lung sliding"),
        ("{", "is not a JSON file"),
    ],
)
def test_a_bad_document_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.cvat.json"
    path.write_text(text)
    with pytest.raises(LsguiError, match=f"^a.cvat.json .*{said}"):
        read_cvat(path, "AB", "a.mp4", "a" * 64)


# --- one label a clip


def test_adjudication_comes_before_unanimity() -> None:
    records = [
        reading("a", "ls_p", intervals=(mark(1, 5, "ls_p"),)),
        reading("a", "ls_p", rater="CD", line=LINE),
        reading("b", "ls_p"),
        reading("b", "ls_a", rater="CD", intervals=(mark(2, 9),)),
        reading("b", "ls_a", rater="EF", adjudicated=True, adjudicates=("AB", "CD")),
        reading("c", "ls_p"),
        reading("c", "ls_a", rater="CD"),
        reading("c", "ls_a", sitting=2),
    ]
    found = agreed(records, "adjudicated")
    assert [(one.file_name, one.label, len(one.intervals)) for one in found.records] == [
        ("a", "ls_p", 1),
        ("b", "ls_a", 1),
    ]
    assert found.records[0].line is LINE
    assert found.notes == ("c is read differently by its raters and is left out: adjudicate it.",)


def test_a_majority_is_more_than_half() -> None:
    votes = {"a": ("ls_p", "ls_p", "ls_a"), "b": ("ls_p", "ls_a"), "c": ("ls_a", "cannot_assess", "lung_point")}
    records = [reading(name, label, rater=f"R{k}") for name, said in votes.items() for k, label in enumerate(said)]
    found = agreed(records, "majority")
    assert [(one.file_name, one.label) for one in found.records] == [("a", "ls_p")]
    assert found.notes[0].startswith("2 clips are read differently")


def test_one_rater_is_taken_as_he_is() -> None:
    records = [reading("a", "ls_p"), reading("a", "ls_a", rater="CD"), reading("b", "ls_a", rater="CD")]
    assert [one.label for one in agreed(records, "AB").records] == ["ls_p"]
    assert [one.label for one in agreed(records, "CD").records] == ["ls_a", "ls_a"]
    with pytest.raises(LsguiError, match="no rater 'EF' in sitting 1: AB, CD"):
        agreed(records, "EF")


# --- data sets


def test_a_data_set_has_a_row_a_stretch_and_the_stores_patients(tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    at_hand = {}
    for name in ("whole.avi", "point.avi", "unclear.avi", "short.avi"):
        (clips / name).write_bytes(name.encode())
        at_hand[name] = content_hash(clips / name)

    def of(name: str, label: str, *intervals: IntervalMark, line: PleuralROI | None = None) -> ReadingRecord:
        digest = at_hand.get(name, "f" * 64)
        return ReadingRecord(digest, name, "AB", 1, ReaderLabel(label), NOON, intervals=intervals, line=line)

    records = [
        of("whole.avi", "ls_a", line=LINE),
        of("point.avi", "lung_point", mark(0, 40, "ls_p"), mark(40, 90, "ls_a"), mark(90, None, "ls_a")),
        of("unclear.avi", "cannot_assess"),
        of("short.avi", "ls_p", mark(3, 4)),
        of("gone.avi", "ls_p"),
    ]
    facts = {at_hand["point.avi"]: ClipFacts(at_hand["point.avi"], "point.avi", 90, 20, 9, 9, "0123abcd", "", "", "L")}
    (clips / "whole.avi").rename(clips / "renamed.avi")
    found = ClipsAtHand(clips.iterdir(), content_hash, lambda _folder: [])
    written = write_dataset(tmp_path / "out", records, people_of(records, facts), found.of)
    rows = list(csv.DictReader((tmp_path / "out" / "dataset.csv").read_text().splitlines()))
    own = at_hand["whole.avi"][:16]
    assert tuple(rows[0]) == COLUMNS
    assert [tuple(row.values()) for row in rows] == [
        ("../clips/renamed.avi", "ls_a", own, "", "", "", f"lines/{own}.json"),
        ("../clips/point.avi", "ls_p", "0123abcd", "L", "0", "40", ""),
        ("../clips/point.avi", "ls_a", "0123abcd", "L", "40", "90", ""),
    ]
    assert json.loads((tmp_path / "out" / "lines" / f"{own}.json").read_text()) == LINE.to_json()
    assert (written.rows, written.clips) == (3, 2)
    assert written.notes[0].startswith("2 clips show no stretch of ls_a or ls_p and are left out: unclear.avi, short")
    assert written.notes[1].startswith("gone.avi is not in the folders of --clips")


def test_columns_are_those_that_training_reads() -> None:
    from lsgui.training.data.dataset_rows import COLUMNS as READ

    assert COLUMNS == READ


def test_nothing_to_train_on_is_said_and_nothing_written(tmp_path: Path) -> None:
    records = [reading("a", "cannot_assess")]
    with pytest.raises(LsguiError, match=r"nothing to train on. a shows no stretch"):
        write_dataset(tmp_path / "out", records, people_of(records, {}), nowhere)
    assert not (tmp_path / "out").exists()


# --- clips at hand


def test_clips_are_found_by_content_then_by_name(tmp_path: Path) -> None:
    for place, text in (("a/x.avi", "1"), ("b/x.avi", "2"), ("b/y.avi", "1"), ("b/z.mp4", "3")):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(text)
    asked: list[Path] = []

    def hash_of(path: Path) -> str:
        asked.append(path)
        return content_hash(path)

    found = ClipsAtHand(sorted(tmp_path.rglob("*.*")), hash_of, lambda _folder: [])
    assert asked == []
    assert found.holding(content_hash(tmp_path / "b/x.avi"), "x.avi").path == tmp_path / "b/x.avi"
    assert len(asked) == 2, "of the same name first"
    assert found.holding(content_hash(tmp_path / "b/z.mp4"), "former.avi").path == tmp_path / "b/z.mp4"
    assert len(asked) == 4, "each once"
    assert found.holding("f" * 64, "z.mp4") is None
    assert found.named("Z.MP4").path == found.named("z.avi").path == tmp_path / "b/z.mp4"
    assert found.named("w.avi") is None
    with pytest.raises(LsguiError, match="2 different clips have this name"):
        found.named("x.avi")
    assert found.of(hash_by_name("z.avi"), "z.avi").path == tmp_path / "b/z.mp4"
    assert found.of(hash_by_name("z.avi"), "other name") is None


def test_a_folder_of_frames_tells_its_numbers(tmp_path: Path) -> None:
    clip = tmp_path / "clip"
    clip.mkdir()
    for number in (7, 8, 9):
        (clip / f"frame_{number}.png").write_bytes(b"x")
    found = ClipsAtHand([clip], content_hash, lambda path: sorted(frame.name for frame in path.iterdir()))
    assert found.named("clip.avi").numbers == (7, 8, 9)


def test_stores_meet_by_clips_that_both_know(tmp_path: Path) -> None:
    from lsgui.annotation.exchange import Labels, own_pseudonyms, renamed

    with AnnotationStore(tmp_path / "a.sqlite") as ours, AnnotationStore(tmp_path / "b.sqlite") as theirs:
        for store, digests in ((ours, "ac"), (theirs, "ab")):
            for digest in digests:
                patient = store.pseudonym("Doe^Jane" if digest in "ab" else "Roe^John")
                store.save_clip(ClipFacts(digest * 64, f"{digest}.avi", 9, 20, 9, 9, patient))
        brought = tuple(theirs.clips().values())
        labels = renamed(Labels(clips=brought), own_pseudonyms(brought, ours.clips()), ours.clips())
        ours.merge((), labels.clips)
        people = {digest[0]: facts.patient for digest, facts in ours.clips().items()}
    assert people["a"] == people["b"] != people["c"]
