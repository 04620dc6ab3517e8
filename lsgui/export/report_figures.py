"""The pictures of the report: stills with line and heat map, probability over time, M-mode on the same time axis."""

from dataclasses import dataclass

import numpy as np

from lsgui.core.clip import Clip
from lsgui.core.motion_map import MotionMap
from lsgui.core.prediction import Prediction
from lsgui.export.annotated_frame import (
    Box,
    FramePainter,
    HeatLook,
    Layers,
    fitted_view,
    pixel_aspect,
    pleural_box,
    probability_by_frame,
)
from lsgui.export.mmode_picture import MModeCut, MModeSheet, on_time, round_step
from lsgui.export.picture import shown_heat
from lsgui.export.report_boxes import COLOURS
from lsgui.export.report_page import INK, MUTED, PALE, RULE, Field, Page, shortened
from lsgui.export.report_words import interval_seconds
from lsgui.export.request import ExportRequest
from lsgui.imaging.heat_colours import heat_table
from lsgui.imaging.mmode import point_and_normal, straightened_mmode

_PX_PER_MM = 7.5
"""Pixels a millimetre of paper in which stills are drawn (190 a inch)."""
_HEAT_CAPTIONS = {"speckle_change": "Speckle change", "flow": "Lung speed", "focus": "Network focus"}
_CAPTION, _GAP = 5.2, 4.5
_LEGEND = 4.6
_AXIS = 12.0
"""Room for the numbers left of the time figures."""
_REACH_MM, _REACH_PX = (10.0, 20.0), (40, 80)


@dataclass(frozen=True, slots=True)
class _Still:
    """One still: its frame, and the map that is laid over it."""

    index: int
    heat: MotionMap | None = None


def draw_stills(page: Page, field: Field, request: ExportRequest, shown: Clip) -> None:
    """Draw the moment with its pleural line, then with the heat map, then as many further moments as have room."""
    heat = shown_heat(request.shown_maps, request.look) if request.roi is not None else None
    legend = _LEGEND if heat is not None else 0.0
    box = _still_box(request, heat)
    tall = field.height - _CAPTION - legend
    wide = box[2] / max(box[3] * pixel_aspect(shown), 1) * tall
    count = int(np.clip((field.width + _GAP) / (wide + _GAP), 2, 4))
    width = (field.width - (count - 1) * _GAP) / count
    for at, still in enumerate(_stills(request, shown, heat, count)):
        place = Field(field.left + at * (width + _GAP), field.top, width, tall + _CAPTION)
        room = Field(place.left, place.top + _CAPTION, width, tall)
        _draw_still(page, room, request, shown, box, still, column=at == 0)
        seconds = f"{shown.info.times_s[still.index]:.2f} s"
        words = f"Frame {still.index + 1} of {len(shown)} · {seconds}"
        if still.heat is not None:
            words = f"{_HEAT_CAPTIONS[still.heat.quantity]} · {seconds}"
            _draw_legend(page, Field(room.left, room.bottom + 1.0, width, 2.2), still.heat, request.look)
        page.text(place.left, place.top, shortened(words, 7.0, width, "bold"), 7.0, "bold")


