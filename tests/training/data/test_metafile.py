import json
import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lsgui.annotation.metafile import METAFILE, person_of, read_entries
from lsgui.core.errors import DatasetError
from lsgui.core.label import SlidingLabel
from lsgui.training.data.data_folder import read_folder
from lsgui.training.data.labelled_clip import open_row
from lsgui.training.data.metafile import read_metafile
from lsgui.training.data.sources import read_dataset
from lsgui.training.data.split import split_by_patient, summarise


def entry(name: str, label: str = "ls_p", *cuts: tuple[int, int]) -> dict[str, Any]:
    return {"video_name": name, "video_class": label, "cut_interval": [list(cut) for cut in cuts]}


def write(folder: Path, *entries: dict[str, Any]) -> Path:
    (folder / METAFILE).write_text(json.dumps(entries))
    return folder


def frames(folder: Path, numbers: range) -> Path:
    """Write frames whose grey value is their number."""
    folder.mkdir(parents=True)
    for number in numbers:
        cv2.imwrite(str(folder / f"frame_{number}.png"), np.full((8, 12), number, dtype=np.uint8))
    return folder


def brightness(row: Any) -> list[int]:
    opened = open_row(row, with_line=False)
    return [int(frame.mean()) for frame in opened.clip.stack(opened.start, opened.stop)]


def test_the_file_of_the_paper_is_read_whole(shared_clips: Path) -> None:
    entries = read_entries(shared_clips.parent / "paper" / METAFILE)
    assert len(entries) == 171
    assert sum(e.video_class is SlidingLabel.LS_A for e in entries) == 32
    people = {e.video_name: person_of(e.video_name) for e in entries}
    assert len({patient for patient, _ in people.values()}) == 33
    by_source = {
        source: [e.video_class for e in entries if people[e.video_name][1] == source]
        for source in ("Lumify", "Sonoscape", "MSK", "Old_dataset", "other")
    }
    counts = {s: (c.count(SlidingLabel.LS_P), c.count(SlidingLabel.LS_A)) for s, c in by_source.items()}
    assert counts == {
        "Lumify": (46, 0),
        "Sonoscape": (23, 3),
        "MSK": (43, 10),
        "Old_dataset": (27, 19),
        "other": (0, 0),
    }


def test_the_clips_of_the_paper_can_be_split_by_patient(shared_clips: Path, tmp_path: Path) -> None:
    source = shared_clips.parent / "paper" / METAFILE
    for e in read_entries(source):
        (tmp_path / e.video_name).touch()
    found = read_metafile(tmp_path, source)
    assert (len(found.rows), found.missing, found.note) == (171, (), "")
    sets = {s.set: (s.rows, s.absent) for s in summarise(split_by_patient(found.rows)) if s.source == "all"}
    assert sets == {"train": (102, 19), "validation": (35, 7), "test": (34, 6)}
    final = summarise(split_by_patient(found.rows, (0.75, 0.25)))
    assert {s.set: (s.rows, s.absent) for s in final if s.source == "all"} == {"train": (128, 24), "test": (43, 8)}


@pytest.mark.parametrize(
    ("name", "patient", "source"),
    [
        ("013_image_55695359531586.mp4", "Lumify 013", "Lumify"),
        ("x_image_15055609456884.mp4", "x_image_15055609456884.mp4", "Lumify"),
        ("Sonoscape_2021-09_2021-10-18_002_20210929_104225_8.avi", "Sonoscape 002", "Sonoscape"),
        ("Sonoscape_2021-09_2021-10-18_002_20211008_110705_85.avi", "Sonoscape 002", "Sonoscape"),
        ("pacient 5b x220720--112808_20220720_MSK_0003.AVI", "MSK 5", "MSK"),
        ("8e x220722--101032_20220722_MSK_0004.AVI", "MSK 8", "MSK"),
        ("x220819--070303_20220819_MSK_0001s.AVI", "MSK 220819", "MSK"),
        ("x220819--071841_20220819_MSK_0002bs.AVI", "MSK 220819", "MSK"),
        ("x220721--163319_20220721_MSK_0002 AB,s.AVI", "MSK 220721", "MSK"),
        ("Old_dataset_LSA_12.avi", "Old_dataset", "Old_dataset"),
        ("Old_dataset_LSP_9.mp4", "Old_dataset", "Old_dataset"),
        ("ward 3.mp4", "ward 3.mp4", "other"),
    ],
)
def test_patient_and_source_come_from_the_name(name: str, patient: str, source: str) -> None:
    assert person_of(name) == (patient, source)


def test_clips_are_found_as_files_and_as_folders_and_the_missing_are_listed(tmp_path: Path) -> None:
    frames(tmp_path / "a.avi", range(6))  # a folder called as the video was
    frames(tmp_path / "B", range(6))  # without the ending, other case
    (tmp_path / "c.mp4").write_bytes(b"not looked into before it is read")
    names = ("a.avi", "b.AVI", "c.mp4", "gone.avi", "lost.avi")
    found = read_metafile(write(tmp_path, *(entry(name, "ls_a", (1, 4)) for name in names)))
    assert [row.clip.name for row in found.rows] == ["a.avi", "B", "c.mp4"]
    assert found.missing == ("gone.avi", "lost.avi")
    assert found.note.startswith("2 of the 5 clips")
    assert "gone.avi" in found.note


