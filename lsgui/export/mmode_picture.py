"""The M-mode as it leaves the program: a picture with axes, the raw greys, and what is known of both. No Qt."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import LsguiError
from lsgui.core.label import RESEARCH_LINE
from lsgui.core.pleura import RoiSource
from lsgui.export.annotated_frame import ACCENT, MUTED, PANEL, TEXT, Colour, plain

_WIDTH, _HEIGHT = 1100, 420
"""Size of one M-mode in the picture, in pixels; two stand side by side."""
_LEFT, _TOP, _FOOT, _GAP, _EDGE = 74, 64, 74, 30, 20
_COLOURS: dict[str, Colour] = {"A": (127, 224, 122), "B": (255, 158, 203)}
_SOURCES: dict[RoiSource, str] = {"auto": "found by the program", "hand": "drawn by hand", "file": "read from a file"}


@dataclass(frozen=True, slots=True, eq=False)
class MModeCut:
    """One M-mode: its letter, its place along the line (0-1) and its greys, (depth, time) uint8."""

    letter: str
    column: float
    image: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class MModeSheet:
    """All that an exported M-mode says.

    Attributes
    ----------
    clip
        What the clip is called.
    cuts
        One or two M-modes over the same frames and depths.
    times_s, end_s
        Moment of every column, (time,) rising, and the end of the last one's frame.
    above_px
        Rows above the pleura: row `above_px` lies on it.
    mm_per_px
        Millimetres per row; None where the scale is not known.
    calibrated
        Whether that scale comes from the file; otherwise it is estimated from the picture.
    line_source
        Where the pleural line comes from.
    stamp
        What stands at the foot: program, clip and time; empty for nothing.
    """

    clip: str
    cuts: tuple[MModeCut, ...]
    times_s: npt.NDArray[np.float64]
    end_s: float
    above_px: int
    mm_per_px: float | None
    calibrated: bool
    line_source: RoiSource
    stamp: str = ""

    @property
    def scale(self) -> str:
        """Whether depths are "calibrated", "estimated" or "unknown"."""
        if not self.mm_per_px:
            return "unknown"
        return "calibrated" if self.calibrated else "estimated"

    def to_json(self) -> dict[str, Any]:
        """Return what belongs to the raw greys: scale of both axes, place of the pleura and of the columns."""
        rows, columns = self.cuts[0].image.shape
        return {
            "clip": self.clip,
            "columns": {cut.letter: {"along_line": round(cut.column, 4)} for cut in self.cuts},
            "rows": rows,
            "frames": columns,
            "pleura_row": self.above_px,
            "mm_per_px": self.mm_per_px,
            "scale": self.scale,
            "seconds_per_px": self.end_s / columns,
            "times_s": [round(float(moment), 6) for moment in self.times_s],
            "line_source": self.line_source,
            "note": RESEARCH_LINE,
            **({"stamp": self.stamp} if self.stamp else {}),
        }


def save_mmode(sheet: MModeSheet, path: Path) -> tuple[Path, ...]:
    """Write the picture to `path` and, beside it, the raw greys and a JSON file with their scales.

    Returns
    -------
    tuple of Path
        The picture, the raw greys of each M-mode ("NAME-raw.png", or "NAME-raw-A.png" and "NAME-raw-B.png"), and
        "NAME.json". Each appears whole or not at all, the picture last.

    Raises
    ------
    LsguiError
        When the folder cannot be written: one sentence.
    """
    out = [(path.with_name(f"{path.stem}.json"), _json(sheet))]
    for cut in sheet.cuts:
        letter = f"-{cut.letter}" if len(sheet.cuts) > 1 else ""
        out.append((path.with_name(f"{path.stem}-raw{letter}.png"), _png(cut.image)))
    out.append((path, _png(mmode_picture(sheet)[..., ::-1])))
    for target, data in out:
        try:
            write_atomic(target, data)
        except OSError as fault:
            reason = fault.strerror or type(fault).__name__
            raise LsguiError(f"{target.name} cannot be written ({reason}): choose another folder.") from fault
    return tuple(target for target, _ in reversed(out))


def mmode_picture(sheet: MModeSheet) -> npt.NDArray[np.uint8]:
    """Return one or two M-modes with axes, units and titles, (height, width, 3) uint8 red green blue."""
    count = len(sheet.cuts)
    inner = (_WIDTH if count == 1 else _WIDTH * 3 // 4) - _LEFT
    width = count * (_LEFT + inner) + (count - 1) * _GAP + _EDGE
    picture = Image.new("RGB", (width, _TOP + _HEIGHT + _FOOT + (20 if sheet.stamp else 0)), PANEL)
    draw = ImageDraw.Draw(picture)
    title = _shortened(draw, f"M-mode, straightened on the pleura · {sheet.clip}", width - 2 * _EDGE)
    draw.text((_EDGE, 12), plain(title), fill=TEXT, font=_font(17))
    for at, cut in enumerate(sheet.cuts):
        left = at * (_LEFT + inner + _GAP) + _LEFT
        _draw_cut(picture, draw, sheet, cut, (left, _TOP, left + inner, _TOP + _HEIGHT))
    foot = _TOP + _HEIGHT + 44
    draw.text((_EDGE, foot), _words(sheet), fill=MUTED, font=_font(13))
    wide = draw.textlength(RESEARCH_LINE, font=_font(13))
    draw.text((width - _EDGE - wide, foot), RESEARCH_LINE, fill=MUTED, font=_font(13))
    draw.text((_EDGE, foot + 20), plain(sheet.stamp), fill=MUTED, font=_font(12))
    return np.asarray(picture)


def _shortened(draw: ImageDraw.ImageDraw, words: str, room: float) -> str:
    """Return words that fit: a long file name loses its middle, so that its ending stays."""
    cut = words
    for kept in range(len(words) - 1, 20, -1):
        if draw.textlength(cut, font=_font(17)) <= room:
            break
        cut = f"{words[: kept - 12]} ... {words[-12:]}"
    return cut


def _words(sheet: MModeSheet) -> str:
    scale = {
        "calibrated": "Depth calibrated by the file",
        "estimated": "Depth in mm estimated from the picture",
        "unknown": "Depth in pixels: the scale of the clip is not known",
    }[sheet.scale]
    return f"{scale} · line {_SOURCES[sheet.line_source]}"


def _draw_cut(
    picture: Image.Image, draw: ImageDraw.ImageDraw, sheet: MModeSheet, cut: MModeCut, box: tuple[int, int, int, int]
) -> None:
    left, top, right, bottom = box
    picture.paste(Image.fromarray(on_time(sheet, cut.image, right - left, bottom - top)), (left, top))
    title = f"at {100 * cut.column:.0f} % of the line"
    if len(sheet.cuts) > 1:
        draw.ellipse((left, top - 24, left + 18, top - 6), fill=_COLOURS[cut.letter])
        draw.text((left + 9, top - 15), cut.letter, fill=PANEL, font=_font(13), anchor="mm")
        draw.text((left + 26, top - 15), title, fill=TEXT, font=_font(13), anchor="lm")
    else:
        draw.text((left, top - 15), title, fill=TEXT, font=_font(13), anchor="lm")
    per_unit = 1.0 / sheet.mm_per_px if sheet.mm_per_px else 1.0
    rows = cut.image.shape[0]
    first, last = -sheet.above_px / per_unit, (rows - 1 - sheet.above_px) / per_unit
    step = round_step(last - first, 8)
    for index in range(int(np.ceil(first / step)), int(last / step) + 1):
        y = top + (sheet.above_px + 0.5 + index * step * per_unit) / rows * (bottom - top)
        number = f"{index * step:+g}" if index else f"0 {'mm' if sheet.mm_per_px else 'px'}"
        draw.line((left - 6, y, left - 1, y), fill=MUTED)
        draw.text((left - 10, y), number, fill=TEXT, font=_font(13), anchor="rm")
    pleura = top + (sheet.above_px + 0.5) / rows * (bottom - top)
    for x in range(left, right, 12):
        draw.line((x, pleura, min(x + 4, right), pleura), fill=ACCENT)
    seconds = round_step(sheet.end_s, 8)
    for index in range(int(sheet.end_s / seconds + 1e-6) + 1):
        at = left + index * seconds / sheet.end_s * (right - left)
        draw.line((at, bottom, at, bottom + 5), fill=MUTED)
        words = f"{index * seconds:g}" + (" s" if index == 0 else "")
        draw.text((min(at, right - 8), bottom + 8), words, fill=TEXT, font=_font(13), anchor="ma")


def on_time(sheet: MModeSheet, image: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    """Return an M-mode on an even time axis, (height, width) uint8; column k lies where frame k begins."""
    times = (np.arange(width) + 0.5) / width * sheet.end_s
    columns = np.interp(times, sheet.times_s, np.arange(len(sheet.times_s))).astype(np.float32)
    rows = ((np.arange(height) + 0.5) / height * image.shape[0] - 0.5).astype(np.float32)
    map_x, map_y = np.meshgrid(columns, rows)
    return np.asarray(cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def round_step(span: float, most: int) -> float:
    """Return the least round step that gives at most so many ticks over a span."""
    power = 10.0 ** np.floor(np.log10(max(span, 1e-9) / most))
    return float(next(power * digit for digit in (1.0, 2.0, 5.0, 10.0) if span / (power * digit) <= most))


def _json(sheet: MModeSheet) -> bytes:
    return (json.dumps(sheet.to_json(), indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def _png(image: npt.NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".png", np.ascontiguousarray(image))[1])


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
