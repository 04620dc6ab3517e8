"""How likely a line is the pleura: small decision trees over what `line_candidates` sees of it.

The trees were grown by packaging/train_pleura.py on simulated clips with and without a pleural line and on recorded
clips; their sum is the logarithm of the odds, scaled on clips that the trees had not seen.
"""

import json
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lsgui.core.resources import resources_dir
from lsgui.imaging.line_candidates import FEATURES

JUDGE_FILE = "pleura_finder.json"
WEIGHED = (*FEATURES, "share of the clip")
"""What the trees ask for: the features of a line, and the share of the clip's stretches that show it."""


@dataclass(frozen=True, slots=True, eq=False)
class LineJudge:
    """Trees of depth two, all arrays over N trees.

    Attributes
    ----------
    feature, threshold
        (N, 3): what the root, its left and its right child ask, and the value up to which they go left.
    leaf
        (N, 4): what a tree adds, by its two answers.
    slope, offset
        What turns the sum into the logarithm of the odds.
    """

    feature: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.float64]
    leaf: npt.NDArray[np.float64]
    slope: float
    offset: float

    def confidence(self, features: npt.NDArray[np.float64]) -> float:
        """Return the probability that a line with these features, in the order of `WEIGHED`, is the pleura."""
        every = np.arange(len(self.leaf))
        first = features[self.feature[:, 0]] > self.threshold[:, 0]
        child = 1 + first.astype(np.int64)
        second = features[self.feature[every, child]] > self.threshold[every, child]
        total = float(self.leaf[every, 2 * first + second].sum())
        return float(1.0 / (1.0 + np.exp(-(self.slope * total + self.offset))))


@lru_cache(maxsize=1)
def line_judge() -> LineJudge:
    """Return the trees that ship with the program."""
    data = json.loads((resources_dir() / JUDGE_FILE).read_text(encoding="utf-8"))
    if tuple(data["features"]) != WEIGHED:
        raise ValueError(f"{JUDGE_FILE} weighs other features than the program sees: run packaging/train_pleura.py")
    return LineJudge(
        np.array(data["feature"], dtype=np.int64),
        np.array(data["threshold"], dtype=np.float64),
        np.array(data["leaf"], dtype=np.float64),
        float(data["slope"]),
        float(data["offset"]),
    )
