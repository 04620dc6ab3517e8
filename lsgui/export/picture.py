"""One picture that shows a clip's verdict with its evidence, for reports and command lines. No Qt, no torch."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from lsgui.core.clip import Clip
from lsgui.core.label import CANNOT_ASSESS_ADVICE, RESEARCH_LINE, SlidingLabel
from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import Polyline, resample_polyline
from lsgui.core.prediction import Prediction

Picture = npt.NDArray[np.uint8]
"""(height, width, 3) uint8, red green blue."""

Colour = tuple[int, int, int]

PANEL: Colour = (20, 24, 31)
TEXT: Colour = (232, 236, 242)
MUTED: Colour = (138, 148, 163)
ACCENT: Colour = (70, 184, 218)
VERDICT: dict[SlidingLabel, Colour] = {
    SlidingLabel.LS_P: (53, 183, 154),
    SlidingLabel.LS_A: (240, 146, 60),
    SlidingLabel.CANNOT_ASSESS: (164, 139, 224),
}

MIN_WIDTH = 960
HEIGHT = 640
MAX_WIDTH = 1280
MAX_ZOOM = 4.0
HEAT_ALPHA = 0.55
_PAD = 16
_LINE = 22

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _View:
    """The part of the frame that is shown: corner in pixels of the file, and how much it is enlarged."""

    x: int
    y: int
    width: int
    height: int
    zoom: float

    def points(self, places: Polyline) -> Polyline:
        """Turn pixels of the file, (..., 2), into pixels of the picture."""
        return np.asarray((places + 0.5 - (self.x, self.y)) * self.zoom - 0.5)


def overlay_png(clip: Clip, prediction: Prediction, maps: Mapping[str, MotionMap], area: Box | None = None) -> bytes:
    """Return the picture of `overlay_picture` as a PNG file."""
    picture = overlay_picture(clip, prediction, maps, area)
    return bytes(cv2.imencode(".png", picture[..., ::-1])[1])


def overlay_picture(
    clip: Clip, prediction: Prediction, maps: Mapping[str, MotionMap], area: Box | None = None
) -> Picture:
    """Draw the middle frame with pleural line, ribbon and heat map, and below it the verdict in words.

    Parameters
    ----------
    maps
        Heat maps by quantity; "speckle_change" is shown where it is there, else "flow".
    area
        Box (x, y, width, height) of the ultrasound image. What lies outside, such as a burned-in name, is not shown;
        nor is what lies far below the pleura. None for the whole frame.
    """
    index = len(clip) // 2
    heat = maps.get("speckle_change") or maps.get("flow")
    line = None if prediction.roi is None else prediction.roi.line_at(index)
    view = _view(area or (0, 0, clip.info.width, clip.info.height), line, heat)
    cut = clip.frame(index)[view.y : view.y + view.height, view.x : view.x + view.width]
    way = cv2.INTER_CUBIC if view.zoom >= 1.0 else cv2.INTER_AREA
    size = (max(round(view.width * view.zoom), 1), max(round(view.height * view.zoom), 1))
    picture: Picture = np.repeat(cv2.resize(cut, size, interpolation=way)[..., None], 3, axis=2)
    if line is not None:
        line = line if line[0, 0] <= line[-1, 0] else line[::-1]
        if heat is not None:
            picture = _with_heat(picture, heat, line, view, float(clip.info.times_s[index]))
        _draw_line(picture, view.points(line))
        _draw_ribbon(picture, prediction, view.points(line))
    if picture.shape[1] < MIN_WIDTH:
        side = MIN_WIDTH - picture.shape[1]
        picture = np.pad(picture, ((0, 0), (side // 2, side - side // 2), (0, 0)))
    card = _card(prediction, heat if line is not None else None, picture.shape[1], index, len(clip))
    return np.concatenate([picture, card])


def _view(area: Box, line: Polyline | None, heat: MotionMap | None) -> _View:
    x, y, width, height = area
    if line is not None:
        deepest = float(line[:, 1].max())
        below = max(1.2 * (deepest - y), 2.0 * heat.depth_px if heat is not None else 0.0)
        height = int(np.clip(deepest + below - y, min(height, 32), height))
    return _View(x, y, width, height, min(MAX_ZOOM, HEIGHT / height, MAX_WIDTH / width))


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


def _normals(line: Polyline) -> Polyline:
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)  # y grows downwards, away from the probe
    return np.asarray(-across if across[:, 1].mean() < 0 else across)


def _with_heat(picture: Picture, heat: MotionMap, line: Polyline, view: _View, time_s: float) -> Picture:
    values = heat.at(time_s)
    rows, columns = values.shape
    edge = resample_polyline(line, columns + 1)
    depth = np.linspace(0.0, heat.depth_px, rows + 1)
    grid = view.points(edge[None] + depth[:, None, None] * _normals(edge)[None]).round().astype(np.int32)
    level = np.clip((values - heat.low) / max(heat.high - heat.low, 1e-9), 0.0, 1.0)
    table = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_INFERNO)[:, 0, ::-1]
    layer = picture.copy()
    for row, column in zip(*np.nonzero(level >= 0.1), strict=True):  # the picture stays bare where nothing moves
        cell = grid[[row, row, row + 1, row + 1], [column, column + 1, column + 1, column]]
        cv2.fillConvexPoly(layer, cell, table[int(255 * level[row, column])].tolist())
    return np.asarray(cv2.addWeighted(layer, HEAT_ALPHA, picture, 1.0 - HEAT_ALPHA, 0.0), dtype=np.uint8)


def _draw_line(picture: Picture, line: Polyline) -> None:
    cv2.polylines(picture, [(line * 16).round().astype(np.int32)], False, ACCENT, 2, cv2.LINE_AA, shift=4)


def _draw_ribbon(picture: Picture, prediction: Prediction, line: Polyline) -> None:
    count = max(int(np.hypot(*(line[-1] - line[0])) / 8), 2)
    dots = resample_polyline(line, count)
    dots = dots - _normals(dots) * 12.0
    for place, (x, y) in enumerate(dots):
        fraction = place / (count - 1)
        p = next((s.p_absent for s in prediction.segments if s.left <= fraction <= s.right), float("nan"))
        centre = (round(x * 16), round(y * 16))
        cv2.circle(picture, centre, 16 * 3, class_colour(p, prediction), -1, cv2.LINE_AA, shift=4)


@dataclass(frozen=True, slots=True)
class _Words:
    text: str
    size: int
    colour: Colour


def _card(prediction: Prediction, heat: MotionMap | None, width: int, index: int, frames: int) -> Picture:
    words = _card_words(prediction, heat, index, frames)
    lines = [_Words(part, item.size, item.colour) for item in words for part in _wrapped(item, width - 4 * _PAD)]
    height = 2 * _PAD + 26 + sum(_LINE if item.size < 20 else 34 for item in lines)
    image = Image.new("RGB", (width, height), PANEL)
    draw = ImageDraw.Draw(image)
    _draw_windows(draw, prediction, width, frames)
    y = _PAD + 18
    for item in lines:
        left = _PAD
        if item.size >= 20:
            _draw_icon(draw, prediction.label, _PAD, y + 3)
            left += 32
        draw.text((left, y), item.text, fill=item.colour, font=_font(item.size))
        y += _LINE if item.size < 20 else 34
    return np.asarray(image, dtype=np.uint8)


def _card_words(prediction: Prediction, heat: MotionMap | None, index: int, frames: int) -> list[_Words]:
    label = prediction.label
    suffix = "" if label is SlidingLabel.CANNOT_ASSESS else f" ({label.value})"
    words = [_Words(label.wording + suffix, 22, VERDICT[label])]
    if label is SlidingLabel.CANNOT_ASSESS:
        words.append(_Words(CANNOT_ASSESS_ADVICE, 15, TEXT))
    if prediction.p_absent is not None:
        low, high = prediction.p_absent_interval or (prediction.p_absent, prediction.p_absent)
        words.append(
            _Words(
                f"p(absent) {prediction.p_absent:.2f} [{low:.2f}-{high:.2f}], threshold {prediction.threshold:.2f} "
                f"({prediction.threshold_source})",
                15,
                TEXT,
            )
        )
    if prediction.motion_index is not None:
        words.append(_Words(f"Motion index {prediction.motion_index:.2f} (0 moves with the chest wall)", 15, TEXT))
    if prediction.hint:
        words.append(_Words(prediction.hint, 15, TEXT))
    words += [_Words(flag.sentence, 15, TEXT) for flag in prediction.quality]
    if heat is not None:
        name = "Speckle change against the chest wall" if heat.quantity == "speckle_change" else "Lung motion"
        scale = f"{heat.low:.3g} to {heat.high:.3g} {heat.unit}".rstrip()
        words.append(_Words(f"Heat map: {name}, {scale}{f', {heat.note}' if heat.note else ''}", 13, MUTED))
    model = prediction.model
    words.append(_Words(f"{prediction.clip}, frame {index + 1} of {frames}", 13, MUTED))
    words.append(_Words(f"Model {model.id} version {model.version} {model.sha256[:12]}".rstrip(), 13, MUTED))
    if model.trained_on:
        words.append(_Words(f"Trained on: {model.trained_on}", 13, MUTED))
    words.append(_Words(RESEARCH_LINE, 13, MUTED))
    return words


def _draw_windows(draw: ImageDraw.ImageDraw, prediction: Prediction, width: int, frames: int) -> None:
    left, right, top = _PAD, width - _PAD, 10
    draw.rectangle((left, top, right, top + 8), fill=(38, 45, 55))
    values = np.full(frames, np.nan)
    counts = np.zeros(frames)
    for window in prediction.windows:
        span = slice(max(window.start, 0), window.stop)
        values[span] = np.nan_to_num(values[span]) + window.p_absent
        counts[span] += 1
    for k in np.flatnonzero(counts):
        x0, x1 = left + (right - left) * k / frames, left + (right - left) * (k + 1) / frames
        draw.rectangle((x0, top, x1, top + 8), fill=class_colour(values[k] / counts[k], prediction))


def _draw_icon(draw: ImageDraw.ImageDraw, label: SlidingLabel, x: int, y: int) -> None:
    """Draw a shape for each verdict, so that colour never stands alone: disc, bar, question mark."""
    colour = VERDICT[label]
    draw.ellipse((x, y, x + 22, y + 22), outline=colour, width=2)
    if label is SlidingLabel.LS_P:
        draw.line((x + 6, y + 11, x + 10, y + 16, x + 17, y + 7), fill=colour, width=2)
    elif label is SlidingLabel.LS_A:
        draw.line((x + 6, y + 11, x + 17, y + 11), fill=colour, width=3)
    else:
        draw.text((x + 7, y + 1), "?", fill=colour, font=_font(17))


def _wrapped(item: _Words, width: int) -> list[str]:
    font, out = _font(item.size), [""]
    for word in item.text.split():
        longer = f"{out[-1]} {word}".strip()
        if font.getlength(longer) <= width or not out[-1]:
            out[-1] = longer
        else:
            out.append(word)
    return out


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
