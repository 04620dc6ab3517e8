"""Signs in a straightened clip that it is, or is not, a lung the right way up.

A lung has layers above one bright line across the beams and a fading haze below it. Little in it changes but near that
line; nothing beats, nothing runs across the picture. Hearts have dark chambers and walls that beat deep down, organs
go on below any line, slides and menus are flat with sharp straight edges, rooms have edges of every direction.

Pictures are (D, A) float32, depth and beams, grey; `valid` says which cells lie in the scan area. Every sign is
bounded or a logarithm, so that no scanner's brightness stands alone.
"""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Grey = npt.NDArray[np.uint8]

PARTS = 6
"""Equal parts of the depth whose brightness is compared."""
DARK, BRIGHT = 12, 180
BEATS_HZ = (0.75, 3.2)
BREATHS_HZ = 0.7
REACH = 8
"""Rows within which a line of two beams is one line."""
FLAT_GREY = 1
NARROW = 0.1
"""Part of the beams or depths that holds the change where a bar runs across or a row lights up."""

NAMES = (
    *(f"brightness {k + 1}/{PARTS}" for k in range(PARTS)), "grey", "dark", "bright",
    "layers", "pillars", "line strength", "line coherence", "line depth", "over line", "under line", "haze fades",
    "second line", "rise into line", "dark below",
    "change above", "change middle", "change below", "likeness above", "likeness middle", "likeness below",
    "likeness soon above", "likeness soon middle", "likeness soon below",
    "blocks change", "blocks change most", "blocks change below", "beats", "beat peak", "breathes",
    "shifts", "shift is sure", "change in few beams", "change in few depths",
    "flat", "rough", "common grey", "few greys", "edges across", "straight edges",
    "fills its box", "wider below", "wider middle",
)  # fmt: skip
"""All signs in order."""


def brightness(mean: Floats, valid: Bools) -> list[float]:
    """Return how bright the parts of the depth are against all of it, and how much is dark or bright."""
    edges = np.linspace(0, len(mean), PARTS + 1).astype(int)
    level = _mean(mean, valid)
    parts = [_mean(mean[a:b], valid[a:b]) for a, b in pairwise(edges)]
    seen = mean[valid]
    logs = [float(np.log((part + 4.0) / (level + 4.0))) for part in parts]
    return [*logs, level, float((seen < DARK).mean()), float((seen > BRIGHT).mean())]


def lines(mean: Floats, valid: Bools) -> list[float]:
    """Return how much of the picture is layers or pillars, and what its strongest line across the beams is like."""
    along, total = cv2.blur(mean, (13, 1)), float(mean[valid].var()) + 1.0
    response = _line_response(along, valid)
    at, best, level = response.argmax(axis=0), response.max(axis=0), _mean(mean, valid) + 8.0
    middle = int(np.median(at))
    elsewhere = response.copy()
    elsewhere[max(middle - 10, 0) : middle + 11] = 0.0
    over, under, deep, deepest = (
        _mean(mean[low:high], valid[low:high])
        for low, high in (
            (max(middle - 26, 0), max(middle - 5, 1)),
            (middle + 5, middle + 26),
            (middle + 36, middle + 64),
            (middle + 10, len(mean)),
        )
    )
    below = slice(min(middle + 10, len(mean) - 1), len(mean))
    dark = float((mean[below][valid[below]] < DARK).mean()) if valid[below].any() else 1.0
    return [
        float(along[valid].var() / total),
        float(cv2.blur(mean, (1, 25))[valid].var() / total),
        float(np.log1p(np.median(best) / level)),
        float((np.abs(at - middle) <= REACH).mean()),
        middle / len(mean),
        float(np.log((over + 4.0) / level)),
        float(np.log((under + 4.0) / level)),
        float(np.log((under + 4.0) / (deep + 4.0))),
        float(np.median(elsewhere.max(axis=0)) / (np.median(best) + 1.0)),
        float(np.log((over + 4.0) / (deepest + 4.0))),
        dark,
    ]


def _line_response(along: Floats, valid: Bools) -> Floats:
    """Return how much each cell outshines both what lies above and what lies below it."""
    centre, flank = cv2.blur(along, (1, 3)), cv2.blur(along, (1, 7))
    response = np.where(valid, centre - np.maximum(np.roll(flank, 7, axis=0), np.roll(flank, -7, axis=0)), 0.0)
    response[:8] = response[-8:] = 0.0
    return np.asarray(response, dtype=np.float32)


