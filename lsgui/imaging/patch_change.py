"""How like itself each patch of a strip stays over time: the raw measure of every judgement without weights.

A strip is divided into overlapping patches of speckle. The likeness of a patch over a lag is its normalised
cross-correlation with itself that much earlier; gain and brightness drop out. Moments that say nothing are left out as
NaN: where the file repeats a frame, and where the chest wall itself is not recognised (a jump of the probe, a cut).
"""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from lsgui.core.strip import PleuralStrip
from lsgui.imaging.frame_change import coarse_changes
from lsgui.imaging.strip_channels import NOISE_VARIANCE, PATCH, sample_moments

STEP = 4
"""Samples between neighbouring patches, 1.6 mm: they overlap by half."""

SHORT, USUAL = 1, 3
"""Lags in samples at 12.8 Hz: 0.08 s, and 0.23 s, at which sliding and still lungs differ most."""

WALL_ROWS = (-22, -6)
"""Rows of patch centres, counted from the line, that are chest wall: 2.4 to 8.8 mm above it."""

SPOILT_FACTOR = 3.0
SPOILT_CHANGE = 0.2
"""A moment is left out when the wall's change is this many times, and this much, above its median."""

REPEAT_CHANGE = 0.1
REPEAT_REACH = 5
"""A frame repeats the one before when it changes by less than this part of the greatest change among so many
neighbours: a codec leaves traces in repeated frames, so they are not equal."""

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class PatchChange:
    """The likeness of P patches over T samples in time.

    Attributes
    ----------
    row, column
        (P,) int64 centre of each patch: rows below the pleural line, columns along it, in strip samples.
    contrast
        (P,) float32: logarithm of the local variance in grey levels squared.
    likeness
        By lag, (P, T) float32 correlation with itself that many samples ago; NaN where there is nothing to compare.
    """

    row: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]
    contrast: Floats
    likeness: dict[int, Floats]

    @property
    def samples(self) -> int:
        """Number of samples in time."""
        return int(self.likeness[SHORT].shape[1])

    @property
    def wall(self) -> Bools:
        """(P,) bool: patches of the chest wall."""
        return self.between(*WALL_ROWS)

    def between(self, first: int, last: int) -> Bools:
        """Return which patches have their centre in these rows, counted from the line, both included."""
        return np.asarray((self.row >= first) & (self.row <= last))

    def pooled(self, lag: int, chosen: Bools) -> Floats:
        """Return the likeness of chosen patches together, (T,): each counts by the texture that it has."""
        weight = np.clip(np.exp(self.contrast[chosen]) / (4.0 * NOISE_VARIANCE) - 1.0, 0.0, 1.0) + 1e-3
        return np.asarray((weight[:, None] * self.likeness[lag][chosen]).sum(axis=0) / weight.sum(), dtype=np.float32)


def patch_change(strip: PleuralStrip) -> PatchChange | None:
    """Measure the patches of a strip, resampled to 12.8 Hz; None where no patch lies inside the scan area."""
    chosen = sample_moments(strip.times_s)
    frames = strip.frames[chosen]
    places = _places(strip.valid)
    if not places or frames.shape[2] < PATCH:
        return None
    different = _different_frames(strip.frames)[chosen]
    measured = [
        _patches(frames[:, row : row + PATCH], [c for _, c in of_row], different)
        for row, of_row in groupby(places, key=lambda place: place[0])
    ]
    contrast, *series = (np.concatenate(part) for part in zip(*measured, strict=True))
    half = PATCH // 2
    row = np.array([r + half - strip.pleura_row for r, _ in places], dtype=np.int64)
    wall = (row >= WALL_ROWS[0]) & (row <= WALL_ROWS[1])
    for likeness in series:
        likeness[:, _spoilt(likeness, wall)] = np.nan
    return PatchChange(
        row=row,
        column=np.array([c + half for _, c in places], dtype=np.int64),
        contrast=contrast,
        likeness=dict(zip((SHORT, USUAL), series, strict=True)),
    )


def _places(valid: Bools) -> list[tuple[int, int]]:
    """Return first row and column of every patch that lies inside the scan area, row by row."""
    rows = range(1, valid.shape[0] - PATCH, STEP)
    columns = range(0, max(valid.shape[1] - PATCH, 0) + 1, STEP)
    return [(r, c) for r in rows for c in columns if valid[r : r + PATCH, c : c + PATCH].all()]


def _patches(
    band: npt.NDArray[np.uint8], columns: list[int], different: npt.NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """Return contrast (P,) and the likeness at both lags, (P, T), of the patches of a band (T, PATCH, S)."""
    grey = band.astype(np.float32)
    pixels = np.stack([grey[:, :, c : c + PATCH] for c in columns]).reshape(len(columns), len(grey), -1)
    pixels -= pixels.mean(axis=2, keepdims=True)
    variance = (pixels**2).mean(axis=2)
    contrast = np.array([np.log(series.mean() + NOISE_VARIANCE) for series in variance], dtype=np.float32)
    pixels /= np.sqrt((variance + NOISE_VARIANCE) * pixels.shape[2])[..., None]
    return contrast, _likeness(pixels, SHORT, different), _likeness(pixels, USUAL, different)


def _likeness(unit: Floats, lag: int, different: npt.NDArray[np.int64]) -> Floats:
    """Return the correlation of every sample with the one `lag` before it, NaN where both are the same frame."""
    out = np.full(unit.shape[:2], np.nan, dtype=np.float32)
    if lag < unit.shape[1]:
        out[:, lag:] = np.einsum("pts,pts->pt", unit[:, lag:], unit[:, :-lag])
        out[:, lag:][:, different[lag:] == different[:-lag]] = np.nan
    return out


def _different_frames(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return for every frame (T,) how many different frames came before it: frames that repeat share a number."""
    changes = coarse_changes(frames)
    new = [
        change > REPEAT_CHANGE * changes[max(at - REPEAT_REACH, 0) : at + REPEAT_REACH + 1].max()
        for at, change in enumerate(changes)
    ]
    return np.asarray(np.cumsum([0, *new]), dtype=np.int64)


def _spoilt(likeness: Floats, wall: Bools) -> Bools:
    """Return the moments (T,) when the wall changes far more than it mostly does."""
    if not wall.any():
        return np.zeros(likeness.shape[1], dtype=bool)
    change = 1.0 - likeness[wall].mean(axis=0)
    known = change[np.isfinite(change)]
    if not known.size:
        return np.zeros(likeness.shape[1], dtype=bool)
    usual = float(np.median(known))
    return np.asarray(change > max(SPOILT_FACTOR * usual, usual + SPOILT_CHANGE))
