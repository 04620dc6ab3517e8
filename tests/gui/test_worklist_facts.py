"""What the worklist learns from the store: labels of renamed files, verdicts, and what other raters said."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from evidence_samples import prediction
from PySide6.QtCore import Qt
from window_samples import draw, is_complete, open_clip_in, press, until, write_clip

sys.path.insert(0, str(Path(__file__).parents[1] / "readers"))
from dicom_samples import write_dicom
from reader_samples import numbered_frames

from lsgui.annotation.clip_facts import ClipFacts
from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.store import AnnotationStore
from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.reading import StatementKind
from lsgui.review import worklist_transitions as wl
from lsgui.review.paths import fingerprints_file, labels_file
from lsgui.review.state import AnalysisPhase
from lsgui.review.store_facts import verdict_to_store
from lsgui.review.worklist_choice import NO_FACTS, ListFilter, ListOrder
from lsgui.review.worklist_view import listed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four clips that differ."""
    made = tmp_path / "clips"
    made.mkdir()
    for k in range(4):
        write_clip(made / f"clip {k}.avi", frames=8 + k)
    return made


@pytest.fixture
def rater(review) -> str:
    """Who reads."""
    review.controller.set_settings(replace(review.controller.settings, rater="AB"))
    return "AB"


def say(path: Path, rater: str, label: ReaderLabel, kind: StatementKind = StatementKind.LABEL) -> None:
    """Put a label into the store as another program would."""
    value = {"label": label.value} | ({"of": ["X", "Y"]} if kind is StatementKind.ADJUDICATION else {})
    with AnnotationStore(labels_file()) as store:
        store.say(content_hash(path), path.name, rater, kind, value)


def open_folder(review, qtbot, folder: Path) -> None:
    review.controller.open_paths([folder])
    until(qtbot, lambda: not review.controller.state.scanning and is_complete(review))


def names(review, wanted: ListFilter) -> list[str]:
    state = wl.filter_chosen(review.controller.state, wanted)
    return [state.worklist[index].title for index in listed(replace(state, selected=None)).order]


def test_renamed_and_moved_files_show_their_labels_in_the_list(review, qtbot, folder, rater):
    say(folder / "clip 1.avi", rater, ReaderLabel.LS_A)
    say(folder / "clip 3.avi", rater, ReaderLabel.LS_P)
    (folder / "later").mkdir()
    (folder / "clip 1.avi").rename(folder / "later" / "new name.avi")
    (folder / "clip 3.avi").rename(folder / "clip 30.avi")
    assert not fingerprints_file().exists()
    open_folder(review, qtbot, folder)
    labels = lambda: {e.title: e.label for e in review.controller.state.worklist if e.label is not None}  # noqa: E731
    until(qtbot, lambda: labels() == {"new name.avi": ReaderLabel.LS_A, "clip 30.avi": ReaderLabel.LS_P})
    assert "new name" not in fingerprints_file().read_text()


def test_files_are_not_read_where_there_is_nothing_to_recognise(review, qtbot, folder, rater, monkeypatch):
    read: list[str] = []

    def noted(path: Path, *given) -> str:
        read.append(path.name)
        return content_hash(path, *given)

    monkeypatch.setattr("lsgui.annotation.content_hash.content_hash", noted)
    open_folder(review, qtbot, folder)
    facts = review.controller.clips.worklist._facts
    until(qtbot, lambda: set(facts._keys) == {entry.path for entry in review.controller.state.worklist})
    qtbot.wait(100)
    assert set(read) <= {"clip 0.avi"}  # the one on screen is recognised in any case
    assert not labels_file().exists()


def test_what_other_raters_said_can_be_filtered_and_another_program_is_noticed(review, qtbot, folder, rater):
    say(folder / "clip 0.avi", "X", ReaderLabel.LS_A)
    say(folder / "clip 0.avi", "Y", ReaderLabel.LS_P)
    say(folder / "clip 1.avi", "X", ReaderLabel.LS_A)
    open_folder(review, qtbot, folder)
    until(qtbot, lambda: names(review, ListFilter.RATERS_DISAGREE) == ["clip 0.avi"])
    say(folder / "clip 1.avi", "Y", ReaderLabel.CANNOT_ASSESS)
    until(qtbot, lambda: names(review, ListFilter.RATERS_DISAGREE) == ["clip 0.avi", "clip 1.avi"])
    say(folder / "clip 0.avi", "Z", ReaderLabel.LS_P, StatementKind.ADJUDICATION)
    until(qtbot, lambda: names(review, ListFilter.RATERS_DISAGREE) == ["clip 1.avi"])


def test_a_store_that_another_program_fills_later_is_learnt_of(review, qtbot, folder, rater):
    AnnotationStore(labels_file()).close()
    open_folder(review, qtbot, folder)
    facts = review.controller.clips.worklist._facts
    until(qtbot, lambda: facts._unlearnt is not None)
    say(folder / "clip 2.avi", "X", ReaderLabel.LS_A)
    say(folder / "clip 2.avi", "Y", ReaderLabel.LS_P)
    until(qtbot, lambda: names(review, ListFilter.RATERS_DISAGREE) == ["clip 2.avi"])


def test_a_blind_reader_finds_them_once_a_label_is_saved(review, qtbot, folder, rater):
    review.controller.set_settings(replace(review.controller.settings, blind=True))
    say(folder / "clip 0.avi", "X", ReaderLabel.LS_A)
    say(folder / "clip 1.avi", "X", ReaderLabel.LS_A)
    open_folder(review, qtbot, folder)
    until(qtbot, lambda: review.controller.state.worklist[1].facts.others == (ReaderLabel.LS_A,))
    assert names(review, ListFilter.RATERS_DISAGREE) == []
    press(review, Qt.Key.Key_P)
    until(qtbot, lambda: names(review, ListFilter.RATERS_DISAGREE) == ["clip 0.avi"])


