"""Holds the one `ReviewState` of the window and tells of every change."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from lsgui.review.settings import Settings
from lsgui.review.state import ReviewState


class StateKeeper(QObject):
    """The state and the settings; only the controller and its parts hold one.

    A change made by a listener is told after the running one has reached every listener, so that all see the same
    steps in the same order.
    """

    stateChanged = Signal(object, object)
    settingsChanged = Signal(object, object)

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._telling = False
        self._state = ReviewState(
            blind=settings.blind,
            model_id=settings.model_id,
            device=settings.device,
            rater=settings.rater.strip(),
            sitting=int(settings.sitting),
            heat=settings.heat,
            mmode_stacked=settings.mmode_pair == "stacked",
            flow=settings.flow,
        )

    @property
    def state(self) -> ReviewState:
        """What the window shows."""
        return self._state

    @property
    def settings(self) -> Settings:
        """The user's settings."""
        return self._settings

    def change(self, transition: Callable[[ReviewState], ReviewState]) -> None:
        """Replace the state by what `transition` makes of it, and tell the listeners."""
        told = self._state
        self._state = transition(told)
        if self._telling:
            return
        self._telling = True
        try:
            while told is not self._state:
                before, told = told, self._state
                self.stateChanged.emit(before, told)
        finally:
            self._telling = False

    def change_settings(self, settings: Settings) -> None:
        """Replace the settings, and tell the listeners."""
        before, self._settings = self._settings, settings
        if before != settings:
            self.settingsChanged.emit(before, settings)
