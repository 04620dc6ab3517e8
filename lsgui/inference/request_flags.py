"""What is said against a request and its strip: quality flags and the rate of different frames. No torch."""

import numpy as np

from lsgui.core.clip import MemoryFrames
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import QualityFlag
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.frame_change import coarse_changes
from lsgui.imaging.motion_index import MotionEvidence
from lsgui.imaging.probe_motion import line_path_mm
from lsgui.imaging.quality import line_flags, repeated_share
from lsgui.imaging.strip_flags import strip_flags
from lsgui.inference.protocol import InferenceRequest
from lsgui.models.card import ModelCard
from lsgui.models.preprocess import ClipInput


def request_flags(
    request: InferenceRequest, card: ModelCard, first: int, strip: PleuralStrip, evidence: MotionEvidence
) -> tuple[QualityFlag, ...]:
    """Return all flags of a clip but those of the verdict's own rule, each once.

    Parameters
    ----------
    card
        The model's: a clip that does not fill one of its windows is too short for it.
    first
        Frame of the request at which the strip begins.
    """
    path = line_path_mm(request.roi, first, len(strip.frames), request.mm_per_px)
    flags = [*request.quality, *_line_flags(request), *strip_flags(strip, evidence, path)]
    if not _fills_a_window(card, strip):
        flags.insert(0, QualityFlag.TOO_SHORT)
    return tuple(dict.fromkeys(flags))


def true_fps(request: InferenceRequest, fps: float) -> float:
    """Return how many different frames a second there are around the pleural line."""
    return fps * (1.0 - repeated_share([coarse_changes(request.frames)], fps))


def _line_flags(request: InferenceRequest) -> tuple[QualityFlag, ...]:
    corner = np.array(request.origin)
    roi = PleuralROI(tuple((k, line - corner) for k, line in request.roi.keyframes), request.roi.source)
    return line_flags(MemoryFrames(request.frames), roi, range(len(request.frames)), request.mm_per_px)


def _fills_a_window(card: ModelCard, strip: PleuralStrip) -> bool:
    """Return whether there are as many moments as a model on pictures asks for; a strip's window is under 3 s long."""
    if card.input.kind in ("strip", "none"):
        return True
    spec = ClipInput.from_card(card)
    moments = len(strip.times_s)
    if spec.rate_hz is not None:
        moments = round(float(strip.times_s[-1] - strip.times_s[0]) * spec.rate_hz) + 1
    return moments >= spec.frames
