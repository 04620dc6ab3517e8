"""The report: one page that other programs read, whose text never overlaps, and that hides what must be hidden."""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pypdf
import pytest
from export_samples import HASH, HEADER, named_clip, reading_of, request_for, verdict_of

from lsgui.core.interval import IntervalMark
from lsgui.core.label import CANNOT_ASSESS_ADVICE, RESEARCH_LINE, TRAINING_LINE, ReaderLabel, SlidingLabel
from lsgui.core.prediction import QualityFlag
from lsgui.core.reading import OverrideNote, Tag
from lsgui.export.mask import masked_clip
from lsgui.export.report import MARGIN, report_pdf
from lsgui.export.report_page import PAPERS_MM, PT_MM, shortened, text_width, wrapped
from lsgui.export.request import ExportRequest
from lsgui.export.stamp import Stamp


def page_of(request: ExportRequest) -> Any:
    shown = request.shown_prediction
    stamp = Stamp.now(HASH, None if shown is None else shown.model)
    assert request.mask is not None
    reader = pypdf.PdfReader(io.BytesIO(report_pdf(request, masked_clip(request.clip, request.mask), stamp)))
    assert len(reader.pages) == 1
    return reader.pages[0]


def words_of(page: Any) -> str:
    return " ".join(page.extract_text().split())


@dataclass(frozen=True)
class Placed:
    """A piece of text and its box in points, y upwards."""

    text: str
    left: float
    bottom: float
    right: float
    top: float

    def covers(self, other: "Placed") -> bool:
        across = min(self.right, other.right) - max(self.left, other.left)
        up = min(self.top, other.top) - max(self.bottom, other.bottom)
        same_line = abs(self.bottom - other.bottom) < 0.3  # one line comes in several pieces, measured in one typeface
        least = 0.4 * min(self.right - self.left, other.right - other.left) if same_line else 0.8
        return across > least and up > 0.8


def placed(page: Any) -> list[Placed]:
    out: list[Placed] = []

    def note(text: str, cm: Any, tm: Any, _font: Any, size: float) -> None:
        if text.strip():
            x, y = cm[4] + tm[4], cm[5] + tm[5]
            wide = text_width(text.strip(), size) / PT_MM
            out.append(Placed(text.strip(), x, y - 0.1 * size, x + wide, y + 0.72 * size))

    page.extract_text(visitor_text=note)
    return out


def assert_well_set(page: Any) -> None:
    boxes = placed(page)
    assert len(boxes) > 10
    over = [(a.text, b.text) for i, a in enumerate(boxes) for b in boxes[i + 1 :] if a.covers(b)]
    assert over == []
    edge, width, height = 0.7 * MARGIN / PT_MM, float(page.mediabox.width), float(page.mediabox.height)
    inside = [b.left > edge and b.right < width - edge and b.bottom > edge and b.top < height - edge for b in boxes]
    outside = [box.text for box, well in zip(boxes, inside, strict=True) if not well]
    assert outside == []


def test_it_says_verdict_and_reading_apart_with_all_that_belongs_to_them(tmp_path: Path) -> None:
    page = page_of(request_for(tmp_path))
    words = words_of(page)
    assert_well_set(page)
    ai, reader = words.index("AI VERDICT"), words.index("READER'S LABEL")
    assert ai < words.index("Lung sliding absent") < words.index("p(absent) 0.90 [0.85–0.95]") < reader
    assert reader < words.index("Present (ls_p)") < words.index("Reader R2 · 2026-11-23 14:02 UTC · blind reading")
    for part in (
        "Threshold 0.40: chosen on held-out patients",
        "Confidence: sure (3 of 3)",
        "Signs: A-lines",
        "Intervals: 0.0–1.0 s present",
        "Contradicts the AI's verdict (lung sliding absent, cmwru-strip 1.2). Reason: seen in the M-mode",
        "Second space on the right.",
        "0.21 · still",
        QualityFlag.SCALE_ESTIMATED.sentence,
        "Model: cmwru-strip 1.2 (Strip network), trained on: simulated and edited clips, weights abababababab.",
        "0.250 mm per pixel is estimated",
        "Pleural line: drawn by hand.",
        "Heat map: speckle change relative to chest wall.",
        "under a mask that a person approved",
        "M-mode at 50 % of the pleural line",
        RESEARCH_LINE,
        TRAINING_LINE,
        "lsgui 0.1.0 · model cmwru-strip 1.2 (abababababab) · clip 1a2b3c4d · ",
        "local time ",
    ):
        assert part in words, part
    assert "NOVAK" not in words
    assert len(page.images) == 4  # two stills, the legend, the M-mode


