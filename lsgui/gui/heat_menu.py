"""The button below the overlay switches that says how heat maps are drawn, and lets it be chosen."""

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QWidget

from lsgui.review.heat_style import COLOUR_WORDS, SCALE_WORDS, WINDOW_WORDS, HeatStyle
from lsgui.review.state import ReviewState

_PARTS: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    ("heat_window", "Averaged over", WINDOW_WORDS),
    ("heat_colours", "Colours", COLOUR_WORDS),
    ("heat_scale", "Colour scale", SCALE_WORDS),
)
"""Name of the setting, heading, and the choices with their words."""
_SHORT = {"moment": "this moment", "half": "0.5 s", "second": "1 s", "clip": "whole clip"}


class HeatMenu(QToolButton):
    """Shows time window and colours in a few words; its menu offers every choice and the hold of the scale."""

    choiceMade = Signal(str, str)
    """Name of a setting and its new value."""
    holdAsked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        # Ignored: its words, which change, never widen the column.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setToolTip("How heat maps are drawn: time (T), colours (C), colour scale (Shift+C), hold the scale (J)")
        self.setAccessibleName("How heat maps are drawn")
        menu = QMenu(self)
        self._choices: dict[tuple[str, str], QAction] = {}
        for name, heading, words in _PARTS:
            menu.addSection(heading)
            group = QActionGroup(menu)
            for value, text in words.items():
                action = menu.addAction(text)
                action.setCheckable(True)
                group.addAction(action)
                action.triggered.connect(lambda _on=False, n=name, v=value: self.choiceMade.emit(n, v))
                self._choices[name, value] = action
        menu.addSeparator()
        self._hold = menu.addAction("Hold the scale for the next clips")
        self._hold.setCheckable(True)
        self._hold.triggered.connect(lambda _on=False: self.holdAsked.emit())
        self.setMenu(menu)
        self._show(HeatStyle(), held=False, can_hold=False)

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render what differs between two states."""
        if (
            old is None
            or old.heat != new.heat
            or old.held_scales is not new.held_scales
            or old.analysis.maps is not new.analysis.maps
        ):
            held = bool(new.held_scales)
            self._show(new.heat, held=held, can_hold=held or bool(new.analysis.maps))

    def _show(self, style: HeatStyle, *, held: bool, can_hold: bool) -> None:
        for name, value in (
            ("heat_window", style.window),
            ("heat_colours", style.colours),
            ("heat_scale", style.scale),
        ):
            self._choices[name, value].setChecked(True)
        self._hold.setChecked(held)
        self._hold.setEnabled(can_hold)
        self.setText(f"Heat map: {_SHORT[style.window]}{' · scale held' if held else ''}  ▾")
