"""The two boxes of the report, always apart: what the AI says, and what the reader says."""

from collections.abc import Callable
from dataclasses import dataclass

from lsgui.core.label import CANNOT_ASSESS_ADVICE, ReaderLabel, SlidingLabel
from lsgui.core.prediction import Prediction
from lsgui.core.reading import ReadingRecord
from lsgui.export.report_page import (
    INK,
    MUTED,
    PALE,
    RULE,
    Face,
    Field,
    Page,
    line_height,
    shortened,
    text_width,
    wrapped,
)
from lsgui.export.report_words import override_words, reader_lines, reading_words
from lsgui.export.request import ExportRequest
from lsgui.inference.verdict_words import extent_words, opinions, probability_words

COLOURS = {"ls_p": "#08705a", "ls_a": "#994a05", "cannot_assess": "#6844b8", "lung_point": "#0a6c8f"}
"""Verdict colours that can be read on white (4.5:1 and more)."""

_PAD = 4.0
_TITLE, _TEXT = 13.0, 8.0

Draw = Callable[[Page, Field], None]


@dataclass(frozen=True, slots=True)
class Box:
    """A box that knows its height in millimetres before it is drawn."""

    height: float
    draw: Draw


@dataclass(frozen=True, slots=True)
class Boxes:
    """Both, equally high."""

    verdict: Box
    reading: Box

    @property
    def height(self) -> float:
        """Height of the row."""
        return max(self.verdict.height, self.reading.height)


def verdict_box(request: ExportRequest, width: float) -> Box:
    """Return the AI's box: verdict, extent, probability on its scale; or why there is none."""
    prediction = request.shown_prediction
    if prediction is None:
        return _empty_box(
            "AI verdict",
            "Left out" if request.hidden else "Not analysed",
            "The reader has not saved a reading yet: the AI's verdict stays covered."
            if request.hidden
            else "No verdict was asked for on this clip.",
            width,
        )
    inner = width - 2 * _PAD
    words = _verdict_sentences(prediction, request, inner)
    bar = 11.0 if prediction.p_absent is not None else 0.0
    height = 2 * _PAD + 4.4 + 7.2 + sum(line_height(size) for _, size, _ in words) + bar

    def draw(page: Page, field: Field) -> None:
        x, top = field.left + _PAD, page.heading(field.left + _PAD, field.top + _PAD - 0.6, "AI verdict")
        draw_sign(page, prediction.label.value, x + 2.9, top + 2.9)
        name = prediction.label.wording
        page.text(x + 8, top + 0.4, name, _TITLE, "bold", COLOURS[prediction.label.value])
        if prediction.label is not SlidingLabel.CANNOT_ASSESS:
            page.text(x + 9.5 + text_width(name, _TITLE, "bold"), top + 1.9, f"({prediction.label.value})", 8.5)
        top += 7.2
        for line, size, bold in words:
            page.text(x, top, line, size, "bold" if bold else "plain")
            top += line_height(size)
        if prediction.p_absent is not None:
            _draw_probability(page, Field(x, top + 1.2, inner, bar - 1.2), prediction)

    return Box(height, draw)


def _verdict_sentences(prediction: Prediction, request: ExportRequest, inner: float) -> list[tuple[str, float, bool]]:
    extent = extent_words(prediction, request.clip.info).removeprefix(prediction.label.value).removeprefix(" · ")
    extent = f"{extent[:1].upper()}{extent[1:]}"
    out = [(line, _TEXT, False) for line in wrapped(extent, _TEXT, inner) if line and prediction.p_absent is not None]
    if prediction.label is SlidingLabel.CANNOT_ASSESS:
        out += [(line, _TEXT, True) for line in wrapped(CANNOT_ASSESS_ADVICE, _TEXT, inner, "bold")]
    for side in opinions(prediction):
        out.append((f"{side.judge}: {side.word} ({side.number})", _TEXT, False))
    if prediction.hint:
        out += [(line, _TEXT, False) for line in wrapped(prediction.hint, _TEXT, inner)]
    source = f"Threshold {prediction.threshold:.2f}: {prediction.threshold_source}"
    if prediction.p_absent is None:
        out += [
            (line, _TEXT, False) for line in wrapped("Nothing was scored: the reasons are under Quality.", _TEXT, inner)
        ]
    else:
        out += [(line, 6.8, False) for line in wrapped(source, 6.8, inner)]
    return out