def test_a_verdict_is_kept_with_the_labels_and_known_the_next_time(review, qtbot, folder, rater, told_session):
    open_clip_in(review, qtbot, folder)
    draw(review)
    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: len(told_session.requests) == 1)
    told_session.finish(verdict=replace(prediction(), clip="clip 0.avi", label=SlidingLabel.LS_A))
    until(qtbot, lambda: review.controller.state.analysis.phase is AnalysisPhase.DONE)
    first = lambda: review.controller.state.worklist[0]  # noqa: E731
    until(qtbot, lambda: first().facts.verdict is SlidingLabel.LS_A)
    press(review, Qt.Key.Key_P)

    def stored() -> dict:
        if not labels_file().exists():
            return {}
        with AnnotationStore(labels_file(), create=False) as store:
            return store.verdicts()

    until(qtbot, lambda: len(stored()) == 1)
    verdict = stored()[content_hash(folder / "clip 0.avi")]
    assert (verdict.label, verdict.file_name) == (SlidingLabel.LS_A, "clip 0.avi")
    until(qtbot, lambda: names(review, ListFilter.AI_DISAGREES) == ["clip 0.avi"])
    review.controller.clips.close_all()
    open_folder(review, qtbot, folder)
    until(qtbot, lambda: names(review, ListFilter.AI_DISAGREES) == ["clip 0.avi"])


def test_who_only_looks_leaves_no_store_behind(review, qtbot, folder, told_session):
    review.controller.clips.keep_line(folder / "clip 0.avi", PleuralROI.single(0, [[20, 60], [140, 60]]))
    open_clip_in(review, qtbot, folder)
    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: len(told_session.requests) == 1)
    told_session.finish(verdict=replace(prediction(), clip="clip 0.avi", label=SlidingLabel.LS_A))
    until(qtbot, lambda: review.controller.state.worklist[0].facts.verdict is SlidingLabel.LS_A)
    assert not labels_file().exists()


def test_the_worklist_begins_with_what_the_ai_is_least_sure_of(review, qtbot, folder, rater):
    with AnnotationStore(labels_file()) as store:
        for k, p_absent in ((0, 0.99), (1, 0.7), (3, 0.52)):
            path = folder / f"clip {k}.avi"
            said = replace(prediction(), clip=path.name, p_absent=p_absent, label=SlidingLabel.LS_A, threshold=0.5)
            store.save_verdict(verdict_to_store(content_hash(path), said))
    open_folder(review, qtbot, folder)
    review.controller.change(lambda s: wl.order_chosen(s, ListOrder.UNCERTAIN))
    until(qtbot, lambda: names(review, ListFilter.ALL) == ["clip 3.avi", "clip 1.avi", "clip 0.avi", "clip 2.avi"])
    review.controller.clips.select(3)
    press(review, Qt.Key.Key_N)
    assert review.controller.state.clip.path.name == "clip 1.avi"
    until(qtbot, lambda: is_complete(review))


def test_another_reader_learns_nothing_of_the_former_ones_facts(review, qtbot, folder, rater):
    say(folder / "clip 0.avi", "X", ReaderLabel.LS_A)
    open_folder(review, qtbot, folder)
    first = lambda: review.controller.state.worklist[0].facts  # noqa: E731
    until(qtbot, lambda: first().others == (ReaderLabel.LS_A,))
    review.controller.set_settings(replace(review.controller.settings, rater="X"))
    until(qtbot, lambda: first() == NO_FACTS)
    until(qtbot, lambda: is_complete(review))


def test_a_labelled_clips_facts_are_kept_under_pseudonyms(review, qtbot, tmp_path, rater):
    tags = {"PatientID": "PID-4711", "StudyInstanceUID": "1.2.77", "SeriesInstanceUID": "1.2.77.1"}
    for number in range(2):
        write_dicom(tmp_path / f"IM{number}", numbered_frames(3 + number), "explicit little endian", **tags)
    review.controller.open_paths([tmp_path / "IM0", tmp_path / "IM1"])
    until(qtbot, lambda: not review.controller.state.scanning and is_complete(review))
    stored: list[ClipFacts] = []

    def look(count: int) -> bool:
        if not labels_file().exists():
            return False
        with AnnotationStore(labels_file(), create=False) as store:
            stored[:] = store.clips().values()
        return len(stored) == count

    press(review, Qt.Key.Key_P)
    until(qtbot, lambda: look(1))
    press(review, Qt.Key.Key_N)
    until(qtbot, lambda: is_complete(review))
    press(review, Qt.Key.Key_A)
    until(qtbot, lambda: look(2))
    one, other = stored
    assert (one.frames, other.frames, one.width, one.height) == (3, 4, 128, 96)
    assert (one.patient, one.study, one.series) == (other.patient, other.study, other.series)
    assert len(one.patient) == 16
    for file in (labels_file(), labels_file().with_name(labels_file().name + "-wal")):
        if file.exists():
            assert b"4711" not in file.read_bytes()
            assert b"1.2.77" not in file.read_bytes()


def test_a_store_that_cannot_be_read_does_not_keep_the_worklist_from_working(
    review, qtbot, folder, rater, expected_log_warnings
):
    labels_file().write_bytes(b"no database")
    open_folder(review, qtbot, folder)
    shutil.copy(folder / "clip 0.avi", folder / "clip 9.avi")
    press(review, Qt.Key.Key_PageDown)
    assert review.controller.state.clip.path.name == "clip 1.avi"
    until(qtbot, lambda: is_complete(review))
    until(qtbot, lambda: bool(expected_log_warnings))