def changes(pictures: Floats, valid: Bools) -> list[float]:
    """Return how much thirds of the depth change and how alike their grain stays within a burst.

    `pictures` is (bursts, 3, D, A): a frame, one soon after it, and one a quarter of a second later.
    """
    shape = pictures.shape
    grain = np.stack([p - cv2.blur(p, (9, 9)) for p in pictures.reshape(-1, *shape[2:])]).reshape(shape)
    thirds = [slice(k * shape[2] // 3, (k + 1) * shape[2] // 3) for k in range(3)]
    change, later, soon = [], [], []
    for part in thirds:
        where = valid[part]
        now, then = pictures[:, 0, part][:, where], pictures[:, 2, part][:, where]
        change.append(float(np.log((np.abs(now - then).mean() + 0.5) / (now.mean() + 8.0))) if where.any() else -3.0)
        own = [grain[:, k, part][:, where] for k in range(3)]
        later.append(_likeness(own[0], own[2]))
        soon.append(_likeness(own[0], own[1]))
    return [*change, *later, *soon]


def rhythm(series: Floats, rate: float) -> list[float]:
    """Return how much coarse blocks change, and how much of that beats or breathes.

    Parameters
    ----------
    series
        (T, depths, beams) coarse pictures.
    rate
        How many of them a second.
    """
    blocks = series.reshape(len(series), -1)
    own = blocks - blocks.mean(axis=0)
    spread, contrast = own.std(axis=0), float(blocks.mean(axis=0).std()) + 4.0
    half = spread.reshape(series.shape[1:])[series.shape[1] // 2 :]
    steady = own - _trend(own)
    power = np.abs(np.fft.rfft(steady * np.hanning(len(steady))[:, None], 256, axis=0)) ** 2
    hertz = np.fft.rfftfreq(256, 1.0 / rate)
    total = power.sum() + 1e-6
    beating = (hertz >= BEATS_HZ[0]) & (hertz < BEATS_HZ[1])
    curve = power[beating].sum(axis=1)
    return [
        float(spread.mean() / contrast),
        float(np.percentile(spread, 90) / contrast),
        float(half.mean() / contrast),
        float(power[beating].sum() / total),
        float(curve.max() / (curve.mean() + 1e-6)) if curve.size else 0.0,
        float(power[hertz < BREATHS_HZ].sum() / total),
    ]


def whole_motion(pictures: Floats, valid: Bools) -> list[float]:
    """Return how far the whole picture shifts along the beams' row in 0.25 s, how surely, and where the change lies."""
    window = (valid * np.outer(np.hanning(pictures.shape[2]), np.hanning(pictures.shape[3]))).astype(np.float32)
    shifts, sure = [], []
    for burst in pictures:
        (right, _), response = cv2.phaseCorrelate(burst[0] * window, burst[2] * window)
        shifts.append(right)
        sure.append(response)
    change = np.abs(pictures[:, 2] - pictures[:, 0]).mean(axis=0) * valid
    return [
        float(np.clip(np.median(np.abs(shifts)), 0.0, 20.0)),
        float(np.median(sure)),
        _held_by_few(change.sum(axis=0)),
        _held_by_few(change.sum(axis=1)),
    ]


def texture(details: Sequence[Grey], mask: Bools) -> list[float]:
    """Return how flat, rough and sharp the picture is in its own pixels; `details` are cut to the scan area's box."""
    rows = []
    for detail in details:
        grey = detail.astype(np.float32)
        right, down = np.diff(grey, axis=1)[:-1], np.diff(grey, axis=0)[:, :-1]
        where = mask[:-1, :-1] & (grey[:-1, :-1] > DARK)
        if where.sum() < 100:
            rows.append([1.0, 0.0, 1.0, 1.0, 0.0, 0.0])
            continue
        steps, far = np.abs(right[where]), np.abs(grey[:-1, 4:] - grey[:-1, :-4])[:, : right.shape[1] - 3]
        counts = np.bincount(detail[mask], minlength=256).astype(np.float64)
        counts /= max(counts.sum(), 1.0)
        across, along = float(np.abs(down[where]).mean()), float(steps.mean())
        strong = np.hypot(right, down)[where] > 40.0
        upright = np.minimum(np.abs(right), np.abs(down))[where] < 6.0
        rows.append(
            [
                float(((steps <= FLAT_GREY) & (np.abs(down[where]) <= FLAT_GREY)).mean()),
                float(np.log((along + 0.5) / (far[where[:, : far.shape[1]]].mean() + 0.5))),
                float(counts[1:].max()),
                float(np.sort(counts)[-8:].sum()),
                float(np.log((across + 0.3) / (along + 0.3))),
                float((strong & upright).sum() / max(int(strong.sum()), 20)),
            ]
        )
    return [float(v) for v in np.median(np.array(rows), axis=0)]


def shape(mask: Bools) -> list[float]:
    """Return how the scan area fills its box, and how much wider it is far below and half way down than above."""
    widths = mask.sum(axis=1).astype(np.float64) / mask.shape[1]
    tenth = max(len(widths) // 10, 1)
    top, bottom = widths[:tenth].mean(), widths[-2 * tenth : -tenth].mean()
    middle = widths[len(widths) // 2 - tenth : len(widths) // 2 + tenth].mean()
    return [float(mask.mean()), float(bottom - top), float(middle - 0.5 * (top + bottom))]


def _mean(picture: Floats, where: Bools) -> float:
    return float(picture[where].mean()) if where.any() else 0.0


def _likeness(one: Floats, other: Floats) -> float:
    """Return the correlation of the grain of two pictures over all bursts; none where there is hardly any grain."""
    if one.size == 0:
        return 0.0
    joint, power = float((one * other).mean()), float(np.sqrt((one**2).mean() * (other**2).mean()))
    return joint / (power + 1.0)


def _trend(own: Floats) -> Floats:
    ticks = np.linspace(-1.0, 1.0, len(own))[:, None]
    return np.asarray(ticks * (own * ticks).sum(axis=0) / (ticks**2).sum(), dtype=np.float32)


def _held_by_few(change: Floats) -> float:
    """Return the share of the change that the liveliest tenth holds."""
    ordered = np.sort(change)[::-1]
    return float(ordered[: max(round(NARROW * len(ordered)), 1)].sum() / (ordered.sum() + 1e-3))
