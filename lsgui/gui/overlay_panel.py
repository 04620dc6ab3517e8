"""Which overlays lie on the clip, and how opaque: a switch and, where it helps, a slider for each."""

from collections.abc import Mapping
from typing import cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QSlider, QVBoxLayout, QWidget

from lsgui.gui.heat_menu import HeatMenu
from lsgui.gui.overlays.base import find_overlays
from lsgui.gui.overlays.heatmap import HeatMap
from lsgui.gui.theme import SPACE, set_look
from lsgui.gui.toggle_switch import ToggleSwitch
from lsgui.review.state import OverlaySwitch, ReviewState

_KEYS = {
    "pleural_line": "1",
    "speckle_change": "H",
    "flow": "Shift+H",
    "class_ribbon": "4",
    "badge": "5",
    "scale_bar": "6",
    "flow_arrows": "7",
    "focus": "8, G computes it",
}
"""For the tooltips; the keys themselves are bound by the table of actions."""


class OverlayPanel(QWidget):
    """One row for every overlay that can be switched; the rows come from the table of overlays."""

    overlaySwitched = Signal(str, bool)
    overlayOpacity = Signal(str, float)
    heatChosen = Signal(str, str)
    """Name of a setting of the heat maps and its new value."""
    scaleHoldAsked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * SPACE)
        heading = QLabel("OVERLAYS")
        set_look(heading, "heading")
        column.addWidget(heading)
        self._cleared = QLabel("All overlays are cleared: O brings them back.")
        self._cleared.setWordWrap(True)
        set_look(self._cleared, "warning")
        self._cleared.setVisible(False)
        column.addWidget(self._cleared)
        card = QFrame()
        set_look(card, "card")
        column.addWidget(card)
        grid = QGridLayout(card)
        grid.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        grid.setHorizontalSpacing(3 * SPACE)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(0, 1)
        self._titles: dict[str, str] = {}
        self._switches: dict[str, ToggleSwitch] = {}
        self._sliders: dict[str, QSlider] = {}
        rows = sorted((item for item in find_overlays() if item[1].switchable), key=lambda item: item[1].row)
        for row, (name, kind) in enumerate(rows):
            key = f"  ({_KEYS[name]})" if name in _KEYS else ""
            switch = ToggleSwitch(kind.title)
            switch.setToolTip(f"{kind.hint}{key}")
            switch.clicked.connect(lambda on, which=name: self.overlaySwitched.emit(which, on))
            grid.addWidget(switch, row, 0, Qt.AlignmentFlag.AlignLeft)
            self._titles[name] = kind.title
            self._switches[name] = switch
            if kind.has_opacity:
                self._sliders[name] = self._slider(name, kind.title)
                grid.addWidget(self._sliders[name], row, 1)
        self.heat_menu = HeatMenu()
        self.heat_menu.choiceMade.connect(self.heatChosen)
        self.heat_menu.holdAsked.connect(self.scaleHoldAsked)
        grid.setRowMinimumHeight(len(rows), 2 * SPACE)
        grid.addWidget(self.heat_menu, len(rows) + 1, 0, 1, 2)
        self._units = {n: kind.quantity for n, kind in rows if issubclass(kind, HeatMap)}

    def _slider(self, name: str, title: str) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(10, 100)
        slider.setFixedWidth(84)
        slider.setAccessibleName(f"{title}: opacity")
        slider.setToolTip(f"How opaque {title.lower()} lies over the clip")
        slider.valueChanged.connect(lambda value, which=name: self.overlayOpacity.emit(which, value / 100))
        return slider

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render what differs between two states."""
        self.heat_menu.apply(old, new)
        if old is None or old.overlays is not new.overlays:
            switches = cast("Mapping[str, OverlaySwitch]", new.overlays)
            for name, switch in self._switches.items():
                self._show(name, switches.get(name, OverlaySwitch()), switch)
        if old is None or old.overlays_shown != new.overlays_shown:
            self._cleared.setVisible(not new.overlays_shown)
        if old is None or old.analysis.maps is not new.analysis.maps:
            for name, quantity in self._units.items():
                motion = new.analysis.maps.get(quantity)
                unit = f" ({motion.unit})" if motion is not None and motion.unit else ""
                self._switches[name].set_words(self._titles[name] + unit)

    def _show(self, name: str, state: OverlaySwitch, switch: ToggleSwitch) -> None:
        switch.set_on(state.shown)
        slider = self._sliders.get(name)
        if slider is None:
            return
        slider.setEnabled(state.shown)
        value = round(state.opacity * 100)
        if slider.value() != value:
            slider.blockSignals(True)
            slider.setValue(value)
            slider.blockSignals(False)
