"""What would leave under a mask, as a picture for a person who has to approve it. It shows no pixel that is masked."""

import cv2
import numpy as np
from PIL import Image, ImageDraw

from lsgui.core.clip import Clip
from lsgui.export.annotated_frame import MUTED, PANEL, TEXT, Picture, fitted_view, font, plain
from lsgui.export.mask import PixelMask, masked_clip
from lsgui.export.picture import png_bytes, wrapped

COVERED = (24, 34, 78)
"""Masked parts are dark blue here, so that they are told from the dark parts of the picture; they leave as black."""
_SIDE, _PAD = 720, 16
_FRAMES = 60
_ADVICE = (
    "Blue is painted black in everything that leaves. Look at the rest: if a name, a number, a date or a place that "
    "says who this is can be read anywhere, cover it before you approve. Left: the brightest that each place gets in "
    "the clip, so that text shows even if it comes and goes. Right: the middle frame. Numbers are pixels of the file."
)


def brightest(clip: Clip) -> np.ndarray:
    """Return the brightest grey of every pixel over about 60 frames and the first and last, (height, width) uint8."""
    indices = np.unique(np.linspace(0, len(clip) - 1, min(_FRAMES, len(clip))).astype(int))
    out = clip.frame(int(indices[0])).copy()
    for index in indices[1:]:
        np.maximum(out, clip.frame(int(index)), out=out)
    return out


def preview_png(clip: Clip, mask: PixelMask) -> bytes:
    """Return the preview as a PNG file."""
    return png_bytes(preview_picture(clip, mask))


def preview_picture(clip: Clip, mask: PixelMask) -> Picture:
    """Return the brightest and the middle frame under a mask, with a scale in pixels and what to look for."""
    shown = masked_clip(clip, mask)
    covered = mask.blanked()
    parts = [_part(frame, covered) for frame in (brightest(shown), shown.frame(len(shown) // 2))]
    height, width = parts[0].shape[:2]
    lines = wrapped(_ADVICE, 15, 2 * width + _PAD)
    foot = 24 * len(lines) + 2 * _PAD
    image = Image.new("RGB", (2 * width + 3 * _PAD, height + foot + 2 * _PAD + 24), PANEL)
    draw = ImageDraw.Draw(image)
    for at, part in enumerate(parts):
        left = _PAD + at * (width + _PAD)
        draw.text((left, 10), plain(("Brightest of the clip", "Middle frame")[at]), fill=TEXT, font=font(15))
        image.paste(Image.fromarray(part), (left, _PAD + 20))
    y = height + 2 * _PAD + 30
    for line in lines:
        draw.text((_PAD, y), line, fill=MUTED, font=font(15))
        y += 24
    return np.asarray(image, dtype=np.uint8)


def _part(frame: np.ndarray, covered: np.ndarray) -> Picture:
    view = fitted_view((0, 0, frame.shape[1], frame.shape[0]), _SIDE, _SIDE, most=3.0)
    way = cv2.INTER_CUBIC if view.zoom_x > 1 else cv2.INTER_AREA
    picture: Picture = np.repeat(cv2.resize(frame, view.size, interpolation=way)[..., None], 3, axis=2)
    hidden = cv2.resize(covered.astype(np.uint8), view.size, interpolation=cv2.INTER_NEAREST) > 0
    picture[hidden] = COVERED
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    for across, size, zoom in ((True, frame.shape[1], view.zoom_x), (False, frame.shape[0], view.zoom_y)):
        step = next(s for s in (50, 100, 200, 500, 1000, 10_000) if size / s <= 8)
        for pixel in range(step, size, step):
            at = pixel * zoom
            place = (at, 2) if across else (2, at)
            draw.text(place, str(pixel), fill=MUTED, font=font(11), anchor="ma" if across else "lm")
    return np.asarray(image, dtype=np.uint8)
