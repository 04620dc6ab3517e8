"""What every overlay knows and does, and the table of them. A new overlay is one new file in this folder."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import ClassVar, Literal, cast

from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QPainter

import lsgui.gui.overlays as room
from lsgui.core.pleura import Polyline
from lsgui.core.registry import Registry
from lsgui.gui.view_transform import ViewTransform
from lsgui.review.state import OverlaySwitch, ReviewState

Corner = Literal["top_left", "top_right", "bottom_left", "bottom_right"]

_MARGIN = 12.0
_GAP = 8.0


class Corners:
    """Gives places in the corners of the view to overlays of fixed size, so that none covers another."""

    def __init__(self, view: QRectF) -> None:
        self._view = view.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        self._taken: list[QRectF] = []

    def place(self, corner: Corner, size: QSizeF) -> QRectF | None:
        """Return a free rectangle in a corner, below or above what is already there; None where there is no room."""
        top = corner.startswith("top")
        left = self._view.left() if corner.endswith("left") else self._view.right() - size.width()
        y = self._view.top() if top else self._view.bottom() - size.height()
        box = QRectF(QPointF(left, y), size)
        for taken in sorted(self._taken, key=lambda r: r.top(), reverse=not top):
            if box.intersects(taken.adjusted(-_GAP, 0, _GAP, 0)):
                box.moveTop(taken.bottom() + _GAP if top else taken.top() - _GAP - size.height())
        if not self._view.adjusted(-1, -1, 1, 1).contains(box):
            return None
        self._taken.append(box)
        return box


@dataclass(frozen=True, slots=True, eq=False)
class OverlayScene:
    """What an overlay may look at while it paints.

    Attributes
    ----------
    state
        All that the window shows.
    frame, time_s
        The frame that is shown and its moment in the clip.
    transform
        From pixels of the clip to points of the view.
    line
        The pleural line of this frame in clip pixels, as it is set or as it is being dragged; None without one.
    selected
        The handle of the line that keys act on.
    device_ratio
        Device pixels per point.
    corners
        Places for overlays of fixed size.
    """

    state: ReviewState
    frame: int
    time_s: float
    transform: ViewTransform
    line: Polyline | None
    corners: Corners
    selected: int | None = None
    device_ratio: float = 1.0

    def switch(self, name: str) -> OverlaySwitch:
        """Return how an overlay is switched; one that has no switch is shown."""
        switches = cast("Mapping[str, OverlaySwitch]", self.state.overlays)
        return switches.get(name, OverlaySwitch())

    @property
    def analysed_line(self) -> Polyline | None:
        """The line of this frame that the analysis was made for, to lay its maps along; None without a line.

        A corrected line does not carry the former one's maps along: they stay where they were measured.
        """
        made_for = self.state.analysis.roi
        if self.line is None or made_for is None:
            return self.line
        return made_for.line_at(self.frame)

    @property
    def threshold(self) -> float:
        """The probability that parts the verdicts; 0.5 until there is a verdict that names its own."""
        prediction = self.state.analysis.prediction
        return 0.5 if prediction is None else prediction.threshold


class Overlay(ABC):
    """Something laid over the clip.

    A subclass is registered in `OVERLAYS` under the name it has in `ReviewState.overlays`. Overlays are painted in
    rising `level` on every frame, so `paint` must take well under a millisecond or remember what it made.
    """

    title: ClassVar[str]
    """What its switch says."""
    hint: ClassVar[str] = ""
    """Its tooltip: what is to be seen, in one sentence."""
    level: ClassVar[int] = 50
    row: ClassVar[int] = 50
    """Where its switch stands among the others."""
    switchable: ClassVar[bool] = True
    """False for a companion of other overlays, which needs no switch of its own."""
    has_opacity: ClassVar[bool] = False
    shows_verdict: ClassVar[bool] = False
    """True when it gives the AI's answer away: a blind reader does not see it."""
    always: ClassVar[bool] = False
    """True when clearing the overlays leaves it."""

    @abstractmethod
    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint into the view, in points of the view."""


OVERLAYS: Registry[type[Overlay]] = Registry("overlay")


def find_overlays() -> tuple[tuple[str, type[Overlay]], ...]:
    """Load every file of this folder once and return the overlays, lowest first."""
    for module in iter_modules(room.__path__):
        import_module(f"{room.__name__}.{module.name}")
    return tuple(sorted(OVERLAYS.items(), key=lambda item: item[1].level))


@dataclass(slots=True)
class OverlayStack:
    """The overlays of one view."""

    parts: tuple[tuple[str, Overlay], ...] = field(
        default_factory=lambda: tuple((name, kind()) for name, kind in find_overlays())
    )

    def paint(self, painter: QPainter, scene: OverlayScene) -> None:
        """Paint every overlay that is switched on and may be seen."""
        for name, overlay in self.parts:
            switch = scene.switch(name)
            if overlay.shows_verdict and scene.state.verdict_hidden:
                continue
            if not overlay.always and not (scene.state.overlays_shown and switch.shown):
                continue
            painter.save()
            overlay.paint(painter, scene, switch.opacity)
            painter.restore()
