"""Draw training windows from pleural strips: edit, augment, label each stretch of pleura."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

from lsgui.core.strip import PleuralStrip
from lsgui.imaging.strip_channels import SAMPLE_HZ, WINDOW_SAMPLES, sample_moments, strip_channels
from lsgui.models.cmwru_strip import SEGMENT_COLUMNS
from lsgui.training.data.dataset_rows import DatasetRow
from lsgui.training.strip.augment import augment
from lsgui.training.strip.edits import NEGATIVE, EditKind, Window, edit_window, random_seam

SIMULATED = "simulated"
"""`StripSource.source` of strips that come from the simulator."""

WINDOW_COLUMNS = 32
"""Columns of a training window, 12.8 mm of pleura."""

_KIND_ODDS: dict[EditKind, float] = {
    "original": 0.24,
    "retimed": 0.17,
    "shallow": 0.08,
    "held": 0.07,
    "residual": 0.13,
    "pulse": 0.13,
    "mirror": 0.13,
    "mirror_held": 0.05,
}


@dataclass(frozen=True, slots=True, eq=False)
class StripSource:
    """A strip to draw from.

    Attributes
    ----------
    absent
        (T, S) float32 in 0..1: whether sliding is absent at that moment and column; all 0 for a sliding clip.
    edited
        True when negatives are to be made from it; False for simulated strips, which bring their own.
    scenario
        What a simulated clip shows; empty for others.
    row
        The row of the data set that it was read from; None where it was simulated for training.
    line_path_mm
        (T, 2) path of the line that the strip was cut along (`probe_motion.line_path_mm`); None: the line stands.
    """

    strip: PleuralStrip
    patient: str
    clip: str
    source: str
    absent: npt.NDArray[np.float32]
    edited: bool
    scenario: str = ""
    row: DatasetRow | None = None
    line_path_mm: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TrainingWindow:
    """One example: (32, 64, 32) float32 grey values and the label of each stretch, (4,) float32 in 0..1."""

    window: Window
    absent: npt.NDArray[np.float32]
    kind: str


class WindowBank:
    """Windows that were drawn once and are asked for again by other folds: a window depends on its name alone.

    Parameters
    ----------
    budget_bytes
        Memory to use; beyond it windows are drawn anew each time.
    """

    def __init__(self, budget_bytes: int = 1_500_000_000) -> None:
        self._kept: dict[tuple[object, ...], tuple[npt.NDArray[np.float16], npt.NDArray[np.float32]]] = {}
        self._left = budget_bytes

    def get(
        self, name: tuple[object, ...], draw: Callable[[], "TrainingWindow"]
    ) -> tuple[Window, npt.NDArray[np.float32]]:
        """Return channels (C, 8, 32, 16), rounded to half precision, and labels (4,) of the window `name`."""
        found = self._kept.get(name)
        if found is None:
            drawn = draw()
            found = strip_channels(drawn.window).astype(np.float16), drawn.absent
            if found[0].nbytes <= self._left:
                self._left -= found[0].nbytes
                self._kept[name] = found
        return found[0].astype(np.float32), found[1]


class WindowDrawer:
    """Draws windows: the set first, then a patient, then a clip, so that no long clip or large patient rules.

    Parameters
    ----------
    sources
        What to draw from, real and simulated.
    simulated_share
        Share of windows taken from simulated strips, where there are any.
    bank
        Shared by the folds of one measurement: left-out patients apart, they then train on the same windows.
    h264_odds
        How many of the windows are recoded as H.264.
    """

    def __init__(
        self,
        sources: Sequence[StripSource],
        simulated_share: float,
        bank: WindowBank | None = None,
        h264_odds: float = 0.0,
    ) -> None:
        self._share = simulated_share
        self._h264_odds = h264_odds
        self._bank = bank or WindowBank(0)
        self._simulated = tuple(s for s in sources if s.source == SIMULATED)
        self._real: dict[str, list[StripSource]] = {}
        for source in sources:
            if source.source != SIMULATED:
                self._real.setdefault(source.patient, []).append(source)

    def batch(self, size: int, seed: tuple[int, int]) -> tuple[Window, npt.NDArray[np.float32]]:
        """Return channels (N, C, 8, 32, 16) and labels (N, 4), the same for the same seed whatever was drawn before."""
        drawn = [self._window((*seed, slot)) for slot in range(size)]
        return np.stack([channels for channels, _ in drawn]), np.stack([absent for _, absent in drawn])

    def _window(self, place: tuple[int, int, int]) -> tuple[Window, npt.NDArray[np.float32]]:
        """Return the window of (seed, step, slot): of one set of patients mostly the same as of another set."""
        group = self._group(place)
        mark = crc32("|".join([group[0].patient, *(s.clip for s in group)]).encode()) if group else 0
        rng = np.random.default_rng((*place, mark))
        name = (*place, mark, self._share, self._h264_odds, len(self._simulated))
        return self._bank.get(name, lambda: self._drawn(group or self._simulated, rng))

    def _group(self, place: tuple[int, int, int]) -> Sequence[StripSource]:
        """Return the strips of the patient whose lot is the lowest at this place; empty for simulated strips."""
        if self._simulated and (not self._real or np.random.default_rng(place).random() < self._share):
            return ()
        lots = {patient: np.random.default_rng((*place, crc32(patient.encode()), 1)).random() for patient in self._real}
        return self._real[min(lots, key=lots.__getitem__)]

    def draw(self, rng: np.random.Generator) -> TrainingWindow:
        """Return an example drawn with `rng`."""
        place = (int(rng.integers(2**31)), 0, 0)
        return self._drawn(self._group(place) or self._simulated, rng)

    def _drawn(self, group: Sequence[StripSource], rng: np.random.Generator) -> TrainingWindow:
        source = group[int(rng.integers(len(group)))]
        window, absent = _cut(source, rng)
        kind = source.source if source.source == SIMULATED else "as recorded"
        if source.edited:
            window, absent, kind = _edited(source, window, rng)
        if rng.random() < 0.5:
            window, absent = window[:, :, ::-1], absent[::-1]
        window = augment(np.ascontiguousarray(window), rng, self._h264_odds)
        stretches = absent.reshape(-1, SEGMENT_COLUMNS).mean(axis=1)
        return TrainingWindow(window, stretches.astype(np.float32), kind)


def _edited(
    source: StripSource, window: Window, rng: np.random.Generator
) -> tuple[Window, npt.NDArray[np.float32], str]:
    kinds = list(_KIND_ODDS)
    kind = kinds[int(rng.choice(len(kinds), p=list(_KIND_ODDS.values())))]
    other = None
    if kind == "retimed":
        other = _cut(source, rng)[0][:: 1 if rng.random() < 0.5 else -1]
    row = source.strip.pleura_row
    seconds = np.arange(len(window)) / SAMPLE_HZ
    edited = edit_window(kind, window, row, seconds, rng, other, random_seam(rng, row))
    absent = np.full(window.shape[2], float(kind in NEGATIVE), dtype=np.float32)
    if rng.random() < 0.2:
        edited, absent = _partly(window, edited, absent, rng)
    return edited, absent, kind


def _partly(
    window: Window, edited: Window, absent: npt.NDArray[np.float32], rng: np.random.Generator
) -> tuple[Window, npt.NDArray[np.float32]]:
    """Keep the edit on one side only: a lung point for the negatives, a side seam that means nothing for the rest."""
    boundary = SEGMENT_COLUMNS * int(rng.integers(1, window.shape[2] // SEGMENT_COLUMNS))
    weight = np.clip((np.arange(window.shape[2]) - boundary) / rng.uniform(0.5, 4.0) + 0.5, 0, 1)
    mixed = window * (1 - weight) + edited * weight
    return mixed.astype(np.float32), (absent * (weight > 0.5)).astype(np.float32)


def _cut(source: StripSource, rng: np.random.Generator) -> tuple[Window, npt.NDArray[np.float32]]:
    strip = source.strip
    moments = sample_moments(strip.times_s)
    first = int(rng.integers(max(len(moments) - WINDOW_SAMPLES, 0) + 1))
    indices = moments[first : first + WINDOW_SAMPLES]
    if len(indices) < WINDOW_SAMPLES:  # a short clip is played to and fro, so that no frame is repeated
        indices = np.pad(indices, (0, WINDOW_SAMPLES - len(indices)), mode="reflect")
    columns = strip.frames.shape[2]
    if columns >= WINDOW_COLUMNS:
        left = int(rng.integers(columns - WINDOW_COLUMNS + 1))
        picked = np.arange(left, left + WINDOW_COLUMNS)
    else:
        picked = np.pad(np.arange(columns), (0, WINDOW_COLUMNS - columns), mode="symmetric")
    window = strip.frames[indices][:, :, picked].astype(np.float32)
    return window, source.absent[indices][:, picked].mean(axis=0).astype(np.float32)
