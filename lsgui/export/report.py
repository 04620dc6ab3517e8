"""The report: one page with stills, M-mode, the AI's verdict and, apart from it, the reader's own label.

Everything can be read in black and white: verdicts carry a sign and words beside their colour, probabilities are drawn
as a curve. Whatever is long - a comment, many flags - takes room from the pictures down to a least size, then the
comment is cut with a word that says so.
"""

from dataclasses import dataclass

from lsgui.core.clip import Clip
from lsgui.core.label import RESEARCH_LINE
from lsgui.core.prediction import Prediction
from lsgui.export.report_boxes import Boxes, reading_box, verdict_box
from lsgui.export.report_figures import draw_stills, draw_time_figures, least_time
from lsgui.export.report_page import INK, MUTED, Field, Page, line_height, shortened, text_width, wrapped
from lsgui.export.report_words import (
    clip_line,
    greys_words,
    heat_words,
    line_words,
    mask_words,
    model_words,
    scale_words,
)
from lsgui.export.request import ExportRequest
from lsgui.export.stamp import Stamp
from lsgui.inference.verdict_words import evidence_rows, flags_in_order, footer_lines

MARGIN = 14.0
_HEAD = 15.5
_GAP = 4.5
_MOST_STILLS, _MOST_TIME = 96.0, 84.0
_SMALL = 7.2


@dataclass(frozen=True, slots=True)
class _Try:
    """How the page is shared out: the next one is tried where the one before has no room for everything."""

    box_lines: int
    flag_size: float
    least_stills: float
    most_flags: int = 99


_TRIES = (
    _Try(14, 7.6, 48.0),
    _Try(8, 7.6, 42.0),
    _Try(5, 7.2, 38.0),
    _Try(3, 6.8, 34.0),
    _Try(2, 6.5, 28.0),
    _Try(2, 6.5, 26.0, most_flags=8),
)
"""Lines of comment and override, type of the flags, least height of the stills, most flags."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What each part of the page holds, and how high it is in millimetres."""

    boxes: Boxes
    stills: float
    time: float
    flags: list[list[str]]
    flag_size: float


def report_pdf(request: ExportRequest, shown: Clip, stamp: Stamp) -> bytes:
    """Return the report as a PDF of exactly one page.

    Parameters
    ----------
    request
        What it is made of.
    shown
        The clip with its mask applied: the only source of pixels.
    stamp
        Stands at the foot.
    """
    page = Page(request.paper)
    inner = page.width - 2 * MARGIN
    plan = _plan(request, page, inner)
    top = _draw_head(page, request, inner)
    top = _draw_boxes(page, plan.boxes, top, inner) + _GAP
    draw_stills(page, Field(MARGIN, top, inner, plan.stills), request, shown)
    top += plan.stills + _GAP
    draw_time_figures(page, Field(MARGIN, top, inner, plan.time), request, shown)
    top += plan.time + _GAP
    _draw_evidence(page, top, inner, request, plan)
    _draw_foot(page, inner, request, stamp)
    return page.pdf(
        {
            "Title": "Lung sliding report",
            "Subject": RESEARCH_LINE,
            "Creator": stamp.program,
            "Keywords": stamp.line,
            "CreationDate": stamp.made_at,
        }
    )


def _plan(request: ExportRequest, page: Page, inner: float) -> _Plan:
    """Share the page out: text first, the pictures take what is left."""
    half = (inner - _GAP) / 2
    verdict = verdict_box(request, half)
    least = least_time(request)
    fixed = 2 * MARGIN + _HEAD + _foot_height(request, inner) + 4 * _GAP
    for share in _TRIES:
        boxes = Boxes(verdict, reading_box(request, half, share.box_lines))
        flags = _flag_lines(request, inner, share)
        free = page.height - fixed - boxes.height - _evidence_height(request, inner, flags, share.flag_size)
        if free >= share.least_stills + least:
            break
    part = 0.53 if request.roi is not None else 0.8
    stills = min(max(part * free, share.least_stills), _MOST_STILLS, free - least)
    return _Plan(
        boxes, stills, min(free - stills, _MOST_TIME if request.roi is not None else least), flags, share.flag_size
    )


def _draw_head(page: Page, request: ExportRequest, inner: float) -> float:
    page.text(MARGIN, MARGIN, "Lung sliding report", 15, "bold")
    page.text(MARGIN + inner, MARGIN + 2.2, RESEARCH_LINE, 8, "bold", INK, "right")
    line = shortened(clip_line(request), 7.6, inner)
    page.text(MARGIN, MARGIN + 7.6, line, 7.6, "plain", MUTED)
    page.rule(MARGIN, MARGIN + 12.4, MARGIN + inner, MARGIN + 12.4, INK, 0.9)
    return MARGIN + _HEAD


