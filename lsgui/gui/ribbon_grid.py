"""The class ribbon over time as an image: one row a stretch of pleura, one column a moment."""

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QColor, QImage

from lsgui.core.prediction import Prediction, Ribbon
from lsgui.gui.colour_map import mixed, probability_colour
from lsgui.gui.theme import Tokens
from lsgui.gui.time_axis import TimeAxis

Probabilities = npt.NDArray[np.float64]


def stretch_probabilities(prediction: Prediction | None, frames: int) -> Probabilities | None:
    """Return p(absent) of every stretch of pleura at every frame, (stretches, frames): the mean of the windows there.

    NaN where none was scored; None where the model does not judge stretches one by one.
    """
    ribbon: Ribbon | None = None if prediction is None else prediction.ribbon
    if prediction is None or ribbon is None or ribbon.p_absent.size == 0 or not prediction.tells_stretches:
        return None
    stretches = ribbon.p_absent.shape[1]
    total, count = np.zeros((stretches, frames)), np.zeros((stretches, frames))
    for row, start, stop in zip(ribbon.p_absent, ribbon.starts, ribbon.stops, strict=True):
        known = np.isfinite(row)
        span = slice(max(int(start), 0), int(stop))
        total[known, span] += row[known, None]
        count[known, span] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def grid_image(
    values: Probabilities, axis: TimeAxis, width: int, threshold: float, strength: float, look: Tokens
) -> QImage:
    """Return the image of (stretches, frames) probabilities, `width` pixels wide and a pixel high for each stretch.

    The first row is the line's first stretch. `strength` blends the verdict's colours with the track's, 0 to 1.
    """
    wheel = [probability_colour(level / 255, threshold, look) for level in range(256)] + [QColor(look.line)]
    table = np.array([mixed(QColor(look.raised), colour, strength).rgba() for colour in wheel], dtype=np.uint32)
    moments = (np.arange(width) + 0.5) / max(width, 1) * axis.timeline.end_s
    frames = np.clip(np.searchsorted(axis.timeline.starts, moments, side="right") - 1, 0, values.shape[1] - 1)
    shown = values[:, frames]
    known = np.isfinite(shown)
    level = np.where(known, np.rint(np.where(known, shown, 0.0) * 255), 256).astype(np.intp)
    pixels = np.ascontiguousarray(table[level])
    image = QImage(pixels.data, width, len(values), 4 * width, QImage.Format.Format_ARGB32)
    return image.copy()  # owns its pixels: the array goes away
