"""Where a pixel of the clip lies in its view: fit, zoom about a point, pan. Plain numbers, no widget."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

MAX_ZOOM = 16.0
"""Largest enlargement over the whole clip fitting the view."""


@dataclass(frozen=True, slots=True)
class ViewTransform:
    """Maps pixels of the clip to points of the view.

    Pixel (x, y) is a square whose centre lies at (x, y), as in the sampling of the pleural strip; so the picture covers
    -0.5 to width - 0.5, and a line drawn through bright pixels lies in their middle.

    Attributes
    ----------
    width, height
        Size of the clip in pixels.
    view_width, view_height
        Size of the view in points.
    aspect
        Height of a pixel over its width; 1 for square pixels.
    zoom
        1 shows the whole clip.
    centre
        Pixel of the clip at the centre of the view.
    """

    width: int
    height: int
    view_width: float
    view_height: float
    aspect: float = 1.0
    zoom: float = 1.0
    centre: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def fit(
        cls, width: int, height: int, view_width: float, view_height: float, aspect: float = 1.0
    ) -> "ViewTransform":
        """Return the transform that shows the whole clip in the middle of the view."""
        centre = ((width - 1) / 2, (height - 1) / 2)
        return cls(width, height, max(view_width, 1.0), max(view_height, 1.0), aspect, 1.0, centre)

    def on_box(self, left: float, top: float, width: float, height: float) -> "ViewTransform":
        """Return the transform that shows a box of the clip, in pixels, as large as it fits."""
        whole = replace(self, zoom=1.0)
        wanted = min(self.view_width / max(width, 1.0), self.view_height / max(height * self.aspect, 1.0))
        zoom = min(max(wanted / whole.scale_x, 1.0), MAX_ZOOM)
        centre = (left + (width - 1) / 2, top + (height - 1) / 2)
        return replace(self, zoom=zoom, centre=centre)._held()

    @property
    def scale_x(self) -> float:
        """Points of the view per column of the clip."""
        return self.zoom * min(self.view_width / self.width, self.view_height / (self.height * self.aspect))

    @property
    def scale_y(self) -> float:
        """Points of the view per row of the clip."""
        return self.scale_x * self.aspect

    def to_view(self, x: float, y: float) -> tuple[float, float]:
        """Return the point of the view where pixel (x, y) has its centre."""
        return (
            (x - self.centre[0]) * self.scale_x + self.view_width / 2,
            (y - self.centre[1]) * self.scale_y + self.view_height / 2,
        )

    def to_clip(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel of the clip, with fractions, under a point of the view."""
        return (
            (x - self.view_width / 2) / self.scale_x + self.centre[0],
            (y - self.view_height / 2) / self.scale_y + self.centre[1],
        )

    def points_to_view(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return (n, 2) pixels of the clip as (n, 2) points of the view."""
        scale = np.array([self.scale_x, self.scale_y])
        half = np.array([self.view_width, self.view_height]) / 2
        return np.asarray((np.asarray(points) - np.array(self.centre)) * scale + half)

    def inside(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel nearest to (x, y) that lies in the picture."""
        return min(max(x, 0.0), self.width - 1.0), min(max(y, 0.0), self.height - 1.0)

    def resized(self, view_width: float, view_height: float) -> "ViewTransform":
        """Return the transform for a view of another size, at the same zoom and centre."""
        return replace(self, view_width=max(view_width, 1.0), view_height=max(view_height, 1.0))._held()

    def zoomed(self, factor: float, at: tuple[float, float] | None = None) -> "ViewTransform":
        """Return the transform enlarged by `factor`, keeping the pixel under view point `at` where it is."""
        anchor = at or (self.view_width / 2, self.view_height / 2)
        pixel = self.to_clip(*anchor)
        out = replace(self, zoom=min(max(self.zoom * factor, 1.0), MAX_ZOOM))
        moved = out.to_clip(*anchor)
        centre = (out.centre[0] + pixel[0] - moved[0], out.centre[1] + pixel[1] - moved[1])
        return replace(out, centre=centre)._held()

    def panned(self, dx: float, dy: float) -> "ViewTransform":
        """Return the transform with the picture moved by (dx, dy) points of the view."""
        centre = (self.centre[0] - dx / self.scale_x, self.centre[1] - dy / self.scale_y)
        return replace(self, centre=centre)._held()

    def _held(self) -> "ViewTransform":
        """Return the transform with the picture filling the view, or centred where it is smaller."""
        return replace(
            self,
            centre=(
                _held_centre(self.centre[0], self.width, self.view_width / self.scale_x),
                _held_centre(self.centre[1], self.height, self.view_height / self.scale_y),
            ),
        )


def _held_centre(centre: float, size: int, seen: float) -> float:
    """Keep a view of `seen` pixels inside a picture of `size` pixels; a smaller picture stays in the middle."""
    if seen >= size:
        return (size - 1) / 2
    return min(max(centre, seen / 2 - 0.5), size - 0.5 - seen / 2)
