"""One frame as it leaves: the scan area enlarged, with pleural line, heat map, class ribbon and scale bar. No Qt."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from lsgui.core.clip import Clip
from lsgui.core.label import SlidingLabel
from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import PleuralROI, Polyline, polyline_length, resample_polyline
from lsgui.core.prediction import Prediction
from lsgui.imaging.band_grid import BandGrid, band_grid
from lsgui.imaging.heat_colours import heat_table
from lsgui.inference.verdict_words import segment_probability

Picture = npt.NDArray[np.uint8]
"""(height, width, 3) uint8, red green blue."""

Greys = npt.NDArray[np.uint8]
"""The grey shown for every grey of a clip, (256,) uint8; black stays black, so that a mask does too."""

Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]

PANEL: Colour = (20, 24, 31)
TEXT: Colour = (232, 236, 242)
MUTED: Colour = (138, 148, 163)
ACCENT: Colour = (70, 184, 218)
VERDICT: dict[SlidingLabel, Colour] = {
    SlidingLabel.LS_P: (53, 183, 154),
    SlidingLabel.LS_A: (240, 146, 60),
    SlidingLabel.CANNOT_ASSESS: (164, 139, 224),
}

HEIGHT = 640
MAX_WIDTH = 1280
MAX_ZOOM = 4.0
HEAT_WORDS = MappingProxyType(
    {
        "speckle_change": "Speckle change relative to chest wall",
        "flow": "Lung speed relative to chest wall",
        "focus": "Where the network looked",
    }
)
HEAT_RAMPS = MappingProxyType({"speckle_change": "inferno", "flow": "frost", "focus": "verdicts"})
"""The ramps of `heat_table` in which the maps are drawn unless another is asked for."""
_SMOOTH_MM = 2.0
"""The pleural strip smooths its normals over this length."""
_BARS_MM = (1, 2, 5, 10, 20, 50)
_DOT_PX, _DOTS_APART_PX, _ABOVE_PX = 3, 8, 12


@dataclass(frozen=True, slots=True)
class HeatLook:
    """How a heat map is drawn.

    Attributes
    ----------
    quantity
        Which map.
    ramp
        A ramp of `heat_table`.
    low, high
        Ends of the colour scale.
    window_s
        Seconds over which it is averaged; 0 for the moment, infinite for the whole clip.
    opacity
        0 to 1.
    """

    quantity: str
    ramp: str
    low: float
    high: float
    window_s: float = 0.0
    opacity: float = 0.75

    @classmethod
    def of(cls, motion: MotionMap) -> "HeatLook":
        """Return how a map is drawn by itself."""
        return cls(motion.quantity, HEAT_RAMPS[motion.quantity], motion.low, motion.high)


@dataclass(frozen=True, slots=True)
class Layers:
    """What is drawn over the frame."""

    line: bool = True
    heat: bool = True
    ribbon: bool = True
    scale_bar: bool = True


ALL_LAYERS = Layers()


@dataclass(frozen=True, slots=True)
class View:
    """The part of the frame that is shown: its box in pixels of the file, and how much it is enlarged either way."""

    box: Box
    zoom_x: float
    zoom_y: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return max(round(self.box[2] * self.zoom_x), 1), max(round(self.box[3] * self.zoom_y), 1)

    def points(self, places: Polyline) -> Polyline:
        """Turn pixels of the file, (..., 2), into pixels of the picture."""
        return np.asarray((places + 0.5 - self.box[:2]) * (self.zoom_x, self.zoom_y) - 0.5)


def fitted_view(box: Box, width: int, height: int, aspect: float = 1.0, most: float = MAX_ZOOM) -> View:
    """Return the view of a box that fits into `width` x `height`, with square millimetres.

    `aspect` is the height of a pixel of the file over its width.
    """
    zoom = min(most, width / max(box[2], 1), height / max(box[3] * aspect, 1))
    return View(box, zoom, zoom * aspect)


def pleural_box(area: Box, line: Polyline | None, heat: MotionMap | None) -> Box:
    """Return the scan area without what lies far below the pleura."""
    x, y, width, height = area
    if line is None:
        return area
    deepest = float(line[:, 1].max())
    below = max(1.2 * (deepest - y), 2.0 * heat.depth_px if heat is not None else 0.0)
    return x, y, width, int(np.clip(deepest + below - y, min(height, 32), height))


def pixel_aspect(clip: Clip) -> float:
    """Return the height of a pixel over its width; 1 where the file does not say."""
    spacing = clip.info.spacing_mm
    return 1.0 if spacing is None else spacing[0] / spacing[1]


@dataclass(slots=True, eq=False)
class FramePainter:
    """Draws frames of one clip, one after another, and remembers what stays the same.

    Attributes
    ----------
    clip
        The clip, its mask already applied.
    view
        What of it is shown.
    roi, prediction, heat
        Pleural line, verdict and map; None for what is not there.
    look
        How the map is drawn; None: by itself.
    mm_per_px, calibrated
        Scale of the clip (rows), None where it is not known, and whether the file says it.
    greys
        The grey shown for every grey of the clip; None for its own.
    """

    clip: Clip
    view: View
    roi: PleuralROI | None = None
    prediction: Prediction | None = None
    heat: MotionMap | None = None
    look: HeatLook | None = None
    layers: Layers = ALL_LAYERS
    mm_per_px: float | None = None
    calibrated: bool = False
    greys: Greys | None = None
    _grid: tuple[Polyline, BandGrid] | None = field(default=None, init=False)

    def paint(self, index: int) -> Picture:
        """Return frame `index` with what lies over it."""
        x, y, width, height = self.view.box
        cut = self.clip.frame(index)[y : y + height, x : x + width]
        if self.greys is not None:
            cut = cv2.LUT(cut, self.greys)
        way = cv2.INTER_CUBIC if self.view.zoom_x >= 1.0 else cv2.INTER_AREA
        picture: Picture = np.repeat(cv2.resize(cut, self.view.size, interpolation=way)[..., None], 3, axis=2)
        line = None if self.roi is None else self.roi.line_at(index)
        if line is not None:
            if self.heat is not None and self.layers.heat:
                self._lay_heat(picture, line, float(self.clip.info.times_s[index]))
            ordered = line if line[0, 0] <= line[-1, 0] else line[::-1]
            if self.layers.line:
                draw_line(picture, self.view.points(ordered))
            if self.prediction is not None and self.layers.ribbon:
                _draw_ribbon(picture, stretches(self.prediction, index), self.prediction, self.view.points(line))
        if self.layers.scale_bar and self.mm_per_px:
            _draw_scale_bar(picture, self.view.zoom_y / self.mm_per_px, self.calibrated)
        return picture

    def _lay_heat(self, picture: Picture, line: Polyline, time_s: float) -> None:
        motion = self.heat
        if motion is None or len(motion.times_s) == 0:
            return
        look = self.look or HeatLook.of(motion)
        values = motion.mean_over(time_s, look.window_s)
        known = np.isfinite(values)
        if not known.any():
            return
        level = (np.where(known, values, look.low) - look.low) * (255.0 / max(look.high - look.low, 1e-9))
        colours = heat_table(look.ramp)[np.clip(level, 0, 255).astype(np.uint8)].astype(np.float32)
        colours[~known] = 0.0
        _blend(picture, colours, self._grid_for(line, motion), self.view, look.opacity)

    def _grid_for(self, line: Polyline, motion: MotionMap) -> BandGrid:
        if self._grid is None or not (self._grid[0] is line or np.array_equal(self._grid[0], line)):
            smooth = _SMOOTH_MM / self.mm_per_px if self.mm_per_px else polyline_length(line) / 20
            info = self.clip.info
            self._grid = line, band_grid(line, motion.depth_px, info.width, info.height, smooth, motion.above_px)
        return self._grid[1]


def _blend(picture: Picture, colours: npt.NDArray[np.float32], grid: BandGrid, view: View, opacity: float) -> None:
    """Lay premultiplied (D, S, 4) blue green red alpha colours over the band, in place."""
    rows, columns = colours.shape[:2]
    left, top, width, height = grid.box
    corners = view.points(np.array([[left, top], [left + width, top + height]]))
    x0, y0 = (max(round(v + 0.5), 0) for v in corners[0])
    x1, y1 = min(round(corners[1][0] + 0.5), picture.shape[1]), min(round(corners[1][1] + 0.5), picture.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    at_x = ((np.arange(x0, x1) + 0.5) / view.zoom_x + view.box[0] - 0.5 - grid.left) / grid.step
    at_y = ((np.arange(y0, y1) + 0.5) / view.zoom_y + view.box[1] - 0.5 - grid.top) / grid.step
    map_x, map_y = (m.astype(np.float32) for m in np.meshgrid(at_x, at_y))

    def finely(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(cv2.remap(values, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))

    along, below = finely(grid.along) * columns - 0.5, finely(grid.below) * rows - 0.5
    layer = cv2.remap(colours, along, below, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    measured = (colours[..., 3] > 0.0).astype(np.float32)
    sharp = cv2.remap(measured, along, below, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    layer *= (finely(grid.cover) * sharp * opacity)[..., None]  # colour does not run into what was not measured
    part = picture[y0:y1, x0:x1].astype(np.float32) * (1.0 - layer[..., 3:] / 255.0) + layer[..., 2::-1]
    picture[y0:y1, x0:x1] = np.clip(np.rint(part), 0, 255).astype(np.uint8)


def stretches(prediction: Prediction, index: int) -> list[tuple[float, float, float]]:
    """Return (left, right, p_absent) of every stretch of pleura at a frame; none where the model judges as a whole."""
    if not prediction.tells_stretches:
        return []
    ribbon = prediction.ribbon
    if ribbon is None or ribbon.p_absent.size == 0:
        return [(s.left, s.right, s.p_absent) for s in prediction.segments]
    values = segment_probability(ribbon, index)
    edges = np.linspace(0.0, 1.0, len(values) + 1)
    return [(float(a), float(b), float(p)) for a, b, p in zip(edges[:-1], edges[1:], values, strict=True)]


def class_colour(p_absent: float, prediction: Prediction) -> Colour:
    """Return the verdict colour of a probability: violet at the threshold, firm at 0 and 1."""
    if not np.isfinite(p_absent):
        return MUTED
    absent = p_absent >= prediction.threshold
    room = 1.0 - prediction.threshold if absent else prediction.threshold
    weight = min(abs(p_absent - prediction.threshold) / max(room, 1e-6), 1.0) ** 0.6
    pure = VERDICT[SlidingLabel.LS_A if absent else SlidingLabel.LS_P]
    mixed = [
        round((1.0 - weight) * a + weight * b) for a, b in zip(VERDICT[SlidingLabel.CANNOT_ASSESS], pure, strict=True)
    ]
    return mixed[0], mixed[1], mixed[2]


def probability_by_frame(prediction: Prediction, frames: int) -> npt.NDArray[np.float64]:
    """Return p(absent) of every frame, (frames,): the mean of the windows that hold it; NaN where none was scored."""
    total, count = np.zeros(frames), np.zeros(frames)
    for window in prediction.windows:
        if np.isfinite(window.p_absent):
            span = slice(max(window.start, 0), window.stop)
            total[span] += window.p_absent
            count[span] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def draw_line(picture: Picture, line: Polyline) -> None:
    """Draw the pleural line, dark-edged so that it shows in print as well."""
    points = [(line * 16).round().astype(np.int32)]
    cv2.polylines(picture, points, False, (0, 0, 0), 4, cv2.LINE_AA, shift=4)
    cv2.polylines(picture, points, False, ACCENT, 2, cv2.LINE_AA, shift=4)


def _draw_ribbon(
    picture: Picture, parts: Sequence[tuple[float, float, float]], prediction: Prediction, line: Polyline
) -> None:
    if not parts:
        return
    count = max(int(polyline_length(line) / _DOTS_APART_PX), 2)
    dots = resample_polyline(line, count)
    dots = dots - _normals(dots) * _ABOVE_PX
    for place, (x, y) in enumerate(dots):
        fraction = place / (count - 1)
        p = next((p for left, right, p in parts if left <= fraction <= right), float("nan"))
        centre = (round(x * 16), round(y * 16))
        radius = _DOT_PX if np.isfinite(p) else _DOT_PX - 1
        cv2.circle(picture, centre, 16 * radius, class_colour(p, prediction), -1, cv2.LINE_AA, shift=4)


def _normals(line: Polyline) -> Polyline:
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)  # y grows downwards, away from the probe
    return np.asarray(-across if across[:, 1].mean() < 0 else across)


def _draw_scale_bar(picture: Picture, px_per_mm: float, calibrated: bool) -> None:
    """Draw a bar of a round length in the lower left corner, where there is room for it."""
    height, width = picture.shape[:2]
    length_mm = min(_BARS_MM, key=lambda mm: abs(mm * px_per_mm - 80))
    length = round(length_mm * px_per_mm)
    words = f"{length_mm} mm" + ("" if calibrated else " (estimated)")
    face = font(13)
    if length + face.getlength(words) + 30 > width or height < 60:
        return
    left, y = 12, height - 18
    for colour, thick in (((0, 0, 0), 4), (TEXT, 1)):
        cv2.line(picture, (left, y), (left + length, y), colour, thick)
        for x in (left, left + length):
            cv2.line(picture, (x, y - 5), (x, y + 5), colour, thick)
    image = Image.fromarray(picture[y - 14 : y + 14])
    draw = ImageDraw.Draw(image)
    draw.text((left + length + 10, 14), words, fill=TEXT, font=face, anchor="lm", stroke_width=2, stroke_fill=(0, 0, 0))
    picture[y - 14 : y + 14] = np.asarray(image)


def font(size: int) -> ImageFont.FreeTypeFont:
    """Return the typeface of pictures at a size in pixels: it comes with Pillow and looks the same everywhere."""
    face = ImageFont.load_default(size)
    if not isinstance(face, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType")
    return face


_PLAIN = str.maketrans({"–": "-", "−": "-", "—": "-", "’": "'", "‘": "'", "“": '"', "”": '"', "…": "..."})


def plain(text: str) -> str:
    """Return text in the characters that the typeface of pictures has."""
    return text.translate(_PLAIN).encode("latin-1", "replace").decode("latin-1")
