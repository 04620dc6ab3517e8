"""Measures whether the window stutters: the gaps of a 16 ms timer in the event loop."""

import time

from PySide6.QtCore import QObject, Qt, QTimer

TICK_MS = 16


class StallWatch(QObject):
    """Runs from its making until `stop`.

    Attributes
    ----------
    gaps_ms
        Time between two ticks: what a person would see.
    busy_ms
        Processor time that the GUI thread itself used between two ticks: its own share of a gap, whatever else the
        machine does.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.gaps_ms: list[float] = []
        self.busy_ms: list[float] = []
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timer_timeout)
        self._last = (time.perf_counter(), time.thread_time())
        self._timer.start(TICK_MS)

    @property
    def longest_ms(self) -> float:
        """The longest gap so far."""
        return max(self.gaps_ms, default=0.0)

    @property
    def busiest_ms(self) -> float:
        """The longest time that the GUI thread itself worked without a tick."""
        return max(self.busy_ms, default=0.0)

    def stop(self) -> None:
        """End the measurement; the gap that is open counts."""
        if self._timer.isActive():
            self._on_timer_timeout()
            self._timer.stop()

    def _on_timer_timeout(self) -> None:
        now = (time.perf_counter(), time.thread_time())
        self.gaps_ms.append((now[0] - self._last[0]) * 1000.0)
        self.busy_ms.append((now[1] - self._last[1]) * 1000.0)
        self._last = now
