"""A clip that is no lung: the window says so, suggests no line, and gives no verdict along a drawn one either."""

from dataclasses import replace
from typing import Any

import pytest
from evidence_samples import review

from lsgui.core.label import CANNOT_ASSESS_ADVICE, SlidingLabel
from lsgui.core.prediction import QualityFlag
from lsgui.gui.clip_notes import clip_note
from lsgui.gui.verdict_content import verdict_content
from lsgui.review.state import LoadPhase, RoiPhase


def unfit(**more: Any) -> Any:
    state = review(roi=None, roi_phase=RoiPhase.NOT_FOUND, **more)
    return replace(state, clip=replace(state.clip, phase=LoadPhase.COMPLETE, quality=(QualityFlag.NOT_LUNG,)))


def test_the_card_says_cannot_assess_and_why_and_asks_for_no_line() -> None:
    said = verdict_content(unfit())
    assert said.words == SlidingLabel.CANNOT_ASSESS.wording
    assert said.notes == (CANNOT_ASSESS_ADVICE, QualityFlag.NOT_LUNG.sentence)
    assert said.ask == "none"
    assert said.prediction is None


def test_the_picture_says_it_too() -> None:
    note = clip_note(unfit(), "pan")
    assert note is not None
    assert "not look like a lung" in note.title
    assert "Draw" not in note.title


def test_a_blind_reader_is_told_nothing_before_the_own_answer() -> None:
    blind = unfit(blind=True)
    assert blind.verdict_hidden
    assert verdict_content(blind).words == "No pleural line found"
    note = clip_note(blind, "pan")
    assert note is not None
    assert "not look like a lung" not in note.title


@pytest.mark.parametrize("phase", [RoiPhase.NOT_FOUND, RoiPhase.NONE])
def test_a_lung_without_a_line_is_asked_for_one_as_before(phase: RoiPhase) -> None:
    state = unfit()
    lung = replace(state, clip=replace(state.clip, quality=()), roi_phase=phase)
    assert verdict_content(lung).ask == "draw"
