"""Quality flags that only the strip can raise: was the chest wall followed, did the probe move, is it only a pulse."""

import numpy as np

from lsgui.core.prediction import QualityFlag
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.motion_index import MotionEvidence

LOST_CORRELATION = 0.55
LOST_SHARE = 0.2
"""The wall counts as lost when its correlation is under the first in more than the second part of the frames."""

PROBE_SPEED_MM_S = 2.5
"""Mean speed of the wall against the pleural line above which the probe is being moved, not held."""

PULSE_RATIO = 0.1
"""Breathing band over pulse band: below it nearly all change comes with the heart."""


def strip_flags(strip: PleuralStrip, evidence: MotionEvidence) -> tuple[QualityFlag, ...]:
    """Return the flags of a strip."""
    flags = []
    if float((strip.wall_correlation < LOST_CORRELATION).mean()) > LOST_SHARE:
        flags.append(QualityFlag.TRACKING_LOST)
    if _probe_moves(strip, evidence):
        flags.append(QualityFlag.PROBE_MOTION)
    if evidence.band_ratio is not None and evidence.band_ratio < PULSE_RATIO:
        flags.append(QualityFlag.PULSE_ONLY)
    return tuple(flags)


def _probe_moves(strip: PleuralStrip, evidence: MotionEvidence) -> bool:
    """The wall keeps moving fast, and what lies below changes no more than the wall does."""
    if len(strip.times_s) < 3:
        return False
    step = np.hypot(*np.diff(strip.wall_shift_mm, axis=0).T) / np.maximum(np.diff(strip.times_s), 1e-3)
    quiet = evidence.index is None or evidence.index < 0.5
    return bool(step.mean() > PROBE_SPEED_MM_S and quiet)
