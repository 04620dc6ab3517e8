"""The commands with which a reader says what is seen, and under whose name. One row each, in the order of the menus."""

from lsgui.core.label import ReaderLabel
from lsgui.core.reading import CONFIDENCE_WORDS, Tag
from lsgui.gui.actions import Action, has_clip, has_override, has_worklist
from lsgui.review.override_transitions import REASONS
from lsgui.review.state import ReviewState


def _may_describe(state: ReviewState) -> bool:
    """Signs, confidence, comment and intervals belong to a reading, not to an adjudication."""
    return has_clip(state) and state.adjudication is None


def _said(state: ReviewState) -> ReaderLabel | None:
    return state.reading.label if state.adjudication is None else state.adjudication.answer.label


def _tag_row(tag: Tag, key: str) -> Action:
    return Action(
        f"tag_{tag.value}",
        "Label",
        tag.wording,
        (key,),
        f"Say that {tag.wording[0].lower()}{tag.wording[1:]} can be seen, or no longer."
        if tag is Tag.LUNG_PULSE
        else f"Say that {tag.wording} can be seen, or no longer.",
        lambda d: d.controller.labels.toggle_tag(tag),
        _may_describe,
        lambda s: tag in s.reading.tags,
        group=tag is Tag.A_LINES,
    )


def _confidence_row(level: int, key: str) -> Action:
    words = CONFIDENCE_WORDS[level]
    return Action(
        f"confidence_{level}",
        "Label",
        words.capitalize(),
        (key,),
        f"Say that you are {words} of your reading; again to take it back.",
        lambda d: d.controller.labels.set_confidence(level),
        _may_describe,
        lambda s: s.reading.confidence == level,
        group=level == 1,
    )


def _reason_row(number: int, reason: str) -> Action:
    return Action(
        f"reason_{number}",
        "Label",
        f"Reason: {reason}",
        (f"Ctrl+{number}",),
        "Say why your reading contradicts the verdict.",
        lambda d: d.controller.readings.give_reason(reason),
        has_override,
        group=number == 1,
    )


def _label_row(label: ReaderLabel, key: str) -> Action:
    return Action(
        f"label_{label.value}",
        "Label",
        label.wording,
        (key,),
        f"Save your reading of this clip: {label.wording.lower()}.",
        lambda d: d.controller.labels.label(label),
        has_clip,
        lambda s: _said(s) is label,
    )


LABEL = (
    _label_row(ReaderLabel.LS_P, "P"),
    _label_row(ReaderLabel.LS_A, "A"),
    _label_row(ReaderLabel.CANNOT_ASSESS, "U"),
    _label_row(ReaderLabel.LUNG_POINT, "K"),
    Action(
        "interval",
        "Label",
        "Mark an interval",
        ("I",),
        "Mark where a class begins, then where it ends; it carries your reading.",
        lambda d: d.controller.intervals.mark(),
        _may_describe,
        group=True,
    ),
    _tag_row(Tag.A_LINES, "Shift+A"),
    _tag_row(Tag.B_LINES, "Shift+B"),
    _tag_row(Tag.LUNG_PULSE, "Shift+P"),
    _confidence_row(1, "D"),
    _confidence_row(2, "E"),
    _confidence_row(3, "S"),
    Action(
        "comment",
        "Label",
        "Write a comment",
        ("W",),
        "Write beside your reading; Esc or Ctrl+Return leaves the line.",
        lambda d: d.window.type_comment(),
        _may_describe,
    ),
    *(_reason_row(number, reason) for number, reason in enumerate(REASONS, start=1)),
    Action(
        f"reason_{len(REASONS) + 1}",
        "Label",
        "Reason: other…",
        (f"Ctrl+{len(REASONS) + 1}",),
        "Type why your reading contradicts the verdict.",
        lambda d: d.window.type_reason(),
        has_override,
    ),
    Action(
        "next",
        "Label",
        "Next unlabelled clip",
        ("N",),
        "Go to the next clip of the list without a label.",
        lambda d: d.controller.go_next(),
        has_worklist,
        group=True,
    ),
    Action(
        "previous",
        "Label",
        "Previous clip",
        ("B", "PgUp"),
        "Go back to the clip before.",
        lambda d: d.controller.clips.go(-1),
        has_worklist,
    ),
    Action(
        "reader",
        "Label",
        "Who reads…",
        ("Ctrl+U",),
        "Change under whose name labels are saved.",
        lambda d: d.controller.project.ask_reader(),
        group=True,
    ),
    Action(
        "blind",
        "Label",
        "Blind reading",
        ("Ctrl+B",),
        "Hide the AI and other raters until your own label is saved.",
        lambda d: d.controller.project.toggle_blind(),
        checked=lambda s: s.blind,
    ),
    Action(
        "second_pass",
        "Label",
        "Second pass",
        ("Ctrl+D",),
        "Read the clips again without seeing your first labels, or go back to the first pass.",
        lambda d: d.controller.project.switch_sitting(),
        checked=lambda s: s.sitting > 1,
    ),
    Action(
        "adjudicate",
        "Label",
        "Adjudication",
        ("Ctrl+J",),
        "Go through the clips on which raters disagree, with their readings side by side, or leave.",
        lambda d: d.controller.adjudication.toggle(),
        has_worklist,
        lambda s: s.adjudication is not None,
    ),
)
