"""The rule from scores to a verdict: the one place in the program where it stands. Pure: numpy only.

1. The network judges first: the probability of the whole clip against the card's threshold.
2. Inside the card's abstain band there is no verdict.
3. The motion index, measured without weights, is the second judge. It has a veto and no vote: where it has an opinion
   and that is the opposite, there is no verdict; it never turns one answer into the other.
4. Quality flags: what the clip cannot carry (`BLOCKS_ANY_VERDICT`, `BLOCKS_ABSENT`, `BLOCKS_PRESENT`,
   `ABSENT_NEEDS_BOTH`) is no verdict.

How often each of this happens on clips whose answer is known: `trained_models/cmwru-strip/report.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lsgui.core.label import SlidingLabel
from lsgui.core.prediction import QualityFlag, SegmentScore, WindowScore

Floats = npt.NDArray[np.floating]

BLOCKS_ANY_VERDICT = frozenset(
    {
        QualityFlag.NO_PLEURA,
        QualityFlag.FROZEN,
        QualityFlag.TRACKING_LOST,
        QualityFlag.MODELS_DISAGREE,
        QualityFlag.MIXED_CLASSES,
        QualityFlag.UNCERTAIN_LINE,
        QualityFlag.NOT_LUNG,
    }
)
"""Flags under which neither answer can be trusted."""

BLOCKS_ABSENT = frozenset({QualityFlag.TOO_SHORT, QualityFlag.DUPLICATE_FRAMES})
"""Flags that make a sliding lung look still: a pause in breathing, frames that repeat. Sliding that is seen counts."""

BLOCKS_PRESENT = frozenset({QualityFlag.PULSE_ONLY, QualityFlag.PROBE_MOTION})
"""Flags under which motion is no sliding: the heart moves a lung that does not breathe, the hand moves all of the
picture."""

ABSENT_NEEDS_BOTH = frozenset({QualityFlag.PROBE_MOTION})
"""Flags under which both judges must say absent. The strip is held still on the chest wall, so a moving probe need not
hide sliding; but one judge alone is not enough then."""

NOTHING_SCORED = frozenset({QualityFlag.NO_PLEURA, QualityFlag.FROZEN, QualityFlag.NOT_LUNG})
"""Flags under which a number would mean nothing: none is given."""

SLOWEST_TRUE_FPS = 8.0
"""Different frames a second, repeats not counted, under which no verdict is given, whatever was seen between them."""

CERTAIN_LINE = 0.7
"""Confidence that an automatic line needs before a lung is called still along it: texture under any other bright line
of the chest wall stands as still as a lung that does not slide."""

MIXED_SHARE = 0.25
"""Part of all windows and segments that may stand firmly for the other class before no verdict is given: the clip holds
both classes, as at a lung point, or the probe swept over more than one place."""

SPREAD = (10.0, 90.0)
"""Percentiles over windows and segments that make the interval of the probability."""

LUNG_POINT_PRESENT = 0.2
LUNG_POINT_ABSENT = 0.8
LUNG_POINT_STRETCH = 0.25
"""A stretch of one class must take this part of the line (or of the time) to count for a lung point."""


@dataclass(frozen=True, slots=True)
class VerdictRule:
    """What a model's card says of its answer.

    Attributes
    ----------
    threshold
        Probability from which the verdict is ls_a.
    abstain
        Band (low, high) of probabilities in which no verdict is given.
    temperature, bias
        Calibration: p = 1 / (1 + exp(-(logit + bias) / temperature)).
    """

    threshold: float = 0.5
    abstain: tuple[float, float] = (0.5, 0.5)
    temperature: float = 1.0
    bias: float = 0.0


@dataclass(frozen=True, slots=True)
class MotionOpinion:
    """What the measure without weights says: the index, 0 (still) to 1 (slides), and where it has an opinion at all.

    Attributes
    ----------
    index
        The motion index.
    still_below, slides_above
        Below the first it says absent, above the second present; between them it says nothing.
    """

    index: float
    still_below: float = 0.35
    slides_above: float = 0.65

    @property
    def label(self) -> SlidingLabel:
        """The opinion as a label; "cannot assess" where it has none."""
        if self.index <= self.still_below:
            return SlidingLabel.LS_A
        if self.index >= self.slides_above:
            return SlidingLabel.LS_P
        return SlidingLabel.CANNOT_ASSESS


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer and what it rests on.

    Attributes
    ----------
    label, p_absent, p_absent_interval
        As in `Prediction`; the interval always holds the probability.
    windows, segments
        Probability for each window over the whole line, and for each segment over the whole clip.
    quality
        All flags, those that this rule raised last.
    hint
        One or more sentences on extent, or on why no verdict is given where no flag says it; else empty.
    """

    label: SlidingLabel
    p_absent: float | None
    p_absent_interval: tuple[float, float] | None
    windows: tuple[WindowScore, ...]
    segments: tuple[SegmentScore, ...]
    quality: tuple[QualityFlag, ...]
    hint: str = ""


