"""Editing a polyline without a screen: simplify a stroke, find what lies near a point, move, add and remove points."""

import numpy as np
import numpy.typing as npt

from lsgui.core.pleura import Polyline

MAX_HANDLES = 8
"""A stroke drawn by hand is reduced to at most this many points, so that it stays easy to correct."""
_REACH = 0.04
"""Fraction of the line's length on either side over which the M-mode takes its direction."""


def simplified(points: Polyline, tolerance: float, most: int = MAX_HANDLES) -> Polyline:
    """Return the stroke with few points, by Douglas and Peucker's method (1973).

    Parameters
    ----------
    points
        (n, 2) points in the order they were drawn.
    tolerance
        Largest distance of a dropped point from the line that stays; it grows until `most` points are left.
    most
        Largest number of points.
    """
    kept = _douglas_peucker(points, tolerance)
    while len(kept) > most:
        tolerance *= 1.4
        kept = _douglas_peucker(points, tolerance)
    return kept


def _douglas_peucker(points: Polyline, tolerance: float) -> Polyline:
    keep = np.zeros(len(points), dtype=bool)
    keep[[0, -1]] = True
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        away = _distances(points[first + 1 : last], points[first], points[last])
        worst = int(np.argmax(away))
        if away[worst] > tolerance:
            middle = first + 1 + worst
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return points[keep]


def _distances(points: Polyline, start: Polyline, end: Polyline) -> Polyline:
    """Return the distance of every point from the stretch start-end, (n,)."""
    along = end - start
    length = float(along @ along)
    at = np.clip((points - start) @ along / length, 0.0, 1.0) if length > 0 else np.zeros(len(points))
    return np.asarray(np.hypot(*(points - (start + at[:, None] * along)).T))


def left_to_right(points: Polyline) -> Polyline:
    """Return the line with its first point on the left, as every pleural line is kept."""
    return points[::-1] if points[0, 0] > points[-1, 0] else points


def nearest_handle(points: Polyline, at: tuple[float, float], within: float) -> int | None:
    """Return the index of the point nearest to `at`, or None when none is within reach."""
    away = np.hypot(points[:, 0] - at[0], points[:, 1] - at[1])
    index = int(np.argmin(away))
    return index if away[index] <= within else None


def nearest_on_line(points: Polyline, at: tuple[float, float]) -> tuple[int, float, float]:
    """Return what of the line is nearest to `at`.

    Returns
    -------
    stretch, fraction, distance
        Number of the stretch (from point `stretch` to the next), the fraction 0-1 of the whole line's length, and how
        far away that is.
    """
    start, along = points[:-1], np.diff(points, axis=0)
    lengths = np.hypot(*along.T)
    position = np.clip(((np.asarray(at) - start) * along).sum(axis=1) / np.maximum(lengths**2, 1e-12), 0.0, 1.0)
    away = np.hypot(*(start + position[:, None] * along - np.asarray(at)).T)
    stretch = int(np.argmin(away))
    before = float(lengths[:stretch].sum() + position[stretch] * lengths[stretch])
    return stretch, before / max(float(lengths.sum()), 1e-12), float(away[stretch])


def normals_at(points: Polyline, fractions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the unit normals, pointing down the picture, at fractions of the line's length, (n, 2)."""
    along = np.diff(points, axis=0)
    lengths = np.hypot(*along.T)
    arc = np.concatenate([[0.0], np.cumsum(lengths)])
    stretch = np.clip(np.searchsorted(arc, fractions * arc[-1], side="right") - 1, 0, len(along) - 1)
    direction = along[stretch] / np.maximum(lengths[stretch], 1e-12)[:, None]
    normals = np.stack([-direction[:, 1], direction[:, 0]], axis=1)
    return np.where(normals[:, 1:] >= 0, normals, -normals)


def point_and_normal(points: Polyline, fraction: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the point at a fraction of the line's length, and the unit normal there that points down the picture.

    The direction is that of the M-mode (`lsgui.imaging.mmode`): taken over a stretch, so that a kink does not turn it.
    """
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    middle = min(max(fraction, 0.0), 1.0)
    at = arc[-1] * np.array([middle, max(middle - _REACH, 0.0), min(middle + _REACH, 1.0)])
    found = np.stack([np.interp(at, arc, points[:, 0]), np.interp(at, arc, points[:, 1])], axis=1)
    along = (found[2] - found[1]) / max(float(np.hypot(*(found[2] - found[1]))), 1e-9)
    normal = (-float(along[1]), float(along[0]))
    return (float(found[0, 0]), float(found[0, 1])), normal if normal[1] >= 0 else (-normal[0], -normal[1])


def with_point(points: Polyline, stretch: int, at: tuple[float, float]) -> Polyline:
    """Return the line with a point added after point number `stretch`."""
    return np.insert(points, stretch + 1, at, axis=0)


def without_point(points: Polyline, index: int) -> Polyline:
    """Return the line without a point; the last two stay."""
    return points if len(points) <= 2 else np.delete(points, index, axis=0)
