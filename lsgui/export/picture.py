"""One picture that shows a moment of a clip, its verdict and its evidence, for people and for reports. No Qt."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from PIL import Image, ImageDraw

from lsgui.core.clip import Clip
from lsgui.core.label import CANNOT_ASSESS_ADVICE, RESEARCH_LINE, SlidingLabel
from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import Prediction
from lsgui.export.annotated_frame import (
    ALL_LAYERS,
    HEAT_WORDS,
    HEIGHT,
    MAX_WIDTH,
    MUTED,
    PANEL,
    TEXT,
    VERDICT,
    Box,
    Colour,
    FramePainter,
    Greys,
    HeatLook,
    Layers,
    Picture,
    class_colour,
    fitted_view,
    font,
    pixel_aspect,
    plain,
    pleural_box,
    probability_by_frame,
)
from lsgui.export.stamp import Stamp
from lsgui.inference.verdict_words import footer_lines, probability_words

MIN_WIDTH = 960
NO_VERDICT = "No verdict: the clip was not analysed."
HIDDEN = "The AI's verdict is left out: the reader has not saved a reading yet."
_PAD = 16
_LINE = 22


@dataclass(frozen=True, slots=True)
class PictureChoice:
    """What of a clip is drawn.

    Attributes
    ----------
    index
        The frame; None for the middle one.
    layers, look
        What lies over it, and how the heat map is drawn.
    name
        What the clip is called on the picture.
    stamp
        Stands at the foot; None for a picture that stays in a folder beside its clip.
    mm_per_px, calibrated
        Scale for the scale bar, None for none.
    hidden
        True where a reader must not see the verdict yet.
    greys
        See `FramePainter`.
    """

    index: int | None = None
    layers: Layers = ALL_LAYERS
    look: HeatLook | None = None
    name: str = ""
    stamp: Stamp | None = None
    mm_per_px: float | None = None
    calibrated: bool = False
    hidden: bool = False
    greys: Greys | None = None


def shown_heat(maps: Mapping[str, MotionMap], look: HeatLook | None = None) -> MotionMap | None:
    """Return the map that is drawn: the one that is asked for, else speckle change, else flow."""
    if look is not None:
        return maps.get(look.quantity)
    return maps.get("speckle_change") or maps.get("flow")


def overlay_png(clip: Clip, prediction: Prediction, maps: Mapping[str, MotionMap], area: Box | None = None) -> bytes:
    """Return the picture of `overlay_picture` as a PNG file."""
    return png_bytes(overlay_picture(clip, prediction, maps, area))


def overlay_picture(
    clip: Clip, prediction: Prediction, maps: Mapping[str, MotionMap], area: Box | None = None
) -> Picture:
    """Draw the middle frame with pleural line, ribbon and heat map, and below it the verdict in words.

    See `annotated_picture`.
    """
    choice = PictureChoice(layers=Layers(scale_bar=False), name=prediction.clip)
    return annotated_picture(clip, prediction.roi, prediction, maps, area, choice)


def annotated_picture(
    clip: Clip,
    roi: PleuralROI | None,
    prediction: Prediction | None,
    maps: Mapping[str, MotionMap],
    area: Box | None,
    choice: PictureChoice,
) -> Picture:
    """Draw a frame with what lies over it, and below it what is said of it in words.

    Parameters
    ----------
    prediction
        The verdict; None where there is none.
    maps
        Heat maps by quantity.
    area
        Box (x, y, width, height) of the ultrasound image. What lies outside is not shown; nor is what lies far below
        the pleura. None for the whole frame.
    """
    if choice.hidden:
        prediction, maps = None, {}
    index = len(clip) // 2 if choice.index is None else choice.index
    heat = shown_heat(maps, choice.look) if choice.layers.heat else None
    line = None if roi is None else roi.line_at(index)
    box = pleural_box(area or (0, 0, clip.info.width, clip.info.height), line, heat)
    view = fitted_view(box, MAX_WIDTH, HEIGHT, pixel_aspect(clip))
    painter = FramePainter(
        clip, view, roi, prediction, heat, choice.look, choice.layers, choice.mm_per_px, choice.calibrated, choice.greys
    )
    picture = painter.paint(index)
    if picture.shape[1] < MIN_WIDTH:
        side = MIN_WIDTH - picture.shape[1]
        picture = np.pad(picture, ((0, 0), (side // 2, side - side // 2), (0, 0)))
    words = _card_words(prediction, heat if line is not None else None, index, clip, choice)
    card = _card(words, prediction, picture.shape[1], len(clip), index)
    return np.concatenate([picture, card])


def png_bytes(picture: Picture) -> bytes:
    """Return a picture as a PNG file."""
    return bytes(cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))[1])


@dataclass(frozen=True, slots=True)
class _Words:
    text: str
    size: int
    colour: Colour


def _card(words: list[_Words], prediction: Prediction | None, width: int, frames: int, index: int) -> Picture:
    lines = [replace(item, text=part) for item in words for part in wrapped(item.text, item.size, width - 4 * _PAD)]
    height = 2 * _PAD + 26 + sum(_LINE if item.size < 20 else 34 for item in lines)
    image = Image.new("RGB", (width, height), PANEL)
    draw = ImageDraw.Draw(image)
    draw_time_ribbon(draw, prediction, (_PAD, 10, width - _PAD, 18), frames)
    at = _PAD + (width - 2 * _PAD) * (index + 0.5) / max(frames, 1)
    draw.rectangle((at - 1, 7, at + 1, 21), fill=TEXT)
    y = _PAD + 18
    for item in lines:
        left = _PAD
        if item.size >= 20 and prediction is not None:
            draw_icon(draw, prediction.label, _PAD, y + 3)
            left += 32
        draw.text((left, y), item.text, fill=item.colour, font=font(item.size))
        y += _LINE if item.size < 20 else 34
    return np.asarray(image, dtype=np.uint8)


def _card_words(
    prediction: Prediction | None, heat: MotionMap | None, index: int, clip: Clip, choice: PictureChoice
) -> list[_Words]:
    words = [_Words(HIDDEN if choice.hidden else NO_VERDICT, 15, TEXT)] if prediction is None else []
    if prediction is not None:
        words += _verdict_words(prediction)
    if heat is not None:
        words.append(_Words(heat_line(heat, choice.look), 13, MUTED))
    moment = f"frame {index + 1} of {len(clip)}, {clip.info.times_s[index]:.2f} s"
    words.append(_Words(f"{choice.name}, {moment}" if choice.name else moment.capitalize(), 13, MUTED))
    if prediction is not None:
        model = prediction.model
        words.append(_Words(f"Model {model.id} version {model.version} {model.sha256[:12]}".rstrip(), 13, MUTED))
        if model.trained_on:
            words.append(_Words(f"Trained on: {model.trained_on}", 13, MUTED))
    words += _foot_words(prediction)
    if choice.stamp is not None:
        words.append(_Words(f"{choice.stamp.program} · clip {choice.stamp.clip_id} · {choice.stamp.utc}", 13, MUTED))
    return words


def heat_line(heat: MotionMap, look: HeatLook | None = None) -> str:
    """Return what a heat map shows, with the ends of its scale in units."""
    look = look or HeatLook.of(heat)
    scale = f"{look.low:.3g} to {look.high:.3g} {heat.unit}".rstrip()
    return f"Heat map: {HEAT_WORDS[heat.quantity]}, {scale}{f', {heat.note}' if heat.note else ''}"


def _foot_words(prediction: Prediction | None) -> list[_Words]:
    lines = (RESEARCH_LINE,) if prediction is None else footer_lines(prediction)
    return [_Words(line, 13, MUTED) for line in lines]


def _verdict_words(prediction: Prediction) -> list[_Words]:
    label = prediction.label
    suffix = "" if label is SlidingLabel.CANNOT_ASSESS else f" ({label.value})"
    words = [_Words(label.wording + suffix, 22, VERDICT[label])]
    if label is SlidingLabel.CANNOT_ASSESS:
        words.append(_Words(CANNOT_ASSESS_ADVICE, 15, TEXT))
    if prediction.p_absent is not None:
        words.append(
            _Words(
                f"{probability_words(prediction)}, threshold {prediction.threshold:.2f} "
                f"({prediction.threshold_source})",
                15,
                TEXT,
            )
        )
    if prediction.motion_index is not None:
        words.append(_Words(f"Motion index {prediction.motion_index:.2f} (0 moves with the chest wall)", 15, TEXT))
    if prediction.hint:
        words.append(_Words(prediction.hint, 15, TEXT))
    return words + [_Words(flag.sentence, 15, TEXT) for flag in prediction.quality]


def draw_time_ribbon(
    draw: ImageDraw.ImageDraw, prediction: Prediction | None, box: tuple[int, int, int, int], frames: int
) -> None:
    """Draw p(absent) over the clip in the verdict's colours into a box (left, top, right, bottom)."""
    left, top, right, bottom = box
    draw.rectangle((left, top, right, bottom), fill=(38, 45, 55))
    if prediction is None:
        return
    values = probability_by_frame(prediction, frames)
    for k in np.flatnonzero(np.isfinite(values)):
        x0, x1 = left + (right - left) * k / frames, left + (right - left) * (k + 1) / frames
        draw.rectangle((x0, top, x1, bottom), fill=class_colour(float(values[k]), prediction))


def draw_icon(draw: ImageDraw.ImageDraw, label: SlidingLabel, x: int, y: int) -> None:
    """Draw a shape for each verdict, so that colour never stands alone: tick, bar, question mark in a ring."""
    colour = VERDICT[label]
    draw.ellipse((x, y, x + 22, y + 22), outline=colour, width=2)
    if label is SlidingLabel.LS_P:
        draw.line((x + 6, y + 11, x + 10, y + 16, x + 17, y + 7), fill=colour, width=2)
    elif label is SlidingLabel.LS_A:
        draw.line((x + 6, y + 11, x + 17, y + 11), fill=colour, width=3)
    else:
        draw.text((x + 7, y + 1), "?", fill=colour, font=font(17))


def wrapped(text: str, size: int, width: int) -> list[str]:
    """Return the lines of a text in the typeface of pictures, at most `width` pixels wide."""
    face, out = font(size), [""]
    for word in plain(text).split():
        longer = f"{out[-1]} {word}".strip()
        if face.getlength(longer) <= width or not out[-1]:
            out[-1] = longer
        else:
            out.append(word)
    return out