def _draw_boxes(page: Page, boxes: Boxes, top: float, inner: float) -> float:
    half = (inner - _GAP) / 2
    for at, box in enumerate((boxes.verdict, boxes.reading)):
        field = Field(MARGIN + at * (half + _GAP), top, half, boxes.height)
        page.card(field)
        box.draw(page, field)
    return top + boxes.height


def _cells(prediction: Prediction) -> list[tuple[str, str]]:
    rows = evidence_rows(prediction, "")
    return [(name, value) for name, value, _ in rows if name != "Trained on"]


def _flag_lines(request: ExportRequest, inner: float, share: _Try) -> list[list[str]]:
    prediction = request.shown_prediction
    if prediction is None:
        return []
    sentences = [flag.sentence for flag in flags_in_order(prediction)]
    if len(sentences) > share.most_flags:
        more = len(sentences) - share.most_flags + 1
        sentences = [*sentences[: share.most_flags - 1], f"And {more} more: see the clip in lsgui."]
    return [wrapped(sentence, share.flag_size, inner - 4) for sentence in sentences]


def _evidence_height(request: ExportRequest, inner: float, flags: list[list[str]], size: float) -> float:
    prediction = request.shown_prediction
    if prediction is None:
        return 0.0
    lines = max(sum(len(lines) for lines in flags), 1)
    return 4.4 + _cells_height(prediction, inner) + 2.5 + 4.4 + lines * line_height(size)


def _cells_height(prediction: Prediction, inner: float) -> float:
    cells = _cells(prediction)
    wide = inner / len(cells)
    names = max(len(wrapped(name, 6.6, wide - 3)) for name, _ in cells)
    return names * line_height(6.6) + line_height(8.2)


def _draw_evidence(page: Page, top: float, inner: float, request: ExportRequest, plan: _Plan) -> None:
    prediction = request.shown_prediction
    if prediction is None:
        return
    below = page.heading(MARGIN, top, "Evidence")
    cells = _cells(prediction)
    wide = inner / len(cells)
    tall = _cells_height(prediction, inner) - line_height(8.2)
    for at, (name, value) in enumerate(cells):
        x = MARGIN + at * wide
        page.lines(x, below, wrapped(name, 6.6, wide - 3), 6.6, "plain", MUTED)
        page.text(x, below + tall, value, 8.2, "bold")
    below += tall + line_height(8.2) + 2.5
    below = page.heading(MARGIN, below, "Quality")
    if not plan.flags:
        page.text(MARGIN, below, "No quality flag was raised.", plan.flag_size)
    for lines in plan.flags:
        middle = below + 0.5 * line_height(plan.flag_size) - 0.2
        page.wedge([(MARGIN, middle + 1.2), (MARGIN + 2.6, middle + 1.2), (MARGIN + 1.3, middle - 1.1)], INK)
        page.text(MARGIN + 1.3, middle - 0.9, "!", 5, "bold", "white", "center")
        below = page.lines(MARGIN + 4, below, lines, plan.flag_size)


def _foot_lines(request: ExportRequest, inner: float) -> list[str]:
    prediction = request.shown_prediction
    said = [scale_words(request), line_words(request.roi), heat_words(request), greys_words(request)]
    said.append(mask_words(request))
    lines = wrapped(" ".join(part for part in said if part), _SMALL, inner)
    if prediction is not None:
        lines += wrapped(model_words(prediction), _SMALL, inner)
    return lines


def _foot_height(request: ExportRequest, inner: float) -> float:
    return 3.0 + len(_foot_lines(request, inner)) * line_height(_SMALL) + 1.0 + 2 * line_height(_SMALL)


def _draw_foot(page: Page, inner: float, request: ExportRequest, stamp: Stamp) -> None:
    top = page.height - MARGIN - _foot_height(request, inner)
    page.rule(MARGIN, top, MARGIN + inner, top)
    below = page.lines(MARGIN, top + 2.0, _foot_lines(request, inner), _SMALL, "plain", MUTED) + 1.0
    prediction = request.shown_prediction
    caution = (RESEARCH_LINE,) if prediction is None else footer_lines(prediction)
    page.text(MARGIN, below, " ".join(caution), _SMALL, "bold")
    below += line_height(_SMALL)
    left = stamp.line
    right = f"local time {stamp.local}"
    page.text(MARGIN, below, left, 6.6, "plain", MUTED)
    if text_width(left, 6.6) + text_width(right, 6.6) + 4 < inner:
        page.text(MARGIN + inner, below, right, 6.6, "plain", MUTED, "right")
