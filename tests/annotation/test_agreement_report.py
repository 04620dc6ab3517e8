"""The report on agreement: who is compared on what, what is missing, and where they disagree."""

from datetime import UTC, datetime

import pytest

from lsgui.annotation.agreement_report import LABELS, between_raters, within_raters
from lsgui.core.errors import LsguiError
from lsgui.core.label import ReaderLabel
from lsgui.core.reading import ReadingRecord

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHORT = {"p": "ls_p", "a": "ls_a", "c": "cannot_assess", "k": "lung_point"}


def said(rater: str, letters: str, sitting: int = 1, **more) -> list[ReadingRecord]:
    """One reading a letter; a dot is a clip that was not read."""
    return [
        ReadingRecord(f"{n:064x}", f"clip {n}", rater, sitting, ReaderLabel(SHORT[letter]), NOON, **more)
        for n, letter in enumerate(letters)
        if letter != "."
    ]


def test_two_raters_with_missing_reads_and_an_adjudication() -> None:
    records = [*said("AB", "ppaacp."), *said("CD", "ppaap.p"), *said("EF", "....a", adjudicated=True)]
    report = between_raters(records, {})
    (pair,) = report.pairs
    assert (pair.readers, pair.clips, pair.complete, report.group) == (("AB", "CD"), 5, 5, None)
    assert pair.raw.value == pytest.approx(4 / 5)
    assert pair.kappa.value == pytest.approx((0.8 - 0.4) / 0.6)  # chance: .4*.6 + .4*.4
    assert report.counts["AB"] == {"ls_p": 3, "ls_a": 2, "cannot_assess": 1, "lung_point": 0}
    table = [[pair.table[LABELS.index(a)][LABELS.index(b)] for b in SHORT.values()] for a in SHORT.values()]
    assert table == [[2, 0, 0, 0], [0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    (clip,) = report.disagreements
    assert (clip.file_name, clip.said, clip.settled) == ("clip 4", {"AB": "cannot_assess", "CD": "ls_p"}, "ls_a")
    assert report.resampled_by == "clip: no patient is known"


def test_three_raters_get_fleiss_and_each_pair() -> None:
    records = [*said("A", "pppaaa"), *said("B", "pppaap"), *said("C", "ppp..a")]
    report = between_raters(records, {f"{n:064x}": f"P{n // 2}" for n in range(6)})
    assert [pair.readers for pair in report.pairs] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert report.group is not None
    assert (report.group.clips, report.group.complete, report.group.kappa_name) == (6, 4, "fleiss_kappa")
    assert report.group.raw.value == pytest.approx((5 + 1 / 3) / 6)
    assert report.resampled_by == "patient: 6 clips of 3 patients"
    chosen = between_raters(records, {f"{0:064x}": "P"}, ["C", "A"])
    assert [pair.readers for pair in chosen.pairs] == [("C", "A")]
    assert chosen.resampled_by == "patient where known (1 clips of 1), else clip (5)"
    assert list(chosen.to_json()) == [
        *("labels", "counts", "not_blind", "pairs", "group", "disagreements", "interval", "missing_reads"),
    ]


def test_labels_that_were_not_said_blind_are_counted() -> None:
    records = [*said("AB", "pp", blind=True), *said("CD", "pap")]
    assert between_raters(records, {}).seen == {"AB": 0, "CD": 3}


def test_a_second_sitting_is_compared_with_the_first() -> None:
    records = [*said("AB", "ppaa"), *said("AB", "ppap", 2), *said("CD", "aaaa"), *said("EF", "pp", 2)]
    report = within_raters(records, {})
    (pair,) = report.pairs
    assert pair.readers == ("AB, sitting 1", "AB, sitting 2")
    assert pair.raw.value == pytest.approx(0.75)
    assert [clip.file_name for clip in report.disagreements] == ["clip 3"]
    assert between_raters(records, {}).pairs[0].readers == ("AB", "CD"), "the second sitting does not count there"


@pytest.mark.parametrize(
    ("records", "raters", "sentence"),
    [
        ([], [], "No clip has been read twice"),
        (said("AB", "pa"), [], "No clip has been read twice"),
        ([*said("AB", "pa"), *said("CD", "..p")], [], "No clip has been read twice"),
        (said("AB", "pa"), ["AB"], "Agreement needs two raters"),
        (said("AB", "pa"), ["AB", "XY"], "no label by 'XY' in sitting 1: AB read in it"),
    ],
)
def test_nothing_to_compare_is_said(records, raters, sentence) -> None:
    with pytest.raises(LsguiError, match=sentence):
        between_raters(records, {}, raters)


def test_no_second_sitting_is_said() -> None:
    with pytest.raises(LsguiError, match="No rater has read in two sittings"):
        within_raters(said("AB", "pa"), {})
    with pytest.raises(LsguiError, match="No clip has been read twice"):
        within_raters([*said("AB", "p"), *said("AB", ".a", 2)], {})


def test_one_label_only_has_a_reason_in_place_of_a_figure() -> None:
    report = between_raters([*said("AB", "pppp"), *said("CD", "pppp")], {})
    (pair,) = report.to_json()["pairs"]
    assert pair["raw_agreement"]["value"] == pair["gwet_ac1"]["value"] == 1.0
    assert pair["cohen_kappa"] == {
        "value": None,
        "low": None,
        "high": None,
        "why": "every read says the same, so agreement beyond chance cannot be told",
    }
