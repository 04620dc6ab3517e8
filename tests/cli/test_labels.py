"""`lsgui labels`: in, out, agreement and care, as a person types it."""

import csv
import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lsgui.annotation.clip_facts import ClipFacts
from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.store import AnnotationStore
from lsgui.cli.main import run
from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel
from lsgui.core.reading import StatementKind
from lsgui.review.paths import labels_file

COMMANDS = ("export", "import", "agreement", "check", "backup", "history", "list")


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]):
    """Run a command; return its exit status, what it printed and what it said on standard error."""

    def ask(*arguments: object) -> tuple[int, str, str]:
        status = run(["labels", *map(str, arguments)])
        return (status, *capsys.readouterr())

    return ask


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Six different clips that only have to be recognised."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for number in range(6):
        (folder / f"clip_{number}.avi").write_bytes(f"clip {number}".encode())
    return folder


@pytest.fixture
def store(tmp_path: Path, clips: Path) -> Path:
    """Two raters: AB reads all six, CD five of them; they differ on clip 3, which EF adjudicates, and on clip 4."""
    path = tmp_path / "study.sqlite"
    with AnnotationStore(path) as opened:
        for number in range(6):
            clip = clips / f"clip_{number}.avi"
            digest = content_hash(clip)
            opened.save_clip(ClipFacts(digest, clip.name, 90, 20.0, 64, 48, opened.pseudonym(f"P{number // 2}")))
            opened.save_reading(digest, clip.name, "AB", "ls_a" if number % 2 else "ls_p")
            if number < 5:
                opened.save_reading(digest, clip.name, "CD", "ls_p" if number in (0, 2, 3) else "ls_a")
        settled = {"label": "ls_a", "of": ["AB", "CD"]}
        digest = content_hash(clips / "clip_3.avi")
        opened.say(digest, "clip_3.avi", "EF", StatementKind.ADJUDICATION, settled)
        opened.say(digest, "clip_3.avi", "AB", StatementKind.COMMENT, '=cmd "x",\n[bold]é')
        opened.save_interval(digest, "clip_3.avi", "AB", IntervalMark("m", 10, 60, ReaderLabel.LS_A))
    return path


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example(said, name: str) -> None:
    status, out, _ = said(name, "--help")
    assert status == 0
    assert re.search(rf"Example: lsgui labels {name}", out)


def test_the_group_names_its_commands(said) -> None:
    status, out, _ = said("--help")
    assert status == 0
    assert all(re.search(rf"\b{name}\b", out) for name in COMMANDS)


@pytest.mark.parametrize(
    "wrong",
    [
        ["export"],
        ["export", "x.xlsx"],
        ["export", "x.csv", "--format", "excel"],
        ["import", "gone.csv"],
        ["import", "gone.xlsx"],
        ["list"],
        ["agreement"],
        ["check"],
        ["history", "--store", "gone.sqlite"],
        ["backup", "x.sqlite"],
        ["dance"],
        [],
    ],
)
def test_wrong_use_is_one_line_and_status_2(said, wrong: list[str], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = said(*wrong)
    assert (status, out) == (2, "")
    assert re.fullmatch(r"lsgui: [^\n]+\n", err)
    assert not labels_file().exists()


def test_an_export_as_csv_is_read_by_any_program(said, store: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.csv"
    assert said("export", out, "--store", store)[:2] == (0, "labels.csv: 12 readings.\n")
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines(keepends=True)))
    commented = [row for row in rows if row["comment"]]
    assert [row["comment"] for row in commented] == ['\'=cmd "x",\n[bold]é']
    assert commented[0]["intervals"] == "10-60 ls_a"
    assert [row["rater"] for row in rows if row["adjudicates"]] == ["EF"]
    assert said("export", out, "--store", store, "--rater", "CD")[1] == "labels.csv: 5 readings.\n"


