"""The words under the buttons: what is saved, what is on its way, and what is not saved and why."""

from types import MappingProxyType

import pytest

from lsgui.core.label import ReaderLabel
from lsgui.core.reading import StatementKind
from lsgui.gui.reader_corner import corner_words
from lsgui.gui.saved_words import marks_of, saved_words
from lsgui.gui.unsaved_strip import unsaved_words
from lsgui.review.reading_state import Adjudication, Reading, SaveMark, Unsaved
from lsgui.review.state import ReviewState


def words(reading: Reading) -> tuple[str, str, str]:
    return saved_words(marks_of(ReviewState(reading=reading)))


def marked(label: str = "", **marks: SaveMark) -> Reading:
    return Reading(
        ReaderLabel.LS_P if label else None,
        label,
        marks=MappingProxyType({StatementKind(k): m for k, m in marks.items()}),
    )


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (Reading(), ("", "", "")),
        (Reading(ReaderLabel.LS_P), ("", "saving …", "")),
        (Reading(ReaderLabel.LS_P, "14:02:11"), ("✓ saved 14:02:11", "", "")),
        (
            marked("14:02:11", tags=SaveMark("14:02:15"), comment=SaveMark()),
            ("✓ saved 14:02:15 · label, signs", "saving … comment", ""),
        ),
        (
            Reading(ReaderLabel.LS_P, "", "The disk is full."),
            ("", "", "NOT SAVED: label. The disk is full."),
        ),
        (
            marked("14:02:11", line=SaveMark("", "The disk is full."), interval=SaveMark("", "The disk is full.")),
            ("✓ saved 14:02:11", "", "NOT SAVED: line, intervals. The disk is full."),
        ),
        (marked("2026-01-02 09:00", confidence=SaveMark("14:02:15")), ("✓ saved 14:02:15 · label, confidence", "", "")),
    ],
)
def test_each_part_is_named_where_it_stands(reading, expected):
    assert words(reading) == expected


def test_a_label_that_was_withdrawn_says_so_by_its_time_alone():
    assert words(Reading(None, "14:02:11")) == ("✓ saved 14:02:11", "", "")


def test_an_adjudication_speaks_of_itself_alone():
    settled = Adjudication(answer=Reading(ReaderLabel.LS_A))
    state = ReviewState(reading=Reading(ReaderLabel.LS_P, "14:02:11"), adjudication=settled)
    assert saved_words(marks_of(state)) == ("", "saving … adjudication", "")


def test_what_waits_is_counted_with_its_reason():
    assert unsaved_words(Unsaved()) == ""
    assert unsaved_words(Unsaved(1, "The disk is full.")).startswith(
        "NOT SAVED: 1 thing you said waits. The disk is full."
    )
    assert "3 things you said wait" in unsaved_words(Unsaved(3, "x"))


def test_the_corner_says_project_reader_manner_and_pass():
    assert corner_words(ReviewState()) == "Reader: –  ·  Assisted reading"
    state = ReviewState(project="ward 3", rater="AK", blind=True, sitting=2)
    assert corner_words(state) == "ward 3  ·  Reader: AK  ·  Blind reading  ·  Second pass"
