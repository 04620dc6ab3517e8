"""Statements: the latest of each slot counts, nothing is lost by undo, a clock set back, or a merge."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lsgui.annotation.clip_facts import ApprovedMask, ClipFacts, StoredVerdict
from lsgui.annotation.store import AnnotationStore, SavedOverride
from lsgui.core.errors import LsguiError
from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.reading import OverrideNote, StatementKind, Tag

CLIP, OTHER = "a" * 64, "b" * 64
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path):
    with AnnotationStore(tmp_path / "project.sqlite") as opened:
        yield opened


def test_the_latest_of_each_slot_counts_and_undo_is_a_row(store):
    store.say(CLIP, "c", "AB", StatementKind.TAGS, ["a_lines"])
    store.say(CLIP, "c", "AB", StatementKind.TAGS, ["a_lines", "b_lines"], blind=True)
    store.say(CLIP, "c", "AB", StatementKind.CONFIDENCE, 2)
    store.say(CLIP, "c", "AB", StatementKind.CONFIDENCE, None)
    store.say(CLIP, "c", "CD", StatementKind.TAGS, ["lung_pulse"])
    store.say(CLIP, "c", "AB", StatementKind.TAGS, [], sitting=2)
    standing = store.standing(CLIP, "AB")
    assert [(said.kind, said.value, said.sitting, said.blind) for said in standing] == [
        (StatementKind.TAGS, ["a_lines", "b_lines"], 1, True),
        (StatementKind.TAGS, [], 2, False),
    ]
    assert len(store.history()) == len(store.history(CLIP)) == 6
    assert store.history(OTHER) == ()


def test_a_clock_that_was_set_back_does_not_bring_the_former_label_back(store):
    store.save_reading(CLIP, "c", "AB", "ls_p", NOON)
    later = store.save_reading(CLIP, "c", "AB", "ls_a", NOON - timedelta(days=400))
    assert store.latest(CLIP, "AB") == later
    assert later.label is ReaderLabel.LS_A
    assert later.read_at >= NOON


def test_a_record_holds_the_whole_reading(store):
    line = PleuralROI.single(3, [[1.0, 2.0], [30.0, 4.0]])
    store.save_interval(CLIP, "c", "AB", IntervalMark("m", 3))
    reading = store.save_reading(CLIP, "c", "AB", "lung_point", NOON)
    store.save_override(SavedOverride(reading.uid, SlidingLabel.LS_P, "motion 2", "seen on other views"))
    store.save_interval(CLIP, "c", "AB", IntervalMark("m", 3, 9, ReaderLabel.LS_P))
    for kind, value in (
        (StatementKind.LINE, line.to_json()),
        (StatementKind.TAGS, ["lung_pulse"]),
        (StatementKind.CONFIDENCE, 3),
        (StatementKind.COMMENT, 'she said "hold", then\nbreathed – é'),
    ):
        store.say(CLIP, "c", "AB", kind, value)
    (record,) = store.records(CLIP)
    assert (record.label, record.said_at, record.confidence) == (ReaderLabel.LUNG_POINT, NOON, 3)
    assert record.intervals == (IntervalMark("m", 3, 9, ReaderLabel.LS_P),)
    assert record.line is not None
    assert record.line.to_json() == line.to_json()
    assert record.tags == {Tag.LUNG_PULSE}
    assert record.comment == 'she said "hold", then\nbreathed – é'
    assert record.override == OverrideNote(SlidingLabel.LS_P, "motion 2", "seen on other views")
    store.save_reading(CLIP, "c", "AB", "ls_p")
    assert store.records(CLIP)[0].override is None  # the label that stands now contradicts nothing


def test_an_adjudication_stands_beside_the_same_persons_reading(store):
    store.save_reading(CLIP, "c", "AB", "ls_p")
    store.say(CLIP, "c", "AB", StatementKind.ADJUDICATION, {"label": "ls_a", "of": ["AB", "CD"]})
    reading, settled = store.records(CLIP, "AB")
    assert (reading.label, reading.adjudicated) == (ReaderLabel.LS_P, False)
    assert (settled.label, settled.adjudicated, settled.adjudicates) == (ReaderLabel.LS_A, True, ("AB", "CD"))


def test_what_is_said_together_is_saved_together_or_not_at_all(store):
    store.save_reading(OTHER, "d", "AB", "ls_a")

    def say_half() -> None:
        with store.together():
            store.save_reading(CLIP, "c", "AB", "ls_p")
            store.save_reading(CLIP, "c", " ", "ls_p")

    with pytest.raises(LsguiError, match="no rater"):
        say_half()
    assert store.latest(CLIP, "AB") is None
    with store.together():
        said = store.save_reading(CLIP, "c", "AB", "ls_p")
        store.save_override(SavedOverride(said.uid, SlidingLabel.LS_A, "motion 2", "other"))
        with AnnotationStore(store.path) as other:
            assert other.latest(CLIP, "AB") is None  # not on the disk before the block ends
    with AnnotationStore(store.path) as other:
        assert len(other.history(CLIP)) == 2


def test_a_merge_is_whole_once_and_by_time(tmp_path: Path, store):
    store.save_reading(CLIP, "c", "AB", "ls_a", NOON + timedelta(hours=1))
    facts = ClipFacts(OTHER, "d", 10, 20.0, 64, 48, "p", "t", "s", "Lumify")
    mask = ApprovedMask("s", ((0, 0, 64, 9),), 64, 48, "CD", NOON)
    verdict = StoredVerdict(OTHER, "d", "motion", "2", "", SlidingLabel.LS_P, 0.2, 0.1, 0.3, 0.5, 0.1, (), "auto", NOON)
    with AnnotationStore(tmp_path / "other.sqlite") as other:
        other.save_reading(CLIP, "c", "AB", "ls_p", NOON)
        other.save_reading(OTHER, "d", "CD", "cannot_assess", NOON)
        other.save_clip(facts)
        other.save_verdict(verdict)
        other.approve_mask(mask)
        brought = (other.history(), other.clips().values(), other.all_verdicts(), other.all_masks())
    assert store.merge(*brought) == 2
    assert store.merge(*brought) == 0
    assert store.latest(CLIP, "AB").label is ReaderLabel.LS_A  # said an hour later, though it came here first
    assert store.latest(OTHER, "CD").label is ReaderLabel.CANNOT_ASSESS
    assert store.clips() == {OTHER: facts}
    assert len(store.all_verdicts()) == len(store.all_masks()) == 1
    assert store.mask("s").rectangles == ((0, 0, 64, 9),)
    assert store.verdicts()[OTHER].label is SlidingLabel.LS_P
    assert store.verdicts("cmwru") == {}


def test_a_merge_with_a_bad_row_changes_nothing(store):
    good = store.save_reading(CLIP, "c", "AB", "ls_a")
    (said,) = store.history()
    rows = [said, said.__class__(*("f" * 32, "short", "c", "AB", 1, said.kind, "", {}, NOON, "1"))]
    with pytest.raises(LsguiError, match="nothing was saved"):
        store.merge(rows, (ClipFacts(OTHER, "d", 1, 1.0, 1, 1),))
    assert store.all_readings() == (good,)
    assert store.clips() == {}


@pytest.mark.parametrize(
    ("p_absent", "label", "uncertainty"),
    [(0.5, "ls_a", 1.0), (1.0, "ls_a", 0.0), (0.0, "ls_p", 0.0), (0.25, "ls_p", 0.5), (None, "cannot_assess", 1.0)],
)
def test_uncertainty_is_nearness_to_the_threshold(p_absent, label, uncertainty):
    said = StoredVerdict(
        CLIP, "c", "m", "1", "", SlidingLabel(label), p_absent, None, None, 0.5, None, (), "auto", NOON
    )
    assert said.uncertainty == pytest.approx(uncertainty)


def test_pseudonyms_are_the_stores_own(tmp_path: Path, store):
    assert store.pseudonym("Doe^Jane") == store.pseudonym("Doe^Jane") != store.pseudonym("Doe^John")
    assert "Doe" not in store.pseudonym("Doe^Jane")
    with AnnotationStore(tmp_path / "other.sqlite") as other:
        assert other.pseudonym("Doe^Jane") != store.pseudonym("Doe^Jane")
    with AnnotationStore(store.path) as again:
        assert again.pseudonym("Doe^Jane") == store.pseudonym("Doe^Jane")


def test_looking_up_labels_takes_one_pass_over_the_rows(store):
    steps = []
    for count in (200, 400):
        store._connection.execute("BEGIN")  # one transaction for speed
        for number in range(count):
            store.save_reading(f"{number:064d}", "c", "AB", "ls_a")
        store._connection.execute("COMMIT")
        steps.append(0)

        def tick() -> int:
            steps[-1] += 1
            return 0

        store._connection.set_progress_handler(tick, 100)
        assert len(store.latest_by_clip("AB")) == count
        store._connection.set_progress_handler(None, 100)
    assert steps[1] < 4 * steps[0]  # 600 rows instead of 200: three times as many, and nine times where it is a square


def test_what_a_later_row_on_a_clip_leaves_open_an_earlier_one_tells(store):
    store.save_clip(ClipFacts(CLIP, "c", 0, 0.0, 0, 0, "pseudonym", "", "", "Lumify"))
    store.save_clip(ClipFacts(CLIP, "moved", 90, 20.0, 64, 48, "", "study", "", ""))
    assert store.clips()[CLIP] == ClipFacts(CLIP, "moved", 90, 20.0, 64, 48, "pseudonym", "study", "", "Lumify")