def test_missing_clips_are_told_once_and_are_not_fatal(
    tmp_path: Path, expected_log_warnings: list[logging.LogRecord]
) -> None:
    frames(tmp_path / "a.avi", range(6))
    rows = read_dataset(write(tmp_path, entry("a.avi", "ls_p", (0, 5)), entry("gone.avi", "ls_a", (0, 5))))
    assert len(rows) == 1
    assert [record.getMessage() for record in expected_log_warnings] == [read_folder(tmp_path).note]


def test_no_clip_at_all_is_fatal(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="not one of the 1 clips"):
        read_metafile(write(tmp_path, entry("gone.avi", "ls_p", (0, 5))))


def test_every_interval_is_a_row_and_its_last_frame_counts(tmp_path: Path) -> None:
    frames(tmp_path / "a.avi", range(20))
    rows = read_metafile(write(tmp_path, entry("a.avi", "ls_a", (2, 4), (10, 19)))).rows
    assert [brightness(row) for row in rows] == [[2, 3, 4], list(range(10, 20))]
    assert {row.patient for row in rows} == {"a.avi"}


def test_a_folder_of_only_the_cut_frames_is_read_by_its_numbers(tmp_path: Path) -> None:
    frames(tmp_path / "a.avi", range(15, 40))
    frames(tmp_path / "b.avi", range(5))
    found = read_metafile(write(tmp_path, entry("a.avi", "ls_p", (20, 30)), entry("b.avi", "ls_p", (20, 30))))
    assert brightness(found.rows[0]) == list(range(20, 31))
    assert found.missing == ("b.avi",)


def test_a_clip_without_intervals_is_used_whole(tmp_path: Path) -> None:
    frames(tmp_path / "a.avi", range(7))
    (row,) = read_metafile(write(tmp_path, entry("a.avi"))).rows
    assert brightness(row) == list(range(7))


def test_patients_csv_overrules_the_names(tmp_path: Path) -> None:
    names = ("Old_dataset_LSA_1.mp4", "Old_dataset_LSA_2.avi", "ward 3.mp4")
    for name in names:
        frames(tmp_path / name, range(4))
    write(tmp_path, *(entry(name, "ls_a", (0, 3)) for name in names))
    (tmp_path / "patients.csv").write_text(
        "clip,patient,source\nOld_dataset_LSA_1.mp4,p1,\nward 3.mp4,p1,ward\n", encoding="utf-8-sig"
    )
    people = {row.clip.name: (row.patient, row.source) for row in read_metafile(tmp_path).rows}
    assert people == {
        "Old_dataset_LSA_1.mp4": ("p1", "Old_dataset"),
        "Old_dataset_LSA_2.avi": ("Old_dataset", "Old_dataset"),
        "ward 3.mp4": ("p1", "ward"),
    }


def test_a_wrong_name_in_patients_csv_is_not_passed_over(tmp_path: Path) -> None:
    frames(tmp_path / "a.avi", range(4))
    write(tmp_path, entry("a.avi", "ls_a", (0, 3)))
    (tmp_path / "patients.csv").write_text("clip,patient\na.mp4,p1\n")
    with pytest.raises(DatasetError, match=r"patients\.csv, line 2: the labels name no clip 'a\.mp4'"):
        read_metafile(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not a JSON file"),
        ("[]", "names no clips"),
        ('{"a": 1}', "entry the whole"),
        ('[{"video_class": "ls_a"}]', "entry 0.video_name"),
        ('[{"video_name": "a", "video_class": "sliding", "cut_interval": []}]', "entry 0.video_class"),
        ('[{"video_name": "a", "video_class": "ls_a", "cut_interval": [[3]]}]', "entry 0.cut_interval"),
        ('[{"video_name": "a", "video_class": "ls_a", "cut_interval": [[9, 3]]}]', r"the interval \[9, 3\] of a"),
        ('[{"video_name": "a", "video_class": "cannot_assess"}]', "a is cannot_assess"),
        ('[{"video_name": "a", "video_class": "ls_a"}, {"video_name": "a", "video_class": "ls_p"}]', "names a twice"),
    ],
)
def test_a_bad_metafile_gets_a_sentence(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / METAFILE).write_text(text)
    with pytest.raises(DatasetError, match=words):
        read_metafile(tmp_path)


def test_dataset_csv_comes_first_and_an_index_may_be_of_either_form(tmp_path: Path) -> None:
    frames(tmp_path / "a.avi", range(4))
    frames(tmp_path / "b.avi", range(4))
    write(tmp_path, entry("a.avi", "ls_a", (0, 3)))
    assert [row.clip.name for row in read_dataset(tmp_path)] == ["a.avi"]
    (tmp_path / "dataset.csv").write_text("clip,label,patient,source,start,stop,roi\nb.avi,ls_p,p,s,0,,\n")
    (row,) = read_dataset(tmp_path)
    assert (row.clip.name, row.roi) == ("b.avi", None)
    assert [row.clip.name for row in read_dataset(tmp_path, tmp_path / METAFILE)] == ["a.avi"]
