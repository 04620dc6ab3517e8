"""Whether a clip is one that a verdict on lung sliding may be given of: a lung, the right way up, in grey, moving.

The trees weigh what `lung_look` sees; they were grown by packaging/train_lung_look.py on simulated and recorded lungs
and on clips of everything else that it could be taken for. The answer does not know of the pleural line: whether the
program found it or a hand drew it, a heart remains a heart.
"""

import json
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Clip
from lsgui.core.prediction import QualityFlag
from lsgui.core.resources import resources_dir
from lsgui.imaging.line_judge import LineJudge
from lsgui.imaging.lung_look import FEATURES, can_be_seen, looked_at, lung_look
from lsgui.imaging.scan_area import ScanArea

Signs = npt.NDArray[np.float64]

JUDGE_FILE = "lung_look.json"
MOST_COLOUR = 0.005
"""Share of the picture in changing colour above which a clip is no grey image: colour flow, or a camera. It was 0 in
17 recorded lungs."""


BEATING, AT_HEART_RATE, SOON_LOST = 0.1, 0.46, 0.85
"""A heart: the change of coarse blocks against their contrast, times the share of it at heart rate; that share; and the
likeness of the grain after 0.05 s in the upper thirds, under which tissue moves by itself. All three at once were seen
in 1 of 300 simulated lungs and in no recorded one; they were set with one recorded heart in view."""
BEATS_S = 2.0
"""How much must be seen for that: in less, which holds one beat, they were seen in 25 of 204 stretches of lungs."""


def lung_flags(clip: Clip, area: ScanArea) -> tuple[QualityFlag, ...]:
    """Return the flag `NOT_LUNG` where a clip is not one to be judged, else nothing.

    Parameters
    ----------
    clip
        The whole clip.
    area
        Its scan area.
    """
    if clip.info.colour_share > MOST_COLOUR:
        return (QualityFlag.NOT_LUNG,)
    if not can_be_seen(clip, area):
        return ()
    start, stop = looked_at(clip)
    refused = is_refused(lung_look(clip, area), (stop - start) / clip.info.fps)
    return (QualityFlag.NOT_LUNG,) if refused else ()


def is_refused(signs: Signs, seconds: float) -> bool:
    """Return whether the signs of `lung_look`, in so many seconds, are those of a clip that is not to be judged."""
    trees, least = _judge()
    return trees.confidence(signs) < least or (seconds >= BEATS_S and beats(signs))


def beats(signs: Signs) -> bool:
    """Return whether tissue beats all over the picture, as only a heart does."""
    seen = dict(zip(FEATURES, signs.tolist(), strict=True))
    lost = min(seen["likeness soon above"], seen["likeness soon middle"]) < SOON_LOST
    return bool(lost and seen["beats"] > AT_HEART_RATE and seen["blocks change"] * seen["beats"] > BEATING)


def lung_probability(clip: Clip, area: ScanArea) -> float:
    """Return how surely a clip is a lung the right way up, 0 to 1, by the trees alone."""
    return _judge()[0].confidence(lung_look(clip, area))


@lru_cache(maxsize=1)
def _judge() -> tuple[LineJudge, float]:
    data = json.loads((resources_dir() / JUDGE_FILE).read_text(encoding="utf-8"))
    if tuple(data["features"]) != FEATURES:
        raise ValueError(f"{JUDGE_FILE} weighs other signs than the program sees: run packaging/train_lung_look.py")
    trees = LineJudge(
        np.array(data["feature"], dtype=np.int64),
        np.array(data["threshold"], dtype=np.float64),
        np.array(data["leaf"], dtype=np.float64),
        float(data["slope"]),
        float(data["offset"]),
    )
    return trees, float(data["least"])
