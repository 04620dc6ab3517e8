"""Which columns are shown: what the reader asked for, less what a small window has no room for."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

LEFT_FROM = 1100
RIGHT_FROM = 820
MMODE_FROM = 560
"""Width, and for the M-mode height, of the window from which a column has room beside the clip."""


class Columns(QObject):
    """Hides the worklist, then the right column, then the M-mode as the window gets small; brings them back after.

    A column that the reader opens in a small window stays open until the window changes its size again.
    """

    def __init__(self, left: QWidget, right: QWidget, mmode: QWidget, parent: QObject) -> None:
        super().__init__(parent)
        self._widgets = {"left": left, "right": right, "mmode": mmode}
        self._wanted = {"left": True, "right": True, "mmode": True}
        self._fits = {"left": True, "right": True, "mmode": True}
        self._present = {"left": True, "right": True, "mmode": True}

    def fit(self, width: int, height: int) -> None:
        """Take note of the window's size."""
        fits = {"left": width >= LEFT_FROM, "right": width >= RIGHT_FROM, "mmode": height >= MMODE_FROM}
        if fits != self._fits:
            self._fits = fits
            self._show()

    def toggle(self, name: str) -> None:
        """Show or hide a column because the reader asks for it."""
        shown = not self._widgets[name].isHidden()
        self._wanted[name] = not shown
        if not shown:
            self._fits[name] = True
        self._show()

    def set_present(self, name: str, present: bool) -> None:
        """Say whether a column has anything to show at all."""
        if self._present[name] != present:
            self._present[name] = present
            self._show()

    def wanted(self) -> dict[str, bool]:
        """Return what the reader asked for, to be remembered."""
        return dict(self._wanted)

    def set_wanted(self, wanted: dict[str, bool]) -> None:
        """Take over what was remembered."""
        self._wanted.update({name: bool(value) for name, value in wanted.items() if name in self._wanted})
        self._show()

    def _show(self) -> None:
        for name, widget in self._widgets.items():
            widget.setVisible(self._wanted[name] and self._fits[name] and self._present[name])