def probability(logits: Floats, rule: VerdictRule) -> Floats:
    """Return calibrated probabilities of absent sliding for logits of any shape; NaN stays NaN."""
    scaled = np.clip((np.asarray(logits, dtype=np.float64) + rule.bias) / rule.temperature, -60.0, 60.0)
    return np.asarray(1.0 / (1.0 + np.exp(-scaled)))


def window_probability(logits: Floats, rule: VerdictRule) -> float:
    """Return the probability of one window from the logits of its segments, (S,); NaN where none was scored."""
    return float(probability(np.asarray(_mean(logits)), rule))


def clip_logit(logits: Floats) -> float:
    """Return the logit of a clip: mean over the line, median over windows, so that one spoilt window turns nothing."""
    rows = np.array([_mean(row) for row in logits])
    return float(np.median(rows[np.isfinite(rows)]))


def network_label(logits: Floats, rule: VerdictRule) -> SlidingLabel:
    """Return what the network alone says of logits (windows, segments), without flags and second judge."""
    if not np.isfinite(logits).any():
        return SlidingLabel.CANNOT_ASSESS
    return _class_of(float(probability(np.asarray(clip_logit(logits)), rule)), rule)


def decide(
    logits: Floats,
    spans: Sequence[tuple[int, int]],
    rule: VerdictRule,
    quality: Sequence[QualityFlag] = (),
    motion: MotionOpinion | None = None,
    *,
    times_s: Floats | None = None,
    true_fps: float | None = None,
    line_confidence: float | None = None,
) -> Verdict:
    """Turn scores into a verdict.

    Parameters
    ----------
    logits, spans
        (windows, segments) logits, positive for absent, NaN: not scored; (start, stop) frames of each window.
    quality
        Flags of clip and strip.
    motion
        The second judge; None where nothing could be measured.
    times_s
        (windows,) middle of each window in seconds, for the hint; None where it should not speak of time.
    true_fps
        Different frames a second, repeats not counted.
    line_confidence
        Of an automatic line; None for one that a person has drawn or a file gave.
    """
    flags = list(dict.fromkeys(quality))
    scored = np.isfinite(logits)
    if not scored.any() or NOTHING_SCORED & set(flags):
        return Verdict(SlidingLabel.CANNOT_ASSESS, None, None, (), (), tuple(flags))
    p = float(probability(np.asarray(clip_logit(logits)), rule))
    network = _class_of(p, rule)
    flags = _with_disagreement(flags, network, motion)
    p_all = probability(logits[scored], rule)
    flags += [flag for flag in _doubts(network, p_all, line_confidence) if flag not in flags]
    blocked = _blocked(network, frozenset(flags), motion, true_fps)
    hints = (lung_point_hint(probability(logits, rule), times_s), _band_hint(network, rule) if not blocked else "")
    return Verdict(
        SlidingLabel.CANNOT_ASSESS if blocked else network,
        p,
        _interval(p, p_all),
        _window_scores(logits, spans, rule),
        _segment_scores(logits, rule),
        tuple(flags),
        " ".join(hint for hint in hints if hint),
    )


@dataclass(frozen=True, slots=True)
class LungPoint:
    """Where a firm stretch of one class gives way to one of the other: a hint, never a diagnosis.

    Attributes
    ----------
    along
        Fraction of the line's length at which the classes meet; None where they follow one another in time.
    time_s
        Moment at which one class gives way to the other; None where they lie side by side.
    sliding_first
        True where the sliding part lies before the boundary: nearer to the line's first point, or earlier.
    """

    along: float | None
    time_s: float | None
    sliding_first: bool


def lung_point(p_absent: Floats, times_s: Floats | None = None) -> LungPoint | None:
    """Return where both classes stand firmly side by side along the line or, failing that, after one another.

    Parameters
    ----------
    p_absent
        (windows, segments) probabilities.
    times_s
        (windows,) middle of each window in seconds; None where time is not to be looked at.
    """
    along = np.array([_mean(column) for column in p_absent.T])
    border = _border(along)
    if border is not None:
        return LungPoint(border / len(along), None, _slides_before(along, border))
    if times_s is None:
        return None
    rows = np.array([_mean(row) for row in p_absent])
    border = _border(rows)
    if border is None:
        return None
    moment = float(np.interp(border - 0.5, np.arange(len(times_s)), times_s))
    return LungPoint(None, moment, _slides_before(rows, border))


def lung_point_hint(p_absent: Floats, times_s: Floats | None = None) -> str:
    """Return a sentence on the `lung_point` of these probabilities, or an empty one where there is none."""
    found = lung_point(p_absent, times_s)
    if found is None:
        return ""
    if found.along is not None:
        return f"Both classes along the line: possible lung point at {100 * found.along:.0f} % of its length."
    return f"Both classes one after the other: sliding begins or ends at about {found.time_s:.1f} s."