def _stills(request: ExportRequest, shown: Clip, heat: MotionMap | None, count: int) -> list[_Still]:
    moment = request.moment
    out = [_Still(moment)] + ([_Still(moment, heat)] if heat is not None else [])
    further = count - len(out)
    for k in range(1, further + 1):
        out.append(_Still(_lit(shown, (moment + k * len(shown) // (further + 1)) % len(shown), moment)))
    return out


def _lit(shown: Clip, index: int, moment: int) -> int:
    """Return the first frame from `index` on that is not dark against the moment's: clips may begin with black ones."""
    least = 0.5 * float(shown.frame(moment).mean())
    around = ((index + k) % len(shown) for k in range(len(shown)))
    return next((k for k in around if float(shown.frame(k).mean()) >= least), index)


def _still_box(request: ExportRequest, heat: MotionMap | None) -> Box:
    info = request.clip.info
    line = None if request.roi is None else request.roi.line_at(request.moment)
    return pleural_box(request.area or (0, 0, info.width, info.height), line, heat)


def _draw_still(
    page: Page, room: Field, request: ExportRequest, shown: Clip, box: Box, still: _Still, *, column: bool
) -> None:
    width, height = round(room.width * _PX_PER_MM), round(room.height * _PX_PER_MM)
    view = fitted_view(box, width, height, pixel_aspect(shown), most=8.0)
    layers = Layers(line=True, heat=still.heat is not None, ribbon=still.heat is not None, scale_bar=False)
    painter = FramePainter(
        shown,
        view,
        request.roi,
        request.shown_prediction,
        still.heat,
        request.look,
        layers,
        request.mm_per_px,
        greys=request.greys,
    )
    picture = painter.paint(still.index)[:height, :width]
    canvas = np.zeros((height, width, 3), dtype=np.uint8)
    top, left = (height - picture.shape[0]) // 2, (width - picture.shape[1]) // 2
    canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    page.picture(room, canvas)
    if column and request.roi is not None:
        point, normal = point_and_normal(request.roi.line_at(still.index), request.mmode_column)
        above, below = mmode_reach(request)
        ends = view.points(np.stack([point - above * normal, point + below * normal])) + np.array([left, top])
        (x0, y0), (x1, y1) = np.clip(ends, 0, (width, height)) / _PX_PER_MM + np.array([room.left, room.top])
        page.dashes(x0, y0, x1, y1, "white", 0.7)
    if request.mm_per_px:
        _draw_scale_bar(page, room, view.zoom_y / request.mm_per_px / _PX_PER_MM, request.calibrated)


def mmode_reach(request: ExportRequest) -> tuple[int, int]:
    """Return how many pixels the M-mode reaches above and below the pleura."""
    mm = request.mm_per_px
    return (max(round(_REACH_MM[0] / mm), 4), max(round(_REACH_MM[1] / mm), 8)) if mm else _REACH_PX


def _draw_scale_bar(page: Page, room: Field, paper_mm_per_mm: float, calibrated: bool) -> None:
    length_mm = min((1, 2, 5, 10, 20, 50), key=lambda mm: abs(mm * paper_mm_per_mm - 12.0))
    left, y = room.left + 2.0, room.bottom - 2.6
    right = left + length_mm * paper_mm_per_mm
    for x0, y0, x1, y1 in ((left, y, right, y), (left, y - 0.8, left, y + 0.8), (right, y - 0.8, right, y + 0.8)):
        page.rule(x0, y0, x1, y1, "white", 0.8)
    page.text(right + 1.2, y - 1.3, f"{length_mm} mm" + ("" if calibrated else " (estimated)"), 6.2, "bold", "white")


def _draw_legend(page: Page, field: Field, motion: MotionMap, look: HeatLook | None) -> None:
    look = look or HeatLook.of(motion)
    table = heat_table(look.ramp)
    plain = table[:, 2::-1].astype(float) + (255.0 - table[:, 3:].astype(float)) * 0.0
    page.picture(Field(field.left + 12, field.top, field.width - 26, field.height), plain.astype(np.uint8)[None])
    page.bar(Field(field.left + 12, field.top, field.width - 26, field.height), "none", RULE)
    low, high = ("present", "absent") if motion.low < 0 else (f"{look.low:g}", f"{look.high:g} {motion.unit}".strip())
    page.text(field.left + 11, field.top - 0.5, low, 6.6, "plain", INK, "right")
    page.text(field.right - 13, field.top - 0.5, high, 6.6)


def least_time(request: ExportRequest) -> float:
    """Return the least height of `draw_time_figures` in millimetres."""
    if request.roi is None:
        return 6.0 + _above_mmode(request)
    return _above_mmode(request) + _CAPTION + 5.0 + 14.0


def _above_mmode(request: ExportRequest) -> float:
    prediction = request.shown_prediction
    curve = _CAPTION - 0.4 + 9.0 + 1.6 if prediction is not None and prediction.windows else 0.0
    return curve + (3.4 + 1.6 if _has_intervals(request) else 0.0)


def _has_intervals(request: ExportRequest) -> bool:
    record = request.record
    return record is not None and any(mark.stop is not None for mark in record.intervals)


def draw_time_figures(page: Page, field: Field, request: ExportRequest, shown: Clip) -> None:
    """Draw probability over time, the reader's intervals, and the M-mode below them on one time axis."""
    prediction = request.shown_prediction
    left, width = field.left + _AXIS, field.width - _AXIS - 4.5
    top = field.top
    if prediction is not None and prediction.windows:
        page.text(field.left, top, "Probability of absent sliding over the clip", 7.4, "bold")
        top += _CAPTION - 0.4
        _draw_probability(page, Field(left, top, width, 9.0), prediction, request)
        top += 9.0 + 1.6
    if _has_intervals(request):
        _draw_intervals(page, Field(left, top, width, 3.4), request)
        top += 3.4 + 1.6
    _draw_mmode(page, Field(left, top, width, field.bottom - top), request, shown, field.left)


def _draw_probability(page: Page, field: Field, prediction: Prediction, request: ExportRequest) -> None:
    info = request.clip.info
    page.bar(field, PALE, RULE)
    values = probability_by_frame(prediction, info.frames)
    edges = np.append(info.times_s, info.duration_s) / info.duration_s * field.width + field.left
    fills = {True: "#f3c9a2", False: "#a9dccf"}
    known = np.isfinite(values)
    absent = values >= prediction.threshold
    change = np.flatnonzero((known[1:] != known[:-1]) | (absent[1:] != absent[:-1])) + 1
    for start, stop in zip([0, *change], [*change, info.frames], strict=True):
        if known[start]:
            place = Field(float(edges[start]), field.top, float(edges[stop] - edges[start]), field.height)
            page.bar(place, fills[bool(absent[start])])
    cut = field.bottom - prediction.threshold * field.height
    page.dashes(field.left, cut, field.right, cut, INK, 0.6)
    page.path(np.repeat(edges, 2)[1:-1], np.repeat(field.bottom - np.clip(values, 0, 1) * field.height, 2), INK, 1.1)
    for value, words in ((1.0, "1 absent"), (0.0, "0 present")):
        page.text(
            field.left - 1, field.bottom - value * field.height - (0.2 if value else 2.2), words, 6.0, align="right"
        )
    page.text(field.right + 0.4, cut - 1.2, f"{prediction.threshold:.2g}", 6.0)


def _draw_intervals(page: Page, field: Field, request: ExportRequest) -> None:
    record, info = request.record, request.clip.info
    if record is None:
        return
    page.text(field.left - 1, field.top + 0.5, "Reader", 6.0, align="right")
    page.bar(field, PALE, RULE)
    for mark in record.intervals:
        if mark.stop is None:
            continue
        start, stop = (field.left + s / info.duration_s * field.width for s in interval_seconds(mark, info))
        value = "" if mark.label is None else mark.label.value
        words = "marked" if mark.label is None else mark.label.wording
        room = stop - start > 1.6 * len(words)
        hatch = "" if room or value != "ls_a" else "////"  # told apart without colour where words have no room
        place = Field(start, field.top, max(stop - start, 0.4), field.height)
        page.bar(place, COLOURS.get(value, MUTED), "white" if hatch else INK, hatch, 0.4)
        if room:
            page.text((start + stop) / 2, field.top + 0.55, words, 6.0, "bold", "white", "center")


def _draw_mmode(page: Page, field: Field, request: ExportRequest, shown: Clip, left: float) -> None:
    roi = request.roi
    if roi is None:
        page.text(left, field.top, "M-mode: there is none without a pleural line.", 7.4, "plain", MUTED)
        return
    place = f"M-mode at {100 * request.mmode_column:.0f} % of the pleural line, straightened on the pleura"
    page.text(left, field.top, f"{place} (▼ the moment of the first still)", 7.4, "bold")
    image = Field(field.left, field.top + _CAPTION, field.width, max(field.height - _CAPTION - 5.0, 4.0))
    sheet = _sheet(request, shown)
    greys = on_time(sheet, sheet.cuts[0].image, round(image.width * _PX_PER_MM), round(image.height * _PX_PER_MM))
    page.picture(image, greys)
    rows = sheet.cuts[0].image.shape[0]
    unit = sheet.mm_per_px or 1.0
    first, last = -sheet.above_px * unit, (rows - 1 - sheet.above_px) * unit
    step = round_step(last - first, 5)
    for k in range(int(np.ceil(first / step)), int(last / step) + 1):
        y = image.top + (sheet.above_px + 0.5 + k * step / unit) / rows * image.height
        page.rule(image.left - 1.2, y, image.left, y, INK, 0.6)
        words = f"{k * step:+g}".replace("-", "−") if k else f"0 {'mm' if sheet.mm_per_px else 'px'}"
        page.text(image.left - 1.8, y - 1.25, words, 6.4, align="right")
    pleura = image.top + (sheet.above_px + 0.5) / rows * image.height
    page.dashes(image.left, pleura, image.right, pleura, "#46b8da", 0.7)
    seconds = round_step(sheet.end_s, 10)
    for k in range(int(sheet.end_s / seconds + 1e-6) + 1):
        x = image.left + k * seconds / sheet.end_s * image.width
        page.rule(x, image.bottom, x, image.bottom + 1.2, INK, 0.6)
        page.text(x, image.bottom + 1.5, f"{k * seconds:g} s" if k == 0 else f"{k * seconds:g}", 6.4, align="center")
    now = image.left + float(shown.info.times_s[request.moment]) / sheet.end_s * image.width
    page.wedge([(now, image.top), (now - 1.0, image.top - 1.5), (now + 1.0, image.top - 1.5)], INK)


def _sheet(request: ExportRequest, shown: Clip) -> MModeSheet:
    roi, mm = request.roi, request.mm_per_px
    assert roi is not None
    above, below = mmode_reach(request)
    column = request.mmode_column
    image = straightened_mmode(shown.store, range(len(shown)), roi, column, above, below)
    info = shown.info
    return MModeSheet(
        clip=request.clip_name,
        cuts=(MModeCut("A", column, image),),
        times_s=info.times_s,
        end_s=info.duration_s,
        above_px=above,
        mm_per_px=mm or None,
        calibrated=request.calibrated,
        line_source=roi.source,
    )
