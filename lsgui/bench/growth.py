"""Whether memory grows from round to round, told from the noise of the measurement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Growth:
    """A straight line through what was held after each round.

    Attributes
    ----------
    rounds
        Rounds that the line goes through; those before, in which caches fill, are left out.
    mb_per_round
        Its slope, by the median of the slopes between all pairs of rounds (Theil and Sen): one large step among many
        rounds is no growth.
    noise_mb
        Half the spread of the middle 80 % of the figures around the line: a growth of less is not seen.
    first_mb, last_mb
        The medians of the first and the last tenth of those rounds, at least three.
    """

    rounds: int
    mb_per_round: float
    noise_mb: float
    first_mb: float
    last_mb: float

    def as_json(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "rounds": self.rounds,
            "mb_per_round": round(self.mb_per_round, 4),
            "noise_mb": round(self.noise_mb, 2),
            "first_mb": round(self.first_mb, 1),
            "last_mb": round(self.last_mb, 1),
        }


def growth_of(held_mb: Sequence[float], skipped: int) -> Growth | None:
    """Return the growth over rounds, of which the first `skipped` are left out; None for fewer than four others."""
    held = np.asarray(held_mb[skipped:], dtype=np.float64)
    if len(held) < 4:
        return None
    later, earlier = np.tril_indices(len(held), -1)
    slope = float(np.median((held[later] - held[earlier]) / (later - earlier)))
    line = slope * np.arange(len(held))
    off = held - line - np.median(held - line)
    part = max(len(held) // 10, min(3, len(held)))
    return Growth(
        rounds=len(held),
        mb_per_round=slope,
        noise_mb=float(np.subtract(*np.percentile(off, [90, 10]))) / 2.0,
        first_mb=float(np.median(held[:part])),
        last_mb=float(np.median(held[-part:])),
    )
