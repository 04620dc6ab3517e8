"""What the report says, as plain text: clip, reading, scale, line, model. The verdict's words are the window's own."""

from datetime import UTC, datetime

from lsgui.core.clip import ClipInfo
from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import Prediction
from lsgui.core.reading import CONFIDENCE_WORDS, ReadingRecord
from lsgui.export.annotated_frame import HEAT_WORDS
from lsgui.export.picture import shown_heat
from lsgui.export.request import ExportRequest

_RATES = {"container": "from the file", "file": "from the file", "assumed": "assumed", "given": "as given"}


def reading_words(label: ReaderLabel) -> str:
    """Return a reader's label with its class: "Absent (ls_a)"."""
    return f"{label.wording} ({label.value})" if label in (ReaderLabel.LS_P, ReaderLabel.LS_A) else label.wording


def clip_line(request: ExportRequest) -> str:
    """Return what the clip is: name or hash, frames, length, rate, size."""
    info = request.clip.info
    rate = _RATES.get(info.fps_source, f"from {info.fps_source}")
    uneven = ", unevenly spaced" if info.frame_times_s is not None else ""
    named = f"{request.clip_name} (clip {request.content_hash[:8]})" if request.keep_names else request.clip_name
    return (
        f"{named} · {info.frames} frames · {info.duration_s:.1f} s · {info.fps:.1f} frames/s {rate}{uneven} · "
        f"{info.width} × {info.height} px"
    )


def moment_words(moment: datetime) -> str:
    """Return a moment in UTC for people."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def reader_lines(record: ReadingRecord, info: ClipInfo) -> list[str]:
    """Return the lines under a reader's label but for override and comment."""
    manner = "blind reading" if record.blind else "assisted reading"
    sitting = "" if record.sitting == 1 else f" · pass {record.sitting}"
    lines = [f"Reader {record.rater} · {moment_words(record.said_at)} · {manner}{sitting}"]
    if record.adjudicated:
        lines.append(f"Settles the readings of {', '.join(record.adjudicates)}.")
    if record.confidence is not None:
        words = CONFIDENCE_WORDS.get(record.confidence, "")
        lines.append(f"Confidence: {words} ({record.confidence} of {max(CONFIDENCE_WORDS)})")
    if record.tags:
        lines.append("Signs: " + ", ".join(sorted(tag.wording for tag in record.tags)))
    marks = [interval_words(mark, info) for mark in record.intervals if mark.stop is not None]
    if marks:
        shown = marks[:4]
        more = f"; {len(marks) - len(shown)} more" if len(marks) > len(shown) else ""
        lines.append("Intervals: " + "; ".join(shown) + more)
    return lines


def interval_words(mark: IntervalMark, info: ClipInfo) -> str:
    """Return "0.0–3.2 s absent"."""
    start, stop = interval_seconds(mark, info)
    word = "marked" if mark.label is None else mark.label.wording.lower()
    return f"{start:.1f}–{stop:.1f} s {word}"


def interval_seconds(mark: IntervalMark, info: ClipInfo) -> tuple[float, float]:
    """Return begin and end of an interval in seconds."""
    times = info.times_s
    start = float(times[min(mark.start, info.frames - 1)])
    stop = mark.stop if mark.stop is not None else info.frames
    return start, float(times[stop]) if stop < info.frames else info.duration_s


def override_words(record: ReadingRecord) -> str:
    """Return what the reading contradicts and why; empty where it contradicts nothing."""
    note = record.override
    if note is None:
        return ""
    return f"Contradicts the AI's verdict ({note.verdict.wording.lower()}, {note.model}). Reason: {note.reason}"


def scale_words(request: ExportRequest) -> str:
    """Return where the millimetres come from."""
    mm = request.mm_per_px
    if not mm:
        return "Scale: not known, depths are in pixels."
    if request.calibrated:
        return f"Scale: calibrated by the file, {mm:.3f} mm per pixel."
    return f"Scale: the file has none; {mm:.3f} mm per pixel is estimated (± 20 %): do not measure on it."


def line_words(roi: PleuralROI | None) -> str:
    """Return where the pleural line comes from."""
    if roi is None:
        return "Pleural line: none."
    if roi.source == "auto":
        sure = "" if roi.confidence is None else f", confidence {100 * roi.confidence:.0f} %"
        return f"Pleural line: found by the program{sure}."
    return f"Pleural line: {'drawn by hand' if roi.source == 'hand' else 'read from a file'}."


def heat_words(request: ExportRequest) -> str:
    """Return what the heat map shows; empty where there is none."""
    motion = shown_heat(request.shown_maps, request.look) if request.roi is not None else None
    if motion is None:
        return ""
    note = f" ({motion.note})" if motion.note else ""
    words = HEAT_WORDS[motion.quantity]
    return f"Heat map: {words[0].lower()}{words[1:]}{note}."


def greys_words(request: ExportRequest) -> str:
    """Return that the greys of the stills are not the clip's own; empty where they are."""
    return "" if request.greys is None else "Stills: brightness and contrast as the reader set them."


def mask_words(request: ExportRequest) -> str:
    """Return what was blanked in the pixels."""
    if request.mask is None or not request.mask.rectangles:
        return "Pixels: a person looked and found nothing to blank."
    return "Pixels: text and surround were blanked under a mask that a person approved."


def model_words(prediction: Prediction) -> str:
    """Return the line of the model's card."""
    model = prediction.model
    title = f" ({model.title})" if model.title else ""
    trained = f", trained on: {model.trained_on}" if model.trained_on else ""
    sha = f", weights {model.sha256[:12]}" if model.sha256 else ", no weights"
    return f"Model: {model.id} {model.version}{title}{trained}{sha}."
