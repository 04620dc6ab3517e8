"""The program's answer for one clip, with all that it rests on."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI


class QualityFlag(StrEnum):
    """A reason to trust an answer less. `sentence` is what the reader sees."""

    TOO_SHORT = "too_short"
    LOW_FRAME_RATE = "low_frame_rate"
    DUPLICATE_FRAMES = "duplicate_frames"
    FROZEN = "frozen"
    TRACKING_LOST = "tracking_lost"
    PROBE_MOTION = "probe_motion"
    NO_PLEURA = "no_pleura"
    PULSE_ONLY = "pulse_only"
    OVER_OR_UNDER_GAIN = "over_or_under_gain"
    FRAME_RATE_ASSUMED = "frame_rate_assumed"
    MODELS_DISAGREE = "models_disagree"
    MIXED_CLASSES = "mixed_classes"
    UNCERTAIN_LINE = "uncertain_line"
    SCALE_ESTIMATED = "scale_estimated"
    NOT_LUNG = "not_lung"

    @property
    def sentence(self) -> str:
        """One sentence for the reader."""
        return _SENTENCES[self.value]


_SENTENCES = {
    "too_short": "Shorter than one breath, or than the model looks at: record at least 3 s.",
    "low_frame_rate": "Under 12 frames/s: fine motion may be missed, record at a higher rate.",
    "duplicate_frames": "More than a fifth of the frames repeat the one before: export every frame as it was recorded.",
    "frozen": "Nothing changes over the clip: this is a still picture, record a moving one.",
    "tracking_lost": "The chest wall could not be followed: hold the probe still on one place and record again.",
    "probe_motion": "The whole picture moves more than the lung does: hold the probe still and record again.",
    "no_pleura": "No pleural line found: draw it (R).",
    "pulse_only": "The motion is at heart rate, not at breathing rate: a pulse is not sliding, record a deep breath.",
    "over_or_under_gain": "Too bright or too dark along the pleura: correct the gain and record again.",
    "frame_rate_assumed": "The file does not say its frame rate: one is assumed, do not rely on speeds and times.",
    "models_disagree": "The network and the motion index say opposite things: look at the M-mode and judge yourself.",
    "mixed_classes": "Some stretches or moments clearly slide and others clearly do not: look for a lung point.",
    "uncertain_line": "The line was found automatically and may not be the pleura: draw it (R) for a verdict.",
    "not_lung": "This does not look like a lung in B-mode the right way up: check organ, mode and orientation.",
    "scale_estimated": "The file has no scale: mm are estimated, ± 20 %, do not measure on them.",
}


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Which model answered: id, version and hash of its weights (empty for a model without weights)."""

    id: str
    version: str
    sha256: str
    title: str = ""
    trained_on: str = ""


@dataclass(frozen=True, slots=True)
class WindowScore:
    """Probability of absent sliding in frames start..stop-1."""

    start: int
    stop: int
    p_absent: float


@dataclass(frozen=True, slots=True)
class SegmentScore:
    """Probability of absent sliding over a stretch of pleura; `left`, `right` are fractions of the line's length."""

    left: float
    right: float
    p_absent: float


@dataclass(frozen=True, slots=True, eq=False)
class Ribbon:
    """Probability of absent sliding over time and along the pleura.

    Attributes
    ----------
    p_absent
        (windows, segments) float32, NaN where nothing could be scored.
    starts, stops
        (windows,) int64 frame range of each window, stop exclusive.
    """

    p_absent: npt.NDArray[np.float32]
    starts: npt.NDArray[np.int64]
    stops: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        for array in (self.p_absent, self.starts, self.stops):
            array.setflags(write=False)


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The verdict on a clip and its evidence.

    Attributes
    ----------
    clip
        File name of the clip, without its folder.
    label
        The verdict.
    p_absent, p_absent_interval
        Calibrated probability of absent sliding and its spread over windows and segments; None: nothing was scored.
    threshold, threshold_source
        The probability above which the verdict is ls_a, and where that number comes from.
    motion_index, motion_interval
        0 (lung moves with the chest wall) to 1; None where it could not be measured.
    band_ratio
        Power of lung motion in the breathing band (0.1-0.7 Hz) over the pulse band (0.8-2.5 Hz).
    wall_correlation
        Median correlation of the followed chest wall, 1 is perfect.
    hint
        A sentence on extent, such as a lung point; empty where there is none.
    """

    clip: str
    label: SlidingLabel
    p_absent: float | None
    p_absent_interval: tuple[float, float] | None
    threshold: float
    threshold_source: str
    model: ModelRef
    motion_index: float | None
    motion_interval: tuple[float, float] | None
    roi: PleuralROI | None
    windows: tuple[WindowScore, ...]
    segments: tuple[SegmentScore, ...]
    ribbon: Ribbon | None
    quality: tuple[QualityFlag, ...]
    band_ratio: float | None
    wall_correlation: float | None
    device: str
    seconds: dict[str, float] = field(default_factory=dict)
    hint: str = ""

    @property
    def tells_stretches(self) -> bool:
        """True where the model judges stretches of pleura one by one; one on whole pictures gives a single answer."""
        by_ribbon = self.ribbon is not None and self.ribbon.p_absent.shape[1] > 1
        return by_ribbon or len(self.segments) > 1

    def to_json(self) -> dict[str, Any]:
        """Return the object that `lsgui predict --json` prints for this clip."""
        return {
            "clip": self.clip,
            "label": self.label.value,
            "p_absent": _rounded(self.p_absent),
            "p_absent_interval": (
                None if self.p_absent_interval is None else [_rounded(v) for v in self.p_absent_interval]
            ),
            "threshold": self.threshold,
            "model": {"id": self.model.id, "version": self.model.version, "sha256": self.model.sha256},
            "motion_index": _rounded(self.motion_index),
            "roi": None if self.roi is None else self.roi.to_json(),
            "windows": [{"start": w.start, "stop": w.stop, "p_absent": _rounded(w.p_absent)} for w in self.windows],
            "segments": [
                {"from": _rounded(s.left), "to": _rounded(s.right), "p_absent": _rounded(s.p_absent)}
                for s in self.segments
            ],
            "quality": [flag.value for flag in self.quality],
            "device": self.device,
            "seconds": {name: round(value, 4) for name, value in self.seconds.items()},
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 4)
