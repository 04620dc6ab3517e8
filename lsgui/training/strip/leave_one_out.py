"""Leave one patient out: train on all others, judge the patient's clips, edits of them and corruptions of both."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lsgui.core.label import SlidingLabel
from lsgui.core.prediction import QualityFlag
from lsgui.imaging.motion_index import motion_index
from lsgui.imaging.quality import repeated_share
from lsgui.imaging.strip_flags import strip_flags
from lsgui.inference.strip_scoring import score_windows, strip_windows
from lsgui.inference.verdict import MotionOpinion, VerdictRule, clip_logit, decide, network_label, probability
from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.training.data.sources import is_recorded
from lsgui.training.strip.cases import StripCase, cases_of_row
from lsgui.training.strip.folds import fold_names
from lsgui.training.strip.windows import StripSource

JUDGES = ("network", "motion", "verdict")
"""The network alone, the motion index alone, and the rule that joins both with the flags."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What was said of one case, before any threshold.

    Attributes
    ----------
    logits
        (windows, segments) of the network.
    middles
        (windows,) middle of each window in seconds.
    index
        The motion index; None: not measured.
    """

    clip: str
    patient: str
    kind: str
    corruption: str
    absent: bool
    logits: npt.NDArray[np.float64]
    middles: npt.NDArray[np.float64]
    index: float | None
    flags: tuple[QualityFlag, ...]
    true_fps: float

    @property
    def logit(self) -> float:
        """The logit of the whole clip, as the verdict takes it."""
        return clip_logit(self.logits)

    def p_absent(self, rule: VerdictRule) -> float:
        """The calibrated probability of absent sliding."""
        return float(probability(np.asarray(self.logit), rule))

    def label(self, judge: str, rule: VerdictRule) -> SlidingLabel:
        """Return what one of `JUDGES` says."""
        motion = MotionOpinion(self.index) if self.index is not None else None
        if judge == "network":
            return network_label(self.logits, rule)
        if judge == "motion":
            return motion.label if motion is not None else SlidingLabel.CANNOT_ASSESS
        spans = [(0, 1)] * len(self.logits)  # where the windows lie does not change the verdict
        return decide(self.logits, spans, rule, self.flags, motion, times_s=self.middles, true_fps=self.true_fps).label

    def to_json(self, rule: VerdictRule) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "clip": self.clip,
            "patient": self.patient,
            "kind": self.kind,
            "corruption": self.corruption,
            "absent": self.absent,
            "logit": round(self.logit, 4),
            "p_absent": round(self.p_absent(rule), 4),
            "index": None if self.index is None else round(self.index, 4),
            **{judge: str(self.label(judge, rule)) for judge in JUDGES},
            "flags": [str(flag) for flag in self.flags],
        }


def judge(network: CmwruStrip, case: StripCase) -> Judgement:
    """Judge one case."""
    strip = case.strip
    moments, starts = strip_windows(strip)
    lasts = np.minimum(starts + 31, len(moments) - 1)
    return Judgement(
        case.clip,
        case.patient,
        case.kind,
        case.corruption,
        case.absent,
        np.concatenate(list(score_windows(network, strip, "cpu"))),
        (strip.times_s[moments[starts]] + strip.times_s[moments[lasts]]) / 2.0,
        case.evidence.index,
        case.flags,
        case.true_fps,
    )


def leave_one_out(
    sources: Sequence[StripSource],
    extra: Sequence[StripSource],
    train: Callable[[Sequence[StripSource], str], CmwruStrip],
    done: Callable[[str, list[Judgement]], None],
) -> list[Judgement]:
    """Train once for every patient without that patient, and return what is said of the patients' clips as recorded.

    Parameters
    ----------
    sources
        The data set, as the final network learns it.
    extra
        Sources that every fold trains on, such as simulated strips.
    train
        (sources, name of the fold) to a network.
    done
        Called with the patient and what was said of the patient's clips after each fold.
    """
    recorded = [source.row for source in sources if source.row is not None and is_recorded(source.row)]
    cases = [list(cases_of_row(row)) for row in recorded]  # all of them now: a fault costs no training
    judged: list[Judgement] = []
    for patient, fold in fold_names(row.patient for row in recorded).items():
        network = train([*(source for source in sources if source.patient != patient), *extra], fold)
        found = [judge(network, case) for of_row in cases for case in of_row if case.patient == patient]
        judged += found
        done(patient, found)
    return judged


def simulated_cases(sources: Iterable[StripSource]) -> Iterator[StripCase]:
    """Yield simulated strips as cases, labelled by most of their line and named by their scenario.

    Of the flags they carry only those that the strip itself raises: their pictures are not kept.
    """
    for source in sources:
        strip = source.strip
        evidence = motion_index(strip)
        coarse = strip.frames[:, ::2, ::2].astype(np.int16)
        changes = np.abs(np.diff(coarse, axis=0)).mean(axis=(1, 2)).astype(np.float64)
        yield StripCase(
            clip=source.clip,
            patient=source.patient,
            kind=source.scenario or "simulated",
            corruption="",
            absent=bool(source.absent.mean() > 0.5),
            strip=strip,
            evidence=evidence,
            flags=strip_flags(strip, evidence, source.line_path_mm),
            true_fps=strip.fps * (1.0 - repeated_share([changes], strip.fps)),
        )