def test_cannot_assess_says_what_to_do(tmp_path: Path) -> None:
    clip = named_clip()
    verdict = verdict_of(clip, SlidingLabel.CANNOT_ASSESS, quality=(QualityFlag.TRACKING_LOST,))
    words = words_of(page_of(request_for(tmp_path, clip=clip, prediction=verdict)))
    assert CANNOT_ASSESS_ADVICE in words
    assert QualityFlag.TRACKING_LOST.sentence in words
    nothing = replace(verdict, p_absent=None, p_absent_interval=None, windows=(), segments=(), ribbon=None, roi=None)
    page = page_of(request_for(tmp_path, clip=clip, prediction=nothing, roi=None, maps={}, record=None))
    assert_well_set(page)
    assert "Nothing was scored" in words_of(page)
    assert "M-mode: there is none without a pleural line." in words_of(page)


def test_a_blind_reader_sees_nothing_of_the_ai(tmp_path: Path) -> None:
    page = page_of(request_for(tmp_path, hidden=True, record=None))
    words = words_of(page)
    assert "stays covered" in words
    for secret in ("absent", "0.90", "cmwru", "Speckle", "Evidence", "EVIDENCE", "Motion index"):
        assert secret not in words, secret
    for image in page.images:  # greys and the pleural line's own blue: no heat, no ribbon
        red, _, blue = np.moveaxis(np.asarray(image.image.convert("RGB")).astype(int), 2, 0)
        assert (blue >= red - 12).all()


WORST = {
    "plain": {},
    "no label": {"record": None},
    "no verdict": {"prediction": None, "maps": {}},
    "neither": {"prediction": None, "maps": {}, "record": None, "roi": None},
}
USUAL, PORTRAIT, WIDE = (240, 180), (120, 420), (640, 90)


@pytest.mark.parametrize(
    ("case", "size", "paper"),
    [
        ("plain", WIDE, "a4"),
        ("no label", PORTRAIT, "a4"),
        ("no verdict", USUAL, "letter"),
        ("neither", PORTRAIT, "letter"),
        ("all at once", USUAL, "letter"),
        ("all at once", PORTRAIT, "a4"),
        ("all at once", WIDE, "letter"),
    ],
)
def test_nothing_overlaps_and_nothing_leaves_the_page(
    tmp_path: Path, case: str, size: tuple[int, int], paper: Any
) -> None:
    clip = named_clip(8, *size)
    changes: dict[str, Any] = dict(WORST.get(case, {}))
    if case == "all at once":
        verdict = verdict_of(clip, SlidingLabel.CANNOT_ASSESS, quality=tuple(QualityFlag), hint="A long sentence " * 12)
        record = reading_of(
            clip,
            comment="A very long comment with $x_1$ and кирилиця. " * 60,
            tags=frozenset(Tag),
            override=OverrideNote(SlidingLabel.LS_A, "cmwru-strip 1.2", "a long reason " * 30),
            intervals=tuple(IntervalMark(str(k), k, k + 1, ReaderLabel.LS_A) for k in range(8)),
            adjudicated=True,
            adjudicates=("R1", "R3"),
        )
        changes = {"prediction": verdict, "record": record}
    page = page_of(request_for(tmp_path, clip=clip, paper=paper, **changes))
    assert_well_set(page)
    width, height = PAPERS_MM[paper]
    assert (float(page.mediabox.width), float(page.mediabox.height)) == pytest.approx(
        (width / PT_MM, height / PT_MM), abs=0.5
    )
    if case == "all at once":
        assert "(cut)" in words_of(page)


def test_only_masked_pixels_are_on_the_page(tmp_path: Path) -> None:
    request = request_for(tmp_path, maps={}, prediction=None)
    pictures = [np.asarray(image.image.convert("L")) for image in page_of(request).images]
    assert max(int((picture > 245).sum()) for picture in pictures) == 0
    bare = replace(request, mask=replace(request.mask, rectangles=()))
    assert any((np.asarray(image.image.convert("L")) > 245).sum() > 50 for image in page_of(bare).images)
    assert HEADER > 18


def test_lines_break_at_words_and_long_words_break_anywhere() -> None:
    lines = wrapped("one two three " + "x" * 300, 8, 40)
    assert lines[0].startswith("one two")
    assert all(text_width(line, 8) <= 40 for line in lines)
    assert "".join(lines).count("x") == 300
    cut = shortened("a word and another " * 10, 8, 30)
    assert cut.endswith("…")
    assert text_width(cut, 8) <= 30
