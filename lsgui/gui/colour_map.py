"""Colours that carry numbers: the blend of verdict colours for a probability."""

import math

from PySide6.QtGui import QColor

from lsgui.core.label import SlidingLabel
from lsgui.gui.theme import Tokens


def label_colour(label: SlidingLabel | None, tokens: Tokens) -> QColor:
    """Return the colour of a verdict; muted for none."""
    if label is None:
        return QColor(tokens.muted)
    names = {SlidingLabel.LS_P: tokens.present, SlidingLabel.LS_A: tokens.absent}
    return QColor(names.get(label, tokens.unsure))


def probability_colour(p_absent: float, threshold: float, tokens: Tokens) -> QColor:
    """Return the colour of a probability of absent sliding: present, unsure at the threshold, absent; muted for NaN.

    Half-way from the threshold to certainty the colour of the class is reached, so that blends are the exception.
    """
    if not math.isfinite(p_absent):
        return QColor(tokens.muted)
    side = (1.0 - threshold) if p_absent >= threshold else threshold
    weight = min(abs(p_absent - threshold) / max(0.5 * side, 1e-6), 1.0)
    return mixed(QColor(tokens.unsure), QColor(tokens.absent if p_absent >= threshold else tokens.present), weight)


def mixed(first: QColor, second: QColor, weight: float) -> QColor:
    """Return the blend of two colours; weight 0 is the first, 1 the second."""
    return QColor.fromRgbF(
        (1.0 - weight) * first.redF() + weight * second.redF(),
        (1.0 - weight) * first.greenF() + weight * second.greenF(),
        (1.0 - weight) * first.blueF() + weight * second.blueF(),
    )


def with_alpha(colour: str | QColor, alpha: float) -> QColor:
    """Return a colour at an opacity of 0 to 1."""
    out = QColor(colour)
    out.setAlphaF(min(max(alpha, 0.0), 1.0))
    return out
