"""Quality flags that only the strip can raise: was the chest wall followed, did the probe move, is it only a pulse."""

import numpy as np
import numpy.typing as npt

from lsgui.core.prediction import QualityFlag
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.motion_bands import motion_bands
from lsgui.imaging.motion_index import MotionEvidence
from lsgui.imaging.probe_motion import probe_motion

LOST_CORRELATION = 0.55
LOST_SHARE = 0.2
"""The wall counts as lost when its correlation is under the first in more than the second part of the frames."""

CUT_S = 0.25
CUT_LIKENESS = 0.45
CUT_DROP = 0.35
"""A cut to another place: the wall of the quarter second before is hardly like that of the quarter second after, and
less so than is usual in the clip."""

QUIET_INDEX = 0.5
"""Motion index under which the lung changes no more than the chest wall does."""

Floats = npt.NDArray[np.float64]


def strip_flags(
    strip: PleuralStrip, evidence: MotionEvidence, line_path_mm: Floats | None = None
) -> tuple[QualityFlag, ...]:
    """Return the flags of a strip.

    Parameters
    ----------
    strip, evidence
        The strip and its motion index.
    line_path_mm
        (T, 2) path of the line that the strip was cut along (`probe_motion.line_path_mm`); None: the line stands.
    """
    flags = []
    if float((strip.wall_correlation < LOST_CORRELATION).mean()) > LOST_SHARE or _is_cut(strip):
        flags.append(QualityFlag.TRACKING_LOST)
    quiet = evidence.index is None or evidence.index < QUIET_INDEX
    if quiet and probe_motion(strip, line_path_mm).moves:
        flags.append(QualityFlag.PROBE_MOTION)
    bands = motion_bands(strip)
    if bands is not None and bands.is_pulse:
        flags.append(QualityFlag.PULSE_ONLY)
    return tuple(flags)


def _is_cut(strip: PleuralStrip) -> bool:
    """Return whether the chest wall is exchanged for another one from one frame to the next."""
    size = max(round(CUT_S * strip.fps), 2)
    rows = slice(2, max(strip.pleura_row - 3, 3))
    seen = strip.valid[rows]
    if len(strip.frames) < 4 * size or int(seen.sum()) < 40:
        return False
    wall = strip.frames[:, rows][:, seen].astype(np.float32)
    total = np.concatenate([np.zeros((1, wall.shape[1]), np.float32), np.cumsum(wall, axis=0, dtype=np.float32)])
    means = (total[size:] - total[:-size]) / np.float32(size)
    means -= means.mean(axis=1, keepdims=True)
    length = np.maximum(np.linalg.norm(means, axis=1), 1e-3)
    likeness = (means[:-size] * means[size:]).sum(axis=1) / (length[:-size] * length[size:])
    lowest = float(likeness.min())
    return lowest < CUT_LIKENESS and lowest < float(np.median(likeness)) - CUT_DROP