def test_a_json_export_makes_the_same_store_elsewhere(said, store: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "labels.json", tmp_path / "other.sqlite"
    assert said("export", out, "--store", store)[0] == 0
    assert said("import", out, "--store", other)[1].startswith("other.sqlite: 14 statements from labels.json, 0 were")
    assert said("import", out, "--store", other)[1].startswith("other.sqlite: 0 statements from labels.json, 14 were")
    assert said("import", store, "--store", other)[1].startswith("other.sqlite: 0 statements from study.sqlite, 14")
    with AnnotationStore(store) as first, AnnotationStore(other) as second:
        assert second.history() == first.history()
        assert second.clips() == first.clips()


def test_raters_of_two_machines_meet_in_one_store(said, store: Path, tmp_path: Path, clips: Path) -> None:
    other = tmp_path / "other.sqlite"
    with AnnotationStore(other) as opened:
        clip = clips / "clip_5.avi"
        opened.save_reading(content_hash(clip), clip.name, "GH", "ls_a")
    before = sorted(path.name for path in tmp_path.iterdir()), other.read_bytes()
    assert said("import", other, "--store", store)[1].startswith("study.sqlite: 1 statement from other.sqlite")
    assert (sorted(path.name for path in tmp_path.iterdir()), other.read_bytes()) == before
    with AnnotationStore(store) as opened:
        assert [record.rater for record in opened.records(content_hash(clips / "clip_5.avi"))] == ["AB", "GH"]


def test_a_bad_file_changes_nothing(said, store: Path, tmp_path: Path) -> None:
    with AnnotationStore(store) as opened:
        before = opened.history()
    bad = tmp_path / "bad.csv"
    bad.write_text("clip,label,rater\na.avi,ls_a,XY\nb.avi,nonsense,XY\n")
    status, out, err = said("import", bad, "--store", store)
    assert (status, out) == (2, "")
    assert err == (
        "lsgui: bad.csv, line 3: 'nonsense' is no label: ls_p, ls_a, cannot_assess, lung_point are: "
        "nothing was taken over.\n"
    )
    with AnnotationStore(store) as opened:
        assert opened.history() == before


def test_labels_without_their_clip_are_kept_by_name_until_it_is_there(said, tmp_path: Path, clips: Path) -> None:
    store, away = tmp_path / "new.sqlite", tmp_path / "away"
    away.mkdir()
    table = away / "labels.csv"
    table.write_text("clip,label,rater,comment\nclip_1.avi,ls_a,AB,seen\ngone.avi,ls_p,AB,\n")
    _, out, err = said("import", table, "--store", store)
    assert out.startswith("new.sqlite: 3 statements")
    assert "2 clips are not at hand: their labels are kept by name until an import with --clips finds them" in err
    assert "clip_1.avi, gone.avi" in err
    status, out, _ = said("check", "--store", store, "--clips", clips)
    assert status == 2
    assert "gone.avi is not in the folders of --clips" in out
    assert "clip_1.avi is here now, but its labels are kept by name" in out
    (clips / "clip_1.avi").rename(clips / "CLIP_1.AVI")
    _, _, err = said("import", table, "--store", store, "--clips", clips)
    assert err.count("\n") == 1
    assert "gone.avi is not at hand" in err
    with AnnotationStore(store) as opened:
        (record,) = opened.records(content_hash(clips / "CLIP_1.AVI"))
        assert (record.label, record.comment) == ("ls_a", "seen")
        assert len(opened.records()) == 2
    assert "0 statements" in said("import", table, "--store", store, "--clips", clips)[1]


def test_the_patient_that_a_name_tells_moves_with_the_labels(said, tmp_path: Path) -> None:
    store, away, clips = tmp_path / "s.sqlite", tmp_path / "away", tmp_path / "clips"
    away.mkdir()
    clips.mkdir()
    metafile = away / "sliding_metafile.json"
    names = [f"013_image_{number}.mp4" for number in (1, 2)]
    metafile.write_text(json.dumps([{"video_name": name, "video_class": "ls_a", "cut_interval": []} for name in names]))
    assert said("import", metafile, "--store", store)[0] == 0
    for name in names:
        (clips / name).write_bytes(name.encode())
    assert said("import", metafile, "--store", store, "--clips", clips) == (
        0, "s.sqlite: 2 statements from sliding_metafile.json.\n", ""
    )  # fmt: skip
    with AnnotationStore(store) as opened:
        facts = opened.clips()
        assert [record.content_hash for record in opened.records()] == [content_hash(clips / name) for name in names]
        assert len({facts[record.content_hash].patient for record in opened.records()} - {""}) == 1


def test_the_shared_annotations_of_cvat_go_in_and_out(said, shared_clips: Path, tmp_path: Path) -> None:
    path, store = shared_clips / "tuke_lumify_l12.cvat.json", tmp_path / "s.sqlite"
    status, out, err = said("import", path, "--store", store, "--rater", "expert")
    assert (status, err) == (0, ""), "the clip lies beside the file"
    assert out == "s.sqlite: 4 statements from tuke_lumify_l12.cvat.json.\n"
    back = tmp_path / "back.cvat.json"
    assert said("export", back, "--store", store)[0] == 0
    assert json.loads(back.read_text()) == json.loads(path.read_text())
    assert said("export", tmp_path / "all", "--format", "cvat", "--store", store)[0] == 0
    assert json.loads((tmp_path / "all" / "tuke_lumify_l12.cvat.json").read_text()) == json.loads(path.read_text())
    with AnnotationStore(store) as opened:
        assert opened.records()[0].content_hash == content_hash(shared_clips / "tuke_lumify_l12.mp4")


def test_what_cvat_has_no_form_for_is_told(said, clips: Path, tmp_path: Path) -> None:
    store = tmp_path / "s.sqlite"
    with AnnotationStore(store) as opened:
        opened.save_reading("a" * 64, "clip.mp4", "AB", "ls_a")
        opened.say("a" * 64, "clip.mp4", "AB", StatementKind.COMMENT, "a rib")
    status, _, err = said("export", tmp_path / "x.cvat.json", "--store", store)
    assert status == 0
    assert "clip.mp4 has a confidence, a comment or an interval without end, which CVAT does not hold" in err


def test_nothing_to_write_is_said_in_every_format(said, clips: Path, tmp_path: Path) -> None:
    store = tmp_path / "s.sqlite"
    with AnnotationStore(store) as opened:
        opened.say(content_hash(clips / "clip_0.avi"), "clip_0.avi", "AB", StatementKind.COMMENT, "no label yet")
    for out in ("sliding_metafile.json", "x.cvat.json", "set"):
        status, printed, err = said("export", tmp_path / out, "--store", store, "--clips", clips)
        assert (status, printed) == (2, ""), out
        assert err.startswith("lsgui: ")
        assert err.count("\n") == 1
        assert not (tmp_path / out).exists()
    assert said("export", tmp_path / "x.csv", "--store", store, "--rater", "XY")[0] == 2


def test_annotations_that_do_not_tell_their_clip_ask_for_it(said, clips: Path, tmp_path: Path) -> None:
    path, store = tmp_path / "annotations.json", tmp_path / "s.sqlite"
    shapes = [{"type": "polygon", "label": "ls_a", "frame": frame, "points": [0, 0, 1, 1, 2, 0]} for frame in (0, 9)]
    path.write_text(json.dumps({"version": 0, "tags": [], "shapes": shapes, "tracks": []}))
    status, _, err = said("import", path, "--store", store)
    assert (status, err) == (2, "lsgui: annotations.json does not tell its clip: name it with --clip.\n")
    assert said("import", path, "--store", store, "--clip", clips / "clip_2.avi")[0] == 0
    with AnnotationStore(store) as opened:
        (record,) = opened.records()
    assert (record.content_hash, record.file_name) == (content_hash(clips / "clip_2.avi"), "clip_2.avi")
    assert [(mark.start, mark.stop) for mark in record.intervals] == [(0, 10)]
    path.write_text('[{"video_name": "x.avi", "video_class": "ls_p", "cut_interval": [[3, 9]]}]')
    assert said("import", path, "--store", store)[1] == "s.sqlite: 2 statements from annotations.json.\n"


def test_the_papers_metafile_goes_in_and_out(said, shared_clips: Path, tmp_path: Path) -> None:
    path, store = shared_clips.parent / "paper" / "sliding_metafile.json", tmp_path / "s.sqlite"
    assert said("import", path, "--store", store)[0] == 0
    out = tmp_path / "sliding_metafile.json"
    assert said("export", out, "--store", store)[1] == "sliding_metafile.json: 171 clips.\n"
    assert json.loads(out.read_text()) == json.loads(path.read_text())
    with AnnotationStore(store) as opened:
        facts = opened.clips().values()
        assert {one.source for one in facts} == {"Lumify", "Sonoscape", "MSK", "Old_dataset"}
        patients = {one.patient for one in facts}
    assert len(patients) > 20
    assert all(re.fullmatch(r"[0-9a-f]{16}", patient) for patient in patients)


def test_agreement_tells_figures_and_disagreements(said, store: Path, tmp_path: Path) -> None:
    status, out, err = said("agreement", "--store", store)
    assert (status, err) == (0, "")
    assert re.search(r"AB / CD +5 +0\.600 \[0\.\d\d, 1\.00\] ", out)
    assert re.search(r"clip_3\.avi +ls_a +ls_p +ls_a", out)
    assert re.search(r"clip_4\.avi +ls_p +ls_a", out)
    assert "bootstrap by patient: 6 clips of 3 patients" in out
    assert "Not said blind: AB 6 of 6, CD 5 of 5;" in out
    assert said("agreement", "--store", store, "--json", tmp_path / "a.json")[:2] == (0, "")
    report = json.loads((tmp_path / "a.json").read_text())
    assert report == json.loads(said("agreement", "--store", store, "--json", "-")[1])
    (pair,) = report["pairs"]
    assert pair["raw_agreement"]["value"] == 0.6
    assert pair["cohen_kappa"]["value"] == pytest.approx((0.6 - 0.52) / 0.48, abs=1e-6)
    assert said("agreement", "--store", store, "--intra")[2].startswith("lsgui: No rater has read in two sittings")
    assert said("agreement", "--store", store, "--raters", "AB,XY")[0] == 2


def test_check_says_sound_or_what_to_do(said, store: Path, clips: Path) -> None:
    assert said("check", "--store", store) == (0, "study.sqlite: sound, 14 statements on 6 clips.\n", "")
    (clips / "clip_2.avi").rename(clips / "moved.avi")
    assert said("check", "--store", store, "--clips", clips)[0] == 0
    (clips / "moved.avi").unlink()
    status, out, err = said("check", "--store", store, "--clips", clips)
    assert status == 2
    assert "clip_2.avi is not in the folders of --clips under any name" in out
    assert err == "lsgui: study.sqlite is not sound: see above.\n"
    with closing(sqlite3.connect(store, isolation_level=None)) as foreign:
        foreign.execute("PRAGMA ignore_check_constraints = ON")
        foreign.execute(
            "INSERT INTO history (uid, content_hash, file_name, rater, kind, value, said_at, program_version) "
            "VALUES (?, ?, 'c', 'AB', 'label', '[}', '2026-03-01T12:00:00+00:00', '9')",
            ("f" * 32, "a" * 64),
        )
    status, out, _ = said("check", "--store", store)
    assert status == 2
    assert "the value is no JSON" in out


def test_a_backup_is_new_whole_and_never_over_a_file(said, store: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy.sqlite"
    assert said("backup", out, "--store", store)[:2] == (0, "copy.sqlite: 14 statements, read back and whole.\n")
    status, _, err = said("backup", out, "--store", store)
    assert (status, err.count("\n")) == (2, 1)
    shutil.copy(out, tmp_path / "again.sqlite")
    assert said("check", "--store", tmp_path / "again.sqlite")[0] == 0


def test_history_tells_who_when_and_what(said, store: Path, clips: Path) -> None:
    _, out, _ = said("history", "--store", store, "--clip", "clip_3.avi", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(line["rater"], line["kind"]) for line in lines] == [
        ("AB", "label"), ("CD", "label"), ("EF", "adjudication"), ("AB", "comment"), ("AB", "interval"),
    ]  # fmt: skip
    digest = content_hash(clips / "clip_3.avi")
    assert said("history", "--store", store, "--clip", digest[:12], "--json")[1] == out
    _, table, _ = said("history", "--store", store, "--clip", "clip_3.avi")
    assert "[bold]é" in table
    assert said("history", "--store", store, "--clip", "nothing")[0] == 2


def test_the_list_shows_what_stands(said, store: Path) -> None:
    _, out, _ = said("list", "--store", store)
    assert re.search(r"clip_3\.avi +AB +1 +ls_a +10-60 ls_a ", out)
    assert re.search(r"clip_3\.avi +EF +1 +ls_a .* adjudicates", out)
    assert out.endswith("12 readings of 6 clips.\n")
    assert said("list", "--store", store, "--rater", "CD")[1].endswith("5 readings of 5 clips.\n")


def test_the_windows_store_is_meant_where_none_is_named(said, store: Path) -> None:
    shutil.copy(store, labels_file())
    assert said("list")[1].endswith("12 readings of 6 clips.\n")