def _draw_probability(page: Page, field: Field, prediction: Prediction) -> None:
    """Draw p(absent) with its spread and the threshold on one bar from 0 to 1."""
    p = prediction.p_absent or 0.0
    low, high = prediction.p_absent_interval or (p, p)
    track = Field(field.left, field.top + 1.4, field.width, 2.6)

    def at(value: float) -> float:
        return track.left + track.width * min(max(value, 0.0), 1.0)

    page.bar(track, PALE, RULE)
    if high > low:
        page.bar(Field(at(low), track.top, at(high) - at(low), track.height), RULE, MUTED, points=0.3)
    page.bar(Field(at(p) - 0.45, track.top - 0.7, 0.9, track.height + 1.4), COLOURS[prediction.label.value])
    cut = at(prediction.threshold)
    page.dashes(cut, track.top - 1.2, cut, track.bottom + 1.2, INK, 0.8)
    page.text(track.left, track.bottom + 1.3, probability_words(prediction), 7.4, "bold")
    page.text(track.right, track.bottom + 1.3, "0 present – 1 absent", 6.6, "plain", MUTED, "right")


def reading_box(request: ExportRequest, width: float, most_lines: int) -> Box:
    """Return the reader's box: label, who and when, confidence, signs, intervals, override, comment.

    Override and comment are cut to `most_lines` lines each, and say so.
    """
    record = request.record
    if record is None or not _says_something(record):
        return _empty_box("Reader's label", "No reading", "No reader has saved a reading of this clip.", width)
    inner = width - 2 * _PAD
    words = [(line, INK) for text in reader_lines(record, request.clip.info) for line in wrapped(text, _TEXT, inner)]
    words += [(line, INK) for line in _cut(override_words(record), _TEXT, inner, "plain", most_lines) if line]
    comment = _cut(f"“{record.comment}”", _TEXT, inner - 3, "italic", most_lines) if record.comment.strip() else []
    height = 2 * _PAD + 4.4 + 7.2 + (len(words) + len(comment)) * line_height(_TEXT) + (1.5 if comment else 0.0)
    title = "No label" if record.label is None else reading_words(record.label)
    value = "" if record.label is None else record.label.value

    def draw(page: Page, field: Field) -> None:
        x, top = field.left + _PAD, page.heading(field.left + _PAD, field.top + _PAD - 0.6, "Reader's label")
        if value:
            draw_sign(page, value, x + 2.9, top + 2.9)
        page.text(x + (8 if value else 0), top + 0.4, title, _TITLE, "bold", COLOURS.get(value, INK))
        top += 7.2
        for line, colour in words:
            page.text(x, top, line, _TEXT, "plain", colour)
            top += line_height(_TEXT)
        if comment:
            top += 1.5
            page.rule(x + 0.4, top, x + 0.4, top + len(comment) * line_height(_TEXT), MUTED, 1.2)
            page.lines(x + 3, top, comment, _TEXT, "italic")

    return Box(height, draw)


def _says_something(record: ReadingRecord) -> bool:
    """Whether more than a line was drawn: that alone is no reading."""
    said = record.label, record.confidence, record.comment.strip(), record.tags, record.intervals
    return any(part not in (None, "", frozenset(), ()) for part in said)


def _cut(text: str, size: float, width: float, face: Face, most: int) -> list[str]:
    lines = wrapped(text, size, width, face)
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], shortened(f"{lines[most - 1]} {lines[most]}", size, width - 8, face) + " (cut)"]


def _empty_box(heading: str, title: str, sentence: str, width: float) -> Box:
    lines = wrapped(sentence, _TEXT, width - 2 * _PAD)

    def draw(page: Page, field: Field) -> None:
        x, top = field.left + _PAD, page.heading(field.left + _PAD, field.top + _PAD - 0.6, heading)
        page.text(x, top + 0.4, title, _TITLE, "bold", MUTED)
        page.lines(x, top + 7.2, lines, _TEXT, "plain", MUTED)

    return Box(2 * _PAD + 4.4 + 7.2 + len(lines) * line_height(_TEXT), draw)


def draw_sign(page: Page, value: str, x: float, y: float) -> None:
    """Draw the sign of an answer about a point: tick, bar, question mark, or a line between two halves, in a ring."""
    colour = COLOURS[value]
    page.ring(x, y, 2.7, colour)
    if value == SlidingLabel.LS_P:
        page.path([x - 1.3, x - 0.3, x + 1.4], [y + 0.1, y + 1.2, y - 1.1], colour, 1.6)
    elif value == SlidingLabel.LS_A:
        page.path([x - 1.4, x + 1.4], [y, y], colour, 2.0)
    elif value == ReaderLabel.LUNG_POINT:
        page.path([x, x], [y - 1.9, y + 1.9], colour, 1.2)
        page.path([x + 0.7, x + 1.8], [y, y], colour, 1.6)
    else:
        page.text(x, y - 1.85, "?", 9.5, "bold", colour, "center")
