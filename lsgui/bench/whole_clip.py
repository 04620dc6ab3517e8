"""All windows of a clip of 900 frames: in one pass that shares its convolutions, beside one window after another."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lsgui.bench.networks import AGAINST, REST_S, multiply_adds
from lsgui.bench.rows import Area, BenchRow, Tell, row_of
from lsgui.bench.sample_clips import simulate_sample
from lsgui.bench.timing import SideBySide, side_by_side
from lsgui.imaging.motion_index import window_starts
from lsgui.imaging.strip_channels import CHANNELS, sample_moments, strip_channels
from lsgui.imaging.strip_cutter import cut_strip
from lsgui.inference.device import resolve_device
from lsgui.inference.served_models import network_of, strip_scorer
from lsgui.inference.strip_scoring import window_batch
from lsgui.inference.verdict import VerdictRule, probability
from lsgui.inference.whole_clip import WINDOWS_AT_ONCE, StripScorer
from lsgui.models.card import load_card
from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.models.strip_sharing import SharedCmwruStrip, blocks_of

MODEL = "cmwru-strip"
FRAMES = 900
QUICK_FRAMES = 240
TARGET = 3.0
_BATCH = 8
_MOST_S = 8.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WholeClip:
    """The windows of one clip.

    Attributes
    ----------
    by_window
        Eager PyTorch, one window after another, beside the shipped pass.
    by_batch
        Eager PyTorch, eight windows at a time, beside the shipped pass.
    same_engine
        The shipped engine, one window after another, beside the shipped pass: what sharing alone brings.
    first_s
        Seconds until the first windows have their probability.
    multiply_adds, shared_multiply_adds
        Of eight windows one by one, and of the pass that shares them.
    logit_difference, difference
        Largest difference of a logit, and of a calibrated probability, from eager PyTorch window by window.
    """

    frames: int
    windows: int
    engine: str
    by_window: SideBySide
    by_batch: SideBySide
    same_engine: SideBySide
    first_s: float
    multiply_adds: int
    shared_multiply_adds: int
    logit_difference: float
    difference: float

    def as_json(self) -> dict[str, Any]:
        """Return the `whole_clip` object."""
        return {
            "whole_clip": {
                "model": MODEL,
                "frames": self.frames,
                "windows": self.windows,
                "engine": self.engine,
                **self.by_window.as_json(),
                "against_eager_batches": self.by_batch.as_json(),
                "against_same_engine_window_by_window": self.same_engine.as_json(),
                "first_windows_s": self.first_s,
                "multiply_adds_of_8_windows": self.multiply_adds,
                "multiply_adds_of_8_windows_shared": self.shared_multiply_adds,
                "max_logit_difference": self.logit_difference,
                "max_probability_difference": self.difference,
            }
        }

    def rows(self) -> list[BenchRow]:
        """Return the rows: the target is against window by window, the others say where the gain comes from."""
        what = f"{self.windows} windows of {self.frames} frames"
        share = f"{100 * self.shared_multiply_adds / self.multiply_adds:.0f} % of the multiplications"
        return [
            row_of(
                Area.CLIP, what, self.by_window, against=f"{AGAINST}, by window", unit="ms", target=TARGET, note=share
            ),
            row_of(Area.CLIP, "the same", self.by_batch, against=f"{AGAINST}, 8 windows at once", unit="ms"),
            row_of(Area.CLIP, "the same", self.same_engine, against=f"{self.engine}, by window", unit="ms"),
            BenchRow(Area.CLIP, "first windows on the ribbon", 1000 * self.first_s, "ms"),
        ]


def measure(tell: Tell, quick: bool) -> WholeClip:
    """Simulate a clip, cut its strip as the program does, and score its windows in four ways."""
    resolve_device("cpu")
    frames, rounds = (QUICK_FRAMES, 1) if quick else (FRAMES, 7)
    tell("Simulating a clip", 0.0)
    channels, starts = clip_channels(frames)
    card = load_card(MODEL)
    network = network_of(MODEL, card.sha256, "cpu")
    if not isinstance(network, CmwruStrip):
        raise TypeError(f"{MODEL} is not the network on the pleural strip")
    scorer = strip_scorer(MODEL, card, "cpu")
    scorer.prepare()
    rule = VerdictRule(card.threshold, card.abstain, card.calibration.temperature, card.calibration.bias)
    with torch.inference_mode():
        return _measured(tell, frames, rounds, network, scorer, channels, starts, rule)


def _measured(
    tell: Tell,
    frames: int,
    rounds: int,
    network: CmwruStrip,
    scorer: StripScorer,
    channels: npt.NDArray[np.float32],
    starts: npt.NDArray[np.int64],
    rule: VerdictRule,
) -> WholeClip:
    one_by_one = torch.from_numpy(window_batch(channels, starts))

    def shared() -> Floats:
        return np.concatenate(list(scorer.score_channels(channels, starts)))

    def by_window() -> Floats:
        return torch.cat([network(one_by_one[k : k + 1]) for k in range(len(starts))]).numpy().astype(np.float64)

    def by_batch() -> None:
        for first in range(0, len(starts), _BATCH):
            network(one_by_one[first : first + _BATCH])

    def same_engine() -> None:
        scorer.one_window(one_by_one)

    one, other = shared(), by_window()
    tell("One window after another", 0.3)
    against_window = side_by_side(by_window, shared, rounds, most_s=_MOST_S, rest_s=REST_S)
    tell("Eight windows at a time", 0.6)
    against_batch = side_by_side(by_batch, shared, rounds, most_s=_MOST_S, rest_s=REST_S)
    tell("The same engine", 0.8)
    against_engine = side_by_side(same_engine, shared, rounds, most_s=_MOST_S, rest_s=REST_S)
    first = side_by_side(lambda: None, lambda: next(scorer.score_channels(channels, starts)), rounds)
    eight = one_by_one[:1].expand(WINDOWS_AT_ONCE, -1, -1, -1, -1)
    blocks = torch.zeros(blocks_of(WINDOWS_AT_ONCE), CHANNELS, *one_by_one.shape[3:])
    return WholeClip(
        frames=frames,
        windows=len(starts),
        engine=scorer.engine,
        by_window=against_window,
        by_batch=against_batch,
        same_engine=against_engine,
        first_s=first.shipped.best_s,
        multiply_adds=multiply_adds(network, eight),
        shared_multiply_adds=multiply_adds(SharedCmwruStrip(network), blocks),
        logit_difference=float(np.abs(one - other).max()),
        difference=float(np.abs(probability(one, rule) - probability(other, rule)).max()),
    )


def clip_channels(frames: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return the channels of a simulated clip of so many frames, 30 a second, and where its windows begin."""
    made, order = simulate_sample(frames, 480, 360)
    times_s = np.arange(frames) / 30.0
    strip = cut_strip(made.frames[order], (0, 0), times_s, made.roi, made.mm_per_px, True)
    moments = sample_moments(strip.times_s)
    return strip_channels(strip.frames[moments].astype(np.float32)), window_starts(len(moments))