def _class_of(p: float, rule: VerdictRule) -> SlidingLabel:
    low, high = rule.abstain
    if low < high and low <= p <= high:
        return SlidingLabel.CANNOT_ASSESS
    return SlidingLabel.LS_A if p >= rule.threshold else SlidingLabel.LS_P


def _blocked(
    label: SlidingLabel, flags: frozenset[QualityFlag], motion: MotionOpinion | None, true_fps: float | None
) -> bool:
    if flags & BLOCKS_ANY_VERDICT or (true_fps is not None and true_fps < SLOWEST_TRUE_FPS):
        return True
    agreed = motion is not None and motion.label is SlidingLabel.LS_A
    if label is SlidingLabel.LS_A and flags & ABSENT_NEEDS_BOTH and not agreed:
        return True
    blocks = {SlidingLabel.LS_A: BLOCKS_ABSENT, SlidingLabel.LS_P: BLOCKS_PRESENT}.get(label, frozenset())
    return bool(flags & blocks)


def _interval(p: float, p_all: Floats) -> tuple[float, float]:
    """Return the spread over windows and segments, widened where it does not hold the probability itself."""
    low, high = (float(edge) for edge in np.percentile(p_all, SPREAD))
    return min(low, p), max(high, p)


def _with_disagreement(
    flags: list[QualityFlag], network: SlidingLabel, motion: MotionOpinion | None
) -> list[QualityFlag]:
    """Add the flag of disagreement where both judges have an opinion and the opinions differ."""
    says = motion.label if motion is not None else SlidingLabel.CANNOT_ASSESS
    if SlidingLabel.CANNOT_ASSESS in (network, says) or network is says:
        return flags
    return [flag for flag in flags if flag is not QualityFlag.MODELS_DISAGREE] + [QualityFlag.MODELS_DISAGREE]


def _doubts(network: SlidingLabel, p_absent: Floats, line_confidence: float | None) -> list[QualityFlag]:
    """Return the flags that the scores and the line themselves raise against the network's answer."""
    doubts = []
    if network is SlidingLabel.LS_A and line_confidence is not None and line_confidence < CERTAIN_LINE:
        doubts.append(QualityFlag.UNCERTAIN_LINE)
    if _mixed(network, p_absent):
        doubts.append(QualityFlag.MIXED_CLASSES)
    return doubts


def _band_hint(network: SlidingLabel, rule: VerdictRule) -> str:
    low, high = rule.abstain
    if network is not SlidingLabel.CANNOT_ASSESS:
        return ""
    return f"The probability lies between {low:.2f} and {high:.2f}, where no verdict is given."


def _mixed(label: SlidingLabel, p_absent: Floats) -> bool:
    """Return whether too much of the clip stands firmly against its verdict."""
    if label is SlidingLabel.CANNOT_ASSESS:
        return False
    against = p_absent <= LUNG_POINT_PRESENT if label is SlidingLabel.LS_A else p_absent >= LUNG_POINT_ABSENT
    return bool(against.mean() > MIXED_SHARE)


def _mean(values: Floats) -> float:
    known = np.asarray(values)[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _window_scores(logits: Floats, spans: Sequence[tuple[int, int]], rule: VerdictRule) -> tuple[WindowScore, ...]:
    scores = [(span, window_probability(row, rule)) for span, row in zip(spans, logits, strict=True)]
    return tuple(WindowScore(start, stop, p) for (start, stop), p in scores if np.isfinite(p))


def _segment_scores(logits: Floats, rule: VerdictRule) -> tuple[SegmentScore, ...]:
    count = logits.shape[1]
    scores = []
    for index, column in enumerate(logits.T):
        known = column[np.isfinite(column)]
        if known.size:
            p = float(probability(np.median(known), rule))
            scores.append(SegmentScore(index / count, (index + 1) / count, p))
    return tuple(scores)


def _border(p: Floats) -> float | None:
    """Return between which cells a firm stretch of one class gives way to one of the other, None where none does."""
    stretch = max(2, int(np.ceil(LUNG_POINT_STRETCH * len(p))))
    firm = np.where(p <= LUNG_POINT_PRESENT, -1, np.where(p >= LUNG_POINT_ABSENT, 1, 0))
    firm[~np.isfinite(p)] = 0
    runs = _runs(firm)
    long = [(start, stop, kind) for start, stop, kind in runs if kind != 0 and stop - start >= stretch]
    for (_, stop, kind), (start, _, next_kind) in pairwise(long):
        if kind != next_kind and start - stop <= stretch:
            return (stop + start) / 2.0
    return None


def _slides_before(p: Floats, border: float) -> bool:
    """Return whether the class before a border of cells is the sliding one."""
    return _mean(p[: int(border)]) < _mean(p[int(np.ceil(border)) :])


def _runs(values: npt.NDArray[np.int64]) -> list[tuple[int, int, int]]:
    edges = np.flatnonzero(np.diff(values)) + 1
    starts, stops = [0, *edges.tolist()], [*edges.tolist(), len(values)]
    return [(start, stop, int(values[start])) for start, stop in zip(starts, stops, strict=True) if stop > start]
